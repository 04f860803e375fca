#include "golden.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "cli/report.h"

#define START_USEC (UINT64_C(1767225600) * USEC_PER_SEC) /* 2026-01-01 */

/* A plan: the services come first. */
#define STEP(step_name, step_kind, ...) \
        &(PlanStep) { .name = (char *) (step_name), .kind = (step_kind), .image = (char *) "alpine", \
                      .image_reference = (char *) "docker.io/library/alpine:latest", __VA_ARGS__ }
#define NEEDS(...) .needs = (size_t[]) { __VA_ARGS__ }, .n_needs = ELEMENTSOF(((size_t[]) { __VA_ARGS__ }))

static PlanStep *const parallel_steps[] = {
        STEP("db", STEP_SERVICE),
        STEP("build", STEP_COMMANDS),
        STEP("lint", STEP_COMMANDS, .failure = STEP_FAILURE_IGNORE),
        STEP("test", STEP_COMMANDS, NEEDS(1)),
        STEP("deploy", STEP_PLUGIN, NEEDS(2, 3)),
};
static PlanStep *const sequence_steps[] = {
        STEP("build", STEP_COMMANDS),
        STEP("test", STEP_COMMANDS, NEEDS(0)),
};
static PlanStep *const ending_steps[] = {
        STEP("fine", STEP_COMMANDS),
        STEP("missing", STEP_COMMANDS),
        STEP("killed", STEP_COMMANDS),
        STEP("no-image", STEP_COMMANDS),
        STEP("too-long", STEP_COMMANDS),
        STEP("stopped", STEP_COMMANDS),
        STEP("skipped", STEP_COMMANDS),
        STEP("crashed", STEP_COMMANDS),
        STEP("bad\nname \x1b[31mwith a length that nobody wants to read on each line", STEP_COMMANDS),
};

#define AT(msec) .realtime_usec = START_USEC + (msec) * USEC_PER_MSEC, .job_id = "01jobid"
#define STATE(msec, index, step_state, ...) \
        { JOB_EVENT_STEP_STATE, AT(msec), .step_index = (index), .state = (step_state), .exit_code = -1, __VA_ARGS__ }
#define DONE(msec, index, result, code, duration_msec, ...)                                                            \
        { JOB_EVENT_STEP_STATE, AT(msec), .step_index = (index), .state = STEP_DONE, .step_result = (result),          \
          .exit_code = (code),                                                                                         \
          .duration_usec = (duration_msec) * USEC_PER_MSEC, __VA_ARGS__ }
#define PIECE(msec, index, output_stream, number, partial, line_text)                                                  \
        { JOB_EVENT_OUTPUT, AT(msec), .step_index = (index), .line = (line_text), .n_line = sizeof(line_text) - 1,     \
          .exit_code = -1,                                                                                             \
          .stream = (output_stream), .line_number = (number), .is_partial = (partial) }
#define LINE(msec, index, line_text) PIECE(msec, index, 1, 1, false, line_text)
#define TEXT(event_kind, msec, message)                                                                                \
        { (event_kind), AT(msec), .step_index = SIZE_MAX, .text = (message), .exit_code = -1 }
#define FINISHED(msec, result, message) \
        { JOB_EVENT_FINISHED, AT(msec), .step_index = SIZE_MAX, .job_result = (result), .text = (message),             \
          .exit_code = -1,                                                                                             \
          .duration_usec = (msec) * USEC_PER_MSEC }
#define TICK(msec) { (JobEventKind) -1, AT(msec) }

