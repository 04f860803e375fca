#include "document/json.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define PRETTY (JSON_C_TO_STRING_NOSLASHESCAPE | JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED)
#define TEXT_BYTES_MAX ((size_t) INT32_MAX - 1) /* what json-c can count, with a NUL */

/* What is behind the backslash, by character: a letter; NUMBER, as \u001f; 0: it stands as it is; MANY: see UTF-8. */
enum { NUMBER = 'u', MANY = 1 };
static const char escapes[256] = {
        [0 ... 7] = NUMBER, ['\b'] = 'b',        ['\t'] = 't', ['\n'] = 'n',   [11] = NUMBER,        ['\f'] = 'f',
        ['\r'] = 'r',       [14 ... 31] = NUMBER, ['"'] = '"',  ['\\'] = '\\', [128 ... 255] = MANY,
};

/* Whatever does not stand as it is; a byte that is no UTF-8 is replaced. Returns how many bytes it was. */
static size_t append_special(Str *out, const char *bytes, size_t n) {
        unsigned char c = (unsigned char) *bytes;
        size_t k = utf8_length(bytes, n);

        if (k == 0)
                (void) str_append(out, REPLACEMENT);
        else if (k > 1)
                (void) str_append_n(out, bytes, k);
        else if (escapes[c] == NUMBER)
                (void) str_appendf(out, "\\u%04x", c);
        else
                (void) str_append_n(out, (char[]) { '\\', escapes[c] }, 2);
        return MAX(k, 1);
}

static void append_quoted(Str *out, const char *bytes, size_t n) {
        (void) str_append_char(out, '"');
        for (size_t i = 0, plain; i < n;) {
                for (plain = i; plain < n && !escapes[(unsigned char) bytes[plain]];)
                        plain++;
                (void) str_append_n(out, bytes + i, plain - i);
                i = plain < n ? plain + append_special(out, bytes + plain, n - plain) : n;
        }
        (void) str_append_char(out, '"');
}

/* What stands before a value: a comma if it is not the first one there, and its key. */
static void begin_value(JsonWriter *w, const char *key) {
        if (w->depth == 0) {
                assert(w->text.n == 0 && !key);
                w->text.max = TEXT_BYTES_MAX;
                return;
        }
        assert((w->closing[w->depth - 1] == '}') == (key != NULL));
        if (w->has_values)
                (void) str_append_char(&w->text, ',');
        w->has_values = true;
        if (key) {
                append_quoted(&w->text, key, strlen(key));
                (void) str_append_char(&w->text, ':');
        }
}

static void open_container(JsonWriter *w, const char *key, char opening, char closing) {
        begin_value(w, key);
        assert(w->depth < JSON_WRITER_DEPTH_MAX);
        (void) str_append_char(&w->text, opening);
        w->closing[w->depth++] = closing;
        w->has_values = false;
}

void json_open_object(JsonWriter *w, const char *key) {
        open_container(w, key, '{', '}');
}

void json_open_array(JsonWriter *w, const char *key) {
        open_container(w, key, '[', ']');
}

void json_close(JsonWriter *w) {
        assert(w->depth > 0);
        (void) str_append_char(&w->text, w->closing[--w->depth]);
        w->has_values = true;
}

void json_put_bytes(JsonWriter *w, const char *key, const char *bytes, size_t n) {
        begin_value(w, key);
        append_quoted(&w->text, bytes, n);
}

void json_put_json(JsonWriter *w, const char *key, struct json_object *value) {
        const char *text = json_object_to_json_string_ext(value, JSON_C_TO_STRING_NOSLASHESCAPE);

        begin_value(w, key);
        (void) str_append(&w->text, text);
        if (!text)
                w->error = -ENOMEM;
}

void json_put_string(JsonWriter *w, const char *key, const char *value) {
        if (value)
                json_put_bytes(w, key, value, strlen(value));
}

void json_put_int(JsonWriter *w, const char *key, int64_t value) {
        begin_value(w, key);
        (void) str_appendf(&w->text, "%" PRId64, value);
}

void json_put_uint(JsonWriter *w, const char *key, uint64_t value) {
        begin_value(w, key);
        (void) str_appendf(&w->text, "%" PRIu64, value);
}

void json_put_bool(JsonWriter *w, const char *key, bool value) {
        begin_value(w, key);
        (void) str_append(&w->text, value ? "true" : "false");
}

void json_put_null(JsonWriter *w, const char *key) {
        begin_value(w, key);
        (void) str_append(&w->text, "null");
}

void json_put_strv_always(JsonWriter *w, const char *key, char *const *value) {
        json_open_array(w, key);
        STRV_FOREACH(item, value)
                json_put_string(w, NULL, *item);
        json_close(w);
}

void json_put_strv(JsonWriter *w, const char *key, char *const *value) {
        if (value && *value)
                json_put_strv_always(w, key, value);
}

void json_put_strmap(JsonWriter *w, const char *key, const Map *value) {
        if (!value || map_size(value) == 0)
                return;
        json_open_object(w, key);
        MAP_FOREACH(entry, value)
                json_put_string(w, entry->key, entry->value);
        json_close(w);
}

/* For people: json-c lays it out. */
static char *indent(const Str *text) {
        struct json_tokener *tokener = json_tokener_new_ex(JSON_WRITER_DEPTH_MAX + JSON_DEPTH_MAX);
        struct json_object *root = NULL;
        const char *indented = NULL;
        char *copy;

        if (tokener && !text->error) {
                root = json_tokener_parse_ex(tokener, str_get(text), (int) text->n + 1);
                if (json_tokener_get_error(tokener) == json_tokener_success)
                        indented = json_object_to_json_string_ext(root, PRETTY);
        }
        copy = indented ? strdup(indented) : NULL;
        json_object_put(root);
        if (tokener)
                json_tokener_free(tokener);
        return copy;
}

int json_finish(JsonWriter *w, bool pretty, char **ret) {
        char *text = NULL;
        int r = w->error;

        assert(r < 0 || w->depth == 0);
        if (r == 0) {
                if (w->text.n == 0)
                        json_put_null(w, NULL);
                text = pretty ? indent(&w->text) : str_take(&w->text);
                r = text ? 0 : -ENOMEM;
        }
        json_writer_done(w);
        if (r == 0)
                *ret = text;
        return r;
}

void json_writer_done(JsonWriter *w) {
        str_done(&w->text);
        *w = (JsonWriter) { 0 };
}
