#include "test.h"

#include <string.h>

#include "base/str.h"
#include "pipeline/lint.h"
#include "pipeline/policy.h"

/* "line:column rule" of each finding, one a line; steps that run for some event, so that nothing is said of that. */
static char *lint(const char *text, const LintOptions *options) {
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_str_ Str out = STR_INIT(64U * 1024);
        DiagList diags = { 0 };

        assert_int_equal(source_new_take("test.yaml", strdup(text), strlen(text), &source, NULL), 0);
        assert_int_equal(woodpecker_lint(source, options, &diags), 0);
        for (size_t i = 0; i < diags.n_diags; i++)
                (void) str_appendf(&out, "%u:%u %s%s\n", diags.diags[i].mark.line, diags.diags[i].mark.column,
                                   diags.diags[i].severity == DIAG_ERROR ? "!" : "", diags.diags[i].rule);
        diag_list_done(&diags);
        return strdup(str_get(&out));
}

/* What the operator allows, with what is not known of a value left alone. */
static void test_policy(void **state) {
        static const struct {
                const char *text, *want;
        } rows[] = {
                { "when: {event: push}\nsteps: {a: {image: 'alpine:3'}}\n", "" },
                { "when: {event: push}\nsteps: {a: {image: 'debian:12'}}\n", "2:20 !policy\n" },
                { "when: {event: push}\nsteps: {a: {image: 'debian:${X}'}}\n", "2:28 unset-variable\n" },
                { "when: {event: push}\nmatrix: {X: [3, 4]}\nsteps: {a: {image: 'debian:${X}'}}\n",
                  "3:20 !policy\n3:20 !policy\n" },
                { "when: {event: push}\nsteps: {a: {image: 'alpine:3', privileged: true}}\n", "" },
                { "when: {event: push}\nsteps: {a: {image: 'alpine:3', pull: true}}\n", "2:20 !policy\n" },
                { "when: {event: push}\nservices: {d: {image: 'redis:7'}}\nsteps: {a: {image: 'alpine:3'}}\n",
                  "2:12 !policy\n" },
                { "when: {event: push}\nsteps: {a: {commands: x}}\n", "2:9 !image\n" },
        };
        Policy policy = { .images = { .default_image = (char *) "own:1",
                                      .allowed = (char *[]){ (char *) "alpine:*", NULL },
                                      .allowed_pull = { .list = { PULL_MISSING }, .n = 1 } },
                          .limit_services = true };
        LintOptions options = { .trusted = TRUST_ALL, .policy = &policy };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *found = lint(row->text, &options);

                print_message("file '%s'\n", row->text);
                assert_string_equal(found, row->want);
        }
}

#define HEAD "when: {event: push}\nsteps:\n  a:\n    image: a:1\n"