static const JobEvent parallel_events[] = {
        TEXT(JOB_EVENT_STARTED, 1, "podman 4.3.1, a pod"),
        STATE(2, 0, STEP_PULLING),
        { JOB_EVENT_PULL, AT(3), .step_index = 0, .text = "Copying blob 1 of 2", .exit_code = -1 },
        TICK(1003),
        STATE(1100, 0, STEP_PREPARING),
        STATE(1150, 0, STEP_RUNNING),
        STATE(1500, 0, STEP_READY, .duration_usec = 350 * USEC_PER_MSEC),
        STATE(1501, 1, STEP_PREPARING),
        STATE(1501, 2, STEP_PREPARING),
        STATE(1600, 1, STEP_RUNNING),
        STATE(1601, 3, STEP_PREPARING), /* ahead of its turn: not shown */
        STATE(1602, 2, STEP_RUNNING),
        LINE(1700, 1, "cc -c a.c"),
        PIECE(1700, 2, 2, 1, false, "\x1b[33mwarning\x1b[0m: \x1b[2Jmessy"),
        STATE(1750, 3, STEP_PREPARED),
        TICK(2700),
        PIECE(2800, 1, 1, 2, true, "one piece, "),
        PIECE(2801, 1, 1, 3, false, "next piece"),
        PIECE(2802, 1, 1, 4, true, "cut short"),
        LINE(2803, 2, "10%\r55%\r100%\r"),
        DONE(2900, 2, STEP_SCRIPT_FAILED, 1, 1298),
        DONE(3000, 1, STEP_SUCCESS, 0, 1400),
        STATE(3010, 3, STEP_RUNNING),
        TICK(63010),
        LINE(63100, 3, "not UTF-8: \xff\xfe \"quoted\" \\ \x01"),
        DONE(63200, 3, STEP_SCRIPT_FAILED, 3, 60190),
        DONE(63210, 4, STEP_SKIPPED, -1, 0),
        TEXT(JOB_EVENT_WARNING, 63220, "something is odd"),
        TEXT(JOB_EVENT_CHANGES, 63221, "A out/a.o"),
        DONE(63300, 0, STEP_STOPPED, 143, 62000),
        FINISHED(63400, JOB_FAILED, NULL),
};

static const JobEvent sequence_events[] = {
        TEXT(JOB_EVENT_STARTED, 1, "podman 4.3.1, a single container"),
        STATE(2, 0, STEP_RUNNING),
        LINE(3, 0, "hello"),
        LINE(4, 0, ""),
        LINE(5, 0, "\xc3\xa4\xe2\x9c\x93\tthere"),
        DONE(500, 0, STEP_SUCCESS, 0, 498),
        STATE(501, 1, STEP_RUNNING),
        LINE(502, 1, "ok"),
        DONE(12501, 1, STEP_SUCCESS, 0, 12000),
        TEXT(JOB_EVENT_NOTE, 12502, "exported 2 files to /tmp/out"),
        FINISHED(12600, JOB_SUCCESS, NULL),
};

static const JobEvent ending_events[] = {
        TEXT(JOB_EVENT_STARTED, 1, "podman 4.3.1, a pod"),
        STATE(2, 0, STEP_RUNNING),
        LINE(3, 0, "done"),
        DONE(4, 0, STEP_SUCCESS, 0, 2),
        STATE(5, 1, STEP_RUNNING),
        LINE(6, 1, "sh: foo: not found"),
        DONE(7, 1, STEP_SCRIPT_FAILED, 127, 2),
        STATE(8, 2, STEP_RUNNING),
        LINE(9, 2, "1"),
        LINE(9, 2, "2"),
        LINE(9, 2, "3"),
        LINE(9, 2, "4"),
        LINE(9, 2, "5"),
        LINE(9, 2, "6"),
        LINE(9, 2, "7"),
        LINE(9, 2, "8"),
        LINE(9, 2, "9"),
        LINE(9, 2, "10"),
        LINE(9, 2, "11"),
        DONE(10, 2, STEP_SCRIPT_FAILED, 137, 9000, .signal = 9, .oom_killed = true),
        DONE(11, 3, STEP_INFRA_FAILED, -1, 0,
             .text = "image 'alpine:none' cannot be had: manifest unknown\nsecond line \x1b[2J"),
        STATE(12, 4, STEP_RUNNING),
        DONE(13, 4, STEP_TIMED_OUT, 137, 10000),
        STATE(14, 5, STEP_RUNNING),
        DONE(15, 5, STEP_CANCELED, 143, 1000),
        DONE(16, 6, STEP_SKIPPED, -1, 0),
        STATE(17, 7, STEP_RUNNING),
        DONE(18, 7, STEP_SCRIPT_FAILED, 139, 500, .signal = 11),
        STATE(19, 8, STEP_RUNNING),
        LINE(20, 8, "x"),
        DONE(21, 8, STEP_SCRIPT_FAILED, 1, 100),
        FINISHED(22, JOB_INFRA_FAILED, "the engine went away"),
};

typedef struct Story {
        const char *name;
        PlanStep *const *steps;
        size_t n_steps;
        const JobEvent *events;
        size_t n_events;
} Story;

