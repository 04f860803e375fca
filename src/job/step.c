/*
 * The life of one container of the job. The state says where it is, the result how it went; the first result stays,
 * later ones are its echo. Requests that make something are never dropped half-way: what may stand on the engine must
 * be known to be removed.
 */

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "job/clone.h"
#include "job/owner.h"
#include "job/step-internal.h"

void step_fail(Step *step, StepResult result, int r, const Error *error) {
        if (step->has_result)
                return;
        step->has_result = true;
        step->result = result;
        if (error || r < 0) {
                step->error = error_copy(error);
                if (!step->error)
                        (void) error_set(&step->error, -r, "%s", error_message(NULL, r));
        }
}

void step_emit_state(Step *step, StepState state) {
        uint64_t now = clock_monotonic_usec();
        bool is_end = state == STEP_DONE;

        job_emit(step->job, (JobEvent) {
                                    .kind = JOB_EVENT_STEP_STATE,
                                    .step = step->plan,
                                    .step_index = step->index,
                                    .state = state,
                                    .step_result = step->result,
                                    .exit_code = is_end && step->has_exit ? step->exit.exit_code : -1,
                                    .signal = is_end && step->has_exit && step->exit.exit_code > 128 &&
                                                              step->exit.exit_code < 128 + 65
                                                      ? step->exit.exit_code - 128
                                                      : 0,
                                    .oom_killed = is_end && step->has_exit && step->exit.oom_killed,
                                    .duration_usec = step->started_usec ? now - step->started_usec : 0,
                                    .text = is_end && step->error ? error_message(step->error, 0) : NULL,
                            });
}

static void step_failed(Machine *machine, int r, const Error *error) {
        Step *step = container_of(machine, Step, machine);

        step_fail(step, STEP_INFRA_FAILED, r, error);
}

/* Most states: a request, and on with it or not. */
static void on_answer(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;

        if (r < 0)
                step_fail(step, STEP_INFRA_FAILED, r, error);
        machine_post(&step->machine, r < 0 ? MACHINE_FAIL : MACHINE_OK);
}

static int after_user(Step *step, Error **reterr) {
        int r;

        step->keeps_id = step->ids.uid != 0 && step->job->spec.engine->info.maps_users;
        r = step->keeps_id && step->job->spec.engine->info.is_local ? user_check_range(&step->ids, reterr) : 0;
        if (step->keeps_id && step->ids.gid == 0 && step->job->spec.engine->info.is_local)
                user_count_subids(&step->n_subuids, &step->n_subgids);
        if (r >= 0)
                machine_post(&step->machine, MACHINE_OK);
        return r;
}

static void on_user(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;
        _cleanup_(error_freep) Error *why = error_copy(error);

        if (r >= 0)
                r = after_user(step, &why);
        if (r >= 0)
                return;
        (void) error_wrap(&why, r, "user '%s'", step->user_text);
        step_fail(step, STEP_INFRA_FAILED, r, why);
        machine_post(&step->machine, MACHINE_FAIL);
}

static int enter_user(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);
        const char *text = step->plan->user ? step->plan->user : step->image->info.user;
        int r;

        image_use_tell(step->image);
        step_emit_state(step, STEP_PREPARING);
        r = step_make_directory(step, reterr);
        if (r < 0)
                return r;
        /* A service has no business with the workspace's owner, and its image's data must keep theirs. */
        if (step->plan->kind == STEP_SERVICE && !step->plan->user)
                return machine_post(machine, MACHINE_OK), 0;
        r = user_needs_image(text, &step->ids, reterr);
        if (r == 0)
                r = after_user(step, reterr);
        if (r <= 0)
                return r < 0 ? error_wrap(reterr, r, "user '%s'", text) : 0;
        step->user_text = strdup(text);
        if (!step->user_text)
                return error_oom(reterr);
        return user_look_up(step->job, step->image->info.id, text, step->container, &step->ids, on_user, step,
                            ret_task);
}

static void on_secret(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;
        _cleanup_(error_freep) Error *why = NULL;

        if (r >= 0) {
                step->machine.task = task_free(step->machine.task);
                r = step_create_secret(step, on_secret, step, &step->machine.task, &why);
        }
        if (r == 0)
                return;
        if (r < 0)
                step_fail(step, STEP_INFRA_FAILED, r, why ? why : error);
        machine_post(&step->machine, r < 0 ? MACHINE_FAIL : MACHINE_OK);
}

