/* What waits for what, beside tests/golden/plan-graph/. */

#include "compile.h"
#include "golden.h"

#include "pipeline/workflows.h"

#define DIRECTORY "plan-graph/"

static const struct {
        const char *name, *text;
} files[] = {
        { "chain", "depends_on: [shop]\nsteps: {one: {image: x}, two: {image: x}, three: {image: x}}\n" },
        { "shop",
          "matrix: {GO: [1.20, 1.21]}\n"
          "services: {db: {image: postgres}, 'say \"hi\"': {image: x, when: {event: tag}}}\n"
          "steps:\n"
          "  lint: {image: x, depends_on: []}\n"
          "  build: {image: x, depends_on: []}\n"
          "  'back\\slash': {image: x, depends_on: [build]}\n"
          "  new: {image: x, depends_on: [], when: {matrix: {GO: 1.21}}}\n"
          "  publish: {image: x, depends_on: [lint, 'back\\slash', {name: new, optional: true}]}\n"
          "  mail: {image: x, depends_on: publish, when: {status: failure}}\n" },
        { "alone", "depends_on: [{name: chain, optional: true}]\nsteps: {only: {image: x}}\n" },
        { "lost", "depends_on: [nowhere]\nsteps: {only: {image: x}}\n" },
};

static void load(const char *name, const char *text, Plan **plans, size_t *n_plans) {
        _cleanup_free_ char *path = str_printf(".woodpecker/%s.yaml", name);
        _cleanup_(source_freep) Source *source = NULL;
        DiagList diags = { 0 };
        Plan **own = NULL;
        size_t n = 0;

        assert_int_equal(source_new_take(path, strdup(text), strlen(text), &source, NULL), 0);
        assert_int_equal(woodpecker_compile_all(source, &(WoodpeckerContext) { 0 }, &diags, &own, &n), 0);
        for (size_t i = 0; i < n; i++)
                plans[(*n_plans)++] = own[i];
        free(own);
        diag_list_done(&diags);
}

static void test_golden(void **state) {
        _cleanup_str_ Str text = STR_INIT(1U << 20), dot = STR_INIT(1U << 20);
        char **notes = NULL;
        Plan *plans[8];
        size_t n_plans = 0;

        FOREACH_ROW(row, files)
                load(row->name, row->text, plans, &n_plans);
        assert_int_equal(workflows_order(plans, n_plans, false, &notes, NULL), 0);
        for (size_t i = 0; i < n_plans; i++)
                plan_print(plans[i], &text);
        plans_to_dot(plans, n_plans, &dot);
        golden_check(DIRECTORY "all.txt", str_get(&text));
        golden_check(DIRECTORY "all.dot", str_get(&dot));
        for (size_t i = 0; i < n_plans; i++)
                plan_free(plans[i]);
}

/* A long chain is broken into lines, a long circle-free graph is told level by level. */
static void test_long(void **state) {
        _cleanup_str_ Str file = STR_INIT(1U << 20), out = STR_INIT(1U << 20);
        _cleanup_(plan_freep) Plan *plan = NULL;
        size_t n_longest = 0, n_lines = 0;

        (void) str_append(&file, "steps:\n");
        for (size_t i = 0; i < 200; i++)
                (void) str_appendf(&file, "  step-%zu: {image: x}\n", i);
        plan = compile_fine(str_get(&file));
        plan_print_graph(plan, &out);
        for (const char *line = str_get(&out); *line; line = strchr(line, '\n') + 1, n_lines++)
                n_longest = MAX(n_longest, strcspn(line, "\n"));
        assert_true(n_longest < 120);
        assert_true(n_lines > 10 && n_lines < 30);
        assert_non_null(strstr(str_get(&out), "step-198 -> step-199\n"));
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_golden), cmocka_unit_test(test_long) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
