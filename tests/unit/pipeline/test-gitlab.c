#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "pipeline/gitlab.h"

static void test_file_names(void **state) {
        static const struct {
                const char *path;
                bool want;
        } rows[] = {
                { ".gitlab-ci.yml", true },
                { "/a/b/.gitlab-ci.yml", true },
                { "lib/build.gitlab-ci.yaml", true },
                { "gitlab-ci.yml", true },
                { ".woodpecker.yml", false },
                { "x-gitlab-ci.yml", false },
                { ".gitlab-ci.yml/other.yml", false },
        };

        FOREACH_ROW(row, rows) {
                print_message("path '%s'\n", row->path);
                assert_int_equal(gitlab_is_file_name(row->path), row->want);
        }
}

/* The first job of a text; NULL: there were errors, and *ret_message is the first. */
static Plan *compile_one(const char *text, const GitlabContext *context, char **ret_message) {
        _cleanup_(source_freep) Source *source = NULL;
        DiagList diags = { 0 };
        size_t n_plans = 0;
        Plan **plans = NULL, *plan = NULL;
        int r;

        assert_int_equal(source_new_take(".gitlab-ci.yml", strdup(text), strlen(text), &source, NULL), 0);
        r = gitlab_compile_all(source, context, &diags, &plans, &n_plans);
        assert_int_equal(r, diags.n_errors > 0 ? -EBADMSG : 0);
        if (diags.n_diags > 0 && ret_message)
                *ret_message = strdup(diags.diags[0].message);
        for (size_t i = 0; i < n_plans; i++)
                if (i == 0)
                        plan = plans[i];
                else
                        plan_free(plans[i]);
        free(plans);
        diag_list_done(&diags);
        return plan;
}

static const PlanStep *step_of(const Plan *plan) {
        return plan->steps[plan->n_services];
}

/* GitLab: doc/ci/variables/where_variables_can_be_used.md. Later ones count more. */
static void test_variables(void **state) {
        static const struct {
                const char *file, *job, *want; /* want: the value of V; NULL: a fault */
                const char *message;
        } rows[] = {
                { "V: file", "", "file", NULL },
                { "V: file", "V: job", "job", NULL },
                { "V: $CI_PROJECT_NAME", "", "p", NULL },
                { "V: '${CI_PROJECT_NAME}-x'", "", "p-x", NULL },
                { "V: '%CI_PROJECT_NAME%'", "", "p", NULL },
                { "V: '100%NOT_KNOWN%'", "", "100%NOT_KNOWN%", NULL },
                { "V: 50% of", "", "50% of", NULL },
                { "V: a$NOT_KNOWN.b", "", "a.b", NULL },
                { "V: $$CI_PROJECT_NAME", "", "$CI_PROJECT_NAME", NULL },
                { "V: a$", "", "a$", NULL },
                { "V: '${unclosed'", "", "${unclosed", NULL },
                { "V: $A, A: $B$B, B: x", "", "xx", NULL },
                { "V: $A, A: outer", "A: inner", "inner", NULL },
                { "V: {value: $A, expand: false}, A: x", "", "$A", NULL },
                { "V: $A, A: {value: $B, expand: false}, B: x", "", "$B", NULL },
                { "V: $GIVEN", "GIVEN: from the job", "$CI of the user", NULL },
                { "V: 5", "", "5", NULL },
                { "V: 012", "", "012", NULL },
                { "V: ", "", "", NULL },
                { "V: /bin:$V", "", "/bin:",
                  "variable 'V' names itself: there it is empty, not what the image has set" },
                { "V: $A, A: $B, B: $A", "", NULL, "variables 'A' and 'B' hold each other" },
                { "V: {value: a, options: [a, b]}", "", "a", NULL },
                { "V: {value: c, options: [a, b]}", "", NULL, "variable 'V': the value is none of its 'options'" },
                { "V: {description: x}", "", NULL, "variable 'V' has no 'value'" },
                { "V: [a]", "", NULL, "variable 'V': expected a string, found a list" },
                { "V: x", "V: {value: a, description: x}", NULL, "key 'description' has no place in variable 'V'" },
                { "'A=B': x", "", NULL, "'A=B' cannot be the name of a variable" },
        };
        _cleanup_map_ Map given = STRMAP_INIT;
        Metadata metadata = { .repo = { .owner = (char *) "g", .name = (char *) "p" } };
        GitlabContext context = { .metadata = &metadata, .variables = &given };

        assert_int_equal(strmap_put(&given, "GIVEN", "$CI of the user"), 0);
        FOREACH_ROW(row, rows) {
                static const char format[] = "image: alpine\nvariables: {%s}\nj: {script: x, variables: {%s}}\n";
                _cleanup_free_ char *text = str_printf(format, row->file, row->job), *message = NULL;
                _cleanup_(plan_freep) Plan *plan = compile_one(text, &context, &message);

                print_message("variables {%s} and {%s}\n", row->file, row->job);
                assert_true(str_equal(message, row->message));
                assert_int_equal(plan != NULL, row->want != NULL);
                if (plan)
                        assert_string_equal(strmap_get(&step_of(plan)->environment, "V"), row->want);
        }
}

