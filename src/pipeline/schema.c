/*
 * Each table of keys becomes an object of the schema. What the parser takes the schema takes; but a schema cannot see
 * names, images and what belongs together: that is left to 'podstep lint'.
 */

#include "pipeline/schema.h"

#include <assert.h>
#include <string.h>

#include "pipeline/gitlab-keys.h"
#include "pipeline/schema-internal.h"
#include "pipeline/woodpecker-keys.h"

typedef struct Schema {
        const char *title;
        const KeyTable *const *file; /* the keys of the file itself */
        const char *required;
        const char *others;  /* the definition of its other keys; NULL: as the table says */
        const char *ignored; /* a regular expression of keys that hold what they like; NULL: there are none */
        const SchemaShape *const *shapes;
        const SchemaDefinition *const *definitions;
} Schema;

/* @required: a key that must be there, or NULL */
static void put_table(JsonWriter *w, const Schema *schema, const KeyTable *table, unsigned place,
                      const char *required) {
        bool is_file = table == *schema->file;

        json_put_string(w, "type", "object");
        if (is_file && schema->others) {
                json_open_object(w, "additionalProperties");
                schema_put_ref(w, schema->others);
                json_close(w);
        } else
                json_put_bool(w, "additionalProperties", (table->free_places & place) != 0);
        if (is_file && schema->ignored) {
                json_open_object(w, "patternProperties");
                json_open_object(w, schema->ignored);
                json_close(w);
                json_close(w);
        }
        if (required)
                json_put_strv(w, "required", (char *[]){ (char *) required, NULL });
        json_open_object(w, "properties");
        for (size_t i = 0; i < table->n_keys; i++) {
                const Key *key = &table->keys[i];

                /* A key that is refused is none of the others. */
                if (key->type >= KEY_OBSOLETE && is_file && schema->others)
                        json_put_bool(w, key->name, false);
                if (key->type >= KEY_OBSOLETE || (key->places && !(key->places & place)))
                        continue;
                json_open_object(w, key->name);
                schema_put_doc(w, key->doc ? key->doc : "Of another engine.");
                schema_put_value(w, *schema->shapes, table, key);
                json_close(w);
        }
        json_close(w);
}

static const SchemaDefinition woodpecker_rows[] = {
        { "scalar", .put = schema_put_scalar },
        { "combination", .put = schema_put_scalars_by_name },
        { "step", &woodpecker_container_keys, IN_STEP, "image" },
        { "service", &woodpecker_container_keys, IN_SERVICE, "image" },
        { "clone-step", &woodpecker_container_keys, IN_STEP | IN_CLONE, "image" },
        { "workflow-condition", &woodpecker_when_keys, IN_WORKFLOW },
        { "step-condition", &woodpecker_when_keys, IN_STEP },
        { "patterns", &woodpecker_pattern_keys, IN_PATTERNS },
        { "path", &woodpecker_pattern_keys, IN_PATH },
        { "need", &woodpecker_need_keys, 0, "name" },
        { "workspace", &woodpecker_workspace_keys },
        { "concurrency", &woodpecker_concurrency_keys, 0, "limit" },
        { "ready", &woodpecker_ready_keys },
        { "backend-options", &woodpecker_backend_keys, IN_BACKEND },
        { "engine-options", &woodpecker_engine_keys },
        { 0 },
};
static const SchemaDefinition *const woodpecker_definitions = woodpecker_rows;

static const Schema schemas[_SCHEMA_MAX] = {
        [SCHEMA_WOODPECKER] = { "Woodpecker CI workflow, as podstep reads it", &woodpecker_workflow_keys, "steps", NULL,
                                NULL, &schema_woodpecker_shapes, &woodpecker_definitions },
        [SCHEMA_GITLAB] = { "GitLab CI file, as podstep reads it", &gitlab_file_keys, NULL, "job", "^\\.",
                            &schema_gitlab_shapes, &schema_gitlab_definitions },
};

const char *const schema_kind_names[] = { "woodpecker", "gitlab", NULL };
static_assert(ELEMENTSOF(schema_kind_names) == _SCHEMA_MAX + 1, "a name for each");

int schema_to_json(SchemaKind kind, char **ret) {
        const Schema *schema = &schemas[kind];
        JsonWriter w = { 0 };

        schema_begin(&w, schema->title);
        put_table(&w, schema, *schema->file, 0, schema->required);
        json_open_object(&w, "definitions");
        for (const SchemaDefinition *row = *schema->definitions; row->name; row++) {
                json_open_object(&w, row->name);
                if (row->put)
                        row->put(&w);
                else
                        put_table(&w, schema, *row->table, row->place, row->required);
                json_close(&w);
        }
        json_close(&w);
        return schema_finish(&w, ret);
}
