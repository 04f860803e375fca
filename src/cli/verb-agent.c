/* The daemon is a program of its own; see agent/main.c. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/program.h"
#include "base/strv.h"
#include "cli/agent-options.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "job/event.h"

/* Of podstep-guard.socket: somebody outside of the sandbox that the agent's unit is. */
static int append_guard(char ***argv) {
        const char *runtime = getenv("XDG_RUNTIME_DIR");

        return str_is_empty(runtime) ? 0 : strv_append_take(argv, str_printf("guard=%s/podstep/guard.sock", runtime));
}

static int make_argv(const AgentVerbOptions *options, const char *program, char ***ret, Error **reterr) {
        _cleanup_free_ char *state = NULL;
        _cleanup_strv_ char **argv = NULL;
        int r = session_state_directory(&state, reterr);

        if (r < 0)
                return r;
        r = strv_append(&argv, program);
        if (r >= 0)
                r = strv_append_take(&argv, str_printf("state=%s", state));
        if (r >= 0)
                r = append_guard(&argv);
        if (r >= 0)
                r = agent_verb_options_to_argv(options, &argv);
        if (r < 0)
                return error_oom(reterr);
        *ret = TAKE_PTR(argv);
        return 0;
}

int verb_agent(const Verb *verb, char *const *args, void *values) {
        _cleanup_free_ char *program = program_find("podstep-agent", "agent");
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_strv_ char **argv = NULL;

        if (!program) {
                log_error("the program 'podstep-agent' is missing: it belongs into ../libexec/podstep; install podstep "
                          "again");
                return EXIT_ENGINE;
        }
        if (make_argv(values, program, &argv, &error) < 0) {
                log_error("%s", error_message(error, 0));
                return EXIT_ENGINE;
        }
        (void) execv(program, argv); /* systemd's sockets and its notifications go with the process */
        log_error("'%s' cannot be executed: %s", program, strerror(errno));
        return EXIT_ENGINE;
}