/* What a secret gets into is one; services get only what their own variables name. */
static void test_secrets(void **state) {
        static const char text[] =
                "image: alpine\n"
                "variables: {DERIVED: x-$TOKEN}\n"
                "j: {script: x, services: [a, {name: b, variables: {GOT: $DERIVED, PLAIN: y}}]}\n";
        _cleanup_map_ Map secrets = STRMAP_INIT;
        GitlabContext context = { .secrets = &secrets };
        _cleanup_(plan_freep) Plan *plan = NULL;
        const PlanStep *step;

        assert_int_equal(strmap_put(&secrets, "token", "s3cr3t"), 0);
        plan = compile_one(text, &context, NULL);
        assert_non_null(plan);
        step = step_of(plan);
        assert_string_equal(strmap_get(&step->secret_environment, "TOKEN"), "s3cr3t");
        assert_string_equal(strmap_get(&step->secret_environment, "DERIVED"), "x-s3cr3t");
        assert_false(map_has(&step->environment, "TOKEN") || map_has(&step->environment, "DERIVED"));
        assert_int_equal(plan->n_services, 2);
        assert_int_equal(map_size(&plan->steps[0]->secret_environment), 0);
        assert_string_equal(strmap_get(&plan->steps[1]->secret_environment, "GOT"), "x-s3cr3t");
        assert_int_equal(map_size(&plan->steps[1]->secret_environment), 1);
        assert_string_equal(strmap_get(&plan->steps[1]->environment, "PLAIN"), "y");
        assert_false(map_has(&plan->steps[1]->environment, "TOKEN"));
}

/* What references and variables could multiply has bounds. */
static void test_bounds(void **state) {
        _cleanup_str_ Str lists = STR_INIT(1U << 20), variables = STR_INIT(1U << 20);
        static const char self[] = ".a: {script: [x, !reference [.a, script]]}\n"
                                   "j: {image: a, script: !reference [.a, script]}\n";
        for (unsigned i = 0; i < 9; i++) {
                (void) str_appendf(&lists, ".l%u: {script: [", i);
                for (unsigned k = 0; k < 20; k++)
                        (void) str_appendf(&lists, "!reference [.l%u, script], ", i + 1);
                (void) str_append(&lists, "x]}\n");
        }
        (void) str_append(&lists, ".l9: {script: []}\nj: {image: a, script: !reference [.l0, script]}\n");
        (void) str_append(&variables, "variables:\n  V20: xxxxxxxxxx\n");
        for (unsigned i = 0; i < 20; i++)
                (void) str_appendf(&variables, "  V%u: $V%u$V%u$V%u\n", i, i + 1, i + 1, i + 1);
        (void) str_append(&variables, "j: {image: a, script: x}\n");
        const struct {
                const char *text, *want;
        } rows[] = {
                { self, "script: more than 10 lists in each other" },
                { str_get(&lists), "script: more than 10000 lists" },
                { str_get(&variables), "variable 'V11' becomes larger than 128 KiB" },
        };
        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *message = NULL;

                print_message("want '%s'\n", row->want);
                assert_null(compile_one(row->text, &(GitlabContext) { 0 }, &message));
                assert_string_equal(message, row->want);
        }
}

