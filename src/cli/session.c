#include "cli/session.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strv.h"
#include "cli/checkout.h"
#include "cli/session-internal.h"
#include "cli/variables.h"
#include "engine/find.h"

/*
 * When workflows end differently, the one that needs attention first decides: canceled, engine, timeout, refused,
 * usage, failed.
 */
void session_note_exit_code(Session *session, int code) {
        static const int order[] = {
                EXIT_CANCELED, EXIT_ENGINE, EXIT_TIMEOUT, EXIT_REFUSED, EXIT_USAGE, EXIT_STEP_FAILED, 0
        };

        FOREACH_ROW(row, order)
                if (*row == code || *row == session->exit_code) {
                        session->exit_code = *row;
                        return;
                }
}

static void session_failed(Machine *machine, int r, const Error *error) {
        Session *session = container_of(machine, Session, machine);

        log_error("%s", error_message(error, r));
        session_note_exit_code(session, EXIT_ENGINE);
}

/* Through the report where there is one: it knows what stands on the terminal. */
static void session_warn(Session *session, const char *text) {
        if (session->options->json)
                return;
        if (session->report && session->job && !session->options->quiet) {
                JobObserver observer = report_observer(session->report);

                observer.event(&(JobEvent) { .kind = JOB_EVENT_WARNING,
                                            .job_id = job_id(session->job),
                                            .realtime_usec = clock_realtime_usec(),
                                            .exit_code = -1,
                                            .text = text },
                               observer.userdata);
        } else
                log_warning("%s", text);
}

static void on_answer(Task *task, int r, const Error *error, void *userdata) {
        Session *session = userdata;

        if (r < 0)
                session_failed(&session->machine, r, error);
        machine_post(&session->machine, r < 0 ? MACHINE_FAIL : MACHINE_OK);
}

/* An engine that cannot see our files is sent them, and a program of ours that must run there. */
static void on_engine(Task *task, int r, const Error *error, void *userdata) {
        Session *session = userdata;
        _cleanup_(error_freep) Error *why = NULL;

        if (r >= 0 && session->options->remote)
                session->engine->info.is_local = false;
        if (r >= 0 && !session->engine->info.is_local && session->engine->info.is_foreign)
                r = error_set(
                        &why, EREMOTE,
                        "the engine at %s runs on a machine of another kind, where podstep's own programs do not run",
                        session->engine->info.address);
        on_answer(task, r, why ? why : error, session);
}

static int enter_opening(Machine *machine, Task **ret_task, Error **reterr) {
        Session *session = container_of(machine, Session, machine);

        return engine_open(session->event, session->options->engine_url, &session->engine, on_engine, session,
                           ret_task);
}

static void on_swept(Task *task, int r, const Error *error, void *userdata) {
        Session *session = userdata;
        _cleanup_free_ char *text = NULL;

        session->is_sweeping = false;
        if (r < 0)
                text = str_printf("left-overs of an earlier run could not be removed: %s; 'podstep prune' tries again",
                                  error_message(error, r));
        else if (session->options->verbose && session->swept.n_items > 0)
                text = str_printf("removed %zu left-overs of earlier runs", session->swept.n_items);
        if (text)
                session_warn(session, text);
        if (session->machine.state == SESSION_SWEEPING)
                machine_post(&session->machine, MACHINE_OK);
}

/* Beside the first job: who was killed shall not cost the next one time. */
void session_begin_sweep(Session *session) {
        SweepSpec spec = { .state_directory = session->state_directory };

        if (session->sweep || !sweep_is_needed(&spec))
                return;
        session->is_sweeping =
                sweep_start(session->engine, &spec, &session->swept, on_swept, session, &session->sweep) >= 0;
}

static int enter_sweeping(Machine *machine, Task **ret_task, Error **reterr) {
        Session *session = container_of(machine, Session, machine);

        session->job = job_free(session->job);
        session->report = report_free(session->report);
        if (!session->is_sweeping)
                machine_post(machine, MACHINE_OK);
        return 0;
}