static int enter_secrets(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);
        int r;

        if (step->is_stopping)
                return machine_post(machine, MACHINE_FAIL), 0;
        r = step_create_secret(step, on_secret, step, ret_task, reterr);
        if (r > 0)
                machine_post(machine, MACHINE_OK);
        return MIN(r, 0);
}

static int enter_creating(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);

        if (step->is_stopping)
                return machine_post(machine, MACHINE_FAIL), 0;
        step->prepared_failed = step->job->has_failed;
        if (step_clones_here(step))
                return machine_post(machine, MACHINE_OK), 0;
        return (step->plan->is_default_clone ? clone_create_container : step_create_container)(step, on_answer, step,
                                                                                               ret_task, reterr);
}

static void on_initialized(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;

        if (r >= 0 && guard_is_due(step)) {
                step->machine.task = task_free(step->machine.task);
                r = guard_step(step, on_answer, step, &step->machine.task);
                if (r >= 0)
                        return;
        }
        if (r < 0)
                step_fail(step, STEP_INFRA_FAILED, r, error);
        machine_post(&step->machine, r < 0 ? MACHINE_FAIL : MACHINE_OK);
}

static int enter_initializing(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);

        if (step->is_stopping)
                return machine_post(machine, MACHINE_FAIL), 0;
        /* nothing to be ahead of: the start does it all, in one call */
        if (schedule_has_turn(step->job, step) || step_clones_here(step))
                return machine_post(machine, MACHINE_OK), 0;
        /* what is not up cannot be joined: held until the schedule looks again */
        if (!sandbox_is_up(step->job->sandbox))
                return 0;
        return engine_container_init(step->job->spec.engine, step->container, on_initialized, step, ret_task);
}

static int enter_prepared(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);

        if (step->is_stopping)
                return machine_post(machine, MACHINE_STOP), 0;
        step_emit_state(step, STEP_PREPARED);
        job_schedule(step->job);
        return 0;
}

static int enter_owning(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);

        if (step->is_stopping)
                return machine_post(machine, MACHINE_FAIL), 0;
        if (step->plan->kind == STEP_SERVICE || !step->job->workspace ||
            workspace_is_owned(step->job->workspace, &step->ids))
                return machine_post(machine, MACHINE_OK), 0;
        return owner_change(step->job, step->container, &step->ids, on_answer, step, ret_task);
}

static int enter_sending(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);
        int r;

        if (step->is_stopping)
                return machine_post(machine, MACHINE_FAIL), 0;
        r = step_send_files(step, on_answer, step, ret_task, reterr);
        if (r > 0)
                machine_post(machine, MACHINE_OK);
        return MIN(r, 0);
}

static int enter_running(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);

        step->is_up = true;
        if (step->is_over)
                machine_post(machine, MACHINE_OK);
        else if (step->is_stopping)
                machine_post(machine, MACHINE_STOP);
        else if (step->plan->kind == STEP_SERVICE)
                service_watch(step);
        job_schedule(step->job);
        return 0;
}

/*
 * OK in RUNNING and STOPPING: its end is known. STOP where something is being made: noted, and seen by the next state.
 */
