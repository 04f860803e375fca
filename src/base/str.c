#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static int grow(Str *s, size_t more) {
        size_t want, allocated;
        char *bytes;

        if (s->error)
                return s->error;
        if (more > s->max || s->n > s->max - more)
                return s->error = -E2BIG;
        want = s->n + more + 1;
        allocated = MAX(want, MIN(s->allocated * 2, s->max + 1));
        bytes = realloc(s->bytes, MAX(allocated, 32));
        if (!bytes)
                return s->error = -ENOMEM;
        s->bytes = bytes;
        s->allocated = MAX(allocated, 32);
        return 0;
}

static bool has_room(const Str *s, size_t more) {
        return !s->error && more < s->allocated - s->n && more <= s->max - s->n;
}

int str_append_n(Str *s, const void *bytes, size_t n) {
        int r = has_room(s, n) ? 0 : grow(s, n);

        if (r < 0)
                return r;
        if (n > 0)
                memcpy(s->bytes + s->n, bytes, n);
        s->n += n;
        s->bytes[s->n] = '\0';
        return 0;
}

int str_append(Str *s, const char *text) {
        return text ? str_append_n(s, text, strlen(text)) : 0;
}

int str_append_texts(Str *s, const char *const *texts, size_t n) {
        for (size_t i = 0; i < n; i++)
                (void) str_append(s, texts[i]);
        return s->error;
}

int str_append_char(Str *s, char c) {
        if (!has_room(s, 1))
                return str_append_n(s, &c, 1);
        s->bytes[s->n++] = c;
        s->bytes[s->n] = '\0';
        return 0;
}

int str_appendf(Str *s, const char *format, ...) {
        size_t room = s->error ? 0 : s->allocated - s->n;
        va_list ap;
        int n, r;

        va_start(ap, format);
        n = vsnprintf(room > 0 ? s->bytes + s->n : NULL, room, format, ap);
        va_end(ap);
        if (n >= 0 && (size_t) n < room && (size_t) n <= s->max - s->n) { /* the usual case: there was room */
                s->n += (size_t) n;
                return 0;
        }
        if (room > 0)
                s->bytes[s->n] = '\0';
        if (n < 0)
                return s->error = -EINVAL;
        r = grow(s, (size_t) n);
        if (r < 0)
                return r;
        va_start(ap, format);
        (void) vsnprintf(s->bytes + s->n, (size_t) n + 1, format, ap);
        va_end(ap);
        s->n += (size_t) n;
        return 0;
}

const char *str_get(const Str *s) {
        return s->bytes ? s->bytes : "";
}

char *str_take(Str *s) {
        char *bytes;

        if (s->error || (!s->bytes && str_append_n(s, "", 0) < 0)) {
                str_done(s);
                return NULL;
        }
        bytes = TAKE_PTR(s->bytes);
        s->n = s->allocated = 0;
        return bytes;
}

void str_clear(Str *s) {
        s->n = 0;
        s->error = 0;
        if (s->bytes)
                s->bytes[0] = '\0';
}

void str_drop_front(Str *s, size_t n) {
        n = MIN(n, s->n);
        if (n == 0)
                return;
        memmove(s->bytes, s->bytes + n, s->n - n + 1);
        s->n -= n;
}

void str_done(Str *s) {
        free(s->bytes);
        *s = (Str) { .max = s->max };
}

bool str_equal(const char *a, const char *b) {
        if (!a || !b)
                return a == b;
        return strcmp(a, b) == 0;
}

bool str_starts_with(const char *text, const char *prefix) {
        return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends_with(const char *text, const char *suffix) {
        size_t n = strlen(text), k = strlen(suffix);

        return n >= k && memcmp(text + n - k, suffix, k) == 0;
}

char *str_printf(const char *format, ...) {
        char *text = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        return text;
}

char *str_escape(const char *text, size_t n, size_t max_bytes) {
        _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);

        for (size_t i = 0; i < n;) {
                size_t k = utf8_length(text + i, n - i);
                unsigned char c = (unsigned char) text[i];

                if (out.n >= max_bytes) {
                        (void) str_append(&out, "...");
                        break;
                }
                if (c == '\n')
                        (void) str_append(&out, "\\n"), i++;
                else if (c == '\t')
                        (void) str_append(&out, "\\t"), i++;
                else if (k == 0 || c < 0x20 || c == 0x7f)
                        (void) str_appendf(&out, "\\x%02x", c), i++;
                else
                        (void) str_append_n(&out, text + i, k), i += k;
        }
        return str_take(&out);
}
