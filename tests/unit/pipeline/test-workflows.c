/*
 * Several files. Cases of pipeline/frontend/builder/builder_test.go and server/model/task_test.go, restated, and
 * beyond.
 */

#include "compile.h"

#include "base/strv.h"
#include "pipeline/workflows.h"

#define FILES_MAX 6

/* A file is "NAME: what stands above its steps"; steps without need to run are "-NAME". */
typedef struct Files {
        const char *name, *head;
} Files;

typedef struct Loaded {
        Plan *plans[2 * FILES_MAX];
        size_t n_plans;
} Loaded;

static void load(const Files *files, Loaded *loaded) {
        for (size_t i = 0; i < FILES_MAX && files[i].name; i++) {
                bool is_out = files[i].name[0] == '-';
                _cleanup_free_ char *path = str_printf(".woodpecker/%s.yaml", files[i].name + is_out),
                                    *text = str_printf("%s%ssteps: {a: {image: x}}\n", files[i].head,
                                                       is_out ? "when: {event: tag}\n" : "");
                _cleanup_(source_freep) Source *source = NULL;
                DiagList diags = { 0 };
                Plan **plans = NULL;
                size_t n = 0;

                assert_int_equal(source_new_take(path, strdup(text), strlen(text), &source, NULL), 0);
                assert_int_equal(woodpecker_compile_all(source, &(WoodpeckerContext) { 0 }, &diags, &plans, &n), 0);
                for (size_t k = 0; k < n; k++)
                        loaded->plans[loaded->n_plans++] = plans[k];
                free(plans);
                diag_list_done(&diags);
        }
}

static void loaded_done(Loaded *loaded) {
        for (size_t i = 0; i < loaded->n_plans; i++)
                plan_free(loaded->plans[i]);
}

/* Names in order, those left out with the reason, then the notes or the error. */
static char *order(Loaded *loaded, bool are_chosen) {
        _cleanup_str_ Str out = STR_INIT(64U * 1024);
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_strv_ char **notes = NULL;
        int r;

        r = workflows_order(loaded->plans, loaded->n_plans, are_chosen, &notes, &error);
        for (size_t i = 0; r == 0 && i < loaded->n_plans; i++)
                (void) str_appendf(&out, "%s%s%s%s", i > 0 ? ", " : "", loaded->plans[i]->name,
                                   loaded->plans[i]->why_left_out ? " - " : "",
                                   loaded->plans[i]->why_left_out ? loaded->plans[i]->why_left_out : "");
        STRV_FOREACH(note, notes)
                (void) str_appendf(&out, "; %s", *note);
        if (r < 0)
                (void) str_append(&out, error_message(error, r));
        return str_take(&out);
}

