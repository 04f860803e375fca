#include "job/lines.h"

#include <errno.h>
#include <string.h>

#define LINES_KEPT_BYTES_MAX (64U * 1024) /* a stream that had one huge line does not keep its memory */

void lines_init(Lines *lines, LineSink sink, void *userdata) {
        *lines = (Lines) { .pending = STR_INIT(LINE_BYTES_MAX), .sink = sink, .userdata = userdata };
}

static void forget_pending(Lines *lines) {
        if (lines->pending.allocated > LINES_KEPT_BYTES_MAX)
                str_done(&lines->pending);
        else
                str_clear(&lines->pending);
}

/* Bytes of one line, without its end. A piece is cut off only when more of its line is there. */
static int add(Lines *lines, const char *bytes, size_t n) {
        while (n > LINE_BYTES_MAX - lines->pending.n) {
                size_t room = LINE_BYTES_MAX - lines->pending.n;
                int r;

                r = str_append_n(&lines->pending, bytes, room);
                if (r < 0)
                        return r;
                lines->sink(lines->pending.bytes, lines->pending.n, true, lines->userdata);
                str_clear(&lines->pending);
                bytes += room;
                n -= room;
        }
        return str_append_n(&lines->pending, bytes, n);
}

int lines_feed(Lines *lines, const char *bytes, size_t n) {
        const char *end = bytes + n, *newline;
        int r;

        for (; bytes < end && (newline = memchr(bytes, '\n', (size_t) (end - bytes))); bytes = newline + 1) {
                size_t n_line = (size_t) (newline - bytes);

                if (lines->pending.n == 0 && n_line <= LINE_BYTES_MAX) {
                        lines->sink(bytes, n_line, false, lines->userdata);
                        continue;
                }
                r = add(lines, bytes, n_line);
                if (r < 0)
                        return r;
                lines->sink(lines->pending.bytes, lines->pending.n, false, lines->userdata);
                forget_pending(lines);
        }
        return bytes < end ? add(lines, bytes, (size_t) (end - bytes)) : 0;
}

void lines_end(Lines *lines) {
        if (lines->pending.n > 0)
                lines->sink(lines->pending.bytes, lines->pending.n, true, lines->userdata);
        forget_pending(lines);
}

void lines_done(Lines *lines) {
        str_done(&lines->pending);
}
