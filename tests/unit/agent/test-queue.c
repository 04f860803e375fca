/* Whose turn it is: limits, fairness, and why nothing begins. */

#include "test.h"

#include <stdint.h>
#include <string.h>

#include "agent/queue.h"
#include "base/str.h"

#define JOBS_MAX 6

static void test_choose(void **state) {
        static const struct {
                const char *what;
                unsigned jobs_max, label_max;
                const char *limit_of_b; /* the label 'b' alone */
                const char *waiting;    /* a label each, oldest first; upper case: it waits for another job */
                const char *running;    /* begun one after the other */
                ssize_t want;
        } rows[] = {
                { "the oldest", 4, 0, NULL, "ab", "", 0 },
                { "nothing waits", 4, 0, NULL, "", "a", -1 },
                { "no place", 2, 0, NULL, "a", "bc", -1 },
                { "the label with the fewest", 4, 0, NULL, "aab", "a", 2 },
                { "that did not begin last", 4, 0, NULL, "ba", "ab", 1 },
                { "one label may use all places", 4, 0, NULL, "aaa", "aaa", 0 },
                { "its own limit", 4, 2, NULL, "aab", "aabb", -1 },
                { "the limit of each", 9, 2, NULL, "aab", "aab", 2 },
                { "the limit of one", 9, 0, "1", "bba", "b", 2 },
                { "never", 9, 0, "0", "bb", "", -1 },
                { "its limit counts more", 9, 1, "3", "b", "bb", 0 },
                { "what depends on others", 4, 0, NULL, "Aab", "", 1 },
        };

        FOREACH_ROW(row, rows) {
                QueueLimits limits = { .jobs_max = row->jobs_max,
                                       .label_max = row->label_max,
                                       .label_limits = STRMAP_INIT };
                QueueRunning running[JOBS_MAX] = { 0 };
                StoredJob jobs[JOBS_MAX] = { 0 };
                char labels[2 * JOBS_MAX][2] = { 0 };
                bool is_ready[JOBS_MAX] = { 0 };
                size_t n_jobs = strlen(row->waiting), n_running = strlen(row->running);

                print_message("case '%s'\n", row->what);
                if (row->limit_of_b)
                        assert_int_equal(strmap_put(&limits.label_limits, "b", row->limit_of_b), 0);
                for (size_t i = 0; i < n_jobs; i++) {
                        is_ready[i] = row->waiting[i] >= 'a';
                        labels[i][0] = (char) (row->waiting[i] | 0x20);
                        jobs[i].label = labels[i];
                }
                for (size_t i = 0; i < n_running; i++) {
                        labels[JOBS_MAX + i][0] = row->running[i];
                        running[i] = (QueueRunning) { labels[JOBS_MAX + i], i + 1 };
                }
                assert_int_equal(queue_choose(&limits, jobs, is_ready, n_jobs, running, n_running), row->want);
                map_done(&limits.label_limits);
        }
}

/* Two labels that always have work share the places, whoever came first with how much. */
static void test_fair(void **state) {
        QueueLimits limits = { .jobs_max = 3, .label_limits = STRMAP_INIT };
        QueueRunning running[3] = { 0 };
        size_t n_running = 0, n_a = 0, n_b = 0;

        for (uint64_t now = 1; now <= 300; now++) {
                StoredJob jobs[] = { { .label = (char *) "a" },
                                     { .label = (char *) "a" },
                                     { .label = (char *) "a" },
                                     { .label = (char *) "b" } };
                bool is_ready[] = { true, true, true, true };
                ssize_t i;

                if (n_running == 3) { /* the oldest ends */
                        memmove(running, running + 1, 2 * sizeof(*running));
                        n_running--;
                }
                i = queue_choose(&limits, jobs, is_ready, 4, running, n_running);
                assert_in_range(i, 0, 3);
                running[n_running++] = (QueueRunning) { jobs[i].label, now };
                n_a += str_equal(jobs[i].label, "a");
                n_b += str_equal(jobs[i].label, "b");
        }
        assert_in_range(n_a, 140, 160);
        assert_in_range(n_b, 140, 160);
}

static void test_pressure(void **state) {
        static const struct {
                uint64_t disk_free_min, disk_free;
                unsigned memory_max, memory;
                size_t n_running;
                const char *want;
        } rows[] = {
                { 100 << 20, 200 << 20, 60, 0, 3, NULL },
                { 100 << 20, 50 << 20, 60, 0, 0,
                  "only 50 MiB are free on the disk, 100 are wanted before a job begins" },
                { 0, 0, 0, 99, 3, NULL },
                { 100 << 20, UINT64_MAX, 60, 61, 1,
                  "memory is short: something waited for it 61 % of the last ten seconds" },
                { 100 << 20, UINT64_MAX, 60, 61, 0, NULL },
        };

        FOREACH_ROW(row, rows) {
                QueueLimits limits = { .disk_free_min = row->disk_free_min, .memory_pressure_max = row->memory_max };
                Pressure pressure = { row->disk_free, row->memory };
                char *reason = pressure_reason(&limits, &pressure, row->n_running);

                if (row->want)
                        assert_string_equal(reason, row->want);
                else
                        assert_null(reason);
                free(reason);
        }
        assert_true(pressure_look("/").disk_free > 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_choose),
                cmocka_unit_test(test_fair),
                cmocka_unit_test(test_pressure),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
