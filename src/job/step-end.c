/* A step's end: asked for, or come by itself; why it did not start; what it means for the job. */

#include <errno.h>

#include "job/step-internal.h"

static void on_stop_answer(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;

        /* The end itself is seen by who follows; only an engine that cannot even be asked ends the wait here. */
        if (r < 0) {
                step_fail(step, STEP_INFRA_FAILED, r, error);
                machine_post(&step->machine, MACHINE_FAIL);
        }
}

int step_enter_stopping(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);
        uint64_t grace = step->job->is_impatient ? 0 : step->job->spec.grace_usec;

        if (step->is_over) /* the stop was taken before the end, which came in the same moment */
                return machine_post(machine, MACHINE_OK), 0;
        return engine_container_stop(step->job->spec.engine, step->container, grace, on_stop_answer, step, ret_task);
}

static void on_diagnosed(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;

        if (r == 0) {
                error_free(TAKE_PTR(step->error));
                (void) error_set(&step->error, ENOENT,
                                 "image '%s' has no /bin/sh, which 'commands' need: use an image with a shell, or give "
                                 "the program to run as 'entrypoint'",
                                 step->plan->image);
        }
        machine_post(&step->machine, MACHINE_OK);
}

/* Status codes do not tell a missing shell from other mistakes, so the container is asked. */
int step_enter_diagnosing(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);

        if (!step_uses_script(step->plan) || step->is_stopping || !step->container_id)
                return machine_post(machine, MACHINE_OK), 0;
        return engine_container_has_path(step->job->spec.engine, step->container, "/bin/sh", on_diagnosed, step,
                                         ret_task);
}

static StepResult result_from_exit(Step *step) {
        if (step->is_stopping)
                return step->job->stop_reason == JOB_STOP_TIMEOUT ? STEP_TIMED_OUT : STEP_CANCELED;
        if (!step->has_exit)
                return step_is_background(step->plan) ? STEP_STOPPED : STEP_SKIPPED;
        return step->exit.exit_code == 0 && !step->exit.oom_killed ? STEP_SUCCESS : STEP_SCRIPT_FAILED;
}

static bool is_failure(StepResult result) {
        return result == STEP_SCRIPT_FAILED || result == STEP_INFRA_FAILED || result == STEP_TIMED_OUT;
}

static void service_ended_early(Step *step) {
        if (!step->has_exit || step->error || step->job->is_stopping)
                return;
        (void) error_set(&step->error, ECHILD, "it ended before it was ready, with exit code %d", step->exit.exit_code);
        step->result = STEP_SCRIPT_FAILED;
}

/* What the step's end means for the job. */
void step_settle(Step *step) {
        Job *job = step->job;
        bool counts = step->plan->failure != STEP_FAILURE_IGNORE;

        if (step->plan->kind == STEP_SERVICE && step->is_ready && !step->job->is_stopping)
                counts = false; /* it did its part; steps that still need it will tell */
        if (step->plan->detach && step->plan->kind != STEP_SERVICE && step->is_up)
                counts = false;
        if (!is_failure(step->result) || (!counts && step->result != STEP_INFRA_FAILED))
                return;
        job->has_failed = true;
        if (step->result == STEP_INFRA_FAILED) {
                _cleanup_(error_freep) Error *why = error_copy(step->error);

                (void) error_wrap(&why, -EIO, "step '%s'", step->plan->name);
                job_set_result(job, JOB_INFRA_FAILED, why);
        } else if (step->result == STEP_SCRIPT_FAILED || step->plan->kind == STEP_SERVICE)
                job_set_result(job, JOB_FAILED, NULL);
        if (step->plan->failure == STEP_FAILURE_CANCEL && !job->is_stopping)
                job_stop(job, JOB_STOP_CANCEL);
}

int step_enter_done(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);

        service_done(step);
        if (step_clones_here(step) && !step->is_over) /* stopped in the middle of it */
                step_output_end(step);
        if (!step->has_result) {
                step->result = result_from_exit(step);
                step->has_result = true;
        }
        if (step->plan->kind == STEP_SERVICE && !step->is_ready)
                service_ended_early(step);
        if (step->plan->kind == STEP_CLONE && step->job->workspace)
                workspace_note_fetched(step->job->workspace);
        step->follow = task_free(step->follow);
        step->is_done = true;
        step_settle(step);
        step_emit_state(step, STEP_DONE);
        step_note_done(step);
        job_schedule(step->job);
        return 0;
}
