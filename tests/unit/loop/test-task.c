#include "test-loop.h"

static void test_defer(void **state) {
        static const struct {
                int r;
                const char *text; /* of the Error; NULL: none */
        } rows[] = {
                { 0, NULL },
                { 7, NULL },
                { -ENOENT, "no such thing" },
                { -EIO, NULL },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                _cleanup_(task_freep) Task *task = NULL;
                Error *error = NULL;
                Seen seen = { 0 };

                if (row->text)
                        (void) error_set(&error, -row->r, "%s", row->text);
                assert_int_equal(task_defer(event, row->r, error, seen_done, &seen, &task), 0);
                error = error_free(error); /* it has a copy */
                assert_int_equal(seen.n, 0);
                assert_true(task_is_pending(task));
                turn_until(event, &seen.n, 1);
                assert_false(task_is_pending(task));
                assert_int_equal(seen.r, row->r);
                assert_string_equal(seen.text, row->text ? row->text : "");
                turn_for(event, 2 * USEC_PER_MSEC);
                assert_int_equal(seen.n, 1);
        }
}

static void test_drop(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
        Task *early = NULL, *inside = NULL;
        Seen never = { 0 }, once = { .drop = &inside };

        assert_null(task_free(NULL));
        assert_false(task_is_pending(NULL));
        assert_int_equal(task_defer(event, 0, NULL, seen_done, &never, &early), 0);
        assert_int_equal(task_defer(event, 0, NULL, seen_done, &once, &inside), 0);
        early = task_free(early);
        turn_until(event, &once.n, 1);
        assert_null(inside);
        assert_int_equal(never.n, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defer),
                cmocka_unit_test(test_drop),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