/* Only checked: what a variable will hold is not known, so no image is wrong for want of it. */
static void test_lint(void **state) {
        static const struct {
                const char *text;
                size_t n_errors;
        } rows[] = {
                { "j: {image: $UNKNOWN/x, services: [$UNKNOWN], script: x}\n", 0 },
                { "j: {image: Wrong Name, script: x}\n", 1 },
                { "j: {image: a, script: x, rules: []}\n", 1 },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(source_freep) Source *source = NULL;
                DiagList diags = { 0 };

                print_message("file '%s'\n", row->text);
                assert_int_equal(source_new_take("x", strdup(row->text), strlen(row->text), &source, NULL), 0);
                assert_int_equal(gitlab_lint(source, NULL, NULL, &diags), 0);
                assert_int_equal(diags.n_errors, row->n_errors);
                diag_list_done(&diags);
        }
}

/* The place, if the wanted text has one, and a part of the message. */
static void check_finding(const char *finding, const char *want) {
        const char *space = strchr(want, ' ');

        if (*want >= '0' && *want <= '9') {
                assert_memory_equal(finding, want, (size_t) (space - want));
                want = space + 1;
        }
        assert_non_null(strstr(finding, want));
}

/* What the operator set: images that count where a job has none, and what a run would refuse. */
static void test_lint_policy(void **state) {
        static const struct {
                const char *text, *want;
        } rows[] = {
                { "j: {script: x}\n", "" },
                { "j: {image: 'alpine:3', script: x}\n", "" },
                { "j: {image: 'debian:12', script: x}\n", "1:12 the image 'debian:12' is not on the list" },
                { "j:\n  script: x\n  image: debian:12\nk: {script: x}\n",
                  "3:10 the image 'debian:12' is not on the list" },
                { "j: {image: 'alpine:3', services: ['redis:7'], script: x}\n", "" },
                { "j: {image: 'alpine:3', services: ['mysql:8'], script: x}\n",
                  "1:35 the image 'mysql:8' is not on the list" },
                { "j: {image: {name: 'alpine:3', pull_policy: never}, script: x}\n",
                  "none of its pull policies (never) is allowed" },
                { "j: {image: 'alpine:3', services: ['redis:7', 'valkey:8'], script: x}\n", "too many services" },
                { "j: {image: $IMAGE, script: x}\n", "" },
                { "j: {image: 'debian:$TAG', services: ['$X'], script: x}\n", "" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(source_freep) Source *source = NULL;
                _cleanup_(policy_done) Policy policy;
                _cleanup_str_ Str out = STR_INIT(4096);
                DiagList diags = { 0 };

                print_message("file '%s'\n", row->text);
                policy_init(&policy);
                policy.images.default_image = strdup("own:1");
                assert_int_equal(strv_append(&policy.images.allowed, "alpine:*"), 0);
                assert_int_equal(strv_append(&policy.images.allowed_services, "{redis,valkey}:*"), 0);
                policy.images.allowed_pull = (PullList) { .list = { PULL_ALWAYS }, .n = 1 };
                policy.images.pull = policy.images.allowed_pull;
                policy.limit_services = true;
                policy.services_max = 1;
                assert_int_equal(source_new_take("x", strdup(row->text), strlen(row->text), &source, NULL), 0);
                assert_int_equal(gitlab_lint(source, NULL, &policy, &diags), 0);
                for (size_t i = 0; i < diags.n_diags; i++)
                        (void) str_appendf(&out, "%u:%u %s\n", diags.diags[i].mark.line, diags.diags[i].mark.column,
                                           diags.diags[i].message);
                assert_int_equal(diags.n_diags, *row->want ? 1 : 0);
                if (*row->want)
                        check_finding(str_get(&out), row->want);
                diag_list_done(&diags);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_file_names), cmocka_unit_test(test_variables), cmocka_unit_test(test_secrets),
                cmocka_unit_test(test_bounds),     cmocka_unit_test(test_lint),  cmocka_unit_test(test_lint_policy),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
