#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "holder/run.h"

#define ARGV(...)                                                                                                      \
        { __VA_ARGS__, NULL }
#define OUTPUT_BYTES_MAX 4096

/* In a process of its own, as run_programs() waits for all children and takes signals over. */
static int run_apart(char *const *argv, int stop_with, char *output) {
        int fds[2], status;
        size_t n = 0;
        ssize_t k;
        pid_t pid;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                char *copy[32] = { NULL };

                for (size_t i = 0; argv[i]; i++)
                        copy[i] = strdup(argv[i]);
                (void) dup2(fds[1], STDOUT_FILENO);
                (void) dup2(fds[1], STDERR_FILENO);
                _exit(run_programs(copy));
        }
        close(fds[1]);
        while ((k = read(fds[0], output + n, OUTPUT_BYTES_MAX - 1 - n)) > 0) {
                n += (size_t) k;
                output[n] = '\0';
                if (stop_with && strstr(output, "ready")) {
                        assert_int_equal(kill(pid, stop_with), 0);
                        stop_with = 0;
                }
        }
        output[n] = '\0';
        close(fds[0]);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void test_run(void **state) {
        static const struct {
                const char *argv[24];
                int stop_with, want;
                const char *output;
        } rows[] = {
                { ARGV("true"), 0, 0, "+ true\n" },
                { ARGV("echo", "a", "b c"), 0, 0, "+ echo a b c\na b c\n" },
                { ARGV("echo", "1", ";", "echo", "2"), 0, 0, "+ echo 1\n1\n+ echo 2\n2\n" },
                { ARGV("echo", "1", ";", "false", ";", "echo", "2"), 0, 1, "+ echo 1\n1\n+ false\n" },
                { ARGV("sh", "-c", "exit 7"), 0, 7, "+ sh -c exit 7\n" },
                { ARGV("sh", "-c", "kill -9 $$"), 0, 137, "+ sh -c kill -9 $$\n" },
                { ARGV("/nonexistent"), 0, 127,
                  "+ /nonexistent\ncannot start '/nonexistent': No such file or directory\n" },
                { ARGV(";", "true", ";"), 0, 0, "+ true\n" },
                { { NULL }, 0, 0, "" },
                { ARGV("sh", "-c", "sleep 1 & echo started"), 0, 0,
                  NULL }, /* what is left behind does not hold it up */
                { ARGV("sh", "-c", "echo ready; exec sleep 100", ";", "echo", "never"), SIGTERM, 143, NULL },
                { ARGV("sh", "-c", "trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done", ";", "echo",
                       "never"),
                  SIGTERM, 143, NULL },
        };

        FOREACH_ROW(row, rows) {
                char output[OUTPUT_BYTES_MAX] = "";

                print_message("case '%s %s'\n", row->argv[0] ? row->argv[0] : "",
                              row->argv[0] && row->argv[1] ? row->argv[1] : "");
                assert_int_equal(run_apart((char *const *) row->argv, row->stop_with, output), row->want);
                if (row->output)
                        assert_string_equal(output, row->output);
                assert_null(strstr(output, "never"));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_run) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
