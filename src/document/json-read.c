#include "document/json.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"

#define ESCAPED_BYTES_MAX ((size_t) INT32_MAX) /* what json-c can count */
#define TEXT_BYTES_MAX (ESCAPED_BYTES_MAX / 3)   /* two bytes become six */
#define KEY_SHOWN_MAX 100 /* bytes of a path in a message */

Json *json_unref(Json *json) {
        json_object_put(json);
        return NULL;
}

static void tokener_freep(struct json_tokener **tokener) {
        if (*tokener)
                json_tokener_free(*tokener);
}

/* json-c reads NaN, Infinity and 1e999; none of them can be written as JSON again. Depth is bounded by the tokener. */
static bool has_infinite_number(Json *json) {
        switch (json_object_get_type(json)) {
        case json_type_double:
                return !isfinite(json_object_get_double(json));
        case json_type_array:
                for (size_t i = 0; i < json_object_array_length(json); i++)
                        if (has_infinite_number(json_object_array_get_idx(json, i)))
                                return true;
                return false;
        case json_type_object: {
                json_object_object_foreach(json, key, value) {
                        (void) key;
                        if (has_infinite_number(value))
                                return true;
                }
                return false;
        }
        default:
                return false;
        }
}

static size_t count_valid_utf8(const char *text, size_t n) {
        size_t i = utf8_skip_ascii(text, n), k;

        while (i < n && (k = utf8_length(text + i, n - i)) > 0)
                i += k;
        return i;
}

static bool is_ascii(const char *text, size_t n) {
        for (size_t i = utf8_skip_ascii(text, n); i < n; i++)
                if ((unsigned char) text[i] > 127)
                        return false;
        return true;
}

static unsigned code_point(const char *text, size_t n_bytes) {
        unsigned code = (unsigned char) text[0] & (n_bytes == 2 ? 0x1f : n_bytes == 3 ? 0x0f : 0x07);

        for (size_t i = 1; i < n_bytes; i++)
                code = code << 6 | ((unsigned char) text[i] & 0x3f);
        return code;
}

/*
 * json-c 0.17 and 0.18 take every byte above 127 for a control character when they are strict; and when they are not,
 * "6e" is a number to them. So they get "\u00e9" for what is not ASCII, which outside of a string is no JSON either.
 */
static int escape_text(const char *text, size_t n, Str *ret) {
        for (size_t i = 0, k; i < n; i += k) {
                k = utf8_length(text + i, n - i);
                if (k == 1)
                        (void) str_append_char(ret, text[i]);
                else if (k < 4)
                        (void) str_appendf(ret, "\\u%04x", code_point(text + i, k));
                else {
                        unsigned code = code_point(text + i, k) - 0x10000;

                        (void) str_appendf(ret, "\\u%04x\\u%04x", 0xd800 + (code >> 10), 0xdc00 + (code & 0x3ff));
                }
        }
        return ret->error;
}

/* Where in the text a place of its escaped form is. */
static size_t unescaped_offset(const char *text, size_t n, size_t offset) {
        size_t i = 0, k;

        for (size_t at = 0; i < n && at < offset; i += k) {
                k = utf8_length(text + i, n - i);
                at += k == 1 ? 1 : k < 4 ? strlen("\\uXXXX") : 2 * strlen("\\uXXXX");
        }
        return i;
}

/* In the escaped form, to the next that is no blank. */
static void skip_blanks(JsonSequence *sequence) {
        while (sequence->at < sequence->n_escaped && memchr(" \t\r\n", sequence->escaped[sequence->at], 4))
                sequence->at++;
}

