/* A step that an earlier process began, found again on the engine. */

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "job/step-internal.h"
#include "loop/timer.h"

static void on_found(Task *task, int r, const Error *error, void *userdata);

static int look(Step *step, Task **ret_task) {
        return engine_container_inspect(step->job->spec.engine, step->container, &step->status, on_found, step,
                                        ret_task);
}

static void on_settled(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;

        step->machine.task = task_free(step->machine.task);
        container_status_done(&step->status);
        r = look(step, &step->machine.task);
        if (r >= 0)
                return;
        step_fail(step, STEP_INFRA_FAILED, r, NULL);
        machine_post(&step->machine, MACHINE_FAIL);
}

/*
 * What an earlier process asked of the engine just before it died may still be on its way to the container, and no
 * engine tells. If the step were started here meanwhile, and ended at once, that would start it once more.
 */
static bool waits_for_earlier_start(Step *step) {
        uint64_t passed = clock_monotonic_usec() - step->started_usec, wait_usec = step->job->spec.journal.settle_usec;

        if (step->is_stopping || !step_recorded(step, "start") || passed >= wait_usec)
                return false;
        step->machine.task = task_free(step->machine.task);
        return timer_start(step->job->event, wait_usec - passed, on_settled, step, &step->machine.task) >= 0;
}

static void on_found(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;
        _cleanup_(error_freep) Error *why = NULL;
        ContainerState state = step->status.state;

        if (r == -ENOENT)
                r = error_set(&why, ENOENT, "its container '%s' was removed while no podstep looked after it",
                              step->container);
        if (r >= 0) {
                free(step->container_id);
                step->container_id = TAKE_PTR(step->status.id);
        }
        if (r >= 0 && (state == CONTAINER_CREATED || state == CONTAINER_INITIALIZED)) {
                if (waits_for_earlier_start(step))
                        return;
                machine_post(&step->machine, step->is_stopping ? MACHINE_FAIL : MACHINE_START);
                return;
        }
        if (r >= 0)
                r = step_follow(step);
        if (r < 0)
                step_fail(step, STEP_INFRA_FAILED, r, why ? why : error);
        else
                step_emit_state(step, STEP_RUNNING);
        machine_post(&step->machine, r < 0 ? MACHINE_FAIL : MACHINE_OK);
}

int step_enter_finding(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);
        int r = step_name_directory(step, reterr);

        /* A git of ours ended with its process, wherever it was: it begins anew. */
        if (r >= 0 && step_clones_here(step))
                return machine_post(machine, step->is_stopping ? MACHINE_FAIL : MACHINE_START), 0;
        if (r >= 0 && !step->plan->is_default_clone)
                r = guard_open_mounts(step, reterr);
        return r < 0 ? r : look(step, ret_task);
}

void step_leave_over(Step *step) {
        step->machine.state = AT_DONE;
        step_settle(step);
}

void step_leave_begun(Step *step) {
        step->machine.state = AT_BEGUN;
}

void step_take_up(Step *step, bool can_run) {
        if (step->machine.state != AT_BEGUN)
                return;
        if (!can_run)
                step_fail(step, STEP_INFRA_FAILED, 0, step->job->error);
        machine_post(&step->machine, can_run ? MACHINE_START : MACHINE_FAIL);
}
