/*
 * Each table of keys becomes an object of the schema. What the parser takes the schema takes; but a schema cannot see
 * names, images and what belongs together: that is left to 'podstep lint'.
 */

#include "pipeline/schema.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "pipeline/schema-internal.h"
#include "pipeline/woodpecker-keys.h"

#define DOC_BYTES_MAX 4096

/* "``image``" is reST; editors show Markdown. */
static void put_doc(JsonWriter *w, const char *doc) {
        _cleanup_str_ Str text = STR_INIT(DOC_BYTES_MAX);

        for (; *doc; doc++)
                if (doc[0] != '`' || doc[1] != '`')
                        (void) str_append_char(&text, *doc);
        if (text.error && !w->error)
                w->error = -ENOMEM;
        json_put_string(w, "description", str_get(&text));
}

/* @required: a key that must be there, or NULL */
static void put_table(JsonWriter *w, const KeyTable *table, unsigned place, const char *required) {
        json_put_string(w, "type", "object");
        json_put_bool(w, "additionalProperties", (table->free_places & place) != 0);
        if (required)
                json_put_strv(w, "required", (char *[]){ (char *) required, NULL });
        json_open_object(w, "properties");
        for (size_t i = 0; i < table->n_keys; i++) {
                const Key *key = &table->keys[i];

                if (key->type >= KEY_OBSOLETE || (key->places && !(key->places & place)))
                        continue;
                json_open_object(w, key->name);
                put_doc(w, key->doc ? key->doc : "Of another engine.");
                schema_put_value(w, table, key);
                json_close(w);
        }
        json_close(w);
}

static const struct {
        const char *name;
        const KeyTable *const *table;
        unsigned place;
        const char *required;
        SchemaPut put; /* instead of a table */
} definitions[] = {
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
};

int schema_to_json(char **ret) {
        _cleanup_free_ char *text = NULL;
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_put_string(&w, "$schema", "http://json-schema.org/draft-07/schema#");
        json_put_string(&w, "title", "Woodpecker CI workflow, as podstep reads it");
        put_table(&w, woodpecker_workflow_keys, 0, "steps");
        json_open_object(&w, "definitions");
        FOREACH_ROW(row, definitions) {
                json_open_object(&w, row->name);
                if (row->put)
                        row->put(&w);
                else
                        put_table(&w, *row->table, row->place, row->required);
                json_close(&w);
        }
        json_close(&w);
        json_close(&w);
        if (json_finish(&w, true, &text) < 0)
                return -ENOMEM;
        *ret = str_printf("%s\n", text);
        return *ret ? 0 : -ENOMEM;
}
