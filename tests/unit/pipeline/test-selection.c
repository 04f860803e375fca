/* --step and --from over several workflows: which run, of each which steps, and what is said where nothing is found. */

#include "compile.h"

#include "base/strv.h"
#include "pipeline/selection.h"

#define S(more) "{image: alpine, commands: x" more "}"

static const char *const texts[] = {
        "steps: {build: " S("") ", both: " S("") ", last: " S("") "}\n",
        "steps: {both: " S("") ", tagged: " S(", when: {event: tag}") "}\n",
        "when: {event: tag}\nsteps: {deploy: " S("") "}\n",
        "steps: {deploy: " S("") "}\n",
};

static Plan *compile_at_push(const char *text) {
        _cleanup_(map_done) Map environment = STRMAP_INIT;
        _cleanup_str_ Str messages = STR_INIT(64U * 1024);
        WoodpeckerContext context = { .environment = &environment };
        Plan *plan;

        assert_int_equal(strmap_put(&environment, "CI_PIPELINE_EVENT", "push"), 0);
        plan = compile(text, &context, &messages);
        print_message("%s", str_get(&messages));
        assert_non_null(plan);
        return plan;
}

/* "build both; both": the steps of each workflow that is left */
static void describe(const Plan *plan, Str *out) {
        (void) str_append(out, out->n > 0 ? "; " : "");
        for (size_t i = plan->n_services; i < plan->n_steps; i++)
                (void) str_appendf(out, "%s%s", i > plan->n_services ? " " : "", plan->steps[i]->name);
}

/* One after the other, as files are read. */
static char *apply(Selection *selection, size_t first, size_t last) {
        _cleanup_str_ Str out = STR_INIT(4096);

        for (size_t i = first; i <= last; i++) {
                Plan *plan = compile_at_push(texts[i]);
                size_t n_plans = 1;

                assert_int_equal(selection_apply(selection, &plan, &n_plans, NULL), 0);
                if (n_plans == 0)
                        continue;
                describe(plan, &out);
                plan_free(plan);
        }
        return str_take(&out);
}

static void test_selection(void **state) {
        static const struct {
                const char *names, *from;
                size_t first, last; /* of the workflows */
                const char *left, *fault; /* fault: NULL: none */
        } rows[] = {
                { NULL, NULL, 0, 3, "build both last; both; ; deploy", NULL },
                { "build", NULL, 0, 3, "build", NULL },
                { "both", NULL, 0, 3, "build both; both", NULL },
                { "both,deploy", NULL, 0, 3, "build both; both; deploy", NULL },
                { NULL, "both", 0, 3, "both last; both", NULL },
                { NULL, "deploy", 0, 3, "deploy", NULL },
                { "deplyo", NULL, 0, 3, "", "none of 4 workflows has a step 'deplyo'; did you mean 'deploy'?" },
                { "build,nowhere", NULL, 0, 1, "build", "none of 2 workflows has a step 'nowhere'" },
                { NULL, "biuld", 0, 0, "", "workflow 'test' has no step 'biuld'; did you mean 'build'?" },
                { "tagged", NULL, 0, 3, "",
                  "step 'tagged' is left out: its 'event' does not hold 'push' (test.yaml:1)" },
                { "deploy", NULL, 0, 2, "", "none of 3 workflows has a step 'deploy'" },
                { "deploy", NULL, 2, 2, "",
                  "workflow 'test' is left out as a whole: its 'event' does not hold 'push'" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(selection_done) Selection selection;
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_strv_ char **names = NULL;
                _cleanup_free_ char *left = NULL;

                print_message("names '%s', from '%s', %zu to %zu\n", row->names ? row->names : "",
                              row->from ? row->from : "", row->first, row->last);
                if (row->names)
                        assert_int_equal(strv_split(row->names, ',', &names), 0);
                assert_int_equal(selection_init(&selection, names, row->from), 0);
                left = apply(&selection, row->first, row->last);
                assert_string_equal(left, row->left);
                assert_int_equal(selection_check(&selection, &error), row->fault ? -ENOENT : 0);
                if (row->fault)
                        assert_string_equal(error_message(error, -ENOENT), row->fault);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_selection),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
