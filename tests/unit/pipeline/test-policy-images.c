#include "compile.h"

#include "base/strv.h"
#include "pipeline/policy.h"

/* GitLab Runner's own table: executors/docker/docker_test.go. "": no list at all. */
static void test_allows(void **state) {
        static const struct {
                const char *image, *pattern;
                int want;
        } rows[] = {
                { "alpine", "alpine", 1 },
                { "alpine", "ubuntu", 0 },
                { "alpine", "", 1 },
                { "library/ruby", "*", 0 },
                { "library/ruby", "**/*", 1 },
                { "library/ruby", "**/*:*", 0 },
                { "library/ruby", "*/*", 1 },
                { "library/ruby", "*/*:*", 0 },
                { "library/ruby:2.1", "*", 0 },
                { "library/ruby:2.1", "**/*", 1 },
                { "library/ruby:2.1", "**/*:*", 1 },
                { "library/ruby:2.1", "*/*", 1 },
                { "library/ruby:2.1", "*/*:*", 1 },
                { "my.registry.tld/group/subgroup/ruby", "*", 0 },
                { "my.registry.tld/group/subgroup/ruby", "my.registry.tld/**/*", 1 },
                { "my.registry.tld/group/subgroup/ruby", "my.registry.tld/*/*", 0 },
                { "my.registry.tld/group/subgroup/ruby", "my.registry.tld/*/*/*", 1 },
                { "my.registry.tld/group/subgroup/ruby:2.1", "*", 0 },
                { "my.registry.tld/group/subgroup/ruby:2.1", "my.registry.tld/**/*:*", 1 },
                { "my.registry.tld/group/subgroup/ruby:2.1", "my.registry.tld/*/*/*:*", 1 },
                { "my.registry.tld/group/subgroup/ruby:2.1", "my.registry.tld/*/*:*", 0 },
                { "my.registry.tld/library/ruby", "*", 0 },
                { "my.registry.tld/library/ruby", "my.registry.tld/**/*", 1 },
                { "my.registry.tld/library/ruby", "my.registry.tld/*/*", 1 },
                { "my.registry.tld/library/ruby:2.1", "*", 0 },
                { "my.registry.tld/library/ruby:2.1", "my.registry.tld/**/*:*", 1 },
                { "my.registry.tld/library/ruby:2.1", "my.registry.tld/*/*:*", 1 },
                { "my.registry.tld/ruby", "*", 0 },
                { "my.registry.tld/ruby:2.1", "*", 0 },
                { "my.registry.tld:5000/ruby:2.1", "my.registry.tld:5000/*:*", 1 },
                { "my.registry.tld:5000/a/ruby:2.1", "my.registry.tld:5000/*:*", 0 },
                { "ruby", "*", 1 },
                { "ruby:2.1", "*", 1 },
                { "ruby:latest", "*", 1 },
                { "ruby", "**/*", 1 },
                { "ruby:2.1", "**/*", 1 },
                { "kali", "!kali", 0 }, /* there is no negation */
                { "ruby:2.1", "ruby:{2.1,3}", 1 },
                { "ruby:2.2", "ruby:{2.1,3}", 0 },
                { "default:1", "alpine", 1 }, /* the operator's own */
        };

        FOREACH_ROW(row, rows) {
                char *patterns[] = { (char *) row->pattern, NULL };
                Policy policy = { .images = { .default_image = (char *) "default:1",
                                              .allowed = *row->pattern ? patterns : NULL } };

                print_message("case '%s' '%s'\n", row->image, row->pattern);
                assert_int_equal(policy_allows_image(&policy, row->image, false), row->want);
                assert_int_equal(policy_allows_image(&policy, row->image, true), 1); /* the other list */
        }
}

static void test_services(void **state) {
        char *patterns[] = { (char *) "postgres:*", NULL };
        Policy policy = { .images = { .default_image = (char *) "default:1", .allowed_services = patterns } };

        assert_int_equal(policy_allows_image(&policy, "postgres:16", true), 1);
        assert_int_equal(policy_allows_image(&policy, "default:1", true), 0);
        assert_int_equal(policy_allows_image(&policy, "evil", true), 0);
        assert_int_equal(policy_allows_image(&policy, "evil", false), 1);
}

