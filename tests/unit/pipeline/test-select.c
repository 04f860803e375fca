#include "compile.h"

#include "base/strv.h"
#include "pipeline/select.h"

/* "db | a: b:a" */
static char *describe(const Plan *plan) {
        _cleanup_str_ Str out = STR_INIT(4096);

        for (size_t i = 0; i < plan->n_steps; i++) {
                const PlanStep *step = plan->steps[i];

                (void) str_append(&out, i == 0 ? "" : " ");
                (void) str_append(&out, i == plan->n_services ? "| " : "");
                (void) str_appendf(&out, "%s%s", step->name, i < plan->n_services ? "" : ":");
                for (size_t k = 0; k < step->n_needs; k++)
                        (void) str_appendf(&out, "%s%s", k ? "," : "", plan->steps[step->needs[k]]->name);
        }
        return str_take(&out);
}

#define S "{image: alpine, commands: x}"
#define N(needs) "{image: alpine, commands: x, depends_on: [" needs "]}"
static const char sequence[] = "services: {db: " S "}\nsteps: {a: " S ", b: " S ", c: " S ", d: " S "}\n";
/* a <- b <- d, a <- c <- d, e alone, f needs e and is written before it */
static const char graph[] =
        "steps: {a: " S ", b: " N("a") ", c: " N("a") ", d: " N("b, c") ", f: " N("e") ", e: " S "}\n";

static void test_steps(void **state) {
        static const struct {
                const char *text, *names, *want; /* want: NULL if a name is unknown */
        } rows[] = {
                { sequence, "b", "db | a: b:a" },
                { sequence, "a,b", "db | a: b:a" },
                { graph, "b", "| a: b:a" },
                { graph, "d", "| a: b:a c:a d:b,c" },
                { graph, "f", "| f:e e:" },
                { graph, "c,e", "| a: c:a e:" },
                { sequence, "db", NULL },
                { sequence, "x", NULL },
                { sequence, "a,x", NULL },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(plan_freep) Plan *plan = compile_fine(row->text);
                _cleanup_free_ char *before = describe(plan), *got = NULL;
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_strv_ char **names = NULL;

                print_message("case '%s'\n", row->names);
                assert_int_equal(strv_split(row->names, ',', &names), 0);
                assert_int_equal(plan_keep_steps(plan, names, &error), row->want ? 0 : -ENOENT);
                got = describe(plan);
                assert_string_equal(got, row->want ? row->want : before);
                assert_int_equal(error != NULL, !row->want);
        }
}

static void test_from(void **state) {
        static const struct {
                const char *text, *name, *want;
        } rows[] = {
                { sequence, "a", "db | a: b:a c:b d:c" },
                { sequence, "c", "db | c: d:c" },
                { sequence, "d", "db | d:" },
                { graph, "b", "| b: c: d:b,c f:e e:" },
                { graph, "d", "| d: f:e e:" },
                { graph, "f", "| f:" },
                { graph, "e", "| f:e e:" },
                { graph, "x", NULL },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(plan_freep) Plan *plan = compile_fine(row->text);
                _cleanup_free_ char *before = describe(plan), *got = NULL;
                _cleanup_(error_freep) Error *error = NULL;

                print_message("case '%s'\n", row->name);
                assert_int_equal(plan_keep_from(plan, row->name, &error), row->want ? 0 : -ENOENT);
                got = describe(plan);
                assert_string_equal(got, row->want ? row->want : before);
        }
}

/* b goes, since it neither needs c nor comes later: what it needed, d then needs itself. */
static void test_bridge(void **state) {
        _cleanup_(plan_freep) Plan *plan = compile_fine("steps: {b: " N("x") ", c: " S ", d: " N("b") ", x: " S "}\n");
        _cleanup_free_ char *got = NULL;

        assert_int_equal(plan_keep_from(plan, "c", NULL), 0);
        got = describe(plan);
        assert_string_equal(got, "| c: d:x x:");
}

static void test_suggestion(void **state) {
        _cleanup_(plan_freep) Plan *plan = compile_fine("steps: {build: " S "}\n");
        _cleanup_(error_freep) Error *error = NULL;

        assert_int_equal(plan_keep_from(plan, "biuld", &error), -ENOENT);
        assert_string_equal(error_message(error, 0), "workflow 'test' has no step 'biuld'; did you mean 'build'?");
}

/* A secret counts where a step is left that wants it. */
static void test_secrets(void **state) {
        static const char text[] = "steps:\n"
                                   "  a: {image: x, environment: {A: {from_secret: Key}, B: {from_secret: other}}}\n"
                                   "  b: {image: x, depends_on: [], settings: {c: [{from_secret: key}]}}\n"
                                   "  c: {image: x, depends_on: []}\n";
        static const struct {
                const char *names;
                size_t want;
        } rows[] = { { "a,b", 3 }, { "a", 2 }, { "b,c", 1 }, { "c", 0 } };

        FOREACH_ROW(row, rows) {
                _cleanup_(plan_freep) Plan *plan = compile_fine(text);
                _cleanup_(diag_list_done) DiagList diags = { 0 };
                _cleanup_strv_ char **names = NULL;

                print_message("case '%s'\n", row->names);
                assert_int_equal(strv_split(row->names, ',', &names), 0);
                assert_int_equal(plan_keep_steps(plan, names, NULL), 0);
                assert_int_equal(plan_check_secrets(plan, &diags), row->want);
                assert_int_equal(diags.n_errors, row->want);
                if (row->want < 2)
                        continue;
                assert_string_equal(diags.diags[0].message, "secret 'Key' is not given");
                assert_int_equal(diags.diags[0].mark.line, 2);
                assert_true(map_has(&plan->steps[0]->secret_environment, "A"));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_steps), cmocka_unit_test(test_from),
                                            cmocka_unit_test(test_bridge), cmocka_unit_test(test_suggestion),
                                            cmocka_unit_test(test_secrets) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