static void test_order(void **state) {
        static const struct {
                const char *what;
                Files files[FILES_MAX];
                bool are_chosen;
                const char *want;
        } rows[] = {
                { "as they are", { { "a", "" }, { "b", "" }, { "c", "" } }, false, "a, b, c" },
                { "after others",
                  { { "a", "depends_on: c\n" }, { "b", "" }, { "c", "depends_on: [b]\n" } },
                  false,
                  "b, c, a" },
                { "as they are where it does not matter",
                  { { "a", "" }, { "b", "depends_on: [a]\n" }, { "c", "" } },
                  false,
                  "a, b, c" },
                { "a matrix counts as a whole",
                  { { "a", "depends_on: [b]\n" }, { "b", "matrix: {X: [1, 2]}\n" } },
                  false,
                  "b (X=1), b (X=2), a" },
                { "missing",
                  { { "build", "" }, { "test", "depends_on: [biuld]\n" } },
                  false,
                  "build, test - it depends on workflow 'biuld', and there is none; did you mean 'build'?" },
                { "missing, and who depends on that",
                  { { "c", "depends_on: [b]\n" }, { "b", "depends_on: [x]\n" }, { "a", "" } },
                  false,
                  "c - it depends on workflow 'b', which does not run, b - it depends on workflow 'x', and there is "
                  "none, a" },
                { "optional",
                  { { "a", "depends_on: [{name: x, optional: true}, {name: b, optional: true}]\n" }, { "b", "" } },
                  false,
                  "b, a" },
                { "left out",
                  { { "-b", "" }, { "c", "depends_on: [b]\n" } },
                  false,
                  "b - its 'event' does not hold: this run has none, c - it depends on workflow 'b', which does not "
                  "run" },
                { "optional and left out",
                  { { "-b", "" }, { "c", "depends_on: [{name: b, optional: true}]\n" } },
                  false,
                  "b - its 'event' does not hold: this run has none, c" },
                { "chosen, not given",
                  { { "c", "depends_on: [b]\n" } },
                  true,
                  "c; workflow 'c' depends on 'b', which is not among the files given: not waiting for it" },
                { "chosen, left out",
                  { { "-b", "" }, { "c", "depends_on: [b]\n" } },
                  true,
                  "b - its 'event' does not hold: this run has none, c - it depends on workflow 'b', which does not "
                  "run" },
                { "circle",
                  { { "a", "" },
                    { "b", "depends_on: [c, a]\n" },
                    { "c", "depends_on: [b]\n" },
                    { "d", "depends_on: [b]\n" } },
                  false,
                  ".woodpecker/b.yaml:1: workflows depend on each other in a circle: b -> c -> b" },
                { "a circle that would be left out",
                  { { "b", "depends_on: [c]\n" }, { "c", "depends_on: [b, x]\n" } },
                  false,
                  "b - it depends on workflow 'c', which does not run, c - it depends on workflow 'x', and there is "
                  "none" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(loaded_done) Loaded loaded = { 0 };
                _cleanup_free_ char *got = NULL;

                print_message("case '%s'\n", row->what);
                load(row->files, &loaded);
                got = order(&loaded, row->are_chosen);
                assert_string_equal(got, row->want);
        }
}

static void test_none(void **state) {
        char **notes = NULL;

        assert_int_equal(workflows_order(NULL, 0, false, &notes, NULL), 0);
        assert_null(notes);
}

static void test_blocker(void **state) {
        static const struct {
                const char *head; /* of 'c', after 'a' and 'b' */
                WorkflowOutcome a, b;
                const char *want; /* NULL: it runs */
        } rows[] = {
                { "depends_on: [a, b]\n", WORKFLOW_PASSED, WORKFLOW_PASSED, NULL },
                { "depends_on: [a, b]\n", WORKFLOW_PASSED, WORKFLOW_FAILED, "b" },
                { "depends_on: [a, b]\n", WORKFLOW_SKIPPED, WORKFLOW_PASSED, "a" },
                { "depends_on: [a]\n", WORKFLOW_PASSED, WORKFLOW_FAILED, NULL },
                { "depends_on: [{name: a, optional: true}]\n", WORKFLOW_OPEN, WORKFLOW_PASSED, NULL },
                { "depends_on: [a, b]\nruns_on: [success, failure]\n", WORKFLOW_FAILED, WORKFLOW_PASSED, NULL },
                { "depends_on: [a]\nruns_on: [success]\n", WORKFLOW_FAILED, WORKFLOW_PASSED, "a" },
                { "depends_on: [a]\nruns_on: failure\n", WORKFLOW_FAILED, WORKFLOW_PASSED, NULL },
                { "depends_on: [a]\nruns_on: [failure]\n", WORKFLOW_PASSED, WORKFLOW_PASSED, "a" },
                { "depends_on: [a, b]\nruns_on: [failure]\n", WORKFLOW_FAILED, WORKFLOW_PASSED, "b" },
                { "depends_on: [a]\nwhen: {status: failure}\n", WORKFLOW_PASSED, WORKFLOW_PASSED, NULL },
                { "depends_on: [a]\nwhen: {status: [failure]}\n", WORKFLOW_FAILED, WORKFLOW_PASSED, NULL },
                { "depends_on: [a]\nwhen: {status: [success]}\n", WORKFLOW_FAILED, WORKFLOW_PASSED, "a" },
                { "runs_on: [failure]\n", WORKFLOW_PASSED, WORKFLOW_PASSED, NULL },
        };

        FOREACH_ROW(row, rows) {
                const Files files[FILES_MAX] = { { "a", "" }, { "b", "" }, { "c", row->head } };
                const WorkflowOutcome outcomes[] = { row->a, row->b, WORKFLOW_OPEN };
                _cleanup_(loaded_done) Loaded loaded = { 0 };
                const Plan *blocker;

                print_message("case '%s' %d %d\n", row->head, row->a, row->b);
                load(files, &loaded);
                blocker = workflows_blocker(loaded.plans, outcomes, loaded.n_plans, 2);
                assert_string_equal(blocker ? blocker->name : "none", row->want ? row->want : "none");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_order), cmocka_unit_test(test_none),
                                            cmocka_unit_test(test_blocker) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