static void test_variables(void **state) {
        static const struct {
                const char *text, *want;
        } rows[] = {
                { HEAD "    commands: x\n", "" },
                { HEAD "    commands: echo $X $${X} $X_Y\n", "" },
                { HEAD "    commands: 'echo ${X}'\n", "5:21 unset-variable\n" },
                { HEAD "    commands: 'echo ${X:-d} ${Y=d} ${Z:?d} ${W:+d}'\n", "" },
                { HEAD "    commands: 'echo ${X:-${Y}} ${Y}'\n", "5:32 unset-variable\n" },
                { HEAD "    commands: 'echo ${X:1:2} ${#Y} ${Z##a} $$${W}'\n",
                  "5:21 unset-variable\n5:30 unset-variable\n5:36 unset-variable\n5:46 unset-variable\n" },
                { HEAD "    # ${X}\n", "" },
                { "# ${X}\n" HEAD, "" },
                { HEAD "    commands: 'echo ${GIVEN} ${CI_COMMIT_SHA} ${CI_REPO} ${CI_COMMIT_TAG} "
                       "${CI_COMMIT_PULL_REQUEST}'\n",
                  "" },
                { HEAD "    commands: 'echo ${CI_PIPELINE_RELEASE_TITLE} ${CI_PREV_COMMIT_SOURCE_BRANCH} "
                       "${CI_PIPELINE_FILES}'\n",
                  "" },
                { HEAD "    commands: 'echo ${CI_COMMIT_SHAA}'\n", "5:21 unset-variable\n" },
                { HEAD "    commands: 'echo ${CI_STEP_NAME} $CI_STEP_NAME'\n", "5:21 late-variable\n" },
                { HEAD "    commands: 'echo ${CI_WORKSPACE} ${CI_NETRC_PASSWORD}'\n",
                  "5:21 late-variable\n5:37 late-variable\n" },
                { HEAD "    commands: 'echo ${CI_COMMIT_PRERELEASE} $CI_COMMIT_PRERELEASE $$CI_COMMIT_PRERELEASE "
                       "$${CI_COMMIT_PRERELEASE}'\n",
                  "5:21 deprecated\n5:45 deprecated\n5:67 deprecated\n5:90 deprecated\n" },
                { HEAD "    commands: 'echo $CI_COMMIT_PRERELEASES $XCI_COMMIT_PRERELEASE CI_COMMIT_PRERELEASE'\n",
                  "" },
                { HEAD "    commands: 'echo ${CI_PREV_COMMIT_AUTHOR_AVATAR:-x}'\n", "5:21 deprecated\n" },
                /* Nothing is held against what only the server can know, or what a default says. */
                { "when: {event: push}\nsteps: {a: {image: 'a:${TAG}'}}\n", "2:23 unset-variable\n" },
                { "when: {event: push}\nsteps: {a: {image: '${IMAGE}'}}\n", "2:21 unset-variable\n" },
                { "when: {event: push}\nsteps: {a: {image: 'a:1', failure: '${F}', ports: ['${P}']}}\n",
                  "2:37 unset-variable\n2:51 no-effect\n2:53 unset-variable\n" },
                { "when: {event: push}\nsteps: {a: {image: 'a:1', failure: '${F:-never}'}}\n", "2:36 !value\n" },
                { "when: {event: push}\nsteps: {a: {image: 'a:1', failure: '${F-never}'}}\n", "2:37 !substitution\n" },
                { "when: {event: push}\nmatrix: {TAG: [1, 2]}\nsteps: {a: {image: 'a:${TAG}'}}\n", "" },
                { "when: {event: push}\nmatrix: {include: [{TAG: 1}]}\nsteps: {a: {image: 'a:${TAG}'}}\n", "" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_map_ Map environment = STRMAP_INIT;
                LintOptions options = { .environment = &environment, .trusted = TRUST_ALL };
                _cleanup_free_ char *got = NULL;

                assert_int_equal(strmap_put(&environment, "GIVEN", "x"), 0);
                print_message("case '%s'\n", row->text);
                got = lint(row->text, &options);
                assert_string_equal(got, row->want);
        }
}

static void test_steps(void **state) {
        static const struct {
                const char *text, *want;
        } rows[] = {
                { "when: {event: push}\nsteps: {a: {image: a}}\n", "2:20 unpinned-image\n" },
                { "when: {event: push}\nsteps: {a: {image: 'a:latest'}}\n", "2:20 unpinned-image\n" },
                { "when: {event: push}\nsteps: {a: {image: 'localhost:5000/a'}}\n", "2:20 unpinned-image\n" },
                { "when: {event: push}\nsteps: {a: {image: 'localhost:5000/a:1'}}\n", "" },
                { "when: {event: push}\nsteps: {a: {image: 'A'}}\n", "2:20 !image\n" },
                /* An anchor that ten steps use is told once. */
                { "when: {event: push}\nvariables: [&i a]\nsteps: {a: {image: *i}, b: {image: *i}, c: {image: *i}}\n",
                  "2:13 unpinned-image\n" },
                { "when: {event: push}\nvariables: {x: &x {image: a}}\nsteps: {a: {<<: *x}, b: {<<: *x}}\n",
                  "2:27 unpinned-image\n" },
                { "steps: {a: {image: 'a:1'}}\n", "1:9 no-event-filter\n" },
                { "steps: {a: {image: 'a:1', when: {event: push}}, b: {image: 'a:1'}}\n", "1:49 no-event-filter\n" },
                { "steps: {a: {image: 'a:1', when: []}}\n", "1:9 no-event-filter\n" },
                { "steps: {a: {image: 'a:1', when: {branch: main}}}\n", "1:33 no-event-filter\n" },
                { "steps: {a: {image: 'a:1', when: [{event: push}, {branch: main}]}}\n", "1:49 no-event-filter\n" },
                { "steps: {a: {image: 'a:1', when: {event: []}}}\n", "1:33 no-event-filter\n" },
                { "when: {branch: main}\nsteps: {a: {image: 'a:1', when: {event: push}}}\n", "" },
                { "when: [{event: push}, {event: tag, ref: x}]\nsteps: {a: {image: 'a:1'}}\n", "" },
                { "when: [{event: push}, {branch: main}]\nsteps: {a: {image: 'a:1'}}\n", "2:9 no-event-filter\n" },
                { "when: {event: push}\nservices: {b: {image: 'a:1'}}\nsteps: {a: {image: 'a:1'}}\n", "" },
                { HEAD "runs_on: [success, failure]\n", "5:1 deprecated\n" },
                { "when: {event: push}\nservices: [{image: 'a:1'}, {image: 'a:1', name: b}]\nsteps: {a: {image: "
                  "'a:1'}}\n",
                  "2:12 unnamed-service\n" },
                { HEAD "    environment: {A: b}\n", "3:3 no-commands\n" },
                { HEAD "    environment: {A: b}\n    entrypoint: x\n", "" },
                { HEAD "    environment: {A: b}\n    detach: true\n", "" },
                { HEAD "    environment: {}\n", "" },
                { HEAD "    environment: {A: b}\n    settings: {c: d}\n", "6:15 settings\n" },
                { HEAD "    privileged: true\n", "" },
        };
        LintOptions options = { .trusted = TRUST_ALL };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *got = NULL;

                print_message("case '%s'\n", row->text);
                got = lint(row->text, &options);
                assert_string_equal(got, row->want);
        }
}

