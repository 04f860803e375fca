/* One job after the other: which is next, which is passed over, and how the last one ended. */

#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/session-internal.h"

void session_conclude(const Session *session) {
        ReportOptions report = report_options_for(session->options, STDOUT_FILENO);
        JobResult result = JOB_INFRA_FAILED; /* also what ended before any job began */

        for (JobResult i = 0; i < _JOB_RESULT_MAX; i++)
                if (job_result_exit_code(i) == session->exit_code)
                        result = i;
        report_conclude(&report, result, session->exit_code);
}

static void on_job_done(Job *job, JobResult result, void *userdata) {
        Session *session = userdata;

        session->n_finished++;
        session->outcomes[session->next_plan - 1] = result == JOB_SUCCESS ? WORKFLOW_PASSED : WORKFLOW_FAILED;
        session_note_exit_code(session, job_result_exit_code(result));
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
                .keep_usec = options->config.jobs.keep_usec,
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

/* Most workflows are for pushes, and whoever runs one here for the first time does not know that there are events. */
static const char *event_hint(const Session *session, const Plan *plan) {
        bool is_last = session->next_plan + 1 == session->workflows.n_plans;

        if (!is_last || has_work(session) || plan->noun || !str_equal(session->metadata.curr.event, "manual"))
                return "";
        return "\n   hint: the event is 'manual'; '--event push' runs what is for a push";
}

/* A workflow without a step that may run is told and passed over. It is no success if it was all there was. */
static void tell_left_out(Session *session, const Plan *plan) {
        const char *why = plan->why_left_out ? plan->why_left_out
                                             : "the conditions of none of its steps hold; 'podstep plan' tells which";
        ReportOptions report = report_options_for(session->options, STDOUT_FILENO);

        log_warning("%s '%s' has nothing to run: %s%s", plan_noun(plan), plan->name, why, event_hint(session, plan));
        report_pass_over(&report, plan->name, false, why);
        if (!has_work(session))
                session_note_exit_code(session, EXIT_USAGE);
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

/*
 * Passes over one that has nothing to run or may not run, now that others have ended; false if it is to run, or none is
 * left.
 */
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

int session_enter_running(Machine *machine, Task **ret_task, Error **reterr) {
        Session *session = container_of(machine, Session, machine);
        ReportOptions report = report_options_for(session->options, STDOUT_FILENO);
        const Plan *plan;
        int r;

        session->job = job_free(session->job);
        session->report = report_free(session->report);
        if (pass_over(session))
                return machine_post(machine, MACHINE_OK), 0;
        session_begin_sweep(session);
        if (session->next_plan == session->workflows.n_plans)
                return machine_post(machine, MACHINE_STOP), 0;
        plan = report.plan = session->workflows.plans[session->next_plan++];
        report.names_workflow = session->workflows.n_plans > 1;
        report.event = session->event;
        r = report_new(&report, &session->report);
        return r < 0 ? r : start_job(session, plan, reterr);
}
