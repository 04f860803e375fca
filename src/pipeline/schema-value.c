/*
 * What the values of a key may be. Its row says so; where that is not all (KEY_ANY, maps with rows of their own), a row
 * here does.
 */

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "pipeline/metadata.h"
#include "pipeline/schema-internal.h"
#include "pipeline/woodpecker-keys.h"

static const char *const scalars[] = { "string", "number", "boolean", NULL };

static void put_types(JsonWriter *w, const char *key, const char *const *types) {
        json_put_strv(w, key, (char *const *) types);
}

static void put_ref(JsonWriter *w, const char *name) {
        _cleanup_free_ char *ref = str_printf("#/definitions/%s", name);

        if (!ref && !w->error)
                w->error = -ENOMEM;
        json_put_string(w, "$ref", ref);
}

static void put_list_of(JsonWriter *w, const char *definition) {
        json_put_string(w, "type", "array");
        json_open_object(w, "items");
        put_ref(w, definition);
        json_close(w);
}

static void put_map_of(JsonWriter *w, const char *definition) {
        json_put_string(w, "type", "object");
        json_open_object(w, "additionalProperties");
        put_ref(w, definition);
        json_close(w);
}

/* { "anyOf": [A, A-list] } and the like: each of @puts writes one. */
static void put_any_of(JsonWriter *w, const SchemaPut *puts) {
        json_open_array(w, "anyOf");
        for (; *puts; puts++) {
                json_open_object(w, NULL);
                (*puts)(w);
                json_close(w);
        }
        json_close(w);
}
#define PUT_ANY_OF(w, ...) put_any_of((w), (const SchemaPut[]){ __VA_ARGS__, NULL })

void schema_put_scalar(JsonWriter *w) {
        put_types(w, "type", scalars);
}
static void put_bool(JsonWriter *w) {
        json_put_string(w, "type", "boolean");
}
static void put_bool_word(JsonWriter *w) {
        static const char *const words[] = { "yes", "no", "on", "off", "y", "n", "true", "false", NULL };

        put_types(w, "enum", words);
}
static void put_object(JsonWriter *w) {
        json_put_string(w, "type", "object");
}
static void put_array(JsonWriter *w) {
        json_put_string(w, "type", "array");
}
static void put_scalars(JsonWriter *w) {
        put_list_of(w, "scalar");
}
static void put_strings(JsonWriter *w) {
        json_put_string(w, "type", "array");
        json_open_object(w, "items");
        json_put_string(w, "type", "string");
        json_close(w);
}

static void put_type(JsonWriter *w, const Key *key) {
        switch (key->type) {
        case KEY_TEXT:
                schema_put_scalar(w);
                break;
        case KEY_BOOL:
                PUT_ANY_OF(w, put_bool, put_bool_word);
                break;
        case KEY_WORD:
                put_types(w, "enum", key->words);
                break;
        case KEY_TEXTS:
                put_scalars(w);
                break;
        case KEY_STRINGS:
                PUT_ANY_OF(w, schema_put_scalar, put_strings);
                break;
        case KEY_STRINGS_OR_MAP:
                PUT_ANY_OF(w, schema_put_scalar, put_strings, put_object);
                break;
        case KEY_MAP:
                put_object(w);
                break;
        case KEY_MAP_OR_LIST:
                PUT_ANY_OF(w, put_object, put_array);
                break;
        default: /* anything */
                break;
        }
}

/* What the rows do not tell. */

static void put_step_map(JsonWriter *w) {
        put_map_of(w, "step");
}
static void put_step_list(JsonWriter *w) {
        put_list_of(w, "step");
}
static void put_steps(JsonWriter *w) {
        PUT_ANY_OF(w, put_step_map, put_step_list);
        json_put_int(w, "minItems", 1);
        json_put_int(w, "minProperties", 1);
}

static void put_clone_map(JsonWriter *w) {
        put_map_of(w, "clone-step");
}
static void put_clone_list(JsonWriter *w) {
        put_list_of(w, "clone-step");
}
static void put_clone(JsonWriter *w) {
        PUT_ANY_OF(w, put_clone_map, put_clone_list);
}

static void put_service_map(JsonWriter *w) {
        put_map_of(w, "service");
}
static void put_service_list(JsonWriter *w) {
        put_list_of(w, "service");
}
static void put_services(JsonWriter *w) {
        PUT_ANY_OF(w, put_service_map, put_service_list);
}

static void put_need(JsonWriter *w) {
        put_ref(w, "need");
}
static void put_need_list(JsonWriter *w) {
        json_put_string(w, "type", "array");
        json_open_object(w, "items");
        PUT_ANY_OF(w, schema_put_scalar, put_need);
        json_close(w);
}
static void put_needs(JsonWriter *w) {
        PUT_ANY_OF(w, schema_put_scalar, put_need, put_need_list);
}