static int enter_done(Machine *machine, Task **ret_task, Error **reterr) {
        Session *session = container_of(machine, Session, machine);

        return sd_event_exit(session->event, 0);
}

static const MachineState session_states[] = {
                /* START              OK               FAIL              STOP */
        [SESSION_NEW] = { "new", NULL,
                { SESSION_DESCRIBING, MACHINE_BUG,     MACHINE_BUG,      SESSION_DONE } },
        [SESSION_DESCRIBING] = { "describing", session_enter_describing,
                { MACHINE_BUG,        SESSION_LOADING, SESSION_DONE,     SESSION_DONE } },
        [SESSION_LOADING] = { "loading", session_enter_loading,
                { MACHINE_BUG,        SESSION_OPENING, SESSION_DONE,     SESSION_DONE } },
        [SESSION_OPENING] = { "opening", enter_opening,
                { MACHINE_BUG,        SESSION_RUNNING, SESSION_DONE,     SESSION_DONE } },
        [SESSION_RUNNING] = { "running", session_enter_running,
                { MACHINE_BUG,        SESSION_RUNNING, SESSION_SWEEPING, SESSION_SWEEPING } },
        [SESSION_SWEEPING] = { "sweeping", enter_sweeping,
                { MACHINE_BUG,        SESSION_DONE,    SESSION_DONE,     SESSION_DONE } },
        [SESSION_DONE] = { "done", enter_done,
                { MACHINE_BUG,        MACHINE_STAY,    MACHINE_STAY,     MACHINE_STAY } },
};

/* Once: stop gracefully. Twice: without grace. Three times: leave, what stands is found by the next run. */
static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Session *session = userdata;

        session_note_exit_code(session, EXIT_CANCELED);
        if (++session->n_signals > 2 || !session->job) {
                machine_post(&session->machine, MACHINE_STOP);
                if (session->n_signals > 2)
                        return sd_event_exit(session->event, 0);
                return 0;
        }
        if (session->n_signals == 1)
                session_warn(session, "stopping; press Ctrl-C again to stop at once");
        job_stop(session->job, JOB_STOP_CANCEL);
        return 0;
}

static int session_init(Session *session, Error **reterr) {
        const char *start = session->options->directory ? session->options->directory : session->files_given[0];
        _cleanup_free_ char *parent = NULL;
        sigset_t signals;
        int r;

        (void) sigemptyset(&signals);
        (void) sigaddset(&signals, SIGINT);
        (void) sigaddset(&signals, SIGTERM);
        (void) sigprocmask(SIG_BLOCK, &signals, &session->signals_before);
        r = sd_event_new(&session->event);
        if (r >= 0)
                r = sd_event_add_signal(session->event, NULL, SIGINT, on_signal, session);
        if (r >= 0)
                r = sd_event_add_signal(session->event, NULL, SIGTERM, on_signal, session);
        if (r >= 0)
                r = machine_init(&session->machine, session->event, "session", session_states, SESSION_NEW,
                                 session_failed);
        if (r < 0)
                return error_set(reterr, -r, "cannot start the event loop: %s", strerror(-r));
        if (!session->options->directory && start)
                start = parent = checkout_start(start);
        r = checkout_find(start ? start : ".", &session->checkout, reterr);
        if (r >= 0 && !session->options->plan)
                r = session->files_given[0] ? checkout_expand(session->files_given, &session->files, reterr)
                                            : checkout_workflows(session->checkout, &session->files, reterr);
        if (r >= 0)
                r = variables_read_environment(session->options, &session->given, reterr);
        if (r >= 0)
                r = variables_read_secrets(session->options, &session->secrets, reterr);
        if (r >= 0 && !session->only_loads)
                r = session_read_logins(session, reterr);
        return r;
}

