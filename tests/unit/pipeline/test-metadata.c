#include "golden.h"

#include <errno.h>

#include "base/strv.h"
#include "pipeline/metadata.h"

static void metadata_cleanup(Metadata *metadata) {
        metadata_done(metadata);
}

static void load(const char *json, Metadata *metadata) {
        _cleanup_(error_freep) Error *error = NULL;
        int r = metadata_from_json(json, strlen(json), metadata, &error);

        if (r < 0)
                print_message("%s\n", error_message(error, r));
        assert_int_equal(r, 0);
}

/* tests/golden/metadata/NAME.json beside NAME.txt, the variables it gives. */
static void test_golden(void **state) {
        static const char *const names[] = { "empty",      "push", "pull-request",  "release",
                                             "deployment", "tag",  "unknown-fields" };

        FOREACH_ROW(name, names) {
                _cleanup_free_ char *in = str_printf("%s/metadata/%s.json", GOLDEN_DIRECTORY, *name), *json = NULL,
                                    *out = str_printf("metadata/%s.txt", *name);
                _cleanup_(metadata_cleanup) Metadata metadata;
                _cleanup_map_ Map environment = STRMAP_INIT;
                _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);

                metadata_init(&metadata);
                assert_int_equal(file_read(in, METADATA_BYTES_MAX, &json, NULL), 0);
                load(json, &metadata);
                assert_int_equal(metadata_to_environment(&metadata, &environment), 0);
                MAP_FOREACH(entry, &environment)
                        str_appendf(&text, "%s=%s\n", entry->key, (const char *) entry->value);
                golden_check(out, str_get(&text));
        }
}

// clang-format off
/*
 * What one field makes of one variable; NULL: it is not set. The first rows are those of Woodpecker's
 * environment_test.go.
 */