int json_sequence_init(JsonSequence *sequence, const char *text, size_t n, Error **reterr) {
        size_t end;

        *sequence = (JsonSequence) { .text = text, .n = n, .escaped = text, .n_escaped = n };
        if (n > TEXT_BYTES_MAX)
                return error_set(reterr, EBADMSG, "not JSON: %zu bytes are too many", n);
        end = count_valid_utf8(text, n);
        if (end < n)
                return error_set(reterr, EBADMSG, "not JSON: invalid UTF-8 at byte %zu", end);
        if (!is_ascii(text, n)) {
                sequence->own = STR_INIT(ESCAPED_BYTES_MAX);
                if (escape_text(text, n, &sequence->own) < 0)
                        return error_oom(reterr);
                sequence->escaped = str_get(&sequence->own);
                sequence->n_escaped = sequence->own.n;
        }
        skip_blanks(sequence);
        return 0;
}

void json_sequence_done(JsonSequence *sequence) {
        str_done(&sequence->own);
}

int json_sequence_peek(const JsonSequence *sequence) {
        return sequence->at < sequence->n_escaped ? (unsigned char) sequence->escaped[sequence->at] : -1;
}

size_t json_sequence_offset(const JsonSequence *sequence) {
        return unescaped_offset(sequence->text, sequence->n, sequence->at);
}

int json_sequence_next(JsonSequence *sequence, Json **ret, Error **reterr) {
        _cleanup_(tokener_freep) struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
        _cleanup_(json_unrefp) Json *json = NULL;
        enum json_tokener_error error;

        if (!tokener)
                return error_oom(reterr);
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
        json = json_tokener_parse_ex(tokener, sequence->escaped + sequence->at,
                                     (int) (sequence->n_escaped - sequence->at));
        sequence->at += json_tokener_get_parse_end(tokener);
        error = json_tokener_get_error(tokener);
        if (error == json_tokener_continue) {
                /* A number at the very end: only the NUL tells that no digit follows. */
                json = json_tokener_parse_ex(tokener, "", 1);
                error = json_tokener_get_error(tokener);
                if (error == json_tokener_continue || error == json_tokener_error_parse_eof)
                        return error_set(reterr, EBADMSG, "not JSON: it ends in the middle, after %zu bytes",
                                         sequence->n);
        }
        if (error == json_tokener_error_depth)
                return error_set(reterr, EBADMSG, "not JSON for us: more than %d levels deep at byte %zu",
                                 JSON_DEPTH_MAX, json_sequence_offset(sequence));
        if (error != json_tokener_success)
                return error_set(reterr, EBADMSG, "not JSON: %s at byte %zu", json_tokener_error_desc(error),
                                 json_sequence_offset(sequence));
        if (has_infinite_number(json))
                return error_set(reterr, EBADMSG, "not JSON: a number is out of range");
        skip_blanks(sequence);
        *ret = TAKE_PTR(json);
        return 0;
}

int json_parse(const char *text, size_t n, Json **ret, Error **reterr) {
        _cleanup_(json_sequence_done) JsonSequence sequence;
        _cleanup_(json_unrefp) Json *json = NULL;
        int r = json_sequence_init(&sequence, text, n, reterr);

        if (r >= 0)
                r = json_sequence_next(&sequence, &json, reterr);
        if (r < 0)
                return r;
        if (json_sequence_peek(&sequence) >= 0)
                return error_set(reterr, EBADMSG, "not JSON: something follows the value at byte %zu",
                                 json_sequence_offset(&sequence));
        *ret = TAKE_PTR(json);
        return 0;
}

typedef enum Want {
        WANT_STRING,
        WANT_INT,
        WANT_BOOL,
        WANT_OBJECT,
        WANT_ARRAY,
} Want;

static const struct {
        enum json_type type;
        const char *name;
} wants[] = {
        [WANT_STRING] = { json_type_string, "string" },  [WANT_INT] = { json_type_int, "whole number" },
        [WANT_BOOL] = { json_type_boolean, "boolean" },  [WANT_OBJECT] = { json_type_object, "object" },
        [WANT_ARRAY] = { json_type_array, "array" },
};

