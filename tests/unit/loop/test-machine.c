#include "test-loop.h"

#include "base/log.h"
#include "base/str.h"
#include "loop/machine.h"
#include "loop/timer.h"

/* A machine that writes down what it does. */
typedef struct Robot {
        Machine machine;
        Str story; /* the states entered and the failures heard, each followed by a space */
        sd_event *event;
        int enter_r;           /* what entering 'working' answers */
        unsigned n_turns;      /* entries into 'turning' */
        bool ends_in_failed, post_in_enter, timer_in_working;
        unsigned n_events;     /* entries */
} Robot;

enum { WAITING, WORKING, TURNING, CLEANING, DONE };

static void robot_on_time(Task *task, int r, const Error *error, void *userdata) {
        Robot *robot = userdata;

        machine_post(&robot->machine, r < 0 ? MACHINE_FAIL : MACHINE_OK);
}

static Robot *robot_enter(Machine *machine) {
        Robot *robot = container_of(machine, Robot, machine);

        (void) str_appendf(&robot->story, "%s ", machine_state_name(machine));
        robot->n_events++;
        return robot;
}

static int enter_working(Machine *machine, Task **ret_task, Error **reterr) {
        Robot *robot = robot_enter(machine);

        if (robot->enter_r < 0)
                return error_set(reterr, -robot->enter_r, "cannot work");
        if (robot->post_in_enter)
                machine_post(machine, MACHINE_OK);
        if (robot->timer_in_working)
                return timer_start(robot->event, USEC_PER_MSEC, robot_on_time, robot, ret_task);
        return 0;
}

static int enter_turning(Machine *machine, Task **ret_task, Error **reterr) {
        Robot *robot = robot_enter(machine);

        robot->n_turns++;
        if (robot->n_turns < 3)
                machine_post(machine, MACHINE_OK);
        return 0;
}

static int enter_noting(Machine *machine, Task **ret_task, Error **reterr) {
        (void) robot_enter(machine);
        return 0;
}

static int enter_done(Machine *machine, Task **ret_task, Error **reterr) {
        (void) robot_enter(machine);
        machine_done(machine);
        memset(machine, 0xdb, sizeof(*machine)); /* as if it were freed: nobody may look at it any more */
        return 0;
}

static void robot_failed(Machine *machine, int r, const Error *error) {
        Robot *robot = container_of(machine, Robot, machine);

        (void) str_appendf(&robot->story, "[%s] ", error_message(error, r));
        if (robot->ends_in_failed) {
                robot->n_events += 100;
                machine_done(machine);
                memset(machine, 0xdb, sizeof(*machine));
        }
}

static const MachineState robot_states[] = {
        /*                                        START        OK           FAIL         STOP */
        [WAITING]  = { "waiting",  NULL,          { WORKING,     MACHINE_STAY, MACHINE_BUG, DONE } },
        [WORKING]  = { "working",  enter_working, { MACHINE_BUG, TURNING,      CLEANING,    CLEANING } },
        [TURNING]  = { "turning",  enter_turning, { MACHINE_BUG, TURNING,      CLEANING,    CLEANING } },
        [CLEANING] = { "cleaning", enter_noting,  { MACHINE_BUG, DONE,         MACHINE_BUG, CLEANING } },
        [DONE]     = { "done",     enter_done,    { MACHINE_BUG, MACHINE_BUG,  MACHINE_BUG, MACHINE_BUG } },
};

/* Until so much was told, however long the machine takes; then for a moment, to see that no more comes. */
static void turn_until_told(sd_event *event, const Str *story, size_t n) {
        uint64_t end = clock_monotonic_usec() + TEST_DEADLINE_USEC;

        while (story->n < n && clock_monotonic_usec() < end)
                assert_true(sd_event_run(event, USEC_PER_SEC) >= 0);
        turn_for(event, 5 * USEC_PER_MSEC);
}