static void test_variables(void **state) {
        static const struct {
                const char *json, *name, *want;
        } rows[] = {
                { "{'sys':{'name':'wp'}}", "CI", "wp" },
                { "{'curr':{'event':'release'}}", "CI_PIPELINE_EVENT", "release" },
                { "{'prev':{'event':'pull_request_metadata'}}", "CI_PREV_PIPELINE_EVENT", "pull_request_metadata" },
                { "{'curr':{'event':'release','release':{'title':'v1.2.3'}}}", "CI_PIPELINE_RELEASE_TITLE", "v1.2.3" },
                { "{'curr':{'event':'release','release':{'is_prerelease':true}}}", "CI_PIPELINE_RELEASE_PRE", "true" },
                { "{'curr':{'event':'release','release':{'is_prerelease':true}}}", "CI_COMMIT_PRERELEASE", "true" },
                { "{'prev':{'event':'pull_request_metadata','commit':{'refspec':'a:b'}}}", "CI_PREV_COMMIT_SOURCE_BRANCH", "a" },
                { "{'prev':{'event':'pull_request_metadata','commit':{'refspec':'a:b'}}}", "CI_PREV_COMMIT_TARGET_BRANCH", "b" },
                { "{}", "CI_PIPELINE_FILES", "[]" },
                { "{'curr':{'commit':{'ref':'refs/tags/v1.2.3'}}}", "CI_COMMIT_TAG", "v1.2.3" },
                { "{'curr':{'commit':{'timestamp':1722617519}}}", "CI_COMMIT_TIMESTAMP", "1722617519" },
                { "{'prev':{'commit':{'timestamp':1722610173}}}", "CI_PREV_COMMIT_TIMESTAMP", "1722610173" },
                { "{'curr':{'commit':{'changed_files':['readme','license']}}}", "CI_PIPELINE_FILES", "[\"readme\",\"license\"]" },
                { "{'curr':{'event':'pull_request','commit':{'draft':true}}}", "CI_COMMIT_PULL_REQUEST_DRAFT", "true" },
                { "{'curr':{'event':'pull_request'}}", "CI_COMMIT_PULL_REQUEST_DRAFT", "false" },
                { "{'curr':{'event':'pull_request'}}", "CI_COMMIT_TAG", NULL },

                { "{}", "CI_REPO", NULL },
                { "{'repo':{'name':'n'}}", "CI_REPO", "n" },
                { "{'repo':{'owner':'o'}}", "CI_REPO", "o" },
                { "{'repo':{'name':'n','owner':'a/b'}}", "CI_REPO", "a/b/n" },
                { "{}", "CI_REPO_PRIVATE", "false" },
                { "{'repo':{'private':true}}", "CI_REPO_PRIVATE", "true" },
                { "{'repo':{'trusted':{'network':true,'volumes':true}}}", "CI_REPO_TRUSTED", "false" },
                { "{'repo':{'trusted':{'network':true,'volumes':true,'security':true}}}", "CI_REPO_TRUSTED", "true" },
                { "{'repo':{'name':''}}", "CI_REPO_NAME", NULL },
                { "{}", "CI_PIPELINE_NUMBER", "0" },
                { "{}", "CI_PREV_PIPELINE_FINISHED", "0" },
                { "{}", "CI_STEP_NUMBER", "0" },
                { "{}", "CI_PIPELINE_RERUNS", NULL },
                { "{'curr':{'rerun_count':2}}", "CI_PIPELINE_RERUNS", "2" },
                { "{'curr':{'event_reason':['opened','labeled']}}", "CI_PIPELINE_EVENT_REASON", "opened,labeled" },
                { "{'sys':{'url':'https://ci.test'},'repo':{'id':5},'curr':{'number':7}}", "CI_PIPELINE_URL", "https://ci.test/repos/5/pipeline/7" },
                { "{'sys':{'url':'https://ci.test'},'repo':{'id':5},'curr':{'number':7}}", "CI_STEP_URL", "https://ci.test/repos/5/pipeline/7" },
                { "{}", "CI_PIPELINE_URL", "/repos/0/pipeline/0" },
                { "{'curr':{'event':'push','release':{'title':'t'}}}", "CI_PIPELINE_RELEASE_TITLE", NULL },
                { "{'curr':{'event':'push'}}", "CI_COMMIT_PRERELEASE", NULL },
                { "{'curr':{'event':'push','commit':{'refspec':'a:b'}}}", "CI_COMMIT_SOURCE_BRANCH", NULL },
                { "{'curr':{'event':'pull_request_closed','commit':{'refspec':'a:b'}}}", "CI_COMMIT_SOURCE_BRANCH", "a" },
                { "{'curr':{'event':'pull_request','commit':{'refspec':'a:b:c'}}}", "CI_COMMIT_SOURCE_BRANCH", NULL },
                { "{'curr':{'event':'pull_request','commit':{'refspec':'a'}}}", "CI_COMMIT_TARGET_BRANCH", NULL },
                { "{'curr':{'event':'pull_request','commit':{'ref':'refs/merge-requests/27/head'}}}", "CI_COMMIT_PULL_REQUEST", "27" },
                { "{'curr':{'event':'pull_request','commit':{'ref':'refs/heads/main'}}}", "CI_COMMIT_PULL_REQUEST", NULL },
                { "{'curr':{'event':'push','commit':{'ref':'refs/pull/2/head'}}}", "CI_COMMIT_PULL_REQUEST", NULL },
                { "{'curr':{'event':'pull_request','commit':{'labels':['a','b c']}}}", "CI_COMMIT_PULL_REQUEST_LABELS", "a,b c" },
                { "{'curr':{'event':'tag','commit':{'ref':'refs/heads/main'}}}", "CI_COMMIT_TAG", NULL },
                { "{'prev':{'forge_url':'https://f.test/c/1'}}", "CI_PREV_COMMIT_URL", "https://f.test/c/1" },
                { "{'curr':{'commit':{'changed_files':['a/b \\\"c','\\u00e4']}}}", "CI_PIPELINE_FILES", "[\"a/b \\\"c\",\"\xc3\xa4\"]" },
        };
        // clang-format on

        FOREACH_ROW(row, rows) {
                _cleanup_(metadata_cleanup) Metadata metadata;
                _cleanup_map_ Map environment = STRMAP_INIT;
                _cleanup_free_ char *json = strdup(row->json);
                const char *value;

                print_message("case %s of %s\n", row->name, row->json);
                for (char *c = json; *c; c++)
                        *c = *c == '\'' ? '"' : *c;
                metadata_init(&metadata);
                load(json, &metadata);
                assert_int_equal(metadata_to_environment(&metadata, &environment), 0);
                value = strmap_get(&environment, row->name);
                if (row->want)
                        assert_string_equal(value ? value : "(not set)", row->want);
                else
                        assert_null(value);
        }
}

static void test_many_files(void **state) {
        static const struct {
                size_t n, bytes;
                bool want;
        } rows[] = { { METADATA_FILES_MAX, 10, true }, { METADATA_FILES_MAX + 1, 10, false }, { 400, 400, false } };

        FOREACH_ROW(row, rows) {
                _cleanup_(metadata_cleanup) Metadata metadata;
                _cleanup_map_ Map environment = STRMAP_INIT;

                metadata_init(&metadata);
                for (size_t i = 0; i < row->n; i++)
                        assert_int_equal(strv_append_take(&metadata.curr.commit.changed_files,
                                                          str_printf("%0*zu", (int) row->bytes, i)),
                                         0);
                assert_int_equal(metadata_to_environment(&metadata, &environment), 0);
                assert_int_equal(map_has(&environment, "CI_PIPELINE_FILES"), row->want);
        }
}

