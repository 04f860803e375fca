#include "test-loop.h"

#include "loop/timer.h"

static void test_order(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
        _cleanup_(task_freep) Task *now = NULL, *soon = NULL, *later = NULL, *never = NULL, *dropped = NULL;
        Seen a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 }, e = { 0 };
        uint64_t began = clock_monotonic_usec();

        assert_int_equal(timer_start(event, 40 * USEC_PER_MSEC, seen_done, &c, &later), 0);
        assert_int_equal(timer_start(event, 20 * USEC_PER_MSEC, seen_done, &b, &soon), 0);
        assert_int_equal(timer_start(event, 10 * USEC_PER_MSEC, seen_done, &e, &dropped), 0);
        assert_int_equal(timer_start(event, USEC_INFINITY, seen_done, &d, &never), 0);
        assert_int_equal(timer_start(event, 0, seen_done, &a, &now), 0);
        dropped = task_free(dropped);
        turn_until(event, &a.n, 1);
        assert_int_equal(b.n, 0);
        turn_until(event, &b.n, 1);
        assert_true(clock_monotonic_usec() - began >= 20 * USEC_PER_MSEC);
        assert_int_equal(c.n, 0);
        turn_until(event, &c.n, 1);
        assert_true(clock_monotonic_usec() - began >= 40 * USEC_PER_MSEC);
        assert_int_equal(d.n + e.n, 0);
        assert_int_equal(a.n + b.n + c.n, 3);
}

/* A timer counts from when it is started, not from when the loop's turn began. */
typedef struct Slow {
        sd_event *event;
        Task *timer;
        uint64_t started_usec;
        Seen seen;
} Slow;

static void on_slow_turn(Task *task, int r, const Error *error, void *userdata) {
        Slow *slow = userdata;
        uint64_t end = clock_monotonic_usec() + 30 * USEC_PER_MSEC;

        while (clock_monotonic_usec() < end)
                ;
        slow->started_usec = clock_monotonic_usec();
        assert_int_equal(timer_start(slow->event, 20 * USEC_PER_MSEC, seen_done, &slow->seen, &slow->timer), 0);
}

static void test_slow_turn(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
        _cleanup_(task_freep) Task *first = NULL;
        Slow slow = { .event = event };

        assert_int_equal(task_defer(event, 0, NULL, on_slow_turn, &slow, &first), 0);
        turn_until(event, &slow.seen.n, 1);
        assert_true(clock_monotonic_usec() - slow.started_usec >= 20 * USEC_PER_MSEC);
        slow.timer = task_free(slow.timer);
}

static void test_backoff(void **state) {
        static const struct {
                uint64_t first_usec, max_usec;
                unsigned n_tries;
                uint64_t want_usec; /* before the jitter */
        } rows[] = {
                { 100, 10000, 0, 100 },
                { 100, 10000, 1, 200 },
                { 100, 10000, 6, 6400 },
                { 100, 10000, 7, 10000 },
                { 100, 10000, 4000000000, 10000 },
                { 500, 100, 0, 100 },
                { 0, 100, 3, 0 },
                { USEC_PER_SEC, UINT64_MAX / 2, 63, UINT64_MAX / 2 },
        };

        FOREACH_ROW(row, rows) {
                Backoff backoff = { .first_usec = row->first_usec, .max_usec = row->max_usec, .n_tries = row->n_tries };
                uint64_t pause = backoff_next(&backoff);

                assert_true(pause <= row->want_usec);
                assert_true(pause >= row->want_usec - row->want_usec / 4 - 1 || row->want_usec == 0);
                assert_int_equal(backoff.n_tries, row->n_tries + 1);
                backoff_reset(&backoff);
                assert_true(backoff_next(&backoff) <= row->first_usec);
        }
}

static void test_jitter(void **state) {
        uint64_t lowest = UINT64_MAX, highest = 0;

        for (unsigned i = 0; i < 200; i++) {
                Backoff backoff = { .first_usec = USEC_PER_SEC, .max_usec = USEC_PER_SEC };
                uint64_t pause = backoff_next(&backoff);

                lowest = MIN(lowest, pause);
                highest = MAX(highest, pause);
        }
        assert_true(lowest < 800000);  /* one in 10^19 that it is not */
        assert_true(highest > 950000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_slow_turn),
                cmocka_unit_test(test_backoff),
                cmocka_unit_test(test_jitter),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
