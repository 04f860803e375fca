/*
 * Logs of jobs: formats, and that a writer killed at any byte leaves one that goes on without a line lost or doubled.
 */

#include "test-loop.h"

#include <stdlib.h>
#include <unistd.h>

#include "agent/joblog.h"
#include "base/file.h"
#include "base/str.h"

#define LOG_MAX (1U * 1024 * 1024)

typedef struct Line {
        size_t step;
        int stream;
        const char *text;
        bool is_partial;
} Line;

static const Line lines[] = {
        { 0, 1, "one", false },  { 0, 1, "two", false }, { 1, 1, "", false },         { 0, 2, "oh no", false },
        { 1, 1, "\"q\"", false }, { 0, 1, "end", true },  { 1, 2, "a\xff" "b", false },
};
static char *names[] = { (char *) "build", (char *) "test", NULL };

static void add(JobLog *log, const Line *line) {
        joblog_add(log, &(JobEvent) { .kind = JOB_EVENT_OUTPUT,
                                     .step_index = line->step,
                                     .stream = line->stream,
                                     .line = line->text,
                                     .n_line = strlen(line->text),
                                     .is_partial = line->is_partial,
                                     .realtime_usec = 1700000000000000 });
}

static char *read_all(const char *directory, LogFormat format, int step, size_t chunk) {
        LogView view = { .format = format, .step = step, .step_names = names, .job_id = "01x" };
        _cleanup_(logreader_freep) LogReader *reader = NULL;
        _cleanup_str_ Str text = STR_INIT(LOG_MAX);
        char buffer[4096];
        ssize_t n;

        assert_int_equal(logreader_new(directory, "01x", &view, &reader), 0);
        while ((n = logreader_read(reader, buffer, chunk)) > 0)
                (void) str_append_n(&text, buffer, (size_t) n);
        assert_int_equal(n, 0);
        return str_take(&text) ?: strdup("");
}

static void test_formats(void **state) {
        static const struct {
                LogFormat format;
                int step;
                const char *want;
        } rows[] = {
                { LOG_FORMAT_TEXT, -1,
                  "one\ntwo\n\noh no\n\"q\"\nend\na\xff"
                  "b\n" },
                { LOG_FORMAT_TEXT, 0, "one\ntwo\noh no\nend\n" },
                { LOG_FORMAT_PREFIXED, -1,
                  "[build] one\n[build] two\n[test] \n[build] oh no\n[test] \"q\"\n[build] end\n[test] a\xff"
                  "b\n" },
                { LOG_FORMAT_PREFIXED, 1,
                  "[test] \n[test] \"q\"\n[test] a\xff"
                  "b\n" },
                { LOG_FORMAT_JSON, 0,
                  "{\"time\":\"2023-11-14T22:13:20.000Z\",\"event\":\"output\",\"job\":\"01x\",\"step\":\"build\","
                  "\"stream\":\"stdout\",\"line\":\"one\"}\n"
                  "{\"time\":\"2023-11-14T22:13:20.000Z\",\"event\":\"output\",\"job\":\"01x\",\"step\":\"build\","
                  "\"stream\":\"stdout\",\"line\":\"two\"}\n"
                  "{\"time\":\"2023-11-14T22:13:20.000Z\",\"event\":\"output\",\"job\":\"01x\",\"step\":\"build\","
                  "\"stream\":\"stderr\",\"line\":\"oh no\"}\n"
                  "{\"time\":\"2023-11-14T22:13:20.000Z\",\"event\":\"output\",\"job\":\"01x\",\"step\":\"build\","
                  "\"stream\":\"stdout\",\"partial\":true,\"line\":\"end\"}\n" },
        };
        char directory[] = "/tmp/podstep-test-XXXXXX";
        sd_event *event = test_event();
        JobLog *log = NULL;

        assert_non_null(mkdtemp(directory));
        assert_int_equal(joblog_open(event, directory, "01x", 2, NULL, NULL, &log, NULL), 0);
        FOREACH_ROW(line, lines)
                add(log, line);
        log = joblog_free(log);
        FOREACH_ROW(row, rows)
                for (size_t chunk = 1; chunk <= 4096; chunk *= 16) {
                        _cleanup_free_ char *got = read_all(directory, row->format, row->step, chunk);

                        assert_string_equal(got, row->want);
                }
        (void) file_remove_tree(directory);
        sd_event_unref(event);
}

/* The disk holds some of the text and some of the index: whatever a kill, or a loss of power, left of them. */
static void go_on(size_t n_text, size_t n_index, const char *want) {
        char directory[] = "/tmp/podstep-test-XXXXXX", path[128];
        _cleanup_free_ char *got = NULL;
        sd_event *event = test_event();
        JobLog *log = NULL;
        uint64_t held[2][2], seen[2][2] = { 0 };

        assert_non_null(mkdtemp(directory));
        assert_int_equal(joblog_open(event, directory, "01x", 2, NULL, NULL, &log, NULL), 0);
        FOREACH_ROW(line, lines) {
                add(log, line);
                assert_int_equal(joblog_flush(log), 0);
        }
        log = joblog_free(log);
        (void) snprintf(path, sizeof(path), "%s/01x.log", directory);
        assert_int_equal(truncate(path, (off_t) n_text), 0);
        (void) snprintf(path, sizeof(path), "%s/01x.idx", directory);
        assert_int_equal(truncate(path, (off_t) n_index), 0);

        assert_int_equal(joblog_open(event, directory, "01x", 2, NULL, NULL, &log, NULL), 0);
        for (size_t i = 0; i < 4; i++)
                held[i / 2][i % 2] = joblog_count(log, i / 2, (int) (i % 2) + 1);
        FOREACH_ROW(line, lines)
                if (seen[line->step][line->stream - 1]++ >= held[line->step][line->stream - 1])
                        add(log, line);
        log = joblog_free(log);
        got = read_all(directory, LOG_FORMAT_TEXT, -1, 100);
        assert_string_equal(got, want);
        (void) file_remove_tree(directory);
        sd_event_unref(event);
}

static void test_killed_anywhere(void **state) {
        static const char want[] = "one\ntwo\n\noh no\n\"q\"\nend\na\xff" "b\n";

        for (size_t n_text = 0; n_text <= strlen(want); n_text++)
                for (size_t n_index = 0; n_index <= ELEMENTSOF(lines) * JOBLOG_ENTRY_BYTES;
                     n_index += JOBLOG_ENTRY_BYTES / 2)
                        go_on(n_text, n_index, want);
}

static void on_grown(void *userdata) {
        (*(unsigned *) userdata)++;
}

static void test_written_within_a_turn(void **state) {
        char directory[] = "/tmp/podstep-test-XXXXXX";
        sd_event *event = test_event();
        unsigned n_grown = 0;
        JobLog *log = NULL;

        assert_non_null(mkdtemp(directory));
        assert_int_equal(joblog_open(event, directory, "01x", 2, on_grown, &n_grown, &log, NULL), 0);
        add(log, &lines[0]);
        add(log, &lines[1]);
        assert_int_equal(joblog_size(log), 0);
        turn_until(event, &n_grown, 1);
        assert_int_equal(joblog_size(log), 8);
        log = joblog_free(log);
        assert_int_equal(joblog_size_left(directory, "01x"), 8);
        assert_int_equal(joblog_delete(directory, "01x"), 0);
        assert_int_equal(joblog_size_left(directory, "01x"), 0);
        assert_int_equal(rmdir(directory), 0);
        sd_event_unref(event);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_formats),
                cmocka_unit_test(test_killed_anywhere),
                cmocka_unit_test(test_written_within_a_turn),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