static const Story stories[] = {
        { "parallel", parallel_steps, ELEMENTSOF(parallel_steps), parallel_events, ELEMENTSOF(parallel_events) },
        { "sequence", sequence_steps, ELEMENTSOF(sequence_steps), sequence_events, ELEMENTSOF(sequence_events) },
        { "endings", ending_steps, ELEMENTSOF(ending_steps), ending_events, ELEMENTSOF(ending_events) },
};

static void fixed_size(unsigned *ret_columns, unsigned *ret_rows, void *userdata) {
        *ret_columns = 44;
        *ret_rows = 24;
}

static void changing_size(unsigned *ret_columns, unsigned *ret_rows, void *userdata) {
        const unsigned *size = userdata;

        *ret_columns = size[0];
        *ret_rows = size[1];
}

static char *read_back(int fd, size_t *ret_n) {
        off_t n = lseek(fd, 0, SEEK_END);
        char *text = calloc(1, (size_t) n + 1);

        assert_int_equal(pread(fd, text, (size_t) n, 0), n);
        *ret_n = (size_t) n;
        return text;
}

/* What the report writes; flushed after each event, as if each was a turn of the loop. */
static char *tell(const Story *story, ReportOptions options, size_t *ret_n) {
        _cleanup_close_ int fd = memfd_create("report", MFD_CLOEXEC);
        Plan plan = { .name = (char *) "build (GO=1.25)",
                      .steps = (PlanStep **) story->steps,
                      .n_steps = story->n_steps };
        Report *report = NULL;
        JobObserver observer;

        options.fd = fd;
        options.plan = &plan;
        options.size = fixed_size;
        assert_int_equal(report_new(&options, &report), 0);
        observer = report_observer(report);
        for (size_t i = 0; i < story->n_events; i++) {
                JobEvent event = story->events[i];

                event.step = event.step_index < story->n_steps ? story->steps[event.step_index] : NULL;
                if ((int) event.kind < 0)
                        report_tick(report, event.realtime_usec);
                else
                        observer.event(&event, observer.userdata);
                assert_int_equal(report_flush(report), 0);
        }
        report_free(report);
        return read_back(fd, ret_n);
}

/* Control characters made visible; each update of the screen apart from the next. */
static char *make_visible(const char *text, size_t n) {
        _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);

        for (size_t i = 0, length; i < n; i += MAX(length, (size_t) 1)) {
                unsigned char c = (unsigned char) text[i];

                length = utf8_length(text + i, n - i);
                if (c == 0x1b)
                        (void) str_append(&out, "\\e");
                else if (length > 1 || c == '\n' || (c >= 0x20 && c < 0x7f))
                        (void) str_append_n(&out, text + i, length);
                else
                        (void) str_appendf(&out, "\\x%02x", c);
                if (str_ends_with(str_get(&out), "\\e[?2026l"))
                        (void) str_append(&out, "\n----\n");
        }
        return str_take(&out);
}

static void test_goldens(void **state) {
        static const struct {
                const char *name;
                ReportOptions options;
        } ways[] = {
                { "plain", { .kind = REPORT_PLAIN } },
                { "plain-color", { .kind = REPORT_PLAIN, .color = true, .unicode = true, .is_terminal = true } },
                { "verbose", { .kind = REPORT_PLAIN, .verbose = true, .names_workflow = true } },
                { "json", { .kind = REPORT_JSON } },
                { "quiet", { .kind = REPORT_QUIET, .unicode = true, .names_workflow = true } },
                { "live", { .kind = REPORT_LIVE, .color = true, .unicode = true, .is_terminal = true } },
                { "live-ascii", { .kind = REPORT_LIVE, .is_terminal = true, .names_workflow = true } },
        };

        FOREACH_ROW(story, stories) FOREACH_ROW(way, ways) {
                size_t n;
                _cleanup_free_ char *text = tell(story, way->options, &n), *visible = make_visible(text, n);
                _cleanup_free_ char *name = str_printf("report/%s.%s", story->name, way->name);

                golden_check(name, visible);
        }
}

/*
 * A terminal that knows what the live report uses, and fails on all else. Lines never end, so that nothing is broken.
 */
typedef struct Screen {
        char lines[200][200];
        size_t row, column, n_rows;
} Screen;

