/* What is the same in every file: names, directories, limits, and how long it may take. */

#include "compile.h"

#include <time.h>

#include "base/clock.h"

static void test_workflow_name(void **state) {
        static const struct {
                const char *in, *want;
        } rows[] = {
                {".woodpecker.yaml", "woodpecker"},
                {".woodpecker/build.yaml", "build"},
                {".woodpecker.yml", "woodpecker"},
                {"/a/b/.woodpecker/x.y.yml", "x.y"},
                {"ci", "ci"},
                {".yaml", "yaml"},
                {"a/..yaml", "workflow"},
                {"build.yaml.yml", "build.yaml"},
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *got = woodpecker_workflow_name(row->in);

                print_message("case '%s'\n", row->in);
                assert_string_equal(got, row->want);
        }
}

static void test_directory(void **state) {
        static const struct {
                const char *workspace, *step, *want_directory, *want_base, *want_ci;
        } rows[] = {
                {"", "commands: x", "/woodpecker/src", "/woodpecker", "/woodpecker/src"},
                {"", "commands: x, directory: a/../b", "/woodpecker/src/b", "/woodpecker", "/woodpecker/src"},
                {"", "commands: x, directory: /tmp", "/tmp", "/woodpecker", "/woodpecker/src"},
                {"workspace: {base: /go, path: src/x}", "commands: x, directory: y", "/go/src/x/y", "/go", "/go/src/x"},
                {"workspace: {base: /go}", "entrypoint: x", "/go/src", "/go", "/go/src"},
                {"workspace: {path: .}", "environment: {A: b}", "/woodpecker", "/woodpecker", "/woodpecker"},
                {"workspace: {base: /go, path: src/x}", "settings: {a: b}", "/woodpecker/src/x", "/woodpecker",
                 "/woodpecker/src/x"},
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text =
                        str_printf("%s\nsteps: {a: {image: alpine, %s}}\n", row->workspace, row->step);
                _cleanup_(plan_freep) Plan *plan = compile_fine(text);

                print_message("case '%s' '%s'\n", row->workspace, row->step);
                assert_string_equal(plan->steps[0]->directory, row->want_directory);
                assert_string_equal(plan->steps[0]->workspace_base, row->want_base);
                assert_string_equal(strmap_get(&plan->steps[0]->environment, "CI_WORKSPACE"), row->want_ci);
        }
}

static void test_find(void **state) {
        _cleanup_(plan_freep) Plan *plan =
                compile_fine("services: {a: {image: x}, b: {image: x}}\nsteps: {b: {image: y}}\n");

        assert_ptr_equal(plan_find(plan, "a"), plan->steps[0]);
        assert_ptr_equal(plan_find(plan, "b"), plan->steps[2]);
        assert_null(plan_find(plan, "c"));
}

static void test_words(void **state) {
        for (int i = 0; i < _STEP_FAILURE_MAX; i++)
                assert_int_equal(step_failure_from_string(step_failure_to_string(i)), i);
        for (int i = 0; i < _PULL_POLICY_MAX; i++)
                assert_int_equal(pull_policy_from_string(pull_policy_to_string(i)), i);
        assert_int_equal(step_failure_from_string("x"), _STEP_FAILURE_INVALID);
        assert_int_equal(pull_policy_from_string(""), _PULL_POLICY_INVALID);
}

static char *repeat(const char *head, const char *item, size_t n, const char *tail) {
        _cleanup_str_ Str text = STR_INIT(SOURCE_BYTES_MAX);

        (void) str_append(&text, head);
        for (size_t i = 0; i < n; i++)
                (void) str_append(&text, item);
        (void) str_append(&text, tail);
        return str_take(&text);
}

