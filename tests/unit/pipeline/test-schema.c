#include "test.h"

#include <string.h>

#include "base/str.h"
#include "document/json.h"
#include "pipeline/gitlab-keys.h"
#include "pipeline/schema.h"
#include "pipeline/woodpecker-keys.h"

/* Where each table is to be found. */
typedef struct Place {
        const KeyTable *const *table;
        const char *path;
        unsigned place;
} Place;

static const Place tables[] = {
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

static const Place gitlab_tables[] = {
        { &gitlab_file_keys, "properties", 0 },
        { &gitlab_job_keys, "definitions.job.properties", IN_JOB },
        { &gitlab_job_keys, "definitions.default.properties", IN_DEFAULT },
        { &gitlab_image_keys, "definitions.image-map.properties", 0 },
        { &gitlab_service_keys, "definitions.service-map.properties", 0 },
        { &gitlab_docker_keys, "definitions.docker.properties", 0 },
        { &gitlab_need_keys, "definitions.need-map.properties", 0 },
        { &gitlab_variable_keys, "definitions.file-variable-map.properties", IN_FILE },
        { &gitlab_variable_keys, "definitions.job-variable-map.properties", IN_JOB },
};

static Json *load(SchemaKind kind) {
        _cleanup_free_ char *text = NULL;
        Json *schema;

        assert_int_equal(schema_to_json(kind, &text), 0);
        assert_int_equal(json_parse(text, strlen(text), &schema, NULL), 0);
        return schema;
}

/*
 * Each key that is taken is there, with a description; and unless its value is the reader's own matter, its form. Where
 * any name is a key, one that is refused is told to be none.
 */
static void check_keys(const Place *place, Json *schema) {
        const KeyTable *table = *place->table;
        Json *properties;

        assert_int_equal(json_get_object(schema, place->path, &properties, NULL), 0);
        for (size_t i = 0; i < table->n_keys; i++) {
                const Key *key = &table->keys[i];
                bool is_taken = key->type < KEY_OBSOLETE && (!key->places || (key->places & place->place));
                bool is_free = key->type == KEY_IGNORED;
                Json *property = NULL;

                print_message("key '%s' of %s\n", key->name, place->path);
                (void) json_object_object_get_ex(properties, key->name, &property);
                assert_int_equal(json_object_is_type(property, json_type_object), is_taken);
                assert_int_equal(json_object_is_type(property, json_type_boolean),
                                 table == gitlab_file_keys && !is_taken);
                if (!is_taken)
                        continue;
                assert_non_null(json_find_string(property, "description"));
                assert_null(strstr(json_find_string(property, "description"), "``"));
                assert_int_equal(json_object_object_length(property) > 1, !is_free);
        }
}

static void test_keys(void **state) {
        _cleanup_(json_unrefp) Json *woodpecker = load(SCHEMA_WOODPECKER), *gitlab = load(SCHEMA_GITLAB);

        FOREACH_ROW(row, tables)
                check_keys(row, woodpecker);
        FOREACH_ROW(row, gitlab_tables)
                check_keys(row, gitlab);
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
        for (SchemaKind kind = 0; kind < _SCHEMA_MAX; kind++) {
                _cleanup_(json_unrefp) Json *schema = load(kind);

                check_refs(schema, schema);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_keys), cmocka_unit_test(test_refs) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
