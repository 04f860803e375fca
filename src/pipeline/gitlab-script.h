#pragma once

/* How commands of a plan become shell scripts in the way of GitLab's runner: SCRIPT_STRICT. */

#define GITLAB_AFTER_SCRIPT_SECONDS 300 /* GitLab's RUNNER_AFTER_SCRIPT_TIMEOUT */

/**
 * gitlab_script() - the commands as a script: each is shown and run; the first failure ends it, in a pipe too where the
 * shell can. NULL if memory is out
 */
char *gitlab_script(char *const *commands, const char *directory);

/**
 * gitlab_launcher() - the script that runs the others, with bash where there is one
 * @script: path of the job's script in the container
 * @shell:  the only one to use, by name or path; NULL: bash where there is one, else sh
 * @after:  path of the script that runs behind it, for at most GITLAB_AFTER_SCRIPT_SECONDS; NULL: none
 *
 * It ends as the job's script did. NULL if memory is out.
 */
char *gitlab_launcher(const char *script, const char *after, const char *shell);
