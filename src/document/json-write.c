#include "document/json.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* The bytes as valid UTF-8: each bad one becomes U+FFFD. */
static int append_valid(Str *out, const char *bytes, size_t n) {
        for (size_t i = 0; i < n;) {
                size_t k = utf8_length(bytes + i, n - i);

                if (k == 0)
                        (void) str_append(out, REPLACEMENT);
                else
                        (void) str_append_n(out, bytes + i, k);
                i += k ? k : 1;
        }
        return out->error;
}

static int add_to_object(struct json_object *object, const char *key, struct json_object *value) {
        _cleanup_str_ Str valid = STR_INIT(INT32_MAX);

        if (!utf8_is_valid(key, strlen(key))) {
                if (append_valid(&valid, key, strlen(key)) < 0)
                        return -ENOMEM;
                key = str_get(&valid);
        }
        return json_object_object_add(object, key, value) < 0 ? -ENOMEM : 0;
}

/* Takes the value, which may be NULL for 'null'. */
static void add(JsonWriter *w, const char *key, struct json_object *value) {
        struct json_object *top;

        if (!w->error && w->depth == 0) {
                assert(!w->root && !key);
                w->root = value;
                return;
        }
        if (!w->error) {
                top = w->stack[w->depth - 1];
                assert(json_object_is_type(top, json_type_object) == (key != NULL));
                if (key)
                        w->error = add_to_object(top, key, value);
                else if (json_object_array_add(top, value) < 0)
                        w->error = -ENOMEM;
        }
        if (w->error)
                json_object_put(value);
}

/* The same for a value that was just made: NULL says that memory is out. */
static void add_made(JsonWriter *w, const char *key, struct json_object *value) {
        if (!value && !w->error)
                w->error = -ENOMEM;
        add(w, key, value);
}

static void open_container(JsonWriter *w, const char *key, struct json_object *container) {
        add_made(w, key, container);
        if (w->error)
                return;
        assert(w->depth < JSON_WRITER_DEPTH_MAX);
        w->stack[w->depth++] = container;
}

void json_open_object(JsonWriter *w, const char *key) {
        open_container(w, key, json_object_new_object());
}

void json_open_array(JsonWriter *w, const char *key) {
        open_container(w, key, json_object_new_array());
}

void json_close(JsonWriter *w) {
        if (w->error)
                return;
        assert(w->depth > 0);
        w->depth--;
}

static struct json_object *new_string(const char *bytes, size_t n) {
        _cleanup_str_ Str valid = STR_INIT(INT32_MAX); /* what json-c can count */

        if (!utf8_is_valid(bytes, n)) {
                if (append_valid(&valid, bytes, n) < 0)
                        return NULL;
                bytes = str_get(&valid);
                n = valid.n;
        }
        return n > INT32_MAX ? NULL : json_object_new_string_len(bytes, (int) n);
}

void json_put_bytes(JsonWriter *w, const char *key, const char *bytes, size_t n) {
        add_made(w, key, new_string(n > 0 ? bytes : "", n));
}

void json_put_json(JsonWriter *w, const char *key, struct json_object *value) {
        add(w, key, json_object_get(value));
}

void json_put_string(JsonWriter *w, const char *key, const char *value) {
        if (value)
                json_put_bytes(w, key, value, strlen(value));
}

void json_put_int(JsonWriter *w, const char *key, int64_t value) {
        add_made(w, key, json_object_new_int64(value));
}

void json_put_uint(JsonWriter *w, const char *key, uint64_t value) {
        add_made(w, key, json_object_new_uint64(value));
}

void json_put_bool(JsonWriter *w, const char *key, bool value) {
        add_made(w, key, json_object_new_boolean(value));
}

void json_put_null(JsonWriter *w, const char *key) {
        add(w, key, NULL);
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

int json_finish(JsonWriter *w, bool pretty, char **ret) {
        int flags = JSON_C_TO_STRING_NOSLASHESCAPE | (pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : 0);
        const char *text = NULL;
        char *copy = NULL;
        int r = w->error;

        assert(r < 0 || w->depth == 0);
        if (r == 0) {
                text = w->root ? json_object_to_json_string_ext(w->root, flags) : "null";
                copy = text ? strdup(text) : NULL;
                r = copy ? 0 : -ENOMEM;
        }
        json_writer_done(w);
        if (r == 0)
                *ret = copy;
        return r;
}

void json_writer_done(JsonWriter *w) {
        json_object_put(w->root);
        *w = (JsonWriter) { 0 };
}
