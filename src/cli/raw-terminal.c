#include "cli/raw-terminal.h"

#include <errno.h>
#include <sys/ioctl.h>

#define ROWS_DEFAULT 24
#define COLUMNS_DEFAULT 80

int raw_terminal_begin(RawTerminal *terminal, int fd) {
        struct termios raw;

        if (!terminal->is_raw && tcgetattr(fd, &terminal->before) < 0)
                return -errno;
        raw = terminal->before;
        cfmakeraw(&raw);
        if (tcsetattr(fd, TCSADRAIN, &raw) < 0)
                return -errno;
        terminal->fd = fd;
        terminal->is_raw = true;
        return 0;
}

void raw_terminal_end(RawTerminal *terminal) {
        if (terminal->is_raw)
                (void) tcsetattr(terminal->fd, TCSADRAIN, &terminal->before);
        terminal->is_raw = false;
}

TerminalSize raw_terminal_size(int fd) {
        struct winsize size;

        if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
                return (TerminalSize) { ROWS_DEFAULT, COLUMNS_DEFAULT };
        return (TerminalSize) { size.ws_row, size.ws_col };
}
