#include "document/schema.h"

#include <errno.h>

#include "base/str.h"

#define DOC_BYTES_MAX 4096

void schema_begin(JsonWriter *w, const char *title) {
        json_open_object(w, NULL);
        json_put_string(w, "$schema", "http://json-schema.org/draft-07/schema#");
        json_put_string(w, "title", title);
}

int schema_finish(JsonWriter *w, char **ret) {
        _cleanup_free_ char *text = NULL;

        json_close(w);
        if (json_finish(w, true, &text) < 0)
                return -ENOMEM;
        *ret = str_printf("%s\n", text);
        return *ret ? 0 : -ENOMEM;
}

void schema_put_doc(JsonWriter *w, const char *doc) {
        _cleanup_str_ Str text = STR_INIT(DOC_BYTES_MAX);

        while (*doc) {
                bool is_mark = *doc == '`';

                if (!is_mark || doc[1] == '`')
                        (void) str_append_char(&text, *doc);
                doc += is_mark && (doc[1] == '`' || doc[1] == '_') ? 2 : 1;
        }
        if (text.error && !w->error)
                w->error = -ENOMEM;
        json_put_string(w, "description", str_get(&text));
}

void schema_put_words(JsonWriter *w, const char *key, const char *const *words) {
        json_put_strv(w, key, (char *const *) words);
}

void schema_put_scalar(JsonWriter *w) {
        static const char *const scalars[] = { "string", "number", "boolean", NULL };

        schema_put_words(w, "type", scalars);
}

void schema_put_bool(JsonWriter *w) {
        json_put_string(w, "type", "boolean");
}

void schema_put_bool_word(JsonWriter *w) {
        static const char *const words[] = { "yes", "no", "on", "off", "y", "n", "true", "false", NULL };

        schema_put_words(w, "enum", words);
}

void schema_put_object(JsonWriter *w) {
        json_put_string(w, "type", "object");
}

void schema_put_array(JsonWriter *w) {
        json_put_string(w, "type", "array");
}

void schema_put_ref(JsonWriter *w, const char *definition) {
        _cleanup_free_ char *ref = str_printf("#/definitions/%s", definition);

        if (!ref && !w->error)
                w->error = -ENOMEM;
        json_put_string(w, "$ref", ref);
}

void schema_put_list_of(JsonWriter *w, const char *definition) {
        json_put_string(w, "type", "array");
        json_open_object(w, "items");
        schema_put_ref(w, definition);
        json_close(w);
}

void schema_put_map_of(JsonWriter *w, const char *definition) {
        json_put_string(w, "type", "object");
        json_open_object(w, "additionalProperties");
        schema_put_ref(w, definition);
        json_close(w);
}

void schema_put_any_of(JsonWriter *w, const SchemaPut *puts) {
        json_open_array(w, "anyOf");
        for (; *puts; puts++) {
                json_open_object(w, NULL);
                (*puts)(w);
                json_close(w);
        }
        json_close(w);
}
