/* Rows from pipeline/frontend/yaml/constraint's tests, restated, and beyond. */

#include "compile.h"

#include "base/strv.h"

typedef struct Run {
        const char *event, *branch, *message, *cron;
        const char *files; /* changed ones, at commas */
} Run;

static const Run push = { "push", "main", "a commit", NULL, "README.md,src/a.c" };
static const Run tag = { "tag", "main", "a commit", NULL, NULL };
static const Run pull = { "pull_request", "main", "Build [ALL]", NULL, "CHANGELOG.md" };
static const Run cron = { "cron", "main", "a commit", "nightly", NULL };
static const Run manual = { "manual", "develop", "", NULL, NULL };
static const Run empty = { "push", "main", "Build [all]", NULL, NULL };

static Plan *compile_run(const char *text, const Run *run, Str *messages) {
        _cleanup_map_ Map environment = STRMAP_INIT;
        _cleanup_strv_ char **files = NULL;
        WoodpeckerContext context = { .environment = &environment, .cron = run->cron };

        if (run->files)
                assert_int_equal(strv_split(run->files, ',', &files), 0);
        context.changed_files = files;
        assert_int_equal(strmap_put(&environment, "CI_PIPELINE_EVENT", run->event), 0);
        assert_int_equal(strmap_put(&environment, "CI_COMMIT_BRANCH", run->branch), 0);
        assert_int_equal(strmap_put(&environment, "CI_COMMIT_MESSAGE", run->message), 0);
        assert_int_equal(strmap_put(&environment, "CI_COMMIT_REF", "refs/heads/main"), 0);
        assert_int_equal(strmap_put(&environment, "CI_REPO", "owner/name"), 0);
        assert_int_equal(strmap_put(&environment, "CI_SYSTEM_HOST", "ci.example.org"), 0);
        return compile(text, &context, messages);
}

