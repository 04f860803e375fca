#include "loop/deadline.h"
#include "test-loop.h"

#define MSEC USEC_PER_MSEC

typedef struct Probe {
        Deadline deadline;
        Deadlines *deadlines;
        uint64_t at_usec, passed_usec; /* 0: it has not */
        unsigned order;
} Probe;

static unsigned n_passed;

static void on_passed(void *userdata) {
        Probe *probe = userdata;

        assert_null(probe->deadline.all);
        assert_int_equal(probe->passed_usec, 0);
        probe->passed_usec = clock_monotonic_usec();
        probe->order = ++n_passed;
}

static void set(Probe *probe, Deadlines *deadlines, uint64_t at_usec) {
        probe->at_usec = at_usec;
        deadline_set(&probe->deadline, deadlines, at_usec, on_passed, probe);
}

static bool is_on(sd_event_source *source) {
        return sd_event_source_get_enabled(source, NULL) > 0;
}

static int setup(void **state) {
        n_passed = 0;
        return 0;
}

static void test_order(void **state) {
        static const struct {
                uint64_t after_usec;
                unsigned order; /* 0: it is dropped */
        } rows[] = {
                { 30 * MSEC, 3 },
                { 10 * MSEC, 0 },
                { 20 * MSEC, 2 },
                { 0, 1 },
                { 60 * USEC_PER_SEC, 0 },
                { 40 * MSEC, 4 },
        };
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
        Deadlines deadlines = { 0 };
        Probe probes[ELEMENTSOF(rows)] = { 0 };
        uint64_t now = clock_monotonic_usec(); /* once: a busy machine may take long from one line to the next */

        deadlines_done(&deadlines);
        assert_true(deadlines_init(&deadlines, event) >= 0);
        for (unsigned i = 0; i < ELEMENTSOF(rows); i++)
                set(&probes[i], &deadlines, now + rows[i].after_usec);
        for (unsigned i = 0; i < ELEMENTSOF(rows); i++)
                if (rows[i].order == 0)
                        deadline_drop(&probes[i].deadline);
        turn_until(event, &n_passed, 4);
        for (unsigned i = 0; i < ELEMENTSOF(rows); i++) {
                assert_int_equal(probes[i].order, rows[i].order);
                if (rows[i].order > 0)
                        assert_true(probes[i].passed_usec >= probes[i].at_usec);
        }
        deadlines_done(&deadlines);
}

/* The timer goes to an earlier time at once, and to a later one only when it has fired. */
static void test_timer(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
        Deadlines deadlines = { 0 };
        Probe one = { 0 }, two = { 0 };
        uint64_t now = clock_monotonic_usec(), stands = now + 50 * MSEC;

        assert_true(deadlines_init(&deadlines, event) >= 0);
        assert_false(is_on(deadlines.timer));
        set(&one, &deadlines, stands);
        assert_int_equal(deadlines.timer_usec, stands);
        set(&two, &deadlines, now + 100 * MSEC);
        assert_int_equal(deadlines.timer_usec, stands);
        deadline_drop(&one.deadline);
        assert_int_equal(deadlines.timer_usec, stands);
        set(&one, &deadlines, now + 20 * MSEC);
        assert_int_equal(deadlines.timer_usec, now + 20 * MSEC);
        set(&one, &deadlines, now + 150 * MSEC); /* instead of the one before */
        assert_int_equal(deadlines.timer_usec, now + 20 * MSEC);
        turn_until(event, &n_passed, 2);
        assert_int_equal(two.order, 1); /* and none too early */
        assert_true(two.passed_usec >= two.at_usec);
        assert_true(one.passed_usec >= one.at_usec);
        assert_false(is_on(deadlines.timer));
        deadlines_done(&deadlines);
}

typedef struct Chain {
        Deadlines *deadlines;
        Probe *next;
        uint64_t at_usec;
} Chain;

static void on_end_of_one(Task *task, int r, const Error *error, void *userdata) {
        Chain *chain = userdata;

        set(chain->next, chain->deadlines, chain->at_usec);
}

/* When none is left nobody is woken; but that is seen to only when what was put off has run. */
static void test_unused(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
        _cleanup_(task_freep) Task *task = NULL;
        Deadlines deadlines = { 0 };
        Probe one = { 0 }, two = { 0 };
        uint64_t now = clock_monotonic_usec();
        Chain chain = { .deadlines = &deadlines, .next = &two, .at_usec = now + 90 * USEC_PER_SEC };

        assert_true(deadlines_init(&deadlines, event) >= 0);
        assert_int_equal(sd_event_run(event, 0), 0);
        set(&one, &deadlines, now + 60 * USEC_PER_SEC);
        deadline_drop(&one.deadline);
        deadline_drop(&one.deadline);
        assert_int_equal(task_defer(event, 0, NULL, on_end_of_one, &chain, &task), 0);
        assert_true(sd_event_run(event, 0) > 0);
        assert_true(is_on(deadlines.timer)); /* another one was set meanwhile */
        assert_int_equal(deadlines.timer_usec, one.at_usec);
        deadline_drop(&two.deadline);
        assert_true(sd_event_run(event, 0) > 0);
        assert_false(is_on(deadlines.timer));
        assert_int_equal(sd_event_run(event, 0), 0);
        set(&one, &deadlines, now + 10 * MSEC);
        turn_until(event, &n_passed, 1);
        set(&two, &deadlines, now + 20 * MSEC); /* the timer that has fired is off */
        turn_until(event, &n_passed, 2);
        assert_int_equal(sd_event_run(event, 0), 0);
        deadlines_done(&deadlines);
}

static void on_end_of_all(void *userdata) {
        Probe *probe = userdata;

        deadline_drop(&probe[1].deadline);
        deadlines_done(probe->deadlines);
        free(probe->deadlines);
        n_passed++;
}

/* Who is told may end all others, and their timer. */
static void test_end_inside(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
        Deadlines *deadlines = calloc(1, sizeof(*deadlines));
        Probe probes[2] = { { .deadlines = deadlines } };

        assert_true(deadlines_init(deadlines, event) >= 0);
        deadline_set(&probes[0].deadline, deadlines, 1, on_end_of_all, probes);
        deadline_set(&probes[1].deadline, deadlines, 2, on_passed, &probes[1]);
        turn_until(event, &n_passed, 1);
        assert_int_equal(sd_event_run(event, 0), 0);
        assert_int_equal(probes[1].order, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_order, setup),
                cmocka_unit_test_setup(test_timer, setup),
                cmocka_unit_test_setup(test_unused, setup),
                cmocka_unit_test_setup(test_end_inside, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
