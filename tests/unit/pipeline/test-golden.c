/*
 * tests/golden/pipeline/NAME.yaml beside NAME.txt, its messages, and NAME.json, its plan where it has one.
 * policy-NAME.yaml also is judged by a policy that trusts nobody. clone-NAME.yaml has a workspace that begins empty.
 */

#include "golden.h"
#include "pipeline/again.h"

#include <errno.h>

#include "pipeline/policy.h"
#include "pipeline/woodpecker.h"

#define DIRECTORY "pipeline"
#define TEXT_BYTES_MAX (4U << 20)

static void fill_context(Map *environment, Map *secrets) {
        assert_int_equal(strmap_put(environment, "CI", "woodpecker"), 0);
        assert_int_equal(strmap_put(environment, "CI_COMMIT_BRANCH", "main"), 0);
        assert_int_equal(strmap_put(environment, "CI_COMMIT_SHA", "4f1c2e7d0b9a8c6e5d4f3a2b1c0d9e8f7a6b5c4d"), 0);
        assert_int_equal(strmap_put(environment, "CI_PIPELINE_EVENT", "push"), 0);
        assert_int_equal(strmap_put(secrets, "token", "s3cr3t"), 0);
        assert_int_equal(strmap_put(secrets, "db_password", "geheim"), 0);
}

static void check_file(const char *name) {
        _cleanup_free_ char *path = path_join(GOLDEN_DIRECTORY "/" DIRECTORY, name), *json = NULL;
        _cleanup_map_ Map environment = STRMAP_INIT, secrets = STRMAP_INIT;
        WoodpeckerContext context = {
                .environment = &environment, .secrets = &secrets, .clones = str_starts_with(name, "clone-")
        };
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_str_ Str messages = STR_INIT(TEXT_BYTES_MAX);
        DiagList diags = { 0 };
        char *text;
        size_t n;
        int r;

        fill_context(&environment, &secrets);
        assert_int_equal(file_read(path, SOURCE_BYTES_MAX, &text, &n), 0);
        assert_int_equal(source_new_take(name, text, n, &source, NULL), 0);
        r = woodpecker_compile(source, &context, &diags, &plan);
        assert_int_equal(r, diags.n_errors > 0 ? -EBADMSG : 0);
        assert_int_equal(r == 0, plan != NULL);
        if (plan && str_starts_with(name, "policy-")) {
                n = policy_check(&(Policy) { 0 }, plan, &diags);
                assert_int_equal(n, diags.n_errors);
        } else if (plan)
                assert_int_equal(plan_to_json(plan, true, &json), 0);
        if (json)
                plan_free(read_again(json, &secrets, true));
        diag_print(&diags, source, false, &messages);
        golden_check_beside(DIRECTORY, name, ".txt", str_get(&messages));
        golden_check_beside(DIRECTORY, name, ".json", json ? json : "");
        diag_list_done(&diags);
}

static void test_files(void **state) {
        golden_each(DIRECTORY, ".yaml", check_file);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_files) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