static void test_match(void **state) {
        static const struct {
                const char *when;
                const Run *run;
                const char *want; /* what its reason holds; NULL: it runs */
        } rows[] = {
                { "{}", &push, NULL },
                { "[]", &push, NULL },
                { "{event: push}", &push, NULL },
                { "{event: [tag, push]}", &push, NULL },
                { "{event: []}", &push, NULL },
                { "{event: tag}", &push, "'event' does not hold 'push'" },
                { "{branch: main}", &push, NULL },
                { "{branch: master}", &push, "'branch' does not match 'main'" },
                { "{branch: 'm*'}", &push, NULL },
                { "{branch: [master, 'ma{i,y}n']}", &push, NULL },
                { "{branch: {include: main}}", &push, NULL },
                { "{branch: {include: [master, x]}}", &push, "branch" },
                { "{branch: {exclude: main}}", &push, "branch" },
                { "{branch: {exclude: [master, x]}}", &push, NULL },
                { "{branch: {include: 'm*', exclude: main}}", &push, "branch" },
                { "{branch: {include: [], exclude: []}}", &push, NULL },
                { "{branch: master}", &tag, NULL },
                { "{branch: master}", &manual, "develop" },
                { "{repo: owner/*}", &push, NULL },
                { "{repo: octocat/*}", &push, "repo" },
                { "{ref: refs/tags/*}", &push, "ref" },
                { "{ref: refs/heads/**}", &push, NULL },
                { "{instance: ci.example.org}", &push, NULL },
                { "{instance: example.org}", &push, "instance" },
                { "{platform: linux/amd64}", &push, "'platform' does not match: this run has none" },
                { "{cron: weekly}", &push, NULL },
                { "{cron: weekly}", &cron, "'cron' does not match 'nightly'" },
                { "{cron: 'night*'}", &cron, NULL },
                { "{matrix: {A: b}}", &push, "matrix" },
                { "{matrix: {}}", &push, NULL },
                { "{local: true}", &push, NULL },
                { "{local: false}", &push, "local" },
                { "[{event: push}, {event: tag, local: false}]", &push, "local" },
                { "{event: push, branch: master}", &push, "branch" },
                { "[{event: tag}, {branch: main}]", &push, NULL },
                { "[{event: tag}, {branch: x}]", &push, "event" },
                { "{path: '*.md'}", &push, NULL },
                { "{path: ['*.c']}", &push, "no changed file matches" },
                { "{path: ['**/*.c']}", &push, NULL },
                { "{path: 'src/*'}", &push, NULL },
                { "{path: {include: [x]}}", &push, "no changed file matches" },
                { "{path: {exclude: [README.md]}}", &push, NULL },
                { "{path: {exclude: [README.md, 'src/**']}}", &push, "all changed files are excluded" },
                { "{path: {include: ['*.md'], exclude: [README.md]}}", &push, NULL },
                { "{path: {include: ['*.md'], exclude: [CHANGELOG.md]}}", &pull, "excluded" },
                { "{path: {include: [x], ignore_message: '[all]'}}", &pull, NULL },
                { "{path: {include: [x], ignore_message: '[none]'}}", &pull, "no changed" },
                { "{path: {exclude: ['*'], ignore_message: '[ALL]'}}", &empty, NULL },
                { "{path: {include: [x]}}", &empty, NULL },
                { "{path: {include: [x], on_empty: false}}", &empty, "no files have changed" },
                { "{path: {include: [x], on_empty: true}}", &empty, NULL },
                { "{path: [x]}", &tag, NULL },
                { "{path: [x]}", &manual, NULL },
                { "{evaluate: 'CI_COMMIT_BRANCH == \"main\"'}", &push, NULL },
                { "{evaluate: 'CI_COMMIT_BRANCH != \"main\"'}", &push,
                  "its 'evaluate' is false: 'CI_COMMIT_BRANCH != \"main\"'" },
                { "{evaluate: not (CI_COMMIT_MESSAGE contains \"please ignore me\")}", &push, NULL },
                { "{evaluate: UNSET == \"\"}", &push, NULL },
                { "{evaluate: true}", &push, NULL },
                { "{evaluate: ''}", &push, NULL },
                { "{event: tag, evaluate: 'true'}", &push, "event" },
                { "[{evaluate: 'false'}, {evaluate: 'true'}]", &push, NULL },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = str_printf("steps: {a: {image: x, when: %s}, z: {image: x}}\n", row->when);
                _cleanup_str_ Str messages = STR_INIT(4096);
                _cleanup_(plan_freep) Plan *plan = compile_run(text, row->run, &messages);

                print_message("case '%s' %s\n%s", row->when, row->run->event, str_get(&messages));
                assert_non_null(plan);
                assert_int_equal(plan->n_steps, row->want ? 1 : 2);
                assert_int_equal(plan->n_left_out, row->want ? 1 : 0);
                if (row->want) {
                        print_message("  %s\n", plan->left_out[0].why);
                        assert_string_equal(plan->left_out[0].name, "a");
                        assert_non_null(strstr(plan->left_out[0].why, row->want));
                        assert_int_equal(plan->left_out[0].why_mark.line, 1);
                }
        }
}

static void test_status(void **state) {
        static const struct {
                const char *when;
                bool want_success, want_failure;
        } rows[] = {
                { "{}", true, false },
                { "{status: []}", true, false },
                { "{status: success}", true, false },
                { "{status: failure}", false, true },
                { "{status: [success, failure]}", true, true },
                { "[{event: push}, {status: failure}]", true, true },
                { "[{event: tag}, {status: failure}]", false, true },
                { "[{event: push, status: failure}, {event: tag, status: success}]", false, true },
                { "[{event: push, status: failure}, {event: push}]", true, true },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = str_printf("steps: {a: {image: x, when: %s}}\n", row->when);
                _cleanup_(plan_freep) Plan *plan = compile_run(text, &push, NULL);

                print_message("case '%s'\n", row->when);
                assert_int_equal(plan->n_steps, 1);
                assert_int_equal(plan->steps[0]->on_success, row->want_success);
                assert_int_equal(plan->steps[0]->on_failure, row->want_failure);
        }
}

