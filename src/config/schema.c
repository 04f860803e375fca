/*
 * The configuration as a JSON schema (draft-07), for editors. A schema sees the form of a value, not whether it makes
 * sense: that is left to the reader.
 */

#include "document/schema.h"

#include <string.h>

#include "config/value.h"

static void put_null(JsonWriter *w) {
        json_put_string(w, "type", "null");
}
static void put_scalar_ref(JsonWriter *w) {
        schema_put_ref(w, "scalar");
}
static void put_texts_ref(JsonWriter *w) {
        schema_put_ref(w, "texts");
}
static void put_scalar_list(JsonWriter *w) {
        schema_put_list_of(w, "scalar");
}
static void put_scalar_map(JsonWriter *w) {
        schema_put_map_of(w, "scalar");
}
static void put_texts(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, schema_put_scalar, put_scalar_list);
}
static void put_map_ref(JsonWriter *w) {
        schema_put_ref(w, "map");
}
static void put_map(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, put_scalar_map, put_scalar_list);
}
static void put_lists_by_name(JsonWriter *w) {
        schema_put_map_of(w, "texts");
}
static void put_bool(JsonWriter *w) {
        static const char *const words[] = { "true", "false", "yes", "no", "on", "off", "1", "0", "y", "n", NULL };

        schema_put_words(w, "enum", words);
}

/* A whole number, and as text with a unit or a word. */
static void put_number(JsonWriter *w) {
        json_put_string(w, "type", "integer");
}
static void put_amount(JsonWriter *w) {
        json_put_string(w, "type", "string");
        json_put_string(w, "pattern", "^(-?[0-9.]+ *[A-Za-z0-9/.]*|unlimited|off)$");
}
static void put_decimal(JsonWriter *w) {
        json_put_string(w, "type", "number");
}

static void put_pull_word(JsonWriter *w) {
        static const char *const words[] = { "always", "missing", "if-not-present", "newer", "never", NULL };

        schema_put_words(w, "enum", words);
}
static void put_pull_list(JsonWriter *w) {
        json_put_string(w, "type", "array");
        json_open_object(w, "items");
        put_pull_word(w);
        json_close(w);
        json_put_int(w, "maxItems", PULL_LIST_MAX);
}

static void put_service_map(JsonWriter *w) {
        config_services_put_schema(w);
}
static void put_service(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, schema_put_scalar, put_service_map);
}
static void put_service_ref(JsonWriter *w) {
        schema_put_ref(w, "service");
}
static void put_service_list(JsonWriter *w) {
        schema_put_list_of(w, "service");
}

/* What each type takes; nothing (null) beside it: the default. */
static const SchemaPut forms[_CONFIG_TYPE_MAX][3] = {
        [CONFIG_TEXT] = { put_scalar_ref },
        [CONFIG_BOOL] = { schema_put_bool, put_bool },
        [CONFIG_CHOICE] = { schema_put_bool, put_bool },
        [CONFIG_SIZE] = { put_number, put_amount },
        [CONFIG_SIZE_OR_NONE] = { put_number, put_amount },
        [CONFIG_COUNT] = { put_number, put_amount },
        [CONFIG_COUNT_OR_NONE] = { put_number, put_amount },
        [CONFIG_NUMBER] = { put_number, put_amount },
        [CONFIG_SMALL] = { put_number, put_amount },
        [CONFIG_CPUS] = { put_decimal, put_amount },
        [CONFIG_DURATION] = { put_number, put_amount },
        [CONFIG_DURATION_OR_NONE] = { put_number, put_amount, schema_put_bool }, /* 'off' is false to YAML 1.1 */
        [CONFIG_MICROSECONDS] = { put_number, put_amount },
        [CONFIG_TEXTS] = { put_texts_ref },
        [CONFIG_PULLS] = { put_pull_word, put_pull_list },
        [CONFIG_TRUST] = { put_texts_ref },
        [CONFIG_MAP] = { put_map_ref },
        [CONFIG_IMAGE_DEVICES] = { put_lists_by_name },
        [CONFIG_SERVICES] = { put_service_ref, put_service_list },
        [CONFIG_LIMIT] = { put_number, put_amount },
};

static void put_form(JsonWriter *w, SchemaPut put) {
        json_open_object(w, NULL);
        put(w);
        json_close(w);
}

static void put_key(JsonWriter *w, const ConfigKey *key) {
        json_open_object(w, key->name);
        schema_put_doc(w, key->doc);
        if (key->fallback)
                json_put_string(w, "default", key->fallback);
        json_open_array(w, "anyOf");
        put_form(w, put_null);
        if (key->type == CONFIG_WORD) {
                json_open_object(w, NULL);
                schema_put_words(w, "enum", key->words);
                json_close(w);
        }
        for (size_t i = 0; i < ELEMENTSOF(forms[key->type]) && forms[key->type][i]; i++)
                put_form(w, forms[key->type][i]);
        json_close(w);
        json_close(w);
}

static void put_keys(JsonWriter *w, const char *section) {
        ConfigSlot slot = { 0 };

        json_put_bool(w, "additionalProperties", false);
        json_open_object(w, "properties");
        while (config_slot_next(&slot))
                if (strcmp(slot.section->name, section) == 0)
                        put_key(w, slot.key);
}

static bool is_first_of_name(const ConfigSection *section) {
        for (const ConfigSection *before = config_sections; before < section; before++)
                if (strcmp(before->name, section->name) == 0)
                        return false;
        return true;
}

int config_schema(char **ret) {
        static const char *const map_or_nothing[] = { "object", "null", NULL };
        static const struct {
                const char *name;
                SchemaPut put;
        } definitions[] = {
                { "scalar", schema_put_scalar }, { "texts", put_texts }, { "map", put_map }, { "service", put_service },
        };
        JsonWriter w = { 0 };

        schema_begin(&w, "Configuration of podstep");
        schema_put_words(&w, "type", map_or_nothing);
        put_keys(&w, "");
        json_open_object(&w, CONFIG_LOCKED);
        schema_put_doc(
                &w, "Keys, sections, or ``all``, that later files cannot change. Only an administrator's file has it.");
        put_texts_ref(&w);
        json_close(&w);
        for (const ConfigSection *section = config_sections; section->keys; section++) {
                if (!*section->name || !is_first_of_name(section))
                        continue;
                json_open_object(&w, section->name);
                schema_put_words(&w, "type", map_or_nothing);
                put_keys(&w, section->name);
                json_close(&w);
                json_close(&w);
        }
        json_close(&w);
        json_open_object(&w, "definitions");
        FOREACH_ROW(row, definitions) {
                json_open_object(&w, row->name);
                row->put(&w);
                json_close(&w);
        }
        json_close(&w);
        return schema_finish(&w, ret);
}
