/* Rows from pipeline/frontend/yaml/matrix/matrix_test.go and constraint/map_test.go, restated, and beyond. */

#include "compile.h"

#include "pipeline/woodpecker-matrix.h"

#define STEPS "steps: {a: {image: golang}}\n"

static Source *make_source(const char *text) {
        Source *source = NULL;

        assert_int_equal(source_new_take(".woodpecker/build.yaml", strdup(text), strlen(text), &source, NULL), 0);
        return source;
}

/* Names of all plans, one a line; behind them the messages. */
static char *compile_names(const char *text, const WoodpeckerContext *context) {
        _cleanup_str_ Str out = STR_INIT(64U * 1024);
        _cleanup_(source_freep) Source *source = make_source(text);
        DiagList diags = { 0 };
        Plan **plans = NULL;
        size_t n_plans = 0;
        int r;

        r = woodpecker_compile_all(source, context, &diags, &plans, &n_plans);
        assert_int_equal(r, diags.n_errors > 0 ? -EBADMSG : 0);
        for (size_t i = 0; i < n_plans; i++) {
                assert_string_equal(plans[i]->workflow, "build");
                (void) str_appendf(&out, "%s\n", plans[i]->name);
        }
        for (size_t i = 0; i < diags.n_diags; i++)
                (void) str_appendf(&out, "%u: %s\n", diags.diags[i].mark.line, diags.diags[i].message);
        plans_free(plans, n_plans);
        diag_list_done(&diags);
        return str_take(&out);
}

