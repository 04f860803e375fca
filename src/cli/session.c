#include "cli/session.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/sweep.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strv.h"
#include "cli/checkout.h"
#include "cli/describe.h"
#include "cli/report.h"
#include "cli/variables.h"
#include "cli/workflow.h"
#include "engine/find.h"
#include "job/job.h"
#include "loop/machine.h"
#include "pipeline/workflows.h"

typedef struct Session {
        Machine machine;
        const RunOptions *options;
        char *const *files_given;
        sd_event *event;
        char *checkout, *state_directory;
        char **files;
        Map given, environment, secrets; /* given: by the user; environment: all */
        Metadata metadata;
        DescribeSpec describe;
        bool gave_files; /* the user said which files changed */
        bool color;

        LoadedWorkflows workflows;
        WorkflowOutcome *outcomes; /* of each */
        size_t next_plan;          /* the one behind that which runs */
        Logins *logins;
        Engine *engine;
        Report *report;
        Job *job;

        Task *sweep;
        SweepResult swept;
        bool is_sweeping;
        bool only_loads; /* nothing runs here */
        bool only_shows; /* 'podstep plan' */

        unsigned n_signals;
        int exit_code; /* the worst so far */
} Session;

enum {
        SESSION_NEW,
        SESSION_DESCRIBING, /* what git knows */
        SESSION_LOADING,    /* all files, before anything runs */
        SESSION_OPENING,    /* the engine */
        SESSION_RUNNING,    /* a job; re-entered for each */
        SESSION_SWEEPING,   /* what earlier ones left, if that is not done yet */
        SESSION_DONE,
};

/* When workflows end differently, the one that needs attention first decides: canceled, engine, timeout, refused, usage, failed. */
static void note_exit_code(Session *session, int code) {
        static const int order[] = { EXIT_CANCELED, EXIT_ENGINE, EXIT_TIMEOUT, EXIT_REFUSED, EXIT_USAGE, EXIT_STEP_FAILED, 0 };

        FOREACH_ROW(row, order)
                if (*row == code || *row == session->exit_code) {
                        session->exit_code = *row;
                        return;
                }
}

static int exit_code_of(JobResult result) {
        static const int codes[_JOB_RESULT_MAX] = {
                [JOB_SUCCESS] = 0,
                [JOB_FAILED] = EXIT_STEP_FAILED,
                [JOB_INFRA_FAILED] = EXIT_ENGINE,
                [JOB_TIMED_OUT] = EXIT_TIMEOUT,
                [JOB_CANCELED] = EXIT_CANCELED,
                [JOB_REFUSED] = EXIT_REFUSED,
        };

        return codes[result];
}

static void session_failed(Machine *machine, int r, const Error *error) {
        Session *session = container_of(machine, Session, machine);

        log_error("%s", error_message(error, r));
        note_exit_code(session, EXIT_ENGINE);
}

