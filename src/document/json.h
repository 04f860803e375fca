#pragma once

/*
 * JSON over json-c. Writing: a tree is built by calls that read like the document; the first failure sticks, one check
 * at the end. Reading: typed getters that name the path of what is wrong.
 */

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>

#include "base/error.h"
#include "base/map.h"
#include "base/str.h"

#define JSON_DEPTH_MAX 32
#define JSON_WRITER_DEPTH_MAX 16

typedef struct JsonWriter {
        struct json_object *stack[JSON_WRITER_DEPTH_MAX];
        unsigned depth;
        struct json_object *root;
        int error;
} JsonWriter;

/*
 * @key: NULL for the root and for elements of an array. A NULL string, an empty strv and an empty map are left out.
 * Bytes
 * that are no UTF-8, in keys too, become U+FFFD: what is written is always valid JSON. Numbers that JSON cannot say
 * become
 * null.
 */
void json_open_object(JsonWriter *w, const char *key);
void json_open_array(JsonWriter *w, const char *key);
void json_close(JsonWriter *w);
void json_put_string(JsonWriter *w, const char *key, const char *value);
/** json_put_bytes() - text of a known length that may hold NUL */
void json_put_bytes(JsonWriter *w, const char *key, const char *bytes, size_t n);
void json_put_int(JsonWriter *w, const char *key, int64_t value);
void json_put_uint(JsonWriter *w, const char *key, uint64_t value);
void json_put_bool(JsonWriter *w, const char *key, bool value);
void json_put_null(JsonWriter *w, const char *key);
void json_put_strv(JsonWriter *w, const char *key, char *const *value);
/** json_put_strv_always() - also writes an empty list, as [] */
void json_put_strv_always(JsonWriter *w, const char *key, char *const *value);
void json_put_strmap(JsonWriter *w, const char *key, const Map *value);
/** json_put_json() - a value that was read; it is shared, not copied */
void json_put_json(JsonWriter *w, const char *key, struct json_object *value);
/** json_finish() - the text (on one line, or indented when @pretty); resets the writer, also on failure: 0, -ENOMEM */
int json_finish(JsonWriter *w, bool pretty, char **ret);
void json_writer_done(JsonWriter *w);

typedef struct json_object Json;
Json *json_unref(Json *json);
DEFINE_CLEANUP(Json *, json_unref);

/**
 * json_parse() - one value and nothing behind it; UTF-8 checked, less than JSON_DEPTH_MAX deep
 * @n:        @text needs no NUL behind it
 * @ret:      NULL for the text "null"
 *
 * Return: 0; -EBADMSG with the offset in the Error; -ENOMEM.
 */
int json_parse(const char *text, size_t n, Json **ret, Error **reterr);

/* Values one after the other, with blanks between them or nothing. */
typedef struct JsonSequence {
        const char *text, *escaped; /* text: borrowed, and need not end in NUL; escaped: see json-read.c */
        size_t n, n_escaped, at;    /* at: where the next value begins in the escaped form */
        Str own;
} JsonSequence;

/** json_sequence_init() - -EBADMSG if it is no text, or too long; json_sequence_done() in all cases */
int json_sequence_init(JsonSequence *sequence, const char *text, size_t n, Error **reterr);
void json_sequence_done(JsonSequence *sequence);
/** json_sequence_peek() - the first byte of what comes next, '{' of an object; -1: nothing does */
int json_sequence_peek(const JsonSequence *sequence);
/** json_sequence_offset() - the byte of the text where that is; looks through all of it before */
size_t json_sequence_offset(const JsonSequence *sequence);
/** json_sequence_next() - the next value, which there must be: else as json_parse(). After a failure there is none. */
int json_sequence_next(JsonSequence *sequence, Json **ret, Error **reterr);

/*
 * Getters. @path: keys joined by dots, "State.ExitCode"; "" is the value itself. Missing or null: -ENOENT; other
 * type: -EBADMSG.
 * Both with an Error such as ".State.ExitCode: expected number, found string". Strings are borrowed from the tree.
 * Keys that hold dots themselves (labels) are reached with json_object_object_get() of the containing object.
 */
int json_get_string(Json *json, const char *path, const char **ret, Error **reterr);
int json_get_int(Json *json, const char *path, int64_t *ret, Error **reterr);
int json_get_bool(Json *json, const char *path, bool *ret, Error **reterr);
int json_get_object(Json *json, const char *path, Json **ret, Error **reterr);
int json_get_array(Json *json, const char *path, Json **ret, Error **reterr);
/** json_find_string() - the string there, or NULL if it is missing or something else */
const char *json_find_string(Json *json, const char *path);
