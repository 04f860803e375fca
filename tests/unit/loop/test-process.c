#include "test-loop.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/str.h"
#include "loop/process.h"

#define ARGV(...) ((char *const[]) { __VA_ARGS__, NULL })
#define SH(script) ARGV((char *) "sh", (char *) "-c", (char *) script) /* only a test may use a shell */

static void test_runs(void **state) {
        static const struct {
                const char *script;
                size_t output_max;
                uint64_t timeout_usec;
                int want_r;
                const char *out, *err; /* NULL: nothing is told */
                const char *text;      /* of the Error */
        } rows[] = {
                { "echo hello", 0, 0, 0, "hello\n", "", "" },
                { "printf '\\0a'; exit 3", 0, 0, 3, "", "", "" },
                { "echo bad >&2; exit 255", 0, 0, 255, "", "bad\n", "" },
                { "exit 127", 0, 0, 127, "", "", "" },
                { "kill -9 $$", 0, 0, 137, "", "", "" },
                { "kill -15 $$", 0, 0, 143, "", "", "" },
                { "cat; echo end", 0, 0, 0, "end\n", "", "" }, /* its input is empty */
                { "printf 12345678", 8, 0, 0, "12345678", "", "" },
                { "printf 123456789", 8, 0, -E2BIG, NULL, NULL, "'sh' printed more than 8 bytes" },
                { "yes", 100000, 0, -E2BIG, NULL, NULL, "'sh' printed more than 100000 bytes" },
                { "exec >&- 2>&-; sleep 0.02; exit 4", 0, 0, 4, "", "", "" },
                { "sleep 100 & echo started", 0, 0, 0, "started\n", "", "" }, /* what is left behind holds the pipes */
                { "sleep 100", 0, 30000, -ETIMEDOUT, NULL, NULL, "'sh' did not end within 0.0s" },
                { "echo $PODSTEP_A-$PODSTEP_B", 0, 0, 0, "new-\n", "", "" },
                /* of a git that runs us */
                { "echo $GIT_DIR-$GIT_INDEX_FILE-$GIT_DIRECTORY", 0, 0, 0, "--stays\n", "", "" },
                /* SIGPIPE as by default */
                { "trap '' TERM; kill -15 $$; echo alive; kill -13 $$; echo never", 0, 0, 141, "alive\n", "", "" },
                /* no terminal */
                { "test -t 0 || test -e /proc/self/fd/9 || cat /proc/self/stat | cut -d' ' -f7", 0, 0, 0, "0\n", "",
                  "" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                _cleanup_(process_output_done) ProcessOutput output = { 0 };
                _cleanup_(task_freep) Task *task = NULL;
                char *const env[] = { (char *) "PODSTEP_A=new", (char *) "PODSTEP_AB=x", NULL };
                ProcessSpec spec = { .argv = SH(row->script),
                                     .env = env,
                                     .output_max = row->output_max,
                                     .timeout_usec = row->timeout_usec };
                Seen seen = { 0 };

                print_message("case '%s'\n", row->script);
                assert_int_equal(setenv("PODSTEP_A", "old", true), 0);
                assert_int_equal(setenv("GIT_DIR", "/nowhere", true), 0);
                assert_int_equal(setenv("GIT_INDEX_FILE", "/nowhere/index", true), 0);
                assert_int_equal(setenv("GIT_DIRECTORY", "stays", true), 0);
                assert_int_equal(process_run(event, &spec, &output, seen_done, &seen, &task), 0);
                assert_int_equal(seen.n, 0);
                turn_until(event, &seen.n, 1);
                assert_int_equal(seen.r, row->want_r);
                assert_string_equal(seen.text, row->text);
                if (row->out) {
                        assert_string_equal(output.out, row->out);
                        assert_string_equal(output.err, row->err);
                } else {
                        assert_null(output.out);
                }
                turn_for(event, USEC_PER_MSEC);
                assert_int_equal(seen.n, 1);
        }
}

/* What it is given, and then the end. */
static void test_input(void **state) {
        static const char *const inputs[] = { "", "registry.example.com:5000", "two\nlines\n" };

        FOREACH_ROW(input, inputs) {
                _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                _cleanup_(process_output_done) ProcessOutput output = { 0 };
                _cleanup_(task_freep) Task *task = NULL;
                ProcessSpec spec = { .argv = ARGV((char *) "cat"), .input = *input };
                Seen seen = { 0 };

                assert_int_equal(process_run(event, &spec, &output, seen_done, &seen, &task), 0);
                turn_until(event, &seen.n, 1);
                assert_int_equal(seen.r, 0);
                assert_string_equal(output.out, *input);
        }
}

static void test_large(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
        _cleanup_(process_output_done) ProcessOutput output = { 0 };
        _cleanup_(task_freep) Task *task = NULL;
        ProcessSpec spec = { .argv = SH("head -c 1048576 /dev/zero; head -c 1000000 /dev/zero >&2; printf x >&2") };
        Seen seen = { 0 };

        assert_int_equal(process_run(event, &spec, &output, seen_done, &seen, &task), 0);
        turn_until(event, &seen.n, 1);
        assert_int_equal(seen.r, 0);
        assert_int_equal(output.n_out, PROCESS_OUTPUT_MAX);
        assert_int_equal(output.n_err, PROCESS_ERROR_MAX);
}

static void test_refused(void **state) {
        static const struct {
                const char *program, *directory;
                int want_r;
                const char *text;
        } rows[] = {
                { "no-such-program", NULL, -ENOENT, "there is no program 'no-such-program'" },
                { "/no/such/program", NULL, -ENOENT, "there is no program '/no/such/program'" },
                { "", NULL, -EACCES, "starting '': Permission denied" },
                { "/dev/null", NULL, -EACCES, "starting '/dev/null': Permission denied" },
                { "true", "/no/such/directory", -ENOENT, "starting 'true': its directory: No such file or directory" },
                { "pwd", "/", 0, "" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                _cleanup_(process_output_done) ProcessOutput output = { 0 };
                _cleanup_(task_freep) Task *task = NULL;
                ProcessSpec spec = { .argv = ARGV((char *) row->program), .directory = row->directory };
                Seen seen = { 0 };

                print_message("case '%s'\n", row->program);
                assert_int_equal(process_run(event, &spec, &output, seen_done, &seen, &task), 0);
                turn_until(event, &seen.n, 1);
                assert_int_equal(seen.r, row->want_r);
                assert_string_equal(seen.text, row->text);
                if (row->want_r == 0)
                        assert_string_equal(output.out, "/\n");
        }
}

/* A file that is no program must not be handed to a shell. */
static void test_no_shell(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
        _cleanup_(task_freep) Task *task = NULL;
        char path[] = "/tmp/podstep-process-XXXXXX";
        ProcessSpec spec = { .argv = ARGV(path) };
        Seen seen = { 0 };
        int fd = mkstemp(path);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, "exit 5\n", 7), 7);
        assert_int_equal(fchmod(fd, 0700), 0);
        close(fd);
        assert_int_equal(process_run(event, &spec, NULL, seen_done, &seen, &task), 0);
        turn_until(event, &seen.n, 1);
        assert_int_equal(seen.r, -ENOEXEC);
        (void) unlink(path);
}

