/* The script of a job, in the way of GitLab's runner. Source: GitLab Runner, shells/bash.go and shells/abstract.go. */

#include "pipeline/gitlab-script.h"

#include <string.h>

#include "base/str.h"
#include "base/strv.h"

#define SCRIPT_BYTES_MAX (16U * 1024 * 1024)

static void append_quoted(Str *out, const char *text, size_t n) {
        (void) str_append_char(out, '\'');
        for (size_t i = 0; i < n; i++)
                (void) (text[i] == '\'' ? str_append(out, "'\\''") : str_append_char(out, text[i]));
        (void) str_append_char(out, '\'');
}

/* What is run is shown: of several lines the first. */
static void append_echo(Str *out, const char *command) {
        size_t n = strlen(command), first;

        while (n > 0 && strchr(" \t\r\n", command[n - 1]))
                n--;
        first = strcspn(command, "\n");
        (void) str_append(out, "printf '$ %s\\n' ");
        append_quoted(out, command, MIN(n, first));
        (void) str_append(out, n > first ? "' # collapsed multi-line command'\n" : "\n");
}

char *gitlab_script(char *const *commands, const char *directory) {
        _cleanup_str_ Str out = STR_INIT(SCRIPT_BYTES_MAX);

        (void) str_append(&out, "case \"$(set -o)\" in *pipefail*) set -o pipefail ;; esac\n"
                                "set -o errexit\n"
                                "set +o noclobber\n"
                                "cd ");
        append_quoted(&out, directory, strlen(directory));
        (void) str_append_char(&out, '\n');
        STRV_FOREACH(command, commands) {
                append_echo(&out, *command);
                (void) str_append(&out, *command);
                (void) str_append_char(&out, '\n');
        }
        return str_take(&out);
}

static void append_shells(Str *out, const char *shell) {
        static const char *const usual[] = { "bash", "sh" };
        static const char *const directories[] = { "/usr/local/bin", "/usr/bin", "/bin", "/busybox" };

        if (shell && *shell == '/') {
                (void) str_append_char(out, ' ');
                append_quoted(out, shell, strlen(shell));
                return;
        }
        FOREACH_ROW(name, usual)
                FOREACH_ROW(directory, directories)
                        if (!shell || name == usual)
                                (void) str_appendf(out, " %s/%s", *directory, shell ? shell : *name);
}

/*
 * With bash the commands are a process group, and all of it gets the TERM that the first process is sent. Other shells
 * have no job control without a terminal, and would start the commands with SIGINT ignored if they were to go on: there
 * the script takes the launcher's place, or, where something comes behind it, is waited for. A signal ends 'wait'
 * early, with a status that is not the commands'; asked again, bash still knows the one of a job that has ended
 * meanwhile.
 */
static const char run_job[] =
        "case $shell in */bash) [ -n \"$BASH\" ] || exec \"$shell\" \"$0\" ;; esac\n"
        "stopped=\n"
        "job=\n"
        "set -m 2>/dev/null\n"
        "case $- in\n"
        "*m*)\n"
        "        trap 'stopped=1; again=1; [ -z \"$job\" ] || kill -TERM -- \"-$job\"' TERM\n"
        "        \"$shell\" \"$script\" </dev/null &\n"
        "        job=$!\n"
        "        [ -z \"$stopped\" ] || kill -TERM -- \"-$job\"\n"
        "        while again=; wait \"$job\" 2>/dev/null; status=$?; [ -n \"$again\" ]; do :; done\n"
        "        ;;\n"
        "*)\n"
        "        [ -n \"$after\" ] || exec \"$shell\" \"$script\" </dev/null\n"
        "        \"$shell\" \"$script\" </dev/null\n"
        "        status=$?\n"
        "        ;;\n"
        "esac\n"
        "[ -n \"$after\" ] || exit \"$status\"\n"
        "CI_JOB_STATUS=success\n"
        "[ \"$status\" -eq 0 ] || CI_JOB_STATUS=failed\n"
        "[ -z \"$stopped\" ] || CI_JOB_STATUS=canceled\n"
        "export CI_JOB_STATUS\n"
        "echo 'Running after_script'\n";

/* The limit is kept by a subshell of the shell that becomes the script's, and so knows its id. */
static const char run_after[] =
        "\"$shell\" -c '(sleep \"$2\"; kill -TERM $$; sleep 5; kill -KILL $$) </dev/null >/dev/null 2>&1 &\n"
        "exec \"$0\" \"$1\"' \"$shell\" \"$after\" \"$seconds\" </dev/null\n"
        "code=$?\n"
        "[ \"$code\" -eq 0 ] || echo \"WARNING: after_script failed, which does not count: exit code $code\"\n"
        "exit \"$status\"\n";

char *gitlab_launcher(const char *script, const char *after, const char *shell) {
        _cleanup_str_ Str out = STR_INIT(SCRIPT_BYTES_MAX);

        (void) str_append(&out, "#!/bin/sh\n"
                                "for shell in");
        append_shells(&out, shell);
        (void) str_append(&out, "; do\n"
                                "        [ -x \"$shell\" ] && break\n"
                                "done\n");
        (void) str_appendf(&out, "script=%s\nafter=%s\nseconds=%u\n", script, after ? after : "",
                           GITLAB_AFTER_SCRIPT_SECONDS);
        (void) str_append(&out, run_job);
        if (after)
                (void) str_append(&out, run_after);
        return str_take(&out);
}
