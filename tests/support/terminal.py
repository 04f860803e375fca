#!/usr/bin/python3
"""terminal.py OUT COLUMNS ROWS [--type PATTERN TEXT | --resize PATTERN COLUMNSxROWS | --signal PATTERN NUMBER]... CMD...: run CMD on a terminal.

It exits as CMD does (128 + signal).

OUT         all bytes that CMD wrote
OUT.screen  what can then be read on the terminal, scrolled-off lines too; "unknown: SEQUENCE" for what it cannot follow,
            "modes changed" if it is not left as it was
--type      types TEXT (\\x03 is Ctrl-C) once PATTERN, a regular expression, was seen in the bytes since the one before
--resize    likewise gives the terminal another size
--signal    likewise sends CMD a signal, by its number
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


def set_size(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))


def act(fd, pid, what, text):
    if what == '--signal':
        os.kill(pid, int(text))
    elif what == '--resize':
        set_size(fd, *(int(number) for number in text.split('x')))
    else:
        os.write(fd, text.encode().decode('unicode_escape').encode('latin1'))


out, columns, rows, args = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
actions = []
while args[0] in ('--type', '--resize', '--signal'):
    actions.append((args[0], args[1].encode(), args[2]))
    args = args[3:]
usual = termios.tcgetattr(os.openpty()[1])
pid, fd = pty.fork()
if pid == 0:
    set_size(0, columns, rows)
    os.execvp(args[0], args)
data, seen = b'', 0
with open(out, 'wb', buffering=0) as file:
    while True:
        try:
            part = os.read(fd, 65536)
        except OSError:
            break
        if not part:
            break
        file.write(part)
        data += part
        while actions and (found := re.compile(actions[0][1]).search(data, seen)):
            seen = found.end()
            act(fd, pid, actions[0][0], actions[0][2])
            actions.pop(0)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
screen = Screen(columns, rows)
modes = [] if termios.tcgetattr(fd) == usual else ['modes changed']
screen.feed(data.decode('utf8', 'replace'))
with open(out + '.screen', 'w') as file:
    file.write('\n'.join([screen.text()] + modes))
sys.exit(status if status >= 0 else 128 - status)