static const MachineState step_states[] = {
                /* START           OK               FAIL           STOP */
        [AT_WAITING] = { "waiting", NULL,
                { AT_USER,         MACHINE_BUG,     AT_DONE,       AT_DONE } },
        [AT_USER] = { "user", enter_user,
                { MACHINE_BUG,     AT_SECRETS,      AT_DONE,       MACHINE_STAY } },
        [AT_SECRETS] = { "secrets", enter_secrets,
                { MACHINE_BUG,     AT_CREATING,     AT_DONE,       MACHINE_STAY } },
        [AT_CREATING] = { "creating", enter_creating,
                { MACHINE_BUG,     AT_INITIALIZING, AT_DONE,       MACHINE_STAY } },
        [AT_INITIALIZING] = { "initializing", enter_initializing,
                { AT_INITIALIZING, AT_PREPARED,     AT_DIAGNOSING, MACHINE_STAY } },
        [AT_PREPARED] = { "prepared", enter_prepared,
                { AT_OWNING,       MACHINE_BUG,     AT_DONE,       AT_DONE } },
        [AT_OWNING] = { "owning", enter_owning,
                { MACHINE_BUG,     AT_SENDING,      AT_DONE,       MACHINE_STAY } },
        [AT_SENDING] = { "sending", enter_sending,
                { MACHINE_BUG,     AT_STARTING,     AT_DONE,       MACHINE_STAY } },
        [AT_STARTING] = { "starting", step_enter_starting,
                { MACHINE_BUG,     AT_RUNNING,      AT_DIAGNOSING, MACHINE_STAY } },
        [AT_RUNNING] = { "running", enter_running,
                { MACHINE_BUG,     AT_DONE,         AT_DONE,       AT_STOPPING } },
        [AT_STOPPING] = { "stopping", step_enter_stopping,
                { MACHINE_BUG,     AT_DONE,         AT_DONE,       AT_STOPPING } },
        [AT_DIAGNOSING] = { "diagnosing", step_enter_diagnosing,
                { MACHINE_BUG,     AT_DONE,         AT_DONE,       AT_DONE } },
        [AT_BEGUN] = { "begun", NULL,
                { AT_FINDING,      MACHINE_BUG,     AT_DONE,       MACHINE_STAY } },
        [AT_FINDING] = { "finding", step_enter_finding,
                { AT_OWNING,       AT_RUNNING,      AT_DONE,       MACHINE_STAY } },
        [AT_DONE] = { "done", step_enter_done,
                { MACHINE_BUG,     MACHINE_STAY,    MACHINE_STAY,  MACHINE_STAY } },
};

int step_init(Step *step, Job *job, size_t index, Error **reterr) {
        const PlanStep *plan = job->spec.plan->steps[index];
        int r;

        step->job = job;
        step->plan = plan;
        step->index = index;
        step->container = plan->alias ? str_printf("podstep-%s-%s", job->id, plan->alias)
                                      : str_printf("podstep-%s.step-%zu", job->id, index);
        if (!step->container)
                return error_oom(reterr);
        if (!job_is_far(job)) { /* else nobody there writes it where we look */
                step->log_path = str_printf("%s%zu", job->directory.output, index);
                step->pid_path = str_printf("%s%zu.pid", job->directory.output, index);
                if (!step->log_path || !step->pid_path)
                        return error_oom(reterr);
        }
        r = step_output_init(step);
        if (r >= 0)
                r = machine_init(&step->machine, job->event, step->container, step_states, AT_WAITING, step_failed);
        return r < 0 ? error_oom(reterr) : 0;
}

void step_done(Step *step) {
        service_done(step);
        guard_close_mounts(step);
        machine_done(&step->machine);
        step->follow = task_free(step->follow);
        step->removing = task_free(step->removing);
        step_output_done(step);
        upload_free(step->upload);
        error_free(step->error);
        free(step->container);
        free(step->container_id);
        container_status_done(&step->status);
        free(step->directory);
        free(step->log_path);
        free(step->pid_path);
        free(step->user_text);
        free(step->script);
        strv_free(step->ports);
        pattern_free(step->ready_pattern);
}

bool step_is_waiting(const Step *step) {
        return step->machine.state == AT_WAITING && step->machine.n_queue == 0;
}

bool step_is_preparing(const Step *step) {
        return (step->machine.state >= AT_USER && step->machine.state < AT_PREPARED) ||
               (step->machine.state == AT_WAITING && step->machine.n_queue > 0);
}

bool step_is_held(const Step *step) {
        return step->machine.state == AT_INITIALIZING && !step->machine.task && step->machine.n_queue == 0;
}

bool step_is_prepared(const Step *step) {
        return step->machine.state == AT_PREPARED && step->machine.n_queue == 0;
}

void step_prepare(Step *step) {
        machine_post(&step->machine, MACHINE_START);
}

void step_start(Step *step) {
        machine_post(&step->machine, MACHINE_START);
}

/* From waiting or prepared. */
void step_skip(Step *step) {
        step_fail(step, STEP_SKIPPED, 0, NULL);
        machine_post(&step->machine, MACHINE_STOP);
}

void step_stop(Step *step) {
        if (step->is_done)
                return;
        step->is_stopping = true;
        /* A git of ours ends with its Task: nothing of it stands on the engine. */
        machine_post(&step->machine,
                     step_clones_here(step) && step->machine.state == AT_STARTING ? MACHINE_FAIL : MACHINE_STOP);
}

void step_end(Step *step) {
        step_fail(step, STEP_STOPPED, 0, NULL);
        machine_post(&step->machine, MACHINE_OK);
}