/* A pattern that takes for ever allows nothing. */
static void test_work(void **state) {
        _cleanup_free_ char *image = malloc(4001);
        char *patterns[] = { (char *) "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", NULL };
        Policy policy = { .images.allowed = patterns };

        memset(image, 'a', 4000);
        image[4000] = '\0';
        assert_int_equal(policy_allows_image(&policy, image, false), 0);
}

/* "always,missing" or "" to a list */
static PullList pulls(const char *text) {
        PullList list = { 0 };

        if (*text)
                assert_int_equal(pull_list_parse(text, &list, NULL), 0);
        return list;
}

static void test_pull(void **state) {
        static const struct {
                const char *file, *operator, *allowed;
                const char *want; /* NULL: refused */
        } rows[] = {
                { "", "", "", "" },
                { "always", "", "", "always" },
                { "never", "", "", "never" },
                { "", "always", "", "always" },
                { "", "always,missing", "", "always,missing" },
                { "missing", "always", "", NULL }, /* what is allowed is what the operator set */
                { "missing", "always", "always,missing", "missing" },
                { "missing,always", "", "always", "always" },
                { "always,always", "", "always", "always,always" },
                { "never", "", "always,missing", NULL },
                { "", "never", "always", NULL },
                { "", "", "always", "always" },
                { "", "", "always,missing", "missing" },
        };

        FOREACH_ROW(row, rows) {
                Policy policy = { .images = { .pull = pulls(row->operator), .allowed_pull = pulls(row->allowed) } };
                _cleanup_(plan_freep) Plan *plan = compile_fine("steps: [{ name: a, image: b, commands: c }]\n");
                _cleanup_free_ char *got = NULL;
                DiagList diags = { 0 };

                print_message("case '%s' '%s' '%s'\n", row->file, row->operator, row->allowed);
                plan->steps[plan->n_steps - 1]->pull = pulls(row->file);
                assert_int_equal(policy_check(&policy, plan, &diags), row->want ? 0 : 1);
                if (row->want) {
                        got = pull_list_to_string(&plan->steps[plan->n_steps - 1]->pull, ",");
                        assert_string_equal(got, *row->want ? row->want : "missing");
                }
                diag_list_done(&diags);
        }
}

static void test_pull_list(void **state) {
        static const struct {
                const char *in, *want; /* NULL: refused */
        } rows[] = {
                { "always", "always" },
                { "always,if-not-present", "always,missing" },
                { "newer,never,newer", "newer,never,newer" },
                { "", NULL },
                { "always,", NULL },
                { "Always", NULL },
                { "a,a,a,a,a,a,a,a,a", NULL },
                { "never,never,never,never,never,never,never,never",
                  "never,never,never,never,never,never,never,never" },
                { "never,never,never,never,never,never,never,never,never", NULL },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_free_ char *got = NULL;
                PullList list = { 0 };

                assert_int_equal(pull_list_parse(row->in, &list, &error), row->want ? 0 : -EINVAL);
                if (!row->want)
                        continue;
                got = pull_list_to_string(&list, ",");
                assert_string_equal(got, row->want);
        }
}

/* What the operator says of names and platforms is in the plan afterwards. */
static void test_fill_in(void **state) {
        static const struct {
                const char *registry, *image, *want; /* NULL: refused */
        } rows[] = {
                { NULL, "golang", "docker.io/library/golang:latest" },
                { "r.example.com", "golang", "r.example.com/golang:latest" },
                { "r.example.com", "quay.io/a/b:1", "quay.io/a/b:1" },
                { "nohost", "golang", NULL },
        };

        FOREACH_ROW(row, rows) {
                Policy policy = { .images = { .registry = (char *) row->registry,
                                              .platform = (char *) "linux/arm64" } };
                _cleanup_free_ char *text = str_printf("steps: [{ name: a, image: '%s', commands: c }]\n", row->image);
                _cleanup_(plan_freep) Plan *plan = compile_fine(text);
                const PlanStep *step = plan->steps[plan->n_steps - 1];
                DiagList diags = { 0 };

                assert_int_equal(policy_check(&policy, plan, &diags), row->want ? 0 : 1);
                assert_string_equal(step->platform, "linux/arm64");
                if (row->want)
                        assert_string_equal(step->image_reference, row->want);
                diag_list_done(&diags);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_allows), cmocka_unit_test(test_services),  cmocka_unit_test(test_work),
                cmocka_unit_test(test_pull),   cmocka_unit_test(test_pull_list), cmocka_unit_test(test_fill_in),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