static void test_faults(void **state) {
        // clang-format off
        static const struct {
                const char *json, *want;
        } rows[] = {
                { "", "not JSON: it ends in the middle, after 0 bytes" },
                { "[]", "metadata must be a JSON object" },
                { "null", "metadata must be a JSON object" },
                { "{", "not JSON: it ends in the middle, after 1 bytes" },
                { "{\"repo\":[]}", ".repo: expected object, found array" },
                { "{\"repo\":{\"name\":1}}", ".repo.name: expected string, found number" },
                { "{\"repo\":{\"private\":\"yes\"}}", ".repo.private: expected boolean, found string" },
                { "{\"curr\":1}", ".curr: expected object, found number" },
                { "{\"curr\":{\"number\":\"1\"}}", ".curr.number: expected whole number, found string" },
                { "{\"prev\":{\"commit\":{\"sha\":[]}}}", ".prev.commit.sha: expected string, found array" },
                { "{\"curr\":{\"commit\":{\"changed_files\":\"a\"}}}", ".curr.commit.changed_files: expected array, found string" },
                { "{\"curr\":{\"commit\":{\"changed_files\":[\"a\",1]}}}", ".curr.commit.changed_files[1]: expected string" },
                { "{\"workflow\":{\"matrix\":{\"GO\":1}}}", ".workflow.matrix.GO: expected string" },
                { "{\"curr\":{\"commit\":{\"message\":\"a\\u0000b\"}}}", ".curr.commit.message: the string holds a NUL character" },
                { "{\"curr\":{\"number\":99999999999999999999}}", ".curr.number: the number is too large" },
        };
        // clang-format on

        FOREACH_ROW(row, rows) {
                _cleanup_(metadata_cleanup) Metadata metadata;
                _cleanup_(error_freep) Error *error = NULL;

                print_message("case '%s'\n", row->json);
                metadata_init(&metadata);
                assert_int_equal(metadata_from_json(row->json, strlen(row->json), &metadata, &error), -EBADMSG);
                assert_string_equal(error_message(error, 0), row->want);
                assert_int_equal(metadata_from_json(row->json, strlen(row->json), &metadata, NULL), -EBADMSG);
        }
}

/* A later layer sets what it holds and leaves the rest. */
static void test_layers(void **state) {
        static const char *const unreadable[] = { "no JSON", "{}", "3", "[\"a\", \"b\", 3]" };
        _cleanup_(metadata_cleanup) Metadata metadata;
        _cleanup_map_ Map environment = STRMAP_INIT;

        metadata_init(&metadata);
        load("{\"repo\":{\"name\":\"first\",\"owner\":\"o\"},\"curr\":{\"number\":3,\"commit\":{\"labels\":[\"a\"]}}}",
             &metadata);
        load("{\"repo\":{\"name\":\"second\",\"owner\":null},\"curr\":{\"commit\":{\"labels\":[\"b\",\"c\"]}}}",
             &metadata);
        assert_string_equal(metadata.repo.name, "second");
        assert_string_equal(metadata.repo.owner, "o");
        assert_int_equal(metadata.curr.number, 3);
        assert_int_equal(strv_length(metadata.curr.commit.labels), 2);

        assert_int_equal(strmap_put(&environment, "CI_REPO_NAME", "third"), 0);
        assert_int_equal(strmap_put(&environment, "CI_REPO_OWNER", ""), 0);
        assert_int_equal(strmap_put(&environment, "CI_PIPELINE_NUMBER", "x"), 0);
        assert_int_equal(strmap_put(&environment, "CI_REPO_PRIVATE", "true"), 0);
        assert_int_equal(strmap_put(&environment, "CI_PIPELINE_FILES", "[\"x y\"]"), 0);
        assert_int_equal(strmap_put(&environment, "CI_COMMIT_PULL_REQUEST_LABELS", "l1,l2,l3"), 0);
        assert_int_equal(strmap_put(&environment, "CI", "true"), 0);
        assert_int_equal(metadata_from_environment(&environment, &metadata), 0);
        assert_string_equal(metadata.repo.name, "third");
        assert_string_equal(metadata.repo.owner, "o");
        assert_int_equal(metadata.curr.number, 3);
        assert_true(metadata.repo.is_private);
        assert_int_equal(strv_length(metadata.curr.commit.changed_files), 1);
        assert_string_equal(metadata.curr.commit.changed_files[0], "x y");
        assert_int_equal(strv_length(metadata.curr.commit.labels), 3);
        assert_null(metadata.sys.name);

        FOREACH_ROW(text, unreadable) {
                assert_int_equal(strmap_put(&environment, "CI_PIPELINE_FILES", *text), 0);
                assert_int_equal(metadata_from_environment(&environment, &metadata), 0);
                assert_int_equal(strv_length(metadata.curr.commit.changed_files), 1);
        }
}

static void test_events(void **state) {
        size_t n_pull = 0;

        STRV_FOREACH(event, (char *const *) metadata_events)
                n_pull += metadata_event_is_pull(*event);
        assert_int_equal(n_pull, 3);
        assert_false(metadata_event_is_pull(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_golden), cmocka_unit_test(test_variables), cmocka_unit_test(test_many_files),
                cmocka_unit_test(test_faults), cmocka_unit_test(test_layers),    cmocka_unit_test(test_events),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
