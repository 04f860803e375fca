#include "test.h"

#include <string.h>

#include "base/str.h"
#include "document/json.h"
#include "pipeline/schema.h"
#include "pipeline/woodpecker-keys.h"

/* Where each table is to be found. */
static const struct {
        const KeyTable *const *table;
        const char *path;
        unsigned place;
} tables[] = {
        { &woodpecker_workflow_keys, "properties", 0 },
        { &woodpecker_workspace_keys, "definitions.workspace.properties", 0 },
        { &woodpecker_container_keys, "definitions.step.properties", IN_STEP },
        { &woodpecker_container_keys, "definitions.service.properties", IN_SERVICE },
        { &woodpecker_container_keys, "definitions.clone-step.properties", IN_STEP | IN_CLONE },
        { &woodpecker_concurrency_keys, "definitions.concurrency.properties", 0 },
        { &woodpecker_need_keys, "definitions.need.properties", 0 },
        { &woodpecker_ready_keys, "definitions.ready.properties", 0 },
        { &woodpecker_engine_keys, "definitions.engine-options.properties", 0 },
        { &woodpecker_backend_keys, "definitions.backend-options.properties", 0 },
        { &woodpecker_when_keys, "definitions.step-condition.properties", IN_STEP },
        { &woodpecker_when_keys, "definitions.workflow-condition.properties", IN_WORKFLOW },
        { &woodpecker_pattern_keys, "definitions.patterns.properties", IN_PATTERNS },
        { &woodpecker_pattern_keys, "definitions.path.properties", IN_PATH },
};

static Json *load(void) {
        _cleanup_free_ char *text = NULL;
        Json *schema;

        assert_int_equal(schema_to_json(&text), 0);
        assert_int_equal(json_parse(text, strlen(text), &schema, NULL), 0);
        return schema;
}

/* Each key that is taken is there, with a description; and unless its value is the reader's own matter, its form. */
static void test_keys(void **state) {
        _cleanup_(json_unrefp) Json *schema = load();

        FOREACH_ROW(row, tables) {
                const KeyTable *table = *row->table;
                Json *properties;

                assert_int_equal(json_get_object(schema, row->path, &properties, NULL), 0);
                for (size_t i = 0; i < table->n_keys; i++) {
                        const Key *key = &table->keys[i];
                        bool is_taken = key->type < KEY_OBSOLETE && (!key->places || (key->places & row->place));
                        bool is_free = key->type == KEY_IGNORED;
                        Json *property = NULL;

                        print_message("key '%s' of %s\n", key->name, row->path);
                        assert_int_equal(json_object_object_get_ex(properties, key->name, &property), is_taken);
                        if (!is_taken)
                                continue;
                        assert_non_null(json_find_string(property, "description"));
                        assert_null(strstr(json_find_string(property, "description"), "``"));
                        assert_int_equal(json_object_object_length(property) > 1, !is_free);
                }
        }
}

static const char *name_of(const char *ref) {
        static const char start[] = "#/definitions/";

        assert_true(str_starts_with(ref, start));
        return ref + strlen(start);
}

/* What is referred to is there. */
static void check_refs(Json *schema, Json *json) {
        const char *ref = json_object_is_type(json, json_type_object) ? json_find_string(json, "$ref") : NULL;

        if (ref) {
                _cleanup_free_ char *path = str_printf("definitions.%s", name_of(ref));
                Json *found;

                assert_int_equal(json_get_object(schema, path, &found, NULL), 0);
        }
        if (json_object_is_type(json, json_type_object)) {
                json_object_object_foreach(json, key, value) {
                        (void) key;
                        check_refs(schema, value);
                }
        }
        for (size_t i = 0; json_object_is_type(json, json_type_array) && i < json_object_array_length(json); i++)
                check_refs(schema, json_object_array_get_idx(json, i));
}

static void test_refs(void **state) {
        _cleanup_(json_unrefp) Json *schema = load();

        check_refs(schema, schema);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_keys), cmocka_unit_test(test_refs) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