/* Through the report where there is one: it knows what stands on the terminal. */
static void session_warn(Session *session, const char *text) {
        if (session->options->json)
                return;
        if (session->report && session->job && !session->options->quiet) {
                JobObserver observer = report_observer(session->report);

                observer.event(&(JobEvent) { .kind = JOB_EVENT_WARNING, .job_id = job_id(session->job), .realtime_usec = clock_realtime_usec(),
                                             .exit_code = -1, .text = text },
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
                note_exit_code(session, EXIT_USAGE);
        }
        machine_post(&session->machine, r < 0 ? MACHINE_FAIL : MACHINE_OK);
}

static int enter_describing(Machine *machine, Task **ret_task, Error **reterr) {
        Session *session = container_of(machine, Session, machine);

        session->gave_files = map_has(&session->given, "CI_PIPELINE_FILES");
        session->describe = (DescribeSpec) { session->options, session->checkout, &session->given, session->files };
        return describe_start(session->event, &session->describe, &session->metadata, on_described, session, ret_task);
}

static int enter_loading(Machine *machine, Task **ret_task, Error **reterr) {
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

        code = workflows_load(session->files, &input, &session->workflows);
        session->outcomes = calloc(session->workflows.n_plans + 1, sizeof(*session->outcomes));
        if (!session->outcomes)
                return error_oom(reterr);
        note_exit_code(session, code);
        machine_post(machine, code || session->only_loads ? MACHINE_FAIL : MACHINE_OK);
        return 0;
}

/* An engine that cannot see our files is sent them, and a program of ours that must run there. */
static void on_engine(Task *task, int r, const Error *error, void *userdata) {
        Session *session = userdata;
        _cleanup_(error_freep) Error *why = NULL;

        if (r >= 0 && session->options->remote)
                session->engine->info.is_local = false;
        if (r >= 0 && !session->engine->info.is_local && session->engine->info.is_foreign)
                r = error_set(&why, EREMOTE, "the engine at %s runs on a machine of another kind, where podstep's own programs do not run",
                              session->engine->info.address);
        on_answer(task, r, why ? why : error, session);
}

static int enter_opening(Machine *machine, Task **ret_task, Error **reterr) {
        Session *session = container_of(machine, Session, machine);

        return engine_open(session->event, session->options->engine_url, &session->engine, on_engine, session, ret_task);
}

static void on_swept(Task *task, int r, const Error *error, void *userdata) {
        Session *session = userdata;
        _cleanup_free_ char *text = NULL;

        session->is_sweeping = false;
        if (r < 0)
                text = str_printf("left-overs of an earlier run could not be removed: %s; 'podstep prune' tries again", error_message(error, r));
        else if (session->options->verbose && session->swept.n_items > 0)
                text = str_printf("removed %zu left-overs of earlier runs", session->swept.n_items);
        if (text)
                session_warn(session, text);
        if (session->machine.state == SESSION_SWEEPING)
                machine_post(&session->machine, MACHINE_OK);
}

/* Beside the first job: who was killed shall not cost the next one time. */
static void begin_sweep(Session *session) {
        SweepSpec spec = { .state_directory = session->state_directory };

        if (session->sweep || !sweep_is_needed(&spec))
                return;
        session->is_sweeping = sweep_start(session->engine, &spec, &session->swept, on_swept, session, &session->sweep) >= 0;
}

static void on_job_done(Job *job, JobResult result, void *userdata) {
        Session *session = userdata;

        session->outcomes[session->next_plan - 1] = result == JOB_SUCCESS ? WORKFLOW_PASSED : WORKFLOW_FAILED;
        note_exit_code(session, exit_code_of(result));
        machine_post(&session->machine, session->n_signals > 0 ? MACHINE_STOP : MACHINE_OK);
}

static WorkspaceMode workspace_mode(const RunOptions *options) {
        return options->write   ? WORKSPACE_WRITE
               : options->clean ? WORKSPACE_CLEAN
               : options->clone ? WORKSPACE_CLONE
                                : WORKSPACE_OVERLAY;
}

static int start_job(Session *session, const Plan *plan, Error **reterr) {
        static const SandboxChoice sandboxes[] = {
                [NETWORK_CHOICE_AUTO] = SANDBOX_CHOICE_AUTO,
                [NETWORK_CHOICE_POD] = SANDBOX_CHOICE_POD,
                [NETWORK_CHOICE_BRIDGE] = SANDBOX_CHOICE_NETWORK,
        };
        const RunOptions *options = session->options;
        JobSpec spec = {
                .plan = plan,
                .policy = &session->options->policy,
                .engine = session->engine,
                .state_directory = session->state_directory,
                .checkout = session->checkout,
                .workspace_mode = workspace_mode(options),
                .clones_from_origin = options->clone_from == CLONE_FROM_ORIGIN,
                .clone_depth = options->clone_depth,
                .exports = options->exports,
                .export_directory = options->export_directory,
                .timeout_usec = options->timeout_usec ? options->timeout_usec : JOB_TIMEOUT_DEFAULT_USEC,
                .service_timeout_usec = options->service_timeout_usec,
                .grace_usec = options->grace_usec ? options->grace_usec : JOB_GRACE_DEFAULT_USEC,
                .pull = options->pull,
                .logins = session->logins,
                .sandbox = sandboxes[MAX(options->network, NETWORK_CHOICE_AUTO)],
                .keep = options->keep,
                .observer = report_observer(session->report),
        };
        int r;

        r = job_new(session->event, &spec, on_job_done, session, &session->job, reterr);
        if (r >= 0)
                job_start(session->job);
        return r;
}

static bool has_work(const Session *session) {
        for (size_t i = 0; i < session->workflows.n_plans; i++)
                if (session->workflows.plans[i]->n_steps > 0)
                        return true;
        return false;
}

/* A workflow without a step that may run is told and passed over. It is no success if it was all there was. */
static void tell_left_out(Session *session, const Plan *plan) {
        const char *why = plan->why_left_out ? plan->why_left_out
                                             : "the conditions of none of its steps hold; 'podstep plan' tells which";
        ReportOptions report = report_options_for(session->options, STDOUT_FILENO);

        log_warning("%s '%s' has nothing to run: %s", plan_noun(plan), plan->name, why);
        report_pass_over(&report, plan->name, false, why);
        if (!has_work(session))
                note_exit_code(session, EXIT_USAGE);
}

static void tell_skipped(const Session *session, const Plan *plan, const Plan *blocker) {
        static const char *const words[] = {
                [WORKFLOW_PASSED] = "has not failed",
                [WORKFLOW_FAILED] = "has failed",
                [WORKFLOW_SKIPPED] = "was skipped",
        };
        ReportOptions report = report_options_for(session->options, STDOUT_FILENO);
        _cleanup_free_ char *why = NULL;

        for (size_t i = 0; i < session->workflows.n_plans && !why; i++)
                if (session->workflows.plans[i] == blocker)
                        why = str_printf("'%s' %s", blocker->name, words[session->outcomes[i]]);
        log_warning("%s '%s' is skipped: %s", plan_noun(plan), plan->name, why ? why : "");
        report_pass_over(&report, plan->name, true, why);
}

/* Passes over one that has nothing to run or may not run, now that others have ended; false if it is to run, or none is left. */
static bool pass_over(Session *session) {
        const LoadedWorkflows *all = &session->workflows;
        const Plan *plan = session->next_plan < all->n_plans ? all->plans[session->next_plan] : NULL, *blocker;

        if (!plan)
                return false;
        blocker = workflows_blocker(all->plans, session->outcomes, all->n_plans, session->next_plan);
        if (plan->n_steps > 0 && !blocker)
                return false;
        if (plan->n_steps == 0)
                tell_left_out(session, plan);
        else {
                tell_skipped(session, plan, blocker);
                session->outcomes[session->next_plan] = WORKFLOW_SKIPPED;
        }
        session->next_plan++;
        return true;
}

static int enter_running(Machine *machine, Task **ret_task, Error **reterr) {
        Session *session = container_of(machine, Session, machine);
        ReportOptions report = report_options_for(session->options, STDOUT_FILENO);
        const Plan *plan;
        int r;

        session->job = job_free(session->job);
        session->report = report_free(session->report);
        if (pass_over(session))
                return machine_post(machine, MACHINE_OK), 0;
        begin_sweep(session);
        if (session->next_plan == session->workflows.n_plans)
                return machine_post(machine, MACHINE_STOP), 0;
        plan = report.plan = session->workflows.plans[session->next_plan++];
        report.names_workflow = session->workflows.n_plans > 1;
        report.event = session->event;
        r = report_new(&report, &session->report);
        return r < 0 ? r : start_job(session, plan, reterr);
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
        /*                                                           START               OK                FAIL              STOP */
        [SESSION_NEW]        = { "new",        NULL,             { SESSION_DESCRIBING, MACHINE_BUG,      MACHINE_BUG,      SESSION_DONE     } },
        [SESSION_DESCRIBING] = { "describing", enter_describing, { MACHINE_BUG,        SESSION_LOADING,  SESSION_DONE,     SESSION_DONE     } },
        [SESSION_LOADING]    = { "loading",    enter_loading,    { MACHINE_BUG,        SESSION_OPENING,  SESSION_DONE,     SESSION_DONE     } },
        [SESSION_OPENING]    = { "opening",    enter_opening,    { MACHINE_BUG,        SESSION_RUNNING,  SESSION_DONE,     SESSION_DONE     } },
        [SESSION_RUNNING]    = { "running",    enter_running,    { MACHINE_BUG,        SESSION_RUNNING,  SESSION_SWEEPING, SESSION_SWEEPING } },
        [SESSION_SWEEPING]   = { "sweeping",   enter_sweeping,   { MACHINE_BUG,        SESSION_DONE,     SESSION_DONE,     SESSION_DONE     } },
        [SESSION_DONE]       = { "done",       enter_done,       { MACHINE_BUG,        MACHINE_STAY,     MACHINE_STAY,     MACHINE_STAY     } },
};

/* Once: stop gracefully. Twice: without grace. Three times: leave, what stands is found by the next run. */
static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Session *session = userdata;

        note_exit_code(session, EXIT_CANCELED);
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

/* Names of secrets are the same in upper and lower case. */
static const char *find_secret(const Session *session, const char *name) {
        MAP_FOREACH(entry, &session->secrets)
                if (strcasecmp(entry->key, name) == 0)
                        return entry->value;
        return NULL;
}

/* What was given with this run comes first, then what podstep's own environment holds, then the files. */
static int read_logins(Session *session, Error **reterr) {
        const char *given = find_secret(session, "DOCKER_AUTH_CONFIG"), *own = getenv("DOCKER_AUTH_CONFIG");
        _cleanup_(error_freep) Error *warning = NULL;
        int r;

        if (!given)
                given = strmap_get(&session->given, "DOCKER_AUTH_CONFIG");
        r = logins_new(&session->logins) < 0 ? error_oom(reterr) : 0;
        if (r >= 0 && !str_is_empty(given))
                r = logins_add_text(session->logins, given, strlen(given), "$DOCKER_AUTH_CONFIG", LOGIN_OF_JOB, reterr);
        else if (r >= 0 && !str_is_empty(own))
                r = logins_add_text(session->logins, own, strlen(own), "$DOCKER_AUTH_CONFIG", LOGIN_OF_OPERATOR, reterr);
        if (r < 0)
                return r;
        r = logins_add_files(session->logins, session->options->authfile, &warning);
        if (r > 0)
                log_warning("%s; going on without it", error_message(warning, 0));
        return r < 0 ? error_set(reterr, -r, "%s", error_message(warning, r)) : 0;
}

static int session_init(Session *session, Error **reterr) {
        const char *start = session->options->directory ? session->options->directory : session->files_given[0];
        _cleanup_free_ char *parent = NULL;
        sigset_t signals;
        int r;

        (void) sigemptyset(&signals);
        (void) sigaddset(&signals, SIGINT);
        (void) sigaddset(&signals, SIGTERM);
        (void) sigprocmask(SIG_BLOCK, &signals, NULL);
        r = sd_event_new(&session->event);
        if (r >= 0)
                r = sd_event_add_signal(session->event, NULL, SIGINT, on_signal, session);
        if (r >= 0)
                r = sd_event_add_signal(session->event, NULL, SIGTERM, on_signal, session);
        if (r >= 0)
                r = machine_init(&session->machine, session->event, "session", session_states, SESSION_NEW, session_failed);
        if (r < 0)
                return error_set(reterr, -r, "cannot start the event loop: %s", strerror(-r));
        if (!session->options->directory && start)
                start = parent = checkout_start(start);
        r = checkout_find(start ? start : ".", &session->checkout, reterr);
        if (r >= 0)
                r = session->files_given[0] ? checkout_expand(session->files_given, &session->files, reterr)
                                            : checkout_workflows(session->checkout, &session->files, reterr);
        if (r >= 0)
                r = variables_read_environment(session->options, &session->given, reterr);
        if (r >= 0)
                r = variables_read_secrets(session->options, &session->secrets, reterr);
        if (r >= 0 && !session->only_loads)
                r = read_logins(session, reterr);
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
                return error_set(reterr, ENOENT, "neither HOME nor XDG_STATE_HOME is set: podstep has no place for its files");
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
                .cron = session.metadata.curr.cron ? strdup(session.metadata.curr.cron) : NULL,
        };
        session.environment = session.secrets = STRMAP_INIT;
        if (!session.gave_files)
                (void) strv_copy(session.metadata.curr.commit.changed_files, &ret->changed_files);
        session_done(&session);
        return session.exit_code;
}

void session_input_done(SessionInput *input) {
        free(input->checkout);
        strv_free(input->files);
        variables_done(&input->environment);
        variables_done(&input->secrets);
        free(input->cron);
        strv_free(input->changed_files);
}