/* What a step needs is there whenever it is. */
static void test_needs(void **state) {
        static const struct {
                const char *workflow, *build, *deploy, *need;
                bool is_told;
        } rows[] = {
                { "[push, tag]", "[push, tag]", "tag", "build", false },
                { "[push, tag]", "push", "tag", "build", true },
                { "[push, tag]", "push", "[push, tag]", "[build]", true },
                { "[push, tag]", "push", "[push, tag]", "[{name: build}]", true },
                { "[push, tag]", "push", "[push, tag]", "[{name: build, optional: true}]", false },
                { "push", "push", "[push, tag]", "build", false }, /* the workflow itself is left out at a tag */
                { "[]", "push", "push", "build", false },
                { "[]", "push", "[]", "build", true },
                { "[]", "[]", "push", "build", false },
                { "[]", "push", "push", "nobody", false }, /* the parser's to tell */
                { "[]", "psuh", "psuh", "build", false },
        };
        LintOptions options = { .trusted = TRUST_ALL };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text =
                        str_printf("when: {event: %s}\nsteps:\n  build: {image: 'a:1', when: {event: %s}}\n"
                                   "  deploy: {image: 'a:1', depends_on: %s, when: [{event: %s, branch: x}]}\n",
                                   row->workflow, row->build, row->need, row->deploy);
                _cleanup_free_ char *got = lint(text, &options);

                print_message("case '%s'\n%s", text, got);
                assert_int_equal(strstr(got, "left-out-step") != NULL, row->is_told);
        }
}

static void test_secrets(void **state) {
        static const struct {
                const char *pair;
                bool is_told;
        } rows[] = {
                { "API_TOKEN: abc", true },
                { "API_TOKEN: 12345", true },
                { "TOKEN: abc", true },
                { "db.password: abc", true },
                { "DB_PASSWORD_OLD: abc", true },
                { "my-secret: abc", true },
                { "ACCESS_KEY: abc", true },
                { "API_TOKEN: {from_secret: x}", false },
                { "API_TOKEN: ''", false },
                { "API_TOKEN: $OTHER", false },
                { "API_TOKEN: '${X:-y}'", false },
                { "API_TOKEN: /run/token", false },
                { "ALLOW_EMPTY_PASSWORD: yes", false },
                { "ALLOW_EMPTY_PASSWORD: true", false },
                { "PASSWORD_FILE: x.txt", false },
                { "PUBLIC_KEY: abc", false },
                { "CACHE_KEY: v1", false },
                { "TOKENS: abc", false },
                { "KEYBOARD: abc", false },
                { "PGPASSWORD: of-the-service", false },
                { "API_TOKEN: [a, b]", false },
        };
        static const char *const maps[] = { "environment", "settings" };
        LintOptions options = { .trusted = TRUST_ALL };

        FOREACH_ROW(row, rows)
                FOREACH_ROW(map, maps) {
                        _cleanup_free_ char *text = str_printf(
                                "when: {event: push}\n"
                                "services: {db: {image: 'a:1', environment: {POSTGRES_PASSWORD: of-the-service}}}\n"
                                "steps: {a: {image: 'a:1', %s: {%s}}}\n",
                                *map, row->pair);
                        _cleanup_free_ char *got = lint(text, &options);

                        print_message("case %s '%s'\n", *map, row->pair);
                        assert_int_equal(strstr(got, "plain-secret") != NULL, row->is_told);
                }
}

