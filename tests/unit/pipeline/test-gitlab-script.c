/* The scripts are run by the shells of this machine: what they do counts, not how they look. */

#include "test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/str.h"
#include "pipeline/gitlab-script.h"

static char directory[] = "/tmp/podstep-gitlab-script-XXXXXX";

static char *write_script(const char *name, char *take) {
        char *path = path_join(directory, name);

        assert_non_null(take);
        assert_int_equal(file_write(path, take, strlen(take), 0755), 0);
        free(take);
        return path;
}

/* What the launcher prints, and how it ends. */
static char *run(char *const *commands, char *const *after, const char *shell, int *ret_code) {
        _cleanup_free_ char *script = write_script("commands", gitlab_script(commands, directory));
        _cleanup_free_ char *behind = after ? write_script("after", gitlab_script(after, directory)) : NULL;
        _cleanup_free_ char *launcher = write_script("launcher", gitlab_launcher(script, behind, shell));
        _cleanup_free_ char *line = str_printf("sh '%s' 2>&1", launcher);
        _cleanup_str_ Str out = STR_INIT(1U << 20);
        FILE *pipe = popen(line, "re");
        char buffer[4096];
        size_t n;

        assert_non_null(pipe);
        while ((n = fread(buffer, 1, sizeof(buffer), pipe)) > 0)
                (void) str_append_n(&out, buffer, n);
        *ret_code = WEXITSTATUS(pclose(pipe));
        return str_take(&out);
}

static void test_run(void **state) {
        static const struct {
                const char *commands[4], *after[3];
                const char *want;
                int want_code;
        } rows[] = {
                { { "echo one", "echo two" }, { NULL }, "$ echo one\none\n$ echo two\ntwo\n", 0 },
                { { "X=5", "echo $X" }, { NULL }, "$ X=5\n$ echo $X\n5\n", 0 },
                { { "exit 3", "echo never" }, { NULL }, "$ exit 3\n", 3 },
                { { "false", "echo never" }, { NULL }, "$ false\n", 1 },
                { { "false | true", "echo never" }, { NULL }, "$ false | true\n", 1 }, /* there is bash here */
                { { "echo 'it''s' \\\\ %s \"q\"" }, { NULL }, "$ echo 'it''s' \\\\ %s \"q\"\nits \\ %s q\n", 0 },
                { { "echo a\necho b\n" }, { NULL }, "$ echo a # collapsed multi-line command\na\nb\n", 0 },
                { { "echo a\n" }, { NULL }, "$ echo a\na\n", 0 },
                { { "cat" }, { NULL }, "$ cat\n", 0 }, /* the rest is not eaten */
                { { "echo a" }, { "echo $CI_JOB_STATUS" },
                  "$ echo a\na\nRunning after_script\n$ echo $CI_JOB_STATUS\nsuccess\n", 0 },
                { { "exit 4" }, { "echo $CI_JOB_STATUS" },
                  "$ exit 4\nRunning after_script\n$ echo $CI_JOB_STATUS\nfailed\n", 4 },
                { { "true" }, { "exit 5", "echo never" },
                  "$ true\nRunning after_script\n$ exit 5\n"
                  "WARNING: after_script failed, which does not count: exit code 5\n", 0 },
                { { "X=5; cd /" }, { "echo \"<$X>\"; test \"$PWD\" != /" },
                  "$ X=5; cd /\nRunning after_script\n$ echo \"<$X>\"; test \"$PWD\" != /\n<>\n", 0 },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *got = NULL;
                int code;

                print_message("command '%s'\n", row->commands[0]);
                got = run((char *const *) row->commands, row->after[0] ? (char *const *) row->after : NULL, NULL,
                          &code);
                assert_string_equal(got, row->want);
                assert_int_equal(code, row->want_code);
        }
}

/* Who is stopped gets the signal, with all below it, and what comes behind still runs. */
static void test_stop(void **state) {
        static const char *const commands[] = { "trap 'echo stopped; exit 9' TERM",
                                                "(sleep 60; echo never) & kill -TERM $PPID; wait", NULL };
        static const char *const after[] = { "echo $CI_JOB_STATUS", NULL };
        _cleanup_free_ char *got = NULL;
        int code;

        got = run((char *const *) commands, (char *const *) after, NULL, &code);
        print_message("%s", got);
        assert_non_null(strstr(got, "stopped\nRunning after_script\n$ echo $CI_JOB_STATUS\ncanceled\n"));
        assert_int_equal(code, 9);
}

/* A program that the commands start can be interrupted: nobody has it ignore that. */
static void test_interrupt(void **state) {
        static const char *const commands[] = { "sh -c 'kill -INT $$; echo ignored' || echo \"ended by $?\"", NULL };
        static const char *const after[] = { "true", NULL };
        _cleanup_free_ char *got = NULL;
        int code;

        got = run((char *const *) commands, (char *const *) after, NULL, &code);
        print_message("%s", got);
        assert_non_null(strstr(got, "\nended by 130\n"));
        assert_int_equal(code, 0);
}

static int make_directory(void **state) {
        return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state) {
        return file_remove_tree(directory);
}

/* The operator names the shell, by name or by path. */
static void test_shell(void **state) {
        _cleanup_free_ char *own = write_script("own-shell", strdup("#!/bin/sh\necho \"own $1\"\n")),
                            *want = str_printf("own %s/commands\n", directory);
        const struct {
                const char *shell, *want;
                int want_code;
        } rows[] = {
                { own, want, 0 },
                { "sh", "$ echo a\na\n", 0 },
                { "no-such-shell", NULL, 127 },
        };

        FOREACH_ROW(row, rows) {
                static const char *const commands[] = { "echo a", NULL };
                _cleanup_free_ char *got = NULL;
                int code;

                print_message("case '%s'\n", row->shell);
                got = run((char *const *) commands, NULL, row->shell, &code);
                assert_int_equal(code, row->want_code);
                if (row->want)
                        assert_string_equal(got, row->want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_run), cmocka_unit_test(test_shell),
                                            cmocka_unit_test(test_stop), cmocka_unit_test(test_interrupt) };

        return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
