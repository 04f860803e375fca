/*
 * Each allocation fails in turn while a file of GitLab CI is read. Whatever fails, nothing crashes or leaks; of a good
 * file there are the same plans as ever or -ENOMEM, of a bad one errors or -ENOMEM, and never plans.
 */

#include "test.h"
#include "no-memory.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "pipeline/gitlab.h"

static char *read_golden(const char *name) {
        _cleanup_free_ char *path = path_join(GOLDEN_DIRECTORY "/gitlab", name);
        char *text;

        assert_int_equal(file_read(path, SOURCE_BYTES_MAX, &text, NULL), 0);
        return text;
}

/* One round; the plans as JSON, NULL if there are none. */
static int run(const char *text, size_t n_allocations, char **ret_json) {
        _cleanup_map_ Map secrets = STRMAP_INIT, variables = STRMAP_INIT;
        Metadata metadata = { .repo = { .owner = (char *) "a/b", .name = (char *) "c" },
                              .curr.commit.refspec = (char *) "x:y" };
        GitlabContext context = { .metadata = &metadata, .secrets = &secrets, .variables = &variables };
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_str_ Str json = STR_INIT(STR_MAX_DEFAULT);
        DiagList diags = { 0 };
        Plan **plans = NULL;
        size_t n_plans = 0;
        int r;

        assert_int_equal(strmap_put(&secrets, "registry_password", "s3cr3t"), 0);
        assert_int_equal(strmap_put(&variables, "GIVEN", "x"), 0);
        assert_int_equal(source_new_take("test.yaml", strdup(text), strlen(text), &source, NULL), 0);
        has_failed = false;
        n_left = n_allocations;
        r = gitlab_compile_all(source, &context, &diags, &plans, &n_plans);
        n_left = SIZE_MAX;
        assert_true(r == 0 || r == -EBADMSG || r == -ENOMEM);
        assert_int_equal(r == 0, plans != NULL);
        for (size_t i = 0; i < n_plans; i++) {
                _cleanup_free_ char *one = NULL;

                assert_int_equal(plan_to_json(plans[i], false, &one), 0);
                (void) str_append(&json, one);
        }
        plans_free(plans, n_plans);
        diag_list_done(&diags);
        *ret_json = r == 0 ? str_take(&json) : NULL;
        return r;
}

static void check(const char *name, int want) {
        _cleanup_free_ char *text = read_golden(name), *want_json = NULL;
        size_t n = 0;
        int r;

        assert_int_equal(run(text, SIZE_MAX, &want_json), want);
        do {
                _cleanup_free_ char *json = NULL;

                r = run(text, n++, &json);
                if (r == 0)
                        assert_string_equal(json, want_json);
                else
                        assert_true(r == -ENOMEM || r == want);
        } while (has_failed);
        print_message("%s: %zu allocations\n", name, n);
        assert_int_equal(r, want);
}

static void test_good(void **state) {
        check("json-full.yml", 0);
        check("services.yml", 0);
        check("stages.yml", 0);
}

static void test_bad(void **state) {
        check("bad-keys.yml", -EBADMSG);
        check("bad-needs.yml", -EBADMSG);
        check("bad-images.yml", -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_good), cmocka_unit_test(test_bad) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