static void session_done(Session *session) {
        machine_done(&session->machine);
        session->job = job_free(session->job);
        session->report = report_free(session->report);
        session->sweep = task_free(session->sweep);
        sweep_result_done(&session->swept);
        session->engine = engine_free(session->engine);
        session->logins = logins_free(session->logins);
        plans_free(session->workflows.plans, session->workflows.n_plans);
        free(session->outcomes);
        metadata_done(&session->metadata);
        variables_done(&session->given);
        variables_done(&session->environment);
        variables_done(&session->secrets);
        workflow_files_done(&session->workflow_files);
        strv_free(session->files);
        free(session->checkout);
        free(session->state_directory);
        session->event = sd_event_unref(session->event);
}

int session_state_directory(char **ret, Error **reterr) {
        const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
        struct passwd *entry;
        char *path;

        if (!home && (entry = getpwuid(getuid())))
                home = entry->pw_dir;
        if (!str_is_empty(state) && state[0] == '/')
                path = path_join(state, "podstep");
        else if (home)
                path = path_join(home, ".local/state/podstep");
        else
                return error_set(reterr, ENOENT,
                                 "neither HOME nor XDG_STATE_HOME is set: podstep has no place for its files");
        if (!path)
                return error_oom(reterr);
        *ret = path;
        return 0;
}

/* From the options to the end of the loop; what the session then holds is the caller's to look at. */
static void session_go(Session *session) {
        _cleanup_(error_freep) Error *error = NULL;
        int r;

        if (session->options->verbose)
                log_set_level(LOG_DEBUG);
        r = session_state_directory(&session->state_directory, &error);
        if (r >= 0)
                r = session_init(session, &error);
        if (r < 0) {
                log_error("%s", error_message(error, r));
                session->exit_code = EXIT_USAGE;
                return;
        }
        machine_post(&session->machine, MACHINE_START);
        r = sd_event_loop(session->event);
        if (r < 0) {
                log_error("the event loop failed: %s", strerror(-r));
                session->exit_code = EXIT_ENGINE;
        }
}

static Session session_make(const RunOptions *options, char *const *files) {
        static char *const none[] = { NULL };
        return (Session) {
                .options = options,
                .files_given = files ? files : none,
                .given = STRMAP_INIT,
                .environment = STRMAP_INIT,
                .secrets = STRMAP_INIT,
                .metadata.workflow.matrix = STRMAP_INIT,
                .color = report_options_for(options, STDERR_FILENO).color,
        };
}

int session_run(const RunOptions *options, char *const *files) {
        Session session = session_make(options, files);

        session_go(&session);
        session.job = job_free(session.job);
        session.report = report_free(session.report); /* what it still has comes first */
        if (session.workflows.n_plans != 1 || session.n_finished == 0)
                session_conclude(&session);
        session_done(&session);
        return session.exit_code;
}

int session_load(const RunOptions *options, char *const *files, Plan ***ret_plans, size_t *ret_n_plans) {
        Session session = session_make(options, files);

        session.only_loads = session.only_shows = true;
        session_go(&session);
        *ret_plans = TAKE_PTR(session.workflows.plans);
        *ret_n_plans = session.workflows.n_plans;
        session.workflows.n_plans = 0;
        session_done(&session);
        return session.exit_code;
}

int session_gather(const RunOptions *options, char *const *files, SessionInput *ret) {
        Session session = session_make(options, files);

        session.only_loads = true;
        session_go(&session);
        *ret = (SessionInput) {
                .checkout = TAKE_PTR(session.checkout),
                .files = TAKE_PTR(session.files),
                .environment = session.environment,
                .secrets = session.secrets,
                .given = session.given,
                .cron = session.metadata.curr.cron ? strdup(session.metadata.curr.cron) : NULL,
        };
        session.environment = session.secrets = session.given = STRMAP_INIT;
        if (!session.gave_files)
                (void) strv_copy(session.metadata.curr.commit.changed_files, &ret->changed_files);
        session_done(&session);
        (void) sigprocmask(SIG_SETMASK, &session.signals_before, NULL); /* who goes on must be able to end */
        return session.exit_code;
}

void session_input_done(SessionInput *input) {
        free(input->checkout);
        strv_free(input->files);
        variables_done(&input->environment);
        variables_done(&input->secrets);
        variables_done(&input->given);
        free(input->cron);
        strv_free(input->changed_files);
}