static void test_stories(void **state) {
        static const struct {
                const char *name;
                MachineEvent posts[5]; /* all before the first turn of the loop */
                unsigned n_posts;
                int enter_r;
                bool post_in_enter, timer_in_working;
                const char *want;
                const char *want_state; /* NULL: ended */
        } rows[] = {
                { "start", { MACHINE_START }, 1, 0, false, false, "working ", "working" },
                { "stays", { MACHINE_OK, MACHINE_OK }, 2, 0, false, false, "", "waiting" },
                { "one event waits only once",
                  { MACHINE_START, MACHINE_START },
                  2,
                  0,
                  false,
                  false,
                  "working ",
                  "working" },
                { "stop at once", { MACHINE_STOP }, 1, 0, false, false, "done ", NULL },
                { "stop queued behind start",
                  { MACHINE_START, MACHINE_STOP },
                  2,
                  0,
                  false,
                  false,
                  "working cleaning ",
                  "cleaning" },
                { "a Task's callback moves it",
                  { MACHINE_START },
                  1,
                  0,
                  false,
                  true,
                  "working turning turning turning ",
                  "turning" },
                { "enter posts; a state enters itself",
                  { MACHINE_START },
                  1,
                  0,
                  true,
                  false,
                  "working turning turning turning ",
                  "turning" },
                { "leaving drops the Task",
                  { MACHINE_START, MACHINE_STOP },
                  2,
                  0,
                  false,
                  true,
                  "working cleaning ",
                  "cleaning" },
                { "results of an old state are forgotten",
                  { MACHINE_START, MACHINE_OK, MACHINE_FAIL, MACHINE_STOP },
                  4,
                  0,
                  false,
                  false,
                  "working cleaning ",
                  "cleaning" },
                { "enter fails",
                  { MACHINE_START },
                  1,
                  -EIO,
                  false,
                  false,
                  "working [cannot work] cleaning ",
                  "cleaning" },
                { "a bug: by FAIL",
                  { MACHINE_START, MACHINE_STOP, MACHINE_START, MACHINE_OK },
                  4,
                  0,
                  false,
                  false,
                  "working cleaning ",
                  "cleaning" },
                { "a bug: no FAIL, so by STOP",
                  { MACHINE_FAIL },
                  1,
                  0,
                  false,
                  false,
                  "[bug in podstep: robot: event 'fail' in state 'waiting'] done ",
                  NULL },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                Robot robot = { .story = STR_INIT(4096), .event = event, .enter_r = row->enter_r,
                                .post_in_enter = row->post_in_enter, .timer_in_working = row->timer_in_working };

                print_message("case '%s'\n", row->name);
                assert_int_equal(machine_init(&robot.machine, event, "robot", robot_states, WAITING, robot_failed), 0);
                assert_string_equal(machine_state_name(&robot.machine), "waiting");
                for (unsigned i = 0; i < row->n_posts; i++)
                        machine_post(&robot.machine, row->posts[i]);
                assert_string_equal(str_get(&robot.story), ""); /* never inside machine_post() */
                turn_until_told(event, &robot.story, strlen(row->want));
                assert_string_equal(str_get(&robot.story), row->want);
                if (row->want_state) {
                        assert_string_equal(machine_state_name(&robot.machine), row->want_state);
                        machine_done(&robot.machine);
                }
                str_done(&robot.story);
        }
}

/* An impossible event in a state that was reached in the ordinary way. */
static void test_bug(void **state) {
        static const struct {
                MachineEvent first, second, third;
                bool ends_in_failed;
                const char *want;
        } rows[] = {
                { MACHINE_START, MACHINE_START, MACHINE_OK, false,
                  "working [bug in podstep: robot: event 'start' in state 'working'] cleaning done " },
                { MACHINE_START, MACHINE_STOP, MACHINE_FAIL, false,
                  "working cleaning [bug in podstep: robot: event 'fail' in state 'cleaning'] cleaning " },
                { MACHINE_START, MACHINE_START, MACHINE_STOP, true,
                  "working [bug in podstep: robot: event 'start' in state 'working'] " },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                Robot robot = { .story = STR_INIT(4096), .event = event, .ends_in_failed = row->ends_in_failed };
                bool ended = false;

                assert_int_equal(machine_init(&robot.machine, event, "robot", robot_states, WAITING, robot_failed), 0);
                for (unsigned i = 0; i < 3 && !ended; i++) {
                        machine_post(&robot.machine, i == 0 ? row->first : i == 1 ? row->second : row->third);
                        while (sd_event_run(event, 0) > 0) /* nothing here waits for time */
                                ;
                        ended = robot.n_events >= 100 || str_ends_with(str_get(&robot.story), "done ");
                }
                assert_string_equal(str_get(&robot.story), row->want);
                if (!ended)
                        machine_done(&robot.machine);
                str_done(&robot.story);
        }
}

static void test_done(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
        Robot robot = { .story = STR_INIT(4096), .event = event, .timer_in_working = true };
        Machine zeroed = { 0 };

        machine_done(&zeroed);
        assert_int_equal(machine_init(&robot.machine, event, "robot", robot_states, WAITING, NULL), 0);
        machine_post(&robot.machine, MACHINE_START);
        turn_until(event, &robot.n_events, 1);
        machine_post(&robot.machine, MACHINE_STOP);
        machine_done(&robot.machine);
        machine_done(&robot.machine);
        machine_post(&robot.machine, MACHINE_STOP);
        turn_for(event, 5 * USEC_PER_MSEC);
        assert_string_equal(str_get(&robot.story), "working ");
        str_done(&robot.story);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stories),
                cmocka_unit_test(test_bug),
                cmocka_unit_test(test_done),
        };

        log_set_level(LOG_EMERG);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
