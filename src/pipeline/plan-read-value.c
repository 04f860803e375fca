/* Values of a plan: of the right type, within bounds, and without what a terminal or a kernel would take for more. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/utf8.h"
#include "pipeline/plan-read-internal.h"

#define PLACES_MAX 16 /* from the plan down to a value */
#define PATH_BYTES_MAX 1024
#define KEY_BYTES_SHOWN 80
#define TEXTS_MAX 20000 /* commands before and in a script of GitLab's, the longest list there is */
#define VARIABLES_MAX 10000
#define LINE_BYTES_MAX 4096
#define LINE_NUMBER_MAX 10000000

static void append_path(const Place *place, Str *out) {
        const Place *places[PLACES_MAX];
        size_t n = 0;

        for (; place && n < PLACES_MAX; place = place->up)
                places[n++] = place;
        while (n-- > 0) {
                _cleanup_free_ char *shown = NULL;

                if (!places[n]->key) {
                        (void) str_appendf(out, "[%zu]", places[n]->index);
                        continue;
                }
                shown = str_escape(places[n]->key, strlen(places[n]->key), KEY_BYTES_SHOWN);
                (void) str_appendf(out, ".%s", shown ? shown : "");
        }
}

int plan_fault(const PlanReader *reader, const Place *place, const char *format, ...) {
        _cleanup_str_ Str path = STR_INIT(PATH_BYTES_MAX);
        char *message = NULL;
        va_list list;
        int n;

        va_start(list, format);
        n = vasprintf(&message, format, list);
        va_end(list);
        if (n < 0)
                return error_oom(reader->reterr);
        (void) error_set(reader->reterr, EINVAL, "%s", message);
        free(message);
        (void) str_append(&path, reader->reading->path ? reader->reading->path : "");
        append_path(place, &path);
        return path.n > 0 ? error_wrap(reader->reterr, -EINVAL, "%s", str_get(&path)) : -EINVAL;
}

int plan_no_memory(const PlanReader *reader) {
        return error_oom(reader->reterr);
}

static const char *type_name(Json *json) {
        static const char *const names[] = {
                [json_type_null] = "null",   [json_type_boolean] = "a boolean", [json_type_double] = "a number",
                [json_type_int] = "a number", [json_type_object] = "an object", [json_type_array] = "a list",
                [json_type_string] = "a text",
        };

        return names[json_object_get_type(json)];
}

static int want(const PlanReader *reader, const Place *place, Json *json, enum json_type type, const char *what) {
        if (json_object_is_type(json, type) && json)
                return 0;
        return plan_fault(reader, place, "expected %s, found %s", what, type_name(json));
}

static int unknown_key(const PlanReader *reader, const Place *place, const char *key, const PlanKey *keys,
                       size_t n_keys) {
        const char *names[64], *near;
        size_t n = 0;

        for (; n < n_keys && n < ELEMENTSOF(names); n++)
                names[n] = keys[n].name;
        near = diag_suggest(key, names, n);
        return plan_fault(reader, PLACE_KEY(place, key), near ? "a plan has no such key; did you mean '%s'?" : "%s",
                          near ? near : "a plan has no such key");
}

int plan_read_object(const PlanReader *reader, const Place *place, Json *json, const PlanKey *keys, size_t n_keys,
                     void *target) {
        int r = want(reader, place, json, json_type_object, "an object");

        if (r < 0)
                return r;
        json_object_object_foreach(json, name, value) {
                const PlanKey *key = NULL;

                for (size_t i = 0; i < n_keys && !key; i++)
                        key = str_equal(keys[i].name, name) ? &keys[i] : NULL;
                if (!key)
                        return unknown_key(reader, place, name, keys, n_keys);
                r = key->read(reader, PLACE_KEY(place, name), value, (char *) target + key->offset);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < n_keys; i++)
                if (keys[i].is_required && !json_object_object_get_ex(json, keys[i].name, NULL))
                        return plan_fault(reader, PLACE_KEY(place, keys[i].name), "it is missing");
        return 0;
}

int plan_check_array(const PlanReader *reader, const Place *place, Json *json, size_t max) {
        int r = want(reader, place, json, json_type_array, "a list");

        if (r < 0)
                return r;
        if (json_object_array_length(json) > max)
                return plan_fault(reader, place, "more than %zu entries", max);
        return 0;
}

int plan_read_text(const PlanReader *reader, const Place *place, Json *json, void *field) {
        int r = want(reader, place, json, json_type_string, "a text");
        char *text;

        if (r < 0)
                return r;
        if (strlen(json_object_get_string(json)) != (size_t) json_object_get_string_len(json))
                return plan_fault(reader, place, "it holds a NUL character");
        text = strdup(json_object_get_string(json));
        if (!text)
                return plan_no_memory(reader);
        free(*(char **) field);
        *(char **) field = text;
        return 0;
}

