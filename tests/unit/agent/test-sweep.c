/* What is taken for a left-over of ours, and what is let alone. */

#include "../engine/fake-server.h"

#include "agent/sweep.h"
#include "engine/service.h"

#define P FAKE_PREFIX
#define STATE "/nowhere/podstep" /* no job is alive there */
#define TIMES                                                                                                          \
        ((ServiceTimes) { .call_usec = 5 * USEC_PER_SEC,                                                               \
                        .slow_usec = 5 * USEC_PER_SEC,                                                                 \
                        .away_usec = USEC_PER_SEC,                                                                     \
                        .pull_idle_usec = USEC_PER_SEC })

typedef struct SweepRow {
        const char *name, *labels;
        bool is_left;
} SweepRow;

#define LABELS(job, state) "{\"io.podstep.job\":\"" job "\",\"io.podstep.state\":\"" state "\"}"

static const SweepRow rows[] = {
        { "podstep-01dead.step-0", LABELS("01dead", STATE), true },
        { "podstep-01dead-db", LABELS("01dead", STATE), true },
        { "podstep-01dead", LABELS("01dead", STATE), true },
        /* an image may have any labels, and its containers have them too */
        { "precious", LABELS("01dead", STATE), false },
        { "podstep-01deader.step-0", LABELS("01dead", STATE), false },
        { "podstep-01dea", LABELS("01dead", STATE), false },
        { "podstep-01dead.step-0", LABELS("01dead", "/home/other/podstep"), false },
        { "podstep-../x.step-0", LABELS("../x", STATE), false },
        { "podstep-01dead.step-0", "{}", false },
};

static void test_sweep(void **state) {
        FOREACH_ROW(row, rows) {
                sd_event *event = test_event();
                FakeServer *server = fake_new(event);
                ServiceSpec service = { .url = server->url, .times = TIMES };
                _cleanup_free_ char *list = str_printf("[{\"Names\":[\"%s\"],\"Labels\":%s}]", row->name, row->labels);
                const FakeAnswer answers[] = { { "GET " P "containers/json", 200, list },
                                               { "GET ", 200, "[]" },
                                               { "DELETE " P "containers/", 200, "[]" } };
                SweepSpec spec = { .state_directory = STATE };
                SweepResult result = { 0 };
                Engine *engine = NULL;
                Seen seen = { 0 };
                Task *task = NULL;

                print_message("case '%s' %s\n", row->name, row->labels);
                assert_int_equal(service_open(event, &service, &engine, seen_done, &seen, &task), 0);
                turn_until(event, &seen.n, 1);
                assert_int_equal(seen.r, 0);
                task = task_free(task);
                fake_play(server, answers, ELEMENTSOF(answers));
                seen = (Seen) { 0 };
                assert_int_equal(sweep_start(engine, &spec, &result, seen_done, &seen, &task), 0);
                turn_until(event, &seen.n, 1);
                assert_int_equal(seen.r, 0);
                assert_int_equal(result.n_items, row->is_left);
                /* five lists, and what was removed */
                assert_int_equal(strv_length(server->requests), 5 + row->is_left);
                if (row->is_left)
                        assert_string_equal(result.items[0].name, row->name);
                sweep_result_done(&result);
                task_free(task);
                engine_free(engine);
                fake_free(server);
                sd_event_unref(event);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_sweep) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
