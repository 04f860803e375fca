#include "document/source.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
#include "base/str.h"
#include "base/utf8.h"

#define NAME_SHOWN_MAX 300 /* bytes of a file name in a message */
#define BOM "\xef\xbb\xbf"

#define LINE_END_FIRSTS "\n\r\xc2\xe2" /* first bytes of what line_end_length() knows */

/* Bytes of the line end that stands here, 0 if there is none. A NUL follows the text: looking ahead is safe. */
static size_t line_end_length(const char *p) {
        switch ((unsigned char) *p) {
        case '\n':
                return 1;
        case '\r':
                return p[1] == '\n' ? 2 : 1;
        case 0xc2:
                return p[1] == '\x85' ? 2 : 0;
        case 0xe2:
                return p[1] == '\x80' && (p[2] == '\xa8' || p[2] == '\xa9') ? 3 : 0;
        default:
                return 0;
        }
}

static int split_lines(Source *source) {
        const char *end = source->text + source->n_text;
        int r;

        r = ARRAY_APPEND(source->lines, source->n_lines, source->text);
        for (const char *p = source->text; p < end && r == 0;) {
                size_t k;

                p += strcspn(p, LINE_END_FIRSTS); /* stops at a NUL as well, which is found out later */
                if (p >= end)
                        break;
                k = line_end_length(p);
                p += k ? k : 1;
                if (k > 0)
                        r = ARRAY_APPEND(source->lines, source->n_lines, p);
        }
        return r;
}

static int check_text(const Source *source, const char *name, Error **reterr) {
        size_t n, k;
        Mark mark;

        if (str_starts_with(source->text, "\xff\xfe") || str_starts_with(source->text, "\xfe\xff"))
                return error_set(reterr, EBADMSG, "'%s' is UTF-16 text; save it as UTF-8", name);
        if (memchr(source->text, '\0', source->n_text))
                return error_set(reterr, EBADMSG, "'%s' looks like a binary file: it holds a NUL byte", name);
        n = utf8_skip_ascii(source->text, source->n_text);
        while (n < source->n_text && (k = utf8_length(source->text + n, source->n_text - n)) > 0) {
                n += k;
                if (k > 1)
                        n += utf8_skip_ascii(source->text + n, source->n_text - n);
        }
        if (n == source->n_text)
                return 0;
        mark = source_mark_at(source, n);
        return error_set(reterr, EBADMSG, "'%s' is not UTF-8 text: byte 0x%02x in line %u, column %u; save it as UTF-8",
                         name, (unsigned char) source->text[n], mark.line, mark.column);
}

int source_new_take(const char *name, char *text, size_t n_text, Source **ret, Error **reterr) {
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_free_ char *shown = NULL;
        int r;

        source = calloc(1, sizeof(*source));
        if (!source) {
                free(text);
                return error_oom(reterr);
        }
        source->text = text;
        source->n_text = n_text;
        source->name = strdup(name);
        shown = str_escape(name, strlen(name), NAME_SHOWN_MAX);
        if (!source->name || !shown)
                return error_oom(reterr);
        if (n_text > SOURCE_BYTES_MAX)
                return error_set(reterr, EFBIG, "'%s' is too large: the limit is %u MiB", shown,
                                 SOURCE_BYTES_MAX >> 20);
        if (str_starts_with(text, BOM)) {
                source->n_text -= strlen(BOM);
                memmove(text, text + strlen(BOM), source->n_text + 1);
        }
        if (split_lines(source) < 0)
                return error_oom(reterr);
        r = check_text(source, shown, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(source);
        return 0;
}

static int read_failed(const char *path, int r, Error **reterr) {
        _cleanup_free_ char *shown = str_escape(path, strlen(path), NAME_SHOWN_MAX);

        if (!shown || r == -ENOMEM)
                return error_oom(reterr);
        switch (r) {
        case -ENOENT:
                return error_set(reterr, -r, "'%s': no such file", shown);
        case -EISDIR:
                return error_set(reterr, -r, "'%s' is a directory; name a file in it", shown);
        case -EFBIG:
                return error_set(reterr, -r, "'%s' is too large: the limit is %u MiB", shown, SOURCE_BYTES_MAX >> 20);
        case -EACCES:
                return error_set(reterr, -r, "'%s' may not be read by you: permission denied", shown);
        default:
                return error_set(reterr, -r, "'%s' cannot be read: %s", shown, strerror(-r));
        }
}

int source_read(const char *path, Source **ret, Error **reterr) {
        char *text;
        size_t n;
        int r;

        if (str_equal(path, SOURCE_STDIN)) {
                path = SOURCE_STDIN_NAME;
                r = file_read_fd(STDIN_FILENO, SOURCE_BYTES_MAX, &text, &n);
        } else
                r = file_read(path, SOURCE_BYTES_MAX, &text, &n);
        if (r < 0)
                return read_failed(path, r, reterr);
        return source_new_take(path, text, n, ret, reterr);
}

Mark source_mark_at(const Source *source, size_t offset) {
        const char *at = source->text + MIN(offset, source->n_text);
        bool is_end = offset >= source->n_text;
        size_t low = 0, high = source->n_lines; /* the line is one of [low, high) */

        while (high - low > 1) {
                size_t middle = low + (high - low) / 2;

                if (source->lines[middle] <= at)
                        low = middle;
                else
                        high = middle;
        }
        return (Mark) {
                .line = (uint32_t) low + 1,
                .column = (uint32_t) utf8_columns(source->lines[low], (size_t) (at - source->lines[low])) + 1,
                .n_columns = !is_end,
        };
}

const char *source_line(const Source *source, uint32_t line, size_t *ret_n) {
        const char *start, *end;

        *ret_n = 0;
        if (line == 0 || line > source->n_lines)
                return "";
        start = source->lines[line - 1];
        end = line < source->n_lines ? source->lines[line] : source->text + source->n_text;
        /* Back over the line end: one character, or CR and LF. */
        while (end > start && line < source->n_lines) {
                end--;
                if (line_end_length(end) > 0 && end + line_end_length(end) == source->lines[line])
                        break;
        }
        if (end > start && line < source->n_lines && end[0] == '\n' && end[-1] == '\r')
                end--;
        *ret_n = (size_t) (end - start);
        return start;
}

Source *source_free(Source *source) {
        if (!source)
                return NULL;
        free(source->name);
        free(source->text);
        free(source->lines);
        free(source);
        return NULL;
}