/* Waits till the process is gone (not even a zombie of ours). */
static void turn_until_gone(sd_event *event, pid_t pid) {
        uint64_t end = clock_monotonic_usec() + TEST_DEADLINE_USEC;

        while (kill(pid, 0) == 0) {
                assert_true(clock_monotonic_usec() < end);
                turn_for(event, USEC_PER_MSEC);
        }
}

static pid_t read_pid(sd_event *event, const char *path) {
        uint64_t end = clock_monotonic_usec() + TEST_DEADLINE_USEC;

        for (;;) {
                _cleanup_free_ char *text = NULL;
                size_t n;

                if (file_read(path, 100, &text, &n) == 0 && n > 0 && text[n - 1] == '\n')
                        return (pid_t) atol(text);
                assert_true(clock_monotonic_usec() < end);
                turn_for(event, USEC_PER_MSEC);
        }
}

static void test_drop(void **state) {
        while (waitpid(-1, NULL, 0) > 0) /* of tests that ended their loop before it could do that */
                ;
        for (unsigned when = 0; when < 2; when++) {
                _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                char path[] = "/tmp/podstep-process-XXXXXX";
                _cleanup_free_ char *script = NULL;
                siginfo_t info;
                Task *task = NULL;
                Seen seen = { 0 };
                int fd = mkstemp(path);

                assert_true(fd >= 0);
                close(fd);
                script = str_printf("trap '' TERM; sleep 100 & echo $! > %s; wait", path);
                ProcessSpec spec = { .argv = SH(script) };
                assert_int_equal(process_run(event, &spec, NULL, seen_done, &seen, &task), 0);
                if (when == 0) { /* before it ran at all */
                        task = task_free(task);
                } else { /* child and grandchild alive */
                        pid_t grandchild = read_pid(event, path);
                        uint64_t began = clock_monotonic_usec();

                        task = task_free(task);
                        assert_true(clock_monotonic_usec() - began < 5 * USEC_PER_SEC);
                        turn_until_gone(event, grandchild);
                }
                turn_for(event, 50 * USEC_PER_MSEC);
                /* Nothing is left to reap: the loop does it, this only looks. */
                for (uint64_t end = clock_monotonic_usec() + TEST_DEADLINE_USEC;
                     waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;) {
                        assert_true(clock_monotonic_usec() < end);
                        turn_for(event, USEC_PER_MSEC);
                }
                assert_int_equal(errno, ECHILD);
                assert_int_equal(seen.n, 0);
                (void) unlink(path);
        }
}