static void test_names(void **state) {
        static const struct {
                const char *matrix, *want;
        } rows[] = {
                { "", "build\n" },
                { "matrix:\n", "build\n1: key 'matrix' in the workflow has no value, ignoring it\n" },
                { "matrix: {}\n", "build\n" },
                { "matrix: {A: []}\n", "build\n" },
                { "matrix: {A: [1.20, x]}\n", "build (A=1.20)\nbuild (A=x)\n" },
                { "matrix: {B: [1, 2], A: [x, y]}\n",
                  "build (B=1, A=x)\nbuild (B=2, A=x)\nbuild (B=1, A=y)\nbuild (B=2, A=y)\n" },
                { "matrix: {A: [1], B: [], C: [~]}\n", "build (A=1, C=)\n" },
                { "matrix: {include: [{A: 1, B: x}, {A: 2}]}\n", "build (A=1, B=x)\nbuild (A=2)\n" },
                { "matrix: {include: [], A: [1]}\n", "build (A=1)\n" },
                { "matrix: {include: [{A: 1}], B: [1, 2]}\n",
                  "build (A=1)\n1: matrix: beside 'include' this axis has no effect\n" },
                { "matrix: {A: [\"a\\nb\"]}\n", "build (A=a\\nb)\n" },
                { "matrix: [1]\n", "1: matrix: expected a map of axes to lists, found a list\n" },
                { "matrix: {A: 1}\n", "1: matrix: the values of an axis: expected a list, found a whole number\n" },
                { "matrix: {A: [{}]}\n", "1: A: expected a string, found a map\n" },
                { "matrix: {A=: [1]}\n",
                  "1: matrix: the name of an axis is the name of a variable: it cannot be empty or hold '=' or NUL\n" },
                { "matrix: {include: [1, {B: []}]}\n",
                  "1: matrix: a row of 'include': expected a map of axes to values, found a whole number\n"
                  "1: B: expected a string, found a list\n" },
                { "matrix: {include: x}\n", "1: matrix: the values of an axis: expected a list, found a string\n" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = str_printf("%s" STEPS, row->matrix), *got = NULL;

                print_message("case '%s'\n", row->matrix);
                got = compile_names(text, &(WoodpeckerContext) { 0 });
                assert_string_equal(got, row->want);
        }
}

static size_t count_lines(const char *text, const char *start) {
        size_t n = 0;

        for (const char *line = text; *line; line = strchr(line, '\n') + 1)
                n += str_starts_with(line, start);
        return n;
}

static void test_limits(void **state) {
        _cleanup_free_ char *full = NULL, *wide = NULL, *cut = NULL;
        _cleanup_str_ Str many = STR_INIT(4096);

        full = compile_names("matrix: {A: [1, 2], B: [1, 2], C: [1, 2, 3], D: [1, 2]}\n" STEPS,
                             &(WoodpeckerContext) { 0 });
        assert_int_equal(count_lines(full, "build ("), 24);
        assert_non_null(
                strstr(full, "build (A=1, B=1, C=1, D=1)\nbuild (A=1, B=1, C=1, D=2)\nbuild (A=1, B=1, C=2, D=1)\n"));

        cut = compile_names("matrix: {A: [1, 2, 3, 4, 5, 6], B: [1, 2, 3, 4, 5]}\n" STEPS, &(WoodpeckerContext) { 0 });
        assert_int_equal(count_lines(cut, "build ("), MATRIX_COMBINATIONS_MAX);
        assert_non_null(strstr(cut, "only the first 27 run"));

        (void) str_append(&many, "matrix:\n");
        for (char axis = 'A'; axis < 'A' + MATRIX_AXES_MAX + 1; axis++)
                (void) str_appendf(&many, "  %c: [1]\n", axis);
        (void) str_append(&many, STEPS);
        wide = compile_names(str_get(&many), &(WoodpeckerContext) { 0 });
        assert_non_null(strstr(wide, "L=1)\n"));
        assert_null(strstr(wide, "M=1"));
        assert_non_null(strstr(wide, "only the first 12 by name"));
}

static const char values_file[] = "matrix: {GO: [1.20, 1.21], CI_PIPELINE_NUMBER: [7]}\n"
                                  "steps:\n"
                                  "  a: {image: 'golang:${GO}', commands: [x]}\n"
                                  "  p: {image: plugin}\n"
                                  "  new: {image: golang, commands: [x], when: {matrix: {GO: '1.21'}}}\n";

static void test_values(void **state) {
        _cleanup_map_ Map environment = STRMAP_INIT;
        WoodpeckerContext context = { .environment = &environment, .workflow_number = 5 };
        _cleanup_(source_freep) Source *source = make_source(values_file);
        DiagList diags = { 0 };
        Plan **plans = NULL;
        size_t n_plans = 0;

        assert_int_equal(strmap_put(&environment, "GO", "given"), 0);
        assert_int_equal(strmap_put(&environment, "CI_PIPELINE_NUMBER", "1"), 0);
        assert_int_equal(woodpecker_compile_all(source, &context, &diags, &plans, &n_plans), 0);
        assert_int_equal(n_plans, 2);
        assert_string_equal(plan_find(plans[0], "a")->image, "golang:1.20");
        assert_string_equal(plan_find(plans[1], "a")->image, "golang:1.21");
        assert_string_equal(strmap_get(&plan_find(plans[1], "a")->environment, "GO"), "1.21");
        assert_string_equal(strmap_get(&plan_find(plans[1], "a")->environment, "CI_PIPELINE_NUMBER"), "7");
        assert_string_equal(strmap_get(&plan_find(plans[1], "p")->environment, "GO"), "given");
        assert_string_equal(strmap_get(&plan_find(plans[1], "p")->environment, "CI_PIPELINE_NUMBER"), "1");
        assert_string_equal(strmap_get(&plan_find(plans[0], "p")->environment, "CI_WORKFLOW_NUMBER"), "5");
        assert_string_equal(strmap_get(&plan_find(plans[1], "p")->environment, "CI_WORKFLOW_NUMBER"), "6");
        assert_string_equal(strmap_get(&plan_find(plans[1], "p")->environment, "CI_WORKFLOW_NAME"), "build");
        assert_string_equal(strmap_get(&plans[1]->axes, "GO"), "1.21");
        assert_null(plan_find(plans[0], "new"));
        assert_string_equal(plans[0]->left_out[0].why, "its 'matrix' does not match 'GO=1.20, CI_PIPELINE_NUMBER=7'");
        assert_non_null(plan_find(plans[1], "new"));
        plans_free(plans, n_plans);
        diag_list_done(&diags);
}

/* What is wrong everywhere is told once; what is wrong in one place only, too. */
static void test_faults(void **state) {
        _cleanup_free_ char *everywhere = NULL, *once = NULL, *syntax = NULL;

        everywhere =
                compile_names("matrix: {A: [1, 2]}\nsteps: {a: {image: golang, x: 1}}\n", &(WoodpeckerContext) { 0 });
        assert_string_equal(everywhere, "2: unknown key 'x' in step 'a'\n");
        once = compile_names("matrix: {A: [golang, 'NO']}\nsteps: {a: {image: '${A}'}}\n", &(WoodpeckerContext) { 0 });
        assert_int_equal(count_lines(once, "2: "), 1);
        syntax = compile_names("matrix: {A: [1}\n" STEPS, &(WoodpeckerContext) { 0 });
        assert_int_equal(count_lines(syntax, "1: "), 1);
}

static void test_when_matrix(void **state) {
        static const struct {
                const char *when;
                bool want;
        } rows[] = {
                { "{GOLANG: '1.7', REDIS: '3.1'}", true },
                { "{GOLANG: '1.7'}", true },
                { "{GOLANG: '1.*'}", true },
                { "{GOLANG: 1.7, REDIS: '3.*'}", true },
                { "{GOLANG: '1.6'}", false },
                { "{GOLANG: '1.7', REDIS: '3.0'}", false },
                { "{UNKNOWN: x}", false },
                { "{UNKNOWN: '*'}", true },
                { "{include: {GOLANG: '1.7'}}", true },
                { "{include: {GOLANG: '1.6'}}", false },
                { "{include: {}}", true },
                { "{exclude: {GOLANG: '1.7', REDIS: '3.0'}}", true },
                { "{exclude: {GOLANG: '1.7', REDIS: '3.1'}}", false },
                { "{exclude: {GOLANG: '1.*'}}", false },
                { "{exclude: {}}", true },
                { "{include: {GOLANG: '1.7'}, exclude: {REDIS: '3.1'}}", false },
                { "{GOLANG: '1.7', exclude: {REDIS: '3.0'}}", true },
                { "{}", true },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = str_printf("matrix: {include: [{GOLANG: 1.7, REDIS: 3.1}]}\n"
                                                       "steps: {a: {image: x, when: {matrix: %s}}}\n",
                                                       row->when);
                _cleanup_(plan_freep) Plan *plan = compile_fine(text);

                print_message("case '%s'\n", row->when);
                assert_int_equal(plan_find(plan, "a") != NULL, row->want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),  cmocka_unit_test(test_limits),      cmocka_unit_test(test_values),
                cmocka_unit_test(test_faults), cmocka_unit_test(test_when_matrix),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