static const char *screen_escape(Screen *screen, const char *s) {
        unsigned long rows;
        char *end;

        if (str_starts_with(s, "\x1b[?2026h") || str_starts_with(s, "\x1b[?2026l"))
                return s + 8;
        if (str_starts_with(s, "\x1b[J")) {
                assert_int_equal(screen->column, 0);
                memset(screen->lines[screen->row], 0, sizeof(screen->lines) - screen->row * sizeof(screen->lines[0]));
                return s + 3;
        }
        assert_true(str_starts_with(s, "\x1b["));
        rows = strtoul(s + 2, &end, 10);
        if (*end == 'm')
                return end + 1;
        assert_int_equal(*end, 'A');
        assert_true(rows <= screen->row);
        screen->row -= rows;
        return end + 1;
}

static void screen_show(Screen *screen, const char *text) {
        for (const char *s = text; *s;) {
                if (*s == '\x1b') {
                        s = screen_escape(screen, s);
                        continue;
                }
                if (*s == '\n')
                        screen->row++;
                if (*s == '\n' || *s == '\r')
                        screen->column = 0;
                else
                        screen->lines[screen->row][screen->column++] = *s;
                assert_true(screen->row < 200 && screen->column < 200);
                s++;
        }
}

/* In the end nothing of the status is left, and nothing that scrolled is lost. */
static void test_live_leaves_nothing_behind(void **state) {
        static Screen screen;
        size_t n;

        FOREACH_ROW(story, stories) {
                _cleanup_free_ char *text =
                        tell(story, (ReportOptions) { .kind = REPORT_LIVE, .is_terminal = true }, &n);
                _cleanup_str_ Str shown = STR_INIT(STR_MAX_DEFAULT);

                screen = (Screen) { 0 };
                screen_show(&screen, text);
                for (size_t i = 0; i < screen.row; i++)
                        (void) str_appendf(&shown, "%s\n", screen.lines[i]);
                assert_null(strstr(str_get(&shown), "steps done,"));
                for (size_t i = 0; i < story->n_events; i++)
                        if (story->events[i].kind == JOB_EVENT_OUTPUT &&
                            !memchr(story->events[i].line, '\r', story->events[i].n_line) &&
                            !memchr(story->events[i].line, '\x1b', story->events[i].n_line) &&
                            story->events[i].line[0] != 'n')
                                assert_non_null(strstr(str_get(&shown), story->events[i].line));
        }
}

/* More at work than there is room for, and a terminal that becomes narrower in between. */
static void test_small_terminal(void **state) {
        _cleanup_close_ int fd = memfd_create("report", MFD_CLOEXEC);
        PlanStep step = { .name = (char *) "a name that takes much room",
                          .kind = STEP_COMMANDS,
                          .image = (char *) "alpine" },
                 *steps[15];
        Plan plan = { .steps = steps, .n_steps = ELEMENTSOF(steps) };
        unsigned size[2] = { 60, 10 };
        ReportOptions options = {
                .kind = REPORT_LIVE, .fd = fd, .plan = &plan, .size = changing_size, .userdata = size
        };
        _cleanup_free_ char *text = NULL, *visible = NULL;
        Report *report = NULL;
        JobObserver observer;
        size_t n;

        for (size_t i = 0; i < ELEMENTSOF(steps); i++)
                steps[i] = &step;
        assert_int_equal(report_new(&options, &report), 0);
        observer = report_observer(report);
        for (size_t i = 0; i < ELEMENTSOF(steps); i++)
                observer.event(&(JobEvent) STATE(i, i, STEP_RUNNING, .step = steps[i]), observer.userdata);
        assert_int_equal(report_flush(report), 0);
        size[0] = 24;
        report_tick(report, START_USEC + 2 * USEC_PER_SEC);
        assert_int_equal(report_flush(report), 0);
        size[0] = 1;
        size[1] = 1;
        report_tick(report, START_USEC + 3 * USEC_PER_SEC);
        report_free(report);
        text = read_back(fd, &n);
        visible = make_visible(text, n);
        golden_check("report/small-terminal", visible);
}