static void test_limits(void **state) {
        const struct {
                const char *head, *item;
                size_t n;
                const char *tail;
                const char *want; /* part of a message; NULL: no error */
        } rows[] = {
                {"steps:\n", "  - {image: a}\n", PLAN_STEPS_MAX, "", NULL},
                {"steps:\n", "  - {image: a}\n", PLAN_STEPS_MAX + 1, "", "more than 2000 steps"},
                {"steps: {a: {image: a, commands: [", "x,", 10000, "]}}", NULL},
                {"steps: {a: {image: a, commands: [", "x,", 10001, "]}}", "more than 10000 commands"},
                {"steps: {a: {image: a, dns: [", "1.1.1.1,", 1001, "]}}", "more than 1000 entries"},
                {"steps: {a: {image: a, environment: {A: ", "[", 10000, "", "deep"},
                {"steps: {a: {image: a, environment: {A: ", "[", 40, "", "missing"},
                /* 1 MiB, written 65 times */
                {"variables:\n  - &t ", "xxxxxxxxxxxxxxxx", 65536,
                 "\n  - &l [*t,*t,*t,*t,*t,*t,*t,*t,*t,*t,*t,*t,*t]\nsteps: {a: {image: a, environment: {A: "
                 "[*l,*l,*l,*l,*l]}}}\n",
                 "larger than"},
                {"variables:\n  - &t ", "xxxxxxxxxxxxxxxx", 65536,
                 "\n  - &l [*t,*t,*t,*t,*t,*t,*t,*t,*t]\nsteps: {a: {image: a, environment: {A: *l}}}\n",
                 "value is larger than 8 MiB"},
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = repeat(row->head, row->item, row->n, row->tail);
                _cleanup_str_ Str messages = STR_INIT(64U * 1024);
                _cleanup_(plan_freep) Plan *plan = NULL;

                print_message("case '%s'\n", row->want ? row->want : row->head);
                assert_non_null(text);
                plan = compile(text, NULL, &messages);
                print_message("%s", str_get(&messages));
                assert_int_equal(plan == NULL, row->want != NULL);
                if (row->want)
                        assert_non_null(strstr(str_get(&messages), row->want));
        }
}

static uint64_t cpu_usec(void) {
        struct timespec ts;

        assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts), 0);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

/* The CPU time of a workflow of @n steps, ten lines each: the best of five, since others use the machine as well. */
static uint64_t compile_usec(int n) {
        _cleanup_str_ Str text = STR_INIT(SOURCE_BYTES_MAX);
        uint64_t best_usec = UINT64_MAX;

        (void) str_append(&text, "variables:\n  - &image golang:1.25\nsteps:\n");
        for (int i = 0; i < n; i++)
                (void) str_appendf(
                        &text,
                        "  step-%d:\n    image: *image\n    directory: src/%d\n    environment:\n      NUMBER: %d\n"
                        "      LIST: [a, b]\n    commands:\n      - go build ./...\n      - go test ./...\n%s",
                        i, i, i, i > 0 ? "    depends_on: [step-0]\n" : "    depends_on: []\n");
        for (int i = 0; i < 5; i++) {
                uint64_t start_usec = cpu_usec();
                _cleanup_(plan_freep) Plan *plan = compile(str_get(&text), NULL, NULL);

                best_usec = MIN(best_usec, cpu_usec() - start_usec);
                assert_non_null(plan);
                assert_int_equal(plan->n_steps, n);
        }
        print_message("%d steps, %zu bytes: %u us\n", n, text.n, (unsigned) best_usec);
        return best_usec;
}

/*
 * Eight times the steps take about eight times as long: comparing each with each other would make it 64. How long that
 * is depends on the machine; tests/bench/lint measures it.
 */
static void test_time_is_linear(void **state) {
        assert_true(compile_usec(2000) < 24 * compile_usec(250));
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_workflow_name), cmocka_unit_test(test_directory),
                                           cmocka_unit_test(test_find),          cmocka_unit_test(test_words),
                                           cmocka_unit_test(test_limits),        cmocka_unit_test(test_time_is_linear)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
