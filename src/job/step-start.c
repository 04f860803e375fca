/* A step's process is started. Its output and its end are followed from before that on. */

#include <errno.h>

#include "job/clone.h"
#include "job/step-internal.h"

static void on_exit_known(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;
        _cleanup_(error_freep) Error *why = error_copy(error);

        step_output_end(step);
        if (r < 0) {
                (void) error_wrap(&why, r, "following its output");
                step_fail(step, STEP_INFRA_FAILED, r, why);
        } else if (step->exit.is_lost) {
                (void) error_set(&why, ECHILD, "its exit code is lost: the container's monitor (conmon) was killed");
                step_fail(step, STEP_INFRA_FAILED, -ECHILD, why);
        } else
                step->has_exit = true;
        step->is_over = true;
        if (step->machine.state != AT_STARTING) /* the answer to the start may come after the end */
                machine_post(&step->machine, MACHINE_OK);
}

static void on_started(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;

        if (step->is_over) /* it ran, whatever became of the answer */
                r = 0;
        if (r < 0) {
                step->follow = task_free(step->follow);
                step_fail(step, STEP_INFRA_FAILED, r, error);
        }
        machine_post(&step->machine, r < 0 ? MACHINE_FAIL : MACHINE_OK);
}

int step_follow(Step *step) {
        FollowSpec spec = {
                .container = step->container,
                .container_id = step->container_id,
                .log_path = step->log_path,
                .monitor_pid_path = step->pid_path,
                .keeps_log = step->job->spec.journal.put, /* whoever takes the job up reads it again, */
                .is_enough = &step->is_cut,               /* and cuts it at the same place */
                .output = step_output,
                .userdata = step,
        };

        return engine_container_follow(step->job->spec.engine, &spec, &step->exit, on_exit_known, step, &step->follow);
}

static int start(Step *step, Task **ret_task) {
        int r = step_follow(step);

        return r < 0 ? r : engine_container_start(step->job->spec.engine, step->container, on_started, step, ret_task);
}

static void on_guarded(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;

        step->machine.task = task_free(step->machine.task);
        if (r >= 0)
                r = start(step, &step->machine.task);
        if (r >= 0)
                return;
        step_fail(step, STEP_INFRA_FAILED, r, error);
        machine_post(&step->machine, MACHINE_FAIL);
}

static void on_started_half(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;

        step->machine.task = task_free(step->machine.task);
        if (r >= 0)
                r = guard_step(step, on_guarded, step, &step->machine.task);
        if (r >= 0)
                return;
        step_fail(step, STEP_INFRA_FAILED, r, error);
        machine_post(&step->machine, MACHINE_FAIL);
}

static void on_cloned(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;

        step_output_end(step);
        step->is_over = true;
        step->has_exit = r >= 0;
        step->exit = (ContainerExit) { .exit_code = MAX(r, 0) };
        if (r < 0)
                step_fail(step, STEP_INFRA_FAILED, r, error);
        machine_post(&step->machine, r < 0 ? MACHINE_FAIL : MACHINE_OK);
}

int step_enter_starting(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);

        if (step->is_stopping && step_clones_here(step))
                return machine_post(machine, MACHINE_FAIL), 0;
        if (!step_recorded(step, "start")) {
                step->started_usec = clock_monotonic_usec();
                step_note(step, "start", "%llu", (unsigned long long) clock_realtime_usec());
        }
        if (step->job->workspace)
                workspace_note_writer(step->job->workspace, &step->ids);
        step_emit_state(step, STEP_RUNNING);
        if (step_clones_here(step))
                return clone_run_here(step, on_cloned, step, ret_task, reterr);
        if (!guard_is_due(step))
                return start(step, ret_task);
        /* Not made ahead: first all but its program. */
        return engine_container_init(step->job->spec.engine, step->container, on_started_half, step, ret_task);
}
