/*
 * Each allocation of lint fails in turn: it ends with -ENOMEM or as ever, and nothing crashes or leaks. So do the
 * formats and the schema.
 */

#include "test.h"
#include "no-memory.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "document/diag-format.h"
#include "pipeline/lint.h"
#include "pipeline/schema.h"

#define ALLOCATIONS_MAX 100000

static const char text[] =
        "when: {branch: main}\n"
        "runs_on: [success]\n"
        "depends_on: [build, nobody]\n"
        "matrix: {A: [1, 2]}\n"
        "clone: {git: {image: own/git}}\n"
        "services: [{image: 'b:${A}', environment: {P: x}}]\n"
        "steps:\n"
        "  a: {image: '${X}', commands: ['${CI_STEP_NAME} ${CI_COMIT_SHA} $CI_COMMIT_PRERELEASE'], when: {event: "
        "push}}\n"
        "  b: {image: plugins/docker, settings: {api_token: secret}, depends_on: [a], unknown: x}\n"
        "  c: {image: 'c:1', environment: {A: b}, privileged: true, when: [{event: tag}, {branch: x}]}\n";

/* @ret_rest: what is left of the allocations in the end */
static int run(size_t n_allocations, Str *out, size_t *ret_rest) {
        static char *const workflows[] = { (char *) "build", NULL };
        LintOptions options = { .workflows = workflows };
        _cleanup_(source_freep) Source *source = NULL;
        DiagList diags = { 0 };
        int r;

        assert_int_equal(source_new_take("test.yaml", strdup(text), strlen(text), &source, NULL), 0);
        n_left = n_allocations;
        r = woodpecker_lint(source, &options, &diags);
        *ret_rest = n_left;
        n_left = SIZE_MAX;
        for (size_t i = 0; i < diags.n_diags; i++)
                (void) str_appendf(out, "%u %s\n", diags.diags[i].mark.line, diags.diags[i].rule);
        diag_list_done(&diags);
        return r;
}

/* Where the text of a finding finds no memory it is only counted. */
static void test_lint(void **state) {
        _cleanup_str_ Str want = STR_INIT(1U << 20);
        size_t n_short = 0, rest;

        assert_int_equal(run(SIZE_MAX, &want, &rest), 0);
        assert_non_null(strstr(str_get(&want), "plain-secret"));
        for (size_t n = 0;; n++) {
                _cleanup_str_ Str got = STR_INIT(1U << 20);
                int r = run(n, &got, &rest);

                assert_true(r == 0 || r == -ENOMEM);
                n_short += r == -ENOMEM;
                assert_true(n < ALLOCATIONS_MAX);
                if (rest == SIZE_MAX) /* it failed, and went on */
                        continue;
                assert_int_equal(r, 0);
                assert_string_equal(str_get(&got), str_get(&want));
                break;
        }
        assert_true(n_short > 0);
}

static int format(DiagFormat kind, size_t n_allocations, size_t *ret_rest) {
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_str_ Str out = STR_INIT(1U << 20);
        DiagFormatter formatter = { .format = kind, .out = &out };
        DiagList diags = { 0 };
        int r;

        assert_int_equal(source_new_take("test.yaml", strdup("a\nb\n"), 4, &source, NULL), 0);
        diag_set_hint(diag_add(&diags, DIAG_ERROR, "x", (Mark) { 1, 1, 1 }, "one"), "hint");
        diag_add(&diags, DIAG_WARNING, "y", (Mark) { 0 }, "two");
        n_left = n_allocations;
        diag_format_begin(&formatter);
        r = diag_format_file(&formatter, &diags, source, NULL);
        if (r == 0)
                r = diag_format_end(&formatter);
        *ret_rest = n_left;
        n_left = SIZE_MAX;
        diag_formatter_done(&formatter);
        diag_list_done(&diags);
        return r == 0 ? out.error : r;
}

static void test_formats(void **state) {
        for (DiagFormat kind = 0; kind < _DIAG_FORMAT_MAX; kind++) {
                size_t rest = SIZE_MAX, n = 0;

                for (; rest == SIZE_MAX; n++) {
                        int r = format(kind, n, &rest);

                        assert_int_equal(r, rest == SIZE_MAX ? -ENOMEM : 0);
                        assert_true(n < ALLOCATIONS_MAX);
                }
                assert_true(n > 1);
        }
}

static void check_schema(SchemaKind kind) {
        size_t n = 0;
        int r = -ENOMEM;

        for (; r == -ENOMEM; n++) {
                _cleanup_free_ char *schema = NULL;

                n_left = n;
                r = schema_to_json(kind, &schema);
                n_left = SIZE_MAX;
                assert_true(r == -ENOMEM || (r == 0 && strlen(schema) > 1000));
                assert_true(n < ALLOCATIONS_MAX);
        }
        assert_int_equal(r, 0);
        assert_true(n > 1);
}

static void test_schema(void **state) {
        for (SchemaKind kind = 0; kind < _SCHEMA_MAX; kind++)
                check_schema(kind);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lint),
                cmocka_unit_test(test_formats),
                cmocka_unit_test(test_schema),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
