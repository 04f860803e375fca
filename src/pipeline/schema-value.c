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

static void put_scalars(JsonWriter *w) {
        schema_put_list_of(w, "scalar");
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
                SCHEMA_PUT_ANY_OF(w, schema_put_bool, schema_put_bool_word);
                break;
        case KEY_WORD:
                schema_put_words(w, "enum", key->words);
                break;
        case KEY_TEXTS:
                put_scalars(w);
                break;
        case KEY_STRINGS:
                SCHEMA_PUT_ANY_OF(w, schema_put_scalar, put_strings);
                break;
        case KEY_STRINGS_OR_MAP:
                SCHEMA_PUT_ANY_OF(w, schema_put_scalar, put_strings, schema_put_object);
                break;
        case KEY_MAP:
                schema_put_object(w);
                break;
        case KEY_MAP_OR_LIST:
                SCHEMA_PUT_ANY_OF(w, schema_put_object, schema_put_array);
                break;
        default: /* anything */
                break;
        }
}

/* What the rows do not tell. */

static void put_step_map(JsonWriter *w) {
        schema_put_map_of(w, "step");
}
static void put_step_list(JsonWriter *w) {
        schema_put_list_of(w, "step");
}
static void put_steps(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, put_step_map, put_step_list);
        json_put_int(w, "minItems", 1);
        json_put_int(w, "minProperties", 1);
}

static void put_clone_map(JsonWriter *w) {
        schema_put_map_of(w, "clone-step");
}
static void put_clone_list(JsonWriter *w) {
        schema_put_list_of(w, "clone-step");
}
static void put_clone(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, put_clone_map, put_clone_list);
}

static void put_service_map(JsonWriter *w) {
        schema_put_map_of(w, "service");
}
static void put_service_list(JsonWriter *w) {
        schema_put_list_of(w, "service");
}
static void put_services(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, put_service_map, put_service_list);
}

static void put_need(JsonWriter *w) {
        schema_put_ref(w, "need");
}
static void put_need_list(JsonWriter *w) {
        json_put_string(w, "type", "array");
        json_open_object(w, "items");
        SCHEMA_PUT_ANY_OF(w, schema_put_scalar, put_need);
        json_close(w);
}
static void put_needs(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, schema_put_scalar, put_need, put_need_list);
}

static void put_workflow_condition(JsonWriter *w) {
        schema_put_ref(w, "workflow-condition");
}
static void put_workflow_conditions(JsonWriter *w) {
        schema_put_list_of(w, "workflow-condition");
}
static void put_workflow_when(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, put_workflow_condition, put_workflow_conditions);
}

static void put_step_condition(JsonWriter *w) {
        schema_put_ref(w, "step-condition");
}
static void put_step_conditions(JsonWriter *w) {
        schema_put_list_of(w, "step-condition");
}
static void put_step_when(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, put_step_condition, put_step_conditions);
}

static void put_patterns_map(JsonWriter *w) {
        schema_put_ref(w, "patterns");
}
static void put_patterns(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, schema_put_scalar, put_strings, put_patterns_map);
}

static void put_path_map(JsonWriter *w) {
        schema_put_ref(w, "path");
}
static void put_path(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, schema_put_scalar, put_strings, put_path_map);
}

static void put_event_word(JsonWriter *w) {
        schema_put_words(w, "enum", metadata_events);
}
static void put_event_list(JsonWriter *w) {
        json_put_string(w, "type", "array");
        json_open_object(w, "items");
        put_event_word(w);
        json_close(w);
}
static void put_events(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, put_event_word, put_event_list);
}

static void put_status_word(JsonWriter *w) {
        static const char *const words[] = { "success", "failure", NULL };

        schema_put_words(w, "enum", words);
}
static void put_status_list(JsonWriter *w) {
        json_put_string(w, "type", "array");
        json_open_object(w, "items");
        put_status_word(w);
        json_close(w);
}
static void put_status(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, put_status_word, put_status_list);
}

static void put_axes(JsonWriter *w) {
        json_put_string(w, "type", "object");
        json_open_object(w, "additionalProperties");
        schema_put_array(w);
        json_close(w);
        json_open_object(w, "properties");
        json_open_object(w, "include");
        schema_put_list_of(w, "combination");
        json_close(w);
        json_close(w);
}

void schema_put_scalars_by_name(JsonWriter *w) {
        schema_put_map_of(w, "scalar");
}
static void put_workspace(JsonWriter *w) {
        schema_put_ref(w, "workspace");
}
static void put_backend_options(JsonWriter *w) {
        schema_put_ref(w, "backend-options");
}
static void put_ready(JsonWriter *w) {
        schema_put_ref(w, "ready");
}
static void put_engine(JsonWriter *w) {
        schema_put_ref(w, "engine-options");
}

static void put_limit(JsonWriter *w) {
        json_put_string(w, "type", "integer");
        json_put_int(w, "minimum", 1);
}
static void put_concurrency_map(JsonWriter *w) {
        schema_put_ref(w, "concurrency");
}
static void put_concurrency(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, put_limit, put_concurrency_map);
}

static const SchemaShape shapes[] = {
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
        { 0 },
};
const SchemaShape *const schema_woodpecker_shapes = shapes;

void schema_put_value(JsonWriter *w, const SchemaShape *of, const KeyTable *table, const Key *key) {
        for (; of->table; of++)
                if (*of->table == table && strcmp(of->name, key->name) == 0) {
                        of->put(w);
                        return;
                }
        if (key->type == KEY_STRINGS_OR_MAP)
                put_patterns(w);
        else
                put_type(w, key);
}
