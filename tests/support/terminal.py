#!/usr/bin/python3
"""terminal.py OUT COLUMNS ROWS [--type PATTERN TEXT] CMD...: run CMD on a terminal; exits as it does (128 + signal).

OUT         all bytes that CMD wrote
OUT.screen  what can then be read on the terminal, scrolled-off lines too; "unknown: SEQUENCE" for what it cannot follow
--type      types TEXT (\\x03 is Ctrl-C) once PATTERN, a regular expression on the bytes so far, was seen
"""
import fcntl
import os
import pty
import re
import struct
import sys
import termios


class Screen:
    """As much of a terminal as a well-behaved program needs. Lines above the window can be read but not written."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.lines, self.row, self.column, self.top = [''], 0, 0, 0
        self.cursor_visible, self.unknown = True, []

    def newline(self):
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append('')
        self.top = max(self.top, self.row - self.rows + 1)

    def put(self, char):
        if self.column == self.columns:
            self.newline()
            self.column = 0
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[:self.column] + char + line[self.column + 1:]
        self.column += 1

    def sequence(self, text):
        found = re.fullmatch(r'\x1b\[(\??)([0-9;]*)([A-Za-z])', text)
        private, numbers, final = found.groups() if found else ('', '', '')
        if final == 'm' and not private:
            return
        if private and final in 'hl' and numbers in ('25', '2026'):
            if numbers == '25':
                self.cursor_visible = final == 'h'
        elif final == 'A':
            self.row = max(self.row - int(numbers or 1), self.top)
        elif final == 'J' and numbers in ('', '0'):
            del self.lines[self.row + 1:]
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif final == 'K' and numbers in ('', '0'):
            self.lines[self.row] = self.lines[self.row][:self.column]
        else:
            self.unknown.append(text)

    def feed(self, text):
        for part in re.findall(r'\x1b\[[0-?]*[ -/]*[@-~]|\x1b[^\[]|[\s\S]', text):
            if part[0] == '\x1b':
                self.sequence(part)
            elif part == '\n':
                self.newline()
            elif part == '\r':
                self.column = 0
            elif part == '\t':
                self.column = min(self.column // 8 * 8 + 8, self.columns - 1)
            elif part >= ' ' and part != '\x7f':
                self.put(part)
            else:
                self.unknown.append(part)

    def text(self):
        state = [] if self.cursor_visible else ['cursor hidden']
        return '\n'.join(self.lines + state + ['unknown: %r' % part for part in self.unknown])


out, columns, rows, args = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
pattern = typed = None
if args[0] == '--type':
    pattern, typed, args = args[1].encode(), args[2].encode().decode('unicode_escape').encode('latin1'), args[3:]
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
    os.execvp(args[0], args)
data = b''
with open(out, 'wb') as file:
    while True:
        try:
            part = os.read(fd, 65536)
        except OSError:
            break
        if not part:
            break
        file.write(part)
        data += part
        if pattern and re.search(pattern, data):
            os.write(fd, typed)
            pattern = None
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
screen = Screen(columns, rows)
screen.feed(data.decode('utf8', 'replace'))
with open(out + '.screen', 'w') as file:
    file.write(screen.text())
sys.exit(status if status >= 0 else 128 - status)