static void put_workflow_condition(JsonWriter *w) {
        put_ref(w, "workflow-condition");
}
static void put_workflow_conditions(JsonWriter *w) {
        put_list_of(w, "workflow-condition");
}
static void put_workflow_when(JsonWriter *w) {
        PUT_ANY_OF(w, put_workflow_condition, put_workflow_conditions);
}

static void put_step_condition(JsonWriter *w) {
        put_ref(w, "step-condition");
}
static void put_step_conditions(JsonWriter *w) {
        put_list_of(w, "step-condition");
}
static void put_step_when(JsonWriter *w) {
        PUT_ANY_OF(w, put_step_condition, put_step_conditions);
}

static void put_patterns_map(JsonWriter *w) {
        put_ref(w, "patterns");
}
static void put_patterns(JsonWriter *w) {
        PUT_ANY_OF(w, schema_put_scalar, put_strings, put_patterns_map);
}

static void put_path_map(JsonWriter *w) {
        put_ref(w, "path");
}
static void put_path(JsonWriter *w) {
        PUT_ANY_OF(w, schema_put_scalar, put_strings, put_path_map);
}

static void put_event_word(JsonWriter *w) {
        put_types(w, "enum", metadata_events);
}
static void put_event_list(JsonWriter *w) {
        json_put_string(w, "type", "array");
        json_open_object(w, "items");
        put_event_word(w);
        json_close(w);
}
static void put_events(JsonWriter *w) {
        PUT_ANY_OF(w, put_event_word, put_event_list);
}

static void put_status_word(JsonWriter *w) {
        static const char *const words[] = { "success", "failure", NULL };

        put_types(w, "enum", words);
}
static void put_status_list(JsonWriter *w) {
        json_put_string(w, "type", "array");
        json_open_object(w, "items");
        put_status_word(w);
        json_close(w);
}
static void put_status(JsonWriter *w) {
        PUT_ANY_OF(w, put_status_word, put_status_list);
}

static void put_axes(JsonWriter *w) {
        json_put_string(w, "type", "object");
        json_open_object(w, "additionalProperties");
        put_array(w);
        json_close(w);
        json_open_object(w, "properties");
        json_open_object(w, "include");
        put_list_of(w, "combination");
        json_close(w);
        json_close(w);
}

void schema_put_scalars_by_name(JsonWriter *w) {
        put_map_of(w, "scalar");
}
static void put_workspace(JsonWriter *w) {
        put_ref(w, "workspace");
}
static void put_backend_options(JsonWriter *w) {
        put_ref(w, "backend-options");
}
static void put_ready(JsonWriter *w) {
        put_ref(w, "ready");
}
static void put_engine(JsonWriter *w) {
        put_ref(w, "engine-options");
}

static void put_limit(JsonWriter *w) {
        json_put_string(w, "type", "integer");
        json_put_int(w, "minimum", 1);
}
static void put_concurrency_map(JsonWriter *w) {
        put_ref(w, "concurrency");
}
static void put_concurrency(JsonWriter *w) {
        PUT_ANY_OF(w, put_limit, put_concurrency_map);
}

static const struct {
        const KeyTable *const *table;
        const char *name;
        SchemaPut put;
} shapes[] = {
        { &woodpecker_workflow_keys, "steps", put_steps },
        { &woodpecker_workflow_keys, "services", put_services },
        { &woodpecker_workflow_keys, "clone", put_clone },
        { &woodpecker_workflow_keys, "when", put_workflow_when },
        { &woodpecker_workflow_keys, "workspace", put_workspace },
        { &woodpecker_workflow_keys, "matrix", put_axes },
        { &woodpecker_workflow_keys, "depends_on", put_needs },
        { &woodpecker_workflow_keys, "labels", schema_put_scalars_by_name },
        { &woodpecker_workflow_keys, "concurrency", put_concurrency },
        { &woodpecker_workflow_keys, "runs_on", put_status },
        { &woodpecker_concurrency_keys, "limit", put_limit },
        { &woodpecker_container_keys, "depends_on", put_needs },
        { &woodpecker_container_keys, "when", put_step_when },
        { &woodpecker_container_keys, "backend_options", put_backend_options },
        { &woodpecker_container_keys, "ready", put_ready },
        { &woodpecker_backend_keys, "podman", put_engine },
        { &woodpecker_backend_keys, "docker", put_engine },
        { &woodpecker_when_keys, "event", put_events },
        { &woodpecker_when_keys, "status", put_status },
        { &woodpecker_when_keys, "path", put_path },
};

void schema_put_value(JsonWriter *w, const KeyTable *table, const Key *key) {
        FOREACH_ROW(shape, shapes)
                if (*shape->table == table && strcmp(shape->name, key->name) == 0) {
                        shape->put(w);
                        return;
                }
        if (key->type == KEY_STRINGS_OR_MAP)
                put_patterns(w);
        else
                put_type(w, key);
}