/* 200,000 lines shall not be what a run waits for; generous, as this also runs under sanitizers. */
static void test_many_lines(void **state) {
        static const char line[] = "make[2]: Entering directory '/woodpecker/src/some/directory/or/other', it takes a "
                                   "hundred bytes or so.";
        static const ReportKind kinds[] = { REPORT_PLAIN, REPORT_JSON, REPORT_QUIET, REPORT_LIVE };

        FOREACH_ROW(kind, kinds) {
                _cleanup_close_ int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
                _cleanup_(report_freep) Report *report = NULL;
                Plan plan = { .steps = (PlanStep **) sequence_steps, .n_steps = 2 };
                ReportOptions options = { .kind = *kind, .fd = fd, .plan = &plan, .is_terminal = *kind == REPORT_LIVE };
                JobEvent event = { .kind = JOB_EVENT_OUTPUT,
                                   .step = sequence_steps[0],
                                   .job_id = "01jobid",
                                   .line = line,
                                   .n_line = sizeof(line) - 1,
                                   .stream = 1 };
                uint64_t start = clock_monotonic_usec();
                JobObserver observer;

                assert_int_equal(report_new(&options, &report), 0);
                observer = report_observer(report);
                for (event.line_number = 1; event.line_number <= 200000; event.line_number++) {
                        event.realtime_usec = START_USEC + event.line_number * 10;
                        observer.event(&event, observer.userdata);
                }
                assert_int_equal(report_flush(report), 0);
                print_message("kind %d: %llu ms\n", (int) *kind,
                              (unsigned long long) ((clock_monotonic_usec() - start) / USEC_PER_MSEC));
                assert_true(clock_monotonic_usec() - start < 30 * USEC_PER_SEC);
        }
}

typedef struct Turn {
        JobObserver observer;
        JobEvent event;
} Turn;

static int on_turn(sd_event_source *source, void *userdata) {
        const Turn *turn = userdata;

        turn->observer.event(&turn->event, turn->observer.userdata);
        return 0;
}

/* With an event loop nobody needs to flush: what a turn of it brought is written at its end. */
static void test_written_at_each_turn(void **state) {
        static const ReportKind kinds[] = { REPORT_PLAIN, REPORT_LIVE };

        FOREACH_ROW(kind, kinds) {
                _cleanup_close_ int fd = memfd_create("report", MFD_CLOEXEC);
                Plan plan = { .steps = (PlanStep **) parallel_steps, .n_steps = ELEMENTSOF(parallel_steps) };
                ReportOptions options = { .kind = *kind, .fd = fd, .plan = &plan, .size = fixed_size };
                Turn turn = { .event = STATE(1, 1, STEP_RUNNING, .step = parallel_steps[1]) };
                _cleanup_free_ char *text = NULL;
                sd_event *event = NULL;
                Report *report = NULL;
                size_t n;

                assert_true(sd_event_new(&event) >= 0);
                options.event = event;
                assert_int_equal(report_new(&options, &report), 0);
                turn.observer = report_observer(report);
                assert_true(sd_event_add_defer(event, NULL, on_turn, &turn) >= 0);
                assert_true(sd_event_run(event, 0) > 0);
                assert_true(sd_event_run(event, 0) >= 0);
                text = read_back(fd, &n);
                assert_non_null(strstr(text, *kind == REPORT_LIVE ? "> build       0s" : "step build: started\n"));
                report = report_free(report);
                sd_event_unref(event);
        }
}

static void test_broken_pipe(void **state) {
        Plan plan = { .steps = (PlanStep **) sequence_steps, .n_steps = 2 };
        _cleanup_(report_freep) Report *report = NULL;
        ReportOptions options = { .kind = REPORT_PLAIN, .plan = &plan };
        JobObserver observer;
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        close(fds[0]);
        options.fd = fds[1];
        assert_int_equal(report_new(&options, &report), 0);
        observer = report_observer(report);
        for (int i = 0; i < 2; i++) {
                observer.event(&(JobEvent) { .kind = JOB_EVENT_NOTE, .text = "nobody listens" }, observer.userdata);
                assert_int_equal(report_flush(report), -EPIPE);
        }
        report = report_free(report);
        close(fds[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_goldens),
                cmocka_unit_test(test_live_leaves_nothing_behind),
                cmocka_unit_test(test_small_terminal),
                cmocka_unit_test(test_many_lines),
                cmocka_unit_test(test_written_at_each_turn),
                cmocka_unit_test(test_broken_pipe),
        };

        (void) signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