static void test_fault(void **state) {
        static const struct {
                const char *when, *want;
        } rows[] = {
                { "push", "expected a map or a list of maps" },
                { "[push]", "expected a map, found a string" },
                { "{event: psuh}", "there is no 'psuh'; did you mean 'push'?" },
                { "{event: {exclude: push}}", "expected a string or a list of strings, found a map" },
                { "{status: [failed]}", "there is no 'failed'" },
                { "{branch: [{a: b}]}", "expected a string, found a map" },
                { "{branch: {includes: x}}", "unknown key 'includes'" },
                { "{branch: {ignore_message: x}}", "has no place" },
                { "{path: {on_empty: 5}}", "expected true or false" },
                { "{matrix: x}", "expected a map" },
                { "{environment: production}", "has no place" },
                { "{braches: x}", "unknown key 'braches'" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = str_printf("steps: {a: {image: x, when: %s}}\n", row->when);
                _cleanup_str_ Str messages = STR_INIT(4096);
                _cleanup_(plan_freep) Plan *plan = compile_run(text, &push, &messages);

                print_message("case '%s'\n%s", row->when, str_get(&messages));
                assert_null(plan);
                assert_non_null(strstr(str_get(&messages), row->want));
        }
}

/* What is left out need not have its secrets, and nobody may need it. */
static void test_left_out(void **state) {
        static const struct {
                const char *text;
                size_t want_steps, want_services, want_left_out; /* all 0: an error */
        } rows[] = {
                { "steps: {a: {image: x, when: {event: tag}, environment: {A: {from_secret: none}}}, b: {image: x}}", 1,
                  0, 1 },
                { "steps: {a: {image: x, when: {event: tag}}, b: {image: x, depends_on: [a]}}", 0, 0, 0 },
                { "steps: {a: {image: x, when: {event: tag}}, b: {image: x, depends_on: [{name: a, optional: true}]}}",
                  1, 0, 1 },
                { "services: {d: {image: x, when: {event: tag}}, e: {image: x}}\nsteps: {a: {image: x}}", 2, 1, 1 },
                { "services: {d: {image: x}}\nsteps: {a: {image: x, when: {event: tag}}}", 0, 0, 1 },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_str_ Str messages = STR_INIT(4096);
                _cleanup_(plan_freep) Plan *plan = compile_run(row->text, &push, &messages);

                print_message("case '%s'\n%s", row->text, str_get(&messages));
                assert_int_equal(plan != NULL, row->want_left_out > 0);
                if (!plan)
                        continue;
                assert_int_equal(plan->n_steps, row->want_steps);
                assert_int_equal(plan->n_services, row->want_services);
                assert_int_equal(plan->n_left_out, row->want_left_out);
        }
}

static void test_workflow(void **state) {
        static const char text[] =
                "when: {event: tag, branch: x}\nsteps: {a: {image: x, environment: {A: {from_secret: none}}}}\n";
        _cleanup_(plan_freep) Plan *plan = compile_run(text, &push, NULL);
        _cleanup_str_ Str messages = STR_INIT(4096);

        assert_non_null(plan);
        assert_int_equal(plan->n_steps, 0);
        assert_string_equal(plan->why_left_out, "its 'event' does not hold 'push'");
        assert_null(compile_run("when: {matrix: {A: b}}\nsteps: {a: {image: x}}\n", &push, &messages));
        assert_non_null(strstr(str_get(&messages), "'matrix' has no place"));
}

/* One that holds is enough, and then there is nothing to tell. */
static void test_alternatives(void **state) {
        _cleanup_(plan_freep) Plan *plan =
                compile_run("when: [{event: tag}, {event: push}]\n"
                            "steps: {a: {image: x, when: [{branch: x}, {event: push}]}}\n",
                            &push, NULL);

        assert_non_null(plan);
        assert_int_equal(plan->n_steps, 1);
        assert_int_equal(plan->n_left_out, 0);
        assert_null(plan->why_left_out);
}

static void test_files_variable(void **state) {
        static const struct {
                const char *files;
                size_t want_steps;
        } rows[] = {
                { "[\"a.md\"]", 2 }, { "[\"a.c\", 5, \"b.c\"]", 1 }, { "[]", 1 }, { "{}", 1 }, { "[\"a", 1 }, { "", 1 },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_map_ Map environment = STRMAP_INIT;
                WoodpeckerContext context = { .environment = &environment };
                _cleanup_(plan_freep) Plan *plan = NULL;

                print_message("case '%s'\n", row->files);
                assert_int_equal(strmap_put(&environment, "CI_PIPELINE_EVENT", "push"), 0);
                assert_int_equal(strmap_put(&environment, "CI_PIPELINE_FILES", row->files), 0);
                plan = compile(
                        "steps: {a: {image: x, when: {path: {include: '*.md', on_empty: false}}}, b: {image: x}}",
                        &context, NULL);
                assert_int_equal(plan->n_steps, row->want_steps);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_match),    cmocka_unit_test(test_status),
                                            cmocka_unit_test(test_fault),    cmocka_unit_test(test_left_out),
                                            cmocka_unit_test(test_workflow), cmocka_unit_test(test_alternatives),
                                            cmocka_unit_test(test_files_variable) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