static void test_drop_inside(void **state) {
        static const char *const scripts[] = { "exit 0", "yes", "sleep 100" };

        FOREACH_ROW(script, scripts) {
                _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                Task *task = NULL;
                ProcessSpec spec = { .argv = SH(*script), .output_max = 1000, .timeout_usec = 200 * USEC_PER_MSEC };
                Seen seen = { .drop = &task };

                assert_int_equal(process_run(event, &spec, NULL, seen_done, &seen, &task), 0);
                turn_until(event, &seen.n, 1);
                assert_null(task);
                turn_for(event, 20 * USEC_PER_MSEC);
                assert_int_equal(seen.n, 1);
        }
}

static unsigned count_descriptors(void) {
        unsigned n = 0;

        for (int fd = 0; fd < 1024; fd++)
                n += fcntl(fd, F_GETFD) >= 0;
        return n;
}

/* Neither does the child see our descriptors, nor do we lose any. */
static void test_descriptors(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
        unsigned before = count_descriptors();

        for (unsigned i = 0; i < 20; i++) {
                _cleanup_(process_output_done) ProcessOutput output = { 0 };
                _cleanup_(task_freep) Task *task = NULL;
                ProcessSpec spec = {
                        .argv = SH(
                                "for i in 3 4 5 6 7 8 9; do test -e /proc/$$/fd/$i && readlink /proc/$$/fd/$i; done")
                };
                Seen seen = { 0 };

                assert_int_equal(process_run(event, &spec, &output, seen_done, &seen, &task), 0);
                turn_until(event, &seen.n, 1);
                assert_string_equal(output.out, "");
        }
        assert_true(count_descriptors() <= before + 1); /* the loop's timerfd may have come */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_runs),        cmocka_unit_test(test_input),       cmocka_unit_test(test_large),
                cmocka_unit_test(test_refused),     cmocka_unit_test(test_no_shell),    cmocka_unit_test(test_drop),
                cmocka_unit_test(test_drop_inside), cmocka_unit_test(test_descriptors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