static const char *line_fault(const char *text) {
        size_t n = strlen(text);

        if (n == 0)
                return "it is empty";
        if (n > LINE_BYTES_MAX)
                return "it is too long";
        if (!utf8_is_valid(text, n))
                return "it is not UTF-8";
        for (size_t i = 0; i < n; i++) {
                unsigned char c = (unsigned char) text[i];

                if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char) text[i + 1] < 0xa0))
                        return "it holds a control character";
        }
        return NULL;
}

int plan_read_line(const PlanReader *reader, const Place *place, Json *json, void *field) {
        const char *fault;
        int r = plan_read_text(reader, place, json, field);

        if (r < 0)
                return r;
        fault = line_fault(*(char **) field);
        return fault ? plan_fault(reader, place, "%s", fault) : 0;
}

int plan_read_path(const PlanReader *reader, const Place *place, Json *json, void *field) {
        _cleanup_free_ char *clean = NULL;
        int r = plan_read_line(reader, place, json, field);

        if (r < 0)
                return r;
        clean = path_clean(*(char **) field);
        if (!clean)
                return plan_no_memory(reader);
        if (clean[0] != '/' || !str_equal(clean, *(char **) field))
                return plan_fault(reader, place, "expected an absolute path without '..', '.' or '//' in it");
        return 0;
}

static int read_list(const PlanReader *reader, const Place *place, Json *json, char ***field,
                     PlanRead *read) {
        int r = plan_check_array(reader, place, json, TEXTS_MAX);

        if (r < 0)
                return r;
        strv_free(*field);
        *field = calloc(json_object_array_length(json) + 1, sizeof(char *));
        if (!*field)
                return plan_no_memory(reader);
        for (size_t i = 0; i < json_object_array_length(json) && r >= 0; i++)
                r = read(reader, PLACE_AT(place, i), json_object_array_get_idx(json, i), *field + i);
        return r;
}

int plan_read_texts(const PlanReader *reader, const Place *place, Json *json, void *field) {
        return read_list(reader, place, json, field, plan_read_text);
}

int plan_read_lines(const PlanReader *reader, const Place *place, Json *json, void *field) {
        return read_list(reader, place, json, field, plan_read_line);
}

int plan_read_map(const PlanReader *reader, const Place *place, Json *json, void *field) {
        int r = want(reader, place, json, json_type_object, "an object");

        if (r < 0)
                return r;
        if (json_object_object_length(json) > VARIABLES_MAX)
                return plan_fault(reader, place, "more than %d entries", VARIABLES_MAX);
        json_object_object_foreach(json, name, value) {
                char *text = NULL;

                if (!*name || strchr(name, '='))
                        return plan_fault(reader, place, "a name is not empty, and holds no '='");
                r = plan_read_text(reader, PLACE_KEY(place, name), value, &text);
                if (r < 0)
                        return r;
                if (map_put_take(field, name, text) < 0)
                        return plan_no_memory(reader);
        }
        return 0;
}

int plan_read_bool(const PlanReader *reader, const Place *place, Json *json, void *field) {
        int r = want(reader, place, json, json_type_boolean, "true or false");

        if (r >= 0)
                *(bool *) field = json_object_get_boolean(json);
        return r;
}

int plan_read_number(const PlanReader *reader, const Place *place, Json *json, int64_t max, int64_t *ret) {
        int r = want(reader, place, json, json_type_int, "a whole number");

        if (r < 0)
                return r;
        *ret = json_object_get_int64(json);
        if (*ret < 0 || *ret > max)
                return plan_fault(reader, place, "expected a number from 0 to %lld", (long long) max);
        return 0;
}

int plan_read_mark(const PlanReader *reader, const Place *place, Json *json, void *field) {
        int64_t line;
        int r = plan_read_number(reader, place, json, LINE_NUMBER_MAX, &line);

        if (r >= 0)
                *(Mark *) field = (Mark) { .line = (uint32_t) line };
        return r;
}

int plan_read_u16(const PlanReader *reader, const Place *place, Json *json, void *field) {
        int64_t number;
        int r = plan_read_number(reader, place, json, UINT16_MAX, &number);

        if (r >= 0 && number == 0)
                r = plan_fault(reader, place, "expected a number above 0");
        if (r >= 0)
                *(uint16_t *) field = (uint16_t) number;
        return r;
}

int plan_read_later(const PlanReader *reader, const Place *place, Json *json, void *field) {
        return 0;
}
