#include "cli/terminal.h"

#include <string.h>
#include <sys/ioctl.h>

#include "base/utf8.h"

#define SGR_BYTES_MAX 64 /* "\x1b[38;2;255;255;255;48;2;255;255;255m" has 37 */
#define COLUMNS_DEFAULT 80
#define ROWS_DEFAULT 24

/* Bytes of a control string (window title, ...) up to and with its end: BEL or ESC \. */
static size_t skip_string(const char *s, size_t n) {
        for (size_t i = 2; i < n; i++) {
                if (s[i] == '\a')
                        return i + 1;
                if (s[i] == '\x1b')
                        return i + 1 < n && s[i + 1] == '\\' ? i + 2 : i;
        }
        return n;
}

static size_t span(const char *s, size_t n, size_t i, unsigned char lowest, unsigned char highest) {
        while (i < n && (unsigned char) s[i] >= lowest && (unsigned char) s[i] <= highest)
                i++;
        return i;
}

/* ECMA-48: parameters, intermediates, one final byte. A broken one ends before the byte that does not belong to it. */
static size_t skip_csi(const char *s, size_t n, bool *ret_is_color) {
        size_t parameters = span(s, n, 2, 0x30, 0x3f), end = span(s, n, parameters, 0x20, 0x2f);

        if (end == n || (unsigned char) s[end] < 0x40 || (unsigned char) s[end] > 0x7e)
                return end;
        *ret_is_color = s[end] == 'm' && end == parameters && end < SGR_BYTES_MAX && span(s, n, 2, '0', ';') == end;
        return end + 1;
}

/* Bytes of an escape sequence. */
static size_t skip_escape(const char *s, size_t n, bool *ret_is_color) {
        size_t end;

        if (n < 2)
                return n;
        if (s[1] == '[')
                return skip_csi(s, n, ret_is_color);
        if (strchr("]PX^_", s[1]) && s[1])
                return skip_string(s, n);
        end = span(s, n, 1, 0x20, 0x2f);
        return end < n && (unsigned char) s[end] >= 0x30 && (unsigned char) s[end] <= 0x7e ? end + 1 : end;
}

/* The eight-bit control characters, and those that turn the direction of writing. */
static bool is_hidden(const char *s, size_t n) {
        const unsigned char *u = (const unsigned char *) s;

        if (n == 2)
                return u[0] == 0xc2 && u[1] < 0xa0;
        return n == 3 && u[0] == 0xe2 &&
               ((u[1] == 0x80 && u[2] >= 0xa8 && u[2] <= 0xae) || (u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9));
}

/* One character that is not printable ASCII; returns its bytes. */
static size_t append_special(Str *out, const char *s, size_t n, TerminalStyle style, bool *has_color) {
        size_t length;

        if (*s == '\x1b') {
                bool is_color = false;

                length = skip_escape(s, n, &is_color);
                if (is_color && style.color) {
                        (void) str_append_n(out, s, length);
                        *has_color = true;
                }
                return length;
        }
        if (*s == '\t')
                (void) str_append_char(out, '\t');
        if ((unsigned char) *s < 0x80)
                return 1;
        length = utf8_length(s, n);
        if (length == 0)
                (void) str_append(out, style.unicode ? "\xef\xbf\xbd" : "?");
        else if (!is_hidden(s, length))
                (void) str_append_n(out, s, length);
        return MAX(length, (size_t) 1);
}

void terminal_append(Str *out, const char *line, size_t n, TerminalStyle style) {
        bool has_color = false;
        const char *overwritten;

        while (n > 0 && line[n - 1] == '\r')
                n--;
        overwritten = n > 0 ? memrchr(line, '\r', n) : NULL;
        if (overwritten) {
                n -= (size_t) (overwritten + 1 - line);
                line = overwritten + 1;
        }
        for (size_t i = 0; i < n;) {
                size_t end = span(line, n, i, 0x20, 0x7e);

                (void) str_append_n(out, line + i, end - i);
                i = end;
                if (i < n)
                        i += append_special(out, line + i, n - i, style, &has_color);
        }
        if (has_color)
                (void) str_append(out, "\x1b[0m");
}

/*
 * From U+1100 on (Hangul, CJK, most symbols for pictures) two columns are assumed; the arrows and marks below U+2E80
 * take one.
 */
static size_t character_columns(const char *s, size_t length) {
        unsigned char second = length > 1 ? (unsigned char) s[1] : 0;

        switch (length) {
        case 3:
                return (unsigned char) s[0] > 0xe2 || ((unsigned char) s[0] == 0xe2 && second >= 0xba) ||
                                       ((unsigned char) s[0] == 0xe1 && second >= 0x84 && second < 0x86)
                               ? 2
                               : 1;
        case 4:
                return 2;
        default:
                return 1;
        }
}

size_t terminal_cut(const char *text, size_t n, size_t columns) {
        size_t i = 0;

        while (i < n) {
                size_t length = MAX(utf8_length(text + i, n - i), (size_t) 1),
                       width = character_columns(text + i, length);

                if (width > columns)
                        break;
                columns -= width;
                i += length;
        }
        return i;
}

size_t terminal_columns(const char *text, size_t n) {
        size_t columns = 0;

        for (size_t i = 0; i < n;) {
                size_t length = MAX(utf8_length(text + i, n - i), (size_t) 1);

                columns += character_columns(text + i, length);
                i += length;
        }
        return columns;
}

void terminal_size(int fd, unsigned *ret_columns, unsigned *ret_rows) {
        struct winsize size = { 0 };

        (void) ioctl(fd, TIOCGWINSZ, &size);
        *ret_columns = size.ws_col ? size.ws_col : COLUMNS_DEFAULT;
        *ret_rows = size.ws_row ? size.ws_row : ROWS_DEFAULT;
}
