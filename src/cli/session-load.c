/* What is read before anything runs: what git knows, the files, the logins for registries. */

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "cli/session-internal.h"

/* All variables; the user's own count most. */
static int make_environment(Session *session) {
        int r = metadata_to_environment(&session->metadata, &session->environment);

        return r < 0 ? r : strmap_update(&session->environment, &session->given);
}

static void on_described(Task *task, int r, const Error *error, void *userdata) {
        Session *session = userdata;

        if (r >= 0)
                r = make_environment(session);
        if (r < 0) {
                log_error("%s", error_message(error, r));
                session_note_exit_code(session, EXIT_USAGE);
        }
        machine_post(&session->machine, r < 0 ? MACHINE_FAIL : MACHINE_OK);
}

int session_enter_describing(Machine *machine, Task **ret_task, Error **reterr) {
        Session *session = container_of(machine, Session, machine);

        if (workflow_files_read(session->files, &session->workflow_files) < 0)
                return error_oom(reterr);
        session->gave_files = map_has(&session->given, "CI_PIPELINE_FILES");
        session->describe = (DescribeSpec) { session->options, session->checkout, &session->given,
                                             &session->workflow_files };
        return describe_start(session->event, &session->describe, &session->metadata, on_described, session, ret_task);
}

int session_enter_loading(Machine *machine, Task **ret_task, Error **reterr) {
        Session *session = container_of(machine, Session, machine);
        WorkflowInput input = {
                .options = session->options,
                .given = &session->given,
                .metadata = &session->metadata,
                .environment = &session->environment,
                .secrets = &session->secrets,
                .cron = session->metadata.curr.cron,
                .changed_files = session->gave_files ? NULL : session->metadata.curr.commit.changed_files,
                .are_chosen = session->files_given[0],
                .may_lack_secrets = session->only_shows,
                .color = session->color,
        };
        int code;

        code = workflows_load(&session->workflow_files, &input, &session->workflows);
        workflow_files_done(&session->workflow_files);
        session->outcomes = calloc(session->workflows.n_plans + 1, sizeof(*session->outcomes));
        if (!session->outcomes)
                return error_oom(reterr);
        session_note_exit_code(session, code);
        machine_post(machine, code || session->only_loads ? MACHINE_FAIL : MACHINE_OK);
        return 0;
}

/* Names of secrets are the same in upper and lower case. */
static const char *find_secret(const Session *session, const char *name) {
        MAP_FOREACH(entry, &session->secrets)
                if (strcasecmp(entry->key, name) == 0)
                        return entry->value;
        return NULL;
}

/* What was given with this run comes first, then what podstep's own environment holds, then the files. */
int session_read_logins(Session *session, Error **reterr) {
        const char *given = find_secret(session, "DOCKER_AUTH_CONFIG"), *own = getenv("DOCKER_AUTH_CONFIG");
        _cleanup_(error_freep) Error *warning = NULL;
        int r;

        if (!given)
                given = strmap_get(&session->given, "DOCKER_AUTH_CONFIG");
        r = logins_new(&session->logins) < 0 ? error_oom(reterr) : 0;
        if (r >= 0 && !str_is_empty(given))
                r = logins_add_text(session->logins, given, strlen(given), "$DOCKER_AUTH_CONFIG", LOGIN_OF_JOB, reterr);
        else if (r >= 0 && !str_is_empty(own))
                r = logins_add_text(session->logins, own, strlen(own), "$DOCKER_AUTH_CONFIG", LOGIN_OF_OPERATOR,
                                    reterr);
        if (r < 0)
                return r;
        r = logins_add_files(session->logins, session->options->authfile, &warning);
        if (r > 0)
                log_warning("%s; going on without it", error_message(warning, 0));
        return r < 0 ? error_set(reterr, -r, "%s", error_message(warning, r)) : 0;
}
