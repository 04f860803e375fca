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

/*
 * The job's own shell takes the launcher's place where nothing comes behind it, so that it gets the signals. The limit
 * of what comes behind is kept by a subshell of its shell, which knows that one's id.
 */
char *gitlab_launcher(const char *script, const char *after) {
        _cleanup_str_ Str out = STR_INIT(SCRIPT_BYTES_MAX);

        (void) str_append(&out,
                          "#!/bin/sh\n"
                          "for shell in /usr/local/bin/bash /usr/bin/bash /bin/bash \\\n"
                          "        /usr/local/bin/sh /usr/bin/sh /bin/sh /busybox/sh; do\n"
                          "        [ -x \"$shell\" ] && break\n"
                          "done\n");
        if (!after) {
                (void) str_appendf(&out, "exec \"$shell\" %s </dev/null\n", script);
                return str_take(&out);
        }
        (void) str_appendf(&out,
                           "\"$shell\" %s </dev/null\n"
                           "status=$?\n"
                           "CI_JOB_STATUS=success\n"
                           "[ \"$status\" -eq 0 ] || CI_JOB_STATUS=failed\n"
                           "export CI_JOB_STATUS\n"
                           "echo 'Running after_script'\n"
                           "\"$shell\" -c '(sleep %u; kill -TERM $$; sleep 5; kill -KILL $$) </dev/null >/dev/null 2>&1 &\n"
                           "exec \"$0\" %s' \"$shell\" </dev/null\n"
                           "code=$?\n"
                           "[ \"$code\" -eq 0 ] || echo \"WARNING: after_script failed, which does not count: exit code $code\"\n"
                           "exit \"$status\"\n",
                           script, GITLAB_AFTER_SCRIPT_SECONDS, after);
        return str_take(&out);
}