static void test_lists(void **state) {
        static char *const privileged[] = { (char *) "plugins/ecr:1", NULL };
        static char *const clones[] = { (char *) "own/git", NULL };
        static char *const workflows[] = { (char *) "build", (char *) "test", NULL };
        static const struct {
                const char *text;
                LintOptions options;
                const char *want;
        } rows[] = {
                { "depends_on: [build, nobody]\nsteps: {a: {image: 'a:1'}}",
                  { .workflows = workflows },
                  "2:21 unknown-workflow\n" },
                { "depends_on: biuld\nsteps: {a: {image: 'a:1'}}",
                  { .workflows = workflows },
                  "2:13 unknown-workflow\n" },
                { "depends_on: [{name: x, optional: true}, {name: build}]\nsteps: {a: {image: 'a:1'}}",
                  { .workflows = workflows },
                  "" },
                { "depends_on: [build, nobody]\nsteps: {a: {image: 'a:1'}}", { 0 }, "" },
                { "steps: {a: {image: 'plugins/docker:1'}}", { .trusted = TRUST_ALL }, "2:20 privileged-plugin\n" },
                { "steps: {a: {image: 'docker.io/woodpeckerci/plugin-docker-buildx:1'}}",
                  { .trusted = TRUST_ALL },
                  "2:20 privileged-plugin\n" },
                { "steps: {a: {image: 'plugins/docker:1', privileged: true}}", { .trusted = TRUST_ALL }, "" },
                { "steps: {a: {image: 'plugins/docker:1'}}",
                  { .trusted = TRUST_ALL, .privileged_plugins = privileged },
                  "2:20 !privileged-plugin\n" },
                { "steps: {a: {image: 'plugins/ecr:1'}}",
                  { .trusted = TRUST_ALL, .privileged_plugins = privileged },
                  "" },
                { "steps: {a: {image: 'plugins/ecr:2'}}",
                  { .trusted = TRUST_ALL, .privileged_plugins = privileged },
                  "2:20 !privileged-plugin\n" },
                { "steps: {a: {image: 'a:1'}}\nclone: {git: {image: 'woodpeckerci/plugin-git:2.8'}}",
                  { .trusted = TRUST_ALL },
                  "" },
                { "steps: {a: {image: 'a:1'}}\nclone: [{name: git, image: 'quay.io/woodpeckerci/plugin-git:2'}]",
                  { .trusted = TRUST_ALL },
                  "" },
                { "steps: {a: {image: 'a:1'}}\nclone: {git: {image: 'own/git:1'}}",
                  { .trusted = TRUST_ALL },
                  "3:22 untrusted-clone\n" },
                { "steps: {a: {image: 'a:1'}}\nclone: {git: {image: 'own/git:1'}}",
                  { .trusted = TRUST_ALL, .trusted_clones = clones },
                  "" },
                { "steps: {a: {image: 'a:1', privileged: true, volumes: [/a:/b], dns: 1.1.1.1}}",
                  { .trusted = TRUST_ALL },
                  "" },
                { "steps: {a: {image: 'a:1', privileged: true, volumes: [/a:/b], dns: 1.1.1.1}}",
                  { .trusted = TRUST_NETWORK },
                  "2:39 !policy\n2:54 !policy\n" },
                { "steps: {a: {image: 'a:1', privileged: false, volumes: [], network_mode: none}}", { 0 }, "" },
                { "steps: {a: {image: 'a:1', network_mode: host, tmpfs: [/a], devices: [/dev/fuse], dns_search: a, "
                  "extra_hosts: ['a:1.1.1.1']}}",
                  { 0 },
                  "2:41 !policy\n2:54 !policy\n2:69 !policy\n2:94 !policy\n2:110 !policy\n" },
                { "steps: {a: {image: 'a:1'}}\nservices: {b: {image: 'b:1', privileged: true}}",
                  { 0 },
                  "3:42 !policy\n" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = str_printf("when: {event: push}\n%s\n", row->text), *got = NULL;

                print_message("case '%s'\n", row->text);
                got = lint(text, &row->options);
                assert_string_equal(got, row->want);
        }
}

/* Whatever is there instead of what should be: nothing crashes, and the parser's word on it is enough. */
static void test_odd(void **state) {
        static const char *const rows[] = {
                "",
                "x",
                "[]",
                "steps:",
                "steps: x",
                "steps: [x, [], {}, null]",
                "steps: {a: , b: [], c: x}",
                "when: x\nsteps: {a: {image: [x]}}",
                "steps: {a: {image: {x: y}, when: [x, [], {event: {}}], environment: [a], settings: x, privileged: "
                "[x]}}",
                "clone: x\nservices: [x]\nsteps: {a: {name: [x], image: a}}",
                "runs_on: {}\nsteps: {}",
                "matrix: x\nsteps: {a: {image: 'a:${X}'}}",
                "matrix: {include: [x]}\nsteps: {a: {image: 'a:${X}'}}",
                "steps: {a: {image: \"a\\0b\"}}",
                "$",
                "${",
                "$${",
                "${#",
                "a: [",
                "{${X}: ${Y}}",
        };
        LintOptions options = { 0 };

        FOREACH_ROW(row, rows)
                free(lint(*row, &options));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_variables), cmocka_unit_test(test_steps), cmocka_unit_test(test_needs),
                cmocka_unit_test(test_secrets),
                cmocka_unit_test(test_lists),     cmocka_unit_test(test_odd),   cmocka_unit_test(test_policy),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