static const char *type_name(Json *json) {
        static const char *const names[] = {
                [json_type_null] = "null",   [json_type_boolean] = "boolean", [json_type_double] = "number",
                [json_type_int] = "number",  [json_type_object] = "object",   [json_type_array] = "array",
                [json_type_string] = "string",
        };

        return names[json_object_get_type(json)];
}

static int mismatch(const char *path, size_t n_path, Want want, Json *found, Error **reterr) {
        _cleanup_free_ char *shown = reterr ? str_escape(path, n_path, KEY_SHOWN_MAX) : NULL;

        if (!shown)
                return error_set(reterr, found ? EBADMSG : ENOENT, "JSON: unexpected value");
        return error_set(reterr, found ? EBADMSG : ENOENT, ".%s: expected %s, found %s", shown, wants[want].name,
                         type_name(found));
}

static int missing(const char *path, size_t n_path, Error **reterr) {
        _cleanup_free_ char *shown = reterr ? str_escape(path, n_path, KEY_SHOWN_MAX) : NULL;

        return error_set(reterr, ENOENT, ".%s: missing", shown ? shown : "");
}

/* One key of an object, given by bytes: the path is not cut up, so that finding needs no memory. */
static bool find_member(Json *object, const char *key, size_t n_key, Json **ret) {
        json_object_object_foreach(object, name, value) {
                if (strncmp(name, key, n_key) == 0 && name[n_key] == '\0') {
                        *ret = value;
                        return true;
                }
        }
        return false;
}

static int find(Json *json, const char *path, Want want, Json **ret, Error **reterr) {
        const char *p = path;

        while (*p) {
                size_t n = strcspn(p, ".");

                if (json && !json_object_is_type(json, json_type_object))
                        return mismatch(path, p > path ? (size_t) (p - path) - 1 : 0, WANT_OBJECT, json, reterr);
                if (!json || !find_member(json, p, n, &json))
                        return missing(path, (size_t) (p - path) + n, reterr);
                p += n;
                if (*p == '.')
                        p++;
        }
        if (!json || !json_object_is_type(json, wants[want].type))
                return mismatch(path, strlen(path), want, json, reterr);
        *ret = json;
        return 0;
}

static bool has_nul(Json *string) {
        return memchr(json_object_get_string(string), '\0', (size_t) json_object_get_string_len(string));
}

int json_get_string(Json *json, const char *path, const char **ret, Error **reterr) {
        Json *found;
        int r;

        r = find(json, path, WANT_STRING, &found, reterr);
        if (r < 0)
                return r;
        /* What is read as a C string must not be shorter than what the peer checked or meant. */
        if (has_nul(found))
                return error_set(reterr, EBADMSG, ".%s: the string holds a NUL character", path);
        *ret = json_object_get_string(found);
        return 0;
}

int json_get_int(Json *json, const char *path, int64_t *ret, Error **reterr) {
        Json *found;
        int r;

        r = find(json, path, WANT_INT, &found, reterr);
        if (r < 0)
                return r;
        if (json_object_get_int64(found) == INT64_MAX && json_object_get_uint64(found) > INT64_MAX)
                return error_set(reterr, EBADMSG, ".%s: the number is too large", path);
        *ret = json_object_get_int64(found);
        return 0;
}

int json_get_bool(Json *json, const char *path, bool *ret, Error **reterr) {
        Json *found;
        int r;

        r = find(json, path, WANT_BOOL, &found, reterr);
        if (r < 0)
                return r;
        *ret = json_object_get_boolean(found);
        return 0;
}

int json_get_object(Json *json, const char *path, Json **ret, Error **reterr) {
        return find(json, path, WANT_OBJECT, ret, reterr);
}

int json_get_array(Json *json, const char *path, Json **ret, Error **reterr) {
        return find(json, path, WANT_ARRAY, ret, reterr);
}

const char *json_find_string(Json *json, const char *path) {
        const char *text = NULL;

        (void) json_get_string(json, path, &text, NULL);
        return text;
}
