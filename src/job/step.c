/*
 * The life of one container of the job. The state says where it is, the result how it went; the first result stays, later ones are
 * its echo. Requests that make something are never dropped half-way: what may stand on the engine must be known to be removed.
 */

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/clone.h"
#include "job/job-internal.h"
#include "job/owner.h"

enum {
        AT_WAITING,
        AT_USER,         /* who it runs as is asked of the image */
        AT_SECRETS,      /* the engine is given its secrets, one by one */
        AT_CREATING,
        AT_INITIALIZING, /* everything but the start itself */
        AT_PREPARED,
        AT_OWNING,       /* the files are made its user's */
        AT_SENDING,      /* its script is put where it looks for it */
        AT_STARTING,
        AT_RUNNING,
        AT_STOPPING,
        AT_DIAGNOSING,   /* it did not start: why? */
        AT_BEGUN,        /* by an earlier process, which started it or was about to */
        AT_FINDING,      /* how far did that come? */
        AT_DONE,
};

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
                .signal = is_end && step->has_exit && step->exit.exit_code > 128 && step->exit.exit_code < 128 + 65 ? step->exit.exit_code - 128 : 0,
                .oom_killed = is_end && step->has_exit && step->exit.oom_killed,
                .duration_usec = step->started_usec ? now - step->started_usec : 0,
                .text = is_end && step->error ? error_message(step->error, 0) : NULL,
        });
}

static void settle(Step *step);

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
        return user_look_up(step->job, step->image->info.id, text, step->container, &step->ids, on_user, step, ret_task);
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

/* git on this machine: it has neither a container nor an end that somebody follows. */
static bool clones_here(const Step *step) {
        return step->plan->is_default_clone && job_is_far(step->job);
}

static int enter_creating(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);

        if (step->is_stopping)
                return machine_post(machine, MACHINE_FAIL), 0;
        step->prepared_failed = step->job->has_failed;
        if (clones_here(step))
                return machine_post(machine, MACHINE_OK), 0;
        return (step->plan->is_default_clone ? clone_create_container : step_create_container)(step, on_answer, step, ret_task, reterr);
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
        if (schedule_has_turn(step->job, step) || clones_here(step))
                return machine_post(machine, MACHINE_OK), 0;
        if (!sandbox_is_up(step->job->sandbox)) /* what is not up cannot be joined: held until the schedule looks again */
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

static int follow(Step *step) {
        FollowSpec spec = {
                .container = step->container,
                .container_id = step->container_id,
                .log_path = step->log_path,
                .monitor_pid_path = step->pid_path,
                .keeps_log = step->job->spec.journal.put, /* whoever takes the job up reads it again */
                .output = step_output,
                .userdata = step,
        };

        return engine_container_follow(step->job->spec.engine, &spec, &step->exit, on_exit_known, step, &step->follow);
}

static int enter_owning(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);

        if (step->is_stopping)
                return machine_post(machine, MACHINE_FAIL), 0;
        if (step->plan->kind == STEP_SERVICE || !step->job->workspace || workspace_is_owned(step->job->workspace, &step->ids))
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

static int start(Step *step, Task **ret_task) {
        int r = follow(step);

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

static int enter_starting(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);

        if (step->is_stopping && clones_here(step))
                return machine_post(machine, MACHINE_FAIL), 0;
        if (!step_recorded(step, "start")) {
                step->started_usec = clock_monotonic_usec();
                step_note(step, "start", "%llu", (unsigned long long) clock_realtime_usec());
        }
        if (step->job->workspace)
                workspace_note_writer(step->job->workspace, &step->ids);
        step_emit_state(step, STEP_RUNNING);
        if (clones_here(step))
                return clone_run_here(step, on_cloned, step, ret_task, reterr);
        if (!guard_is_due(step))
                return start(step, ret_task);
        /* Not made ahead: first all but its program. */
        return engine_container_init(step->job->spec.engine, step->container, on_started_half, step, ret_task);
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

static void on_found(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;
        _cleanup_(error_freep) Error *why = NULL;
        ContainerState state = step->status.state;

        if (r == -ENOENT)
                r = error_set(&why, ENOENT, "its container '%s' was removed while no podstep looked after it", step->container);
        if (r >= 0) {
                free(step->container_id);
                step->container_id = TAKE_PTR(step->status.id);
        }
        if (r >= 0 && (state == CONTAINER_CREATED || state == CONTAINER_INITIALIZED)) {
                machine_post(&step->machine, step->is_stopping ? MACHINE_FAIL : MACHINE_START);
                return;
        }
        if (r >= 0)
                r = follow(step);
        if (r < 0)
                step_fail(step, STEP_INFRA_FAILED, r, why ? why : error);
        else
                step_emit_state(step, STEP_RUNNING);
        machine_post(&step->machine, r < 0 ? MACHINE_FAIL : MACHINE_OK);
}

static int enter_finding(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);
        int r = step_name_directory(step, reterr);

        if (r >= 0 && !step->plan->is_default_clone)
                r = guard_open_mounts(step, reterr);
        return r < 0 ? r : engine_container_inspect(step->job->spec.engine, step->container, &step->status, on_found, step, ret_task);
}

void step_leave_over(Step *step) {
        step->machine.state = AT_DONE;
        settle(step);
}

void step_leave_begun(Step *step) {
        step->machine.state = AT_BEGUN;
}

void step_take_up(Step *step) {
        if (step->machine.state == AT_BEGUN)
                machine_post(&step->machine, MACHINE_START);
}

static void on_stop_answer(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;

        /* The end itself is seen by who follows; only an engine that cannot even be asked ends the wait here. */
        if (r < 0) {
                step_fail(step, STEP_INFRA_FAILED, r, error);
                machine_post(&step->machine, MACHINE_FAIL);
        }
}

static int enter_stopping(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);
        uint64_t grace = step->job->is_impatient ? 0 : step->job->spec.grace_usec;

        return engine_container_stop(step->job->spec.engine, step->container, grace, on_stop_answer, step, ret_task);
}

static void on_diagnosed(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;

        if (r == 0) {
                error_free(TAKE_PTR(step->error));
                (void) error_set(&step->error, ENOENT,
                                 "image '%s' has no /bin/sh, which 'commands' need: use an image with a shell, or give the program to run as 'entrypoint'",
                                 step->plan->image);
        }
        machine_post(&step->machine, MACHINE_OK);
}

/* Status codes do not tell a missing shell from other mistakes, so the container is asked. */
static int enter_diagnosing(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);

        if (!step_uses_script(step->plan) || step->is_stopping || !step->container_id)
                return machine_post(machine, MACHINE_OK), 0;
        return engine_container_has_path(step->job->spec.engine, step->container, "/bin/sh", on_diagnosed, step, ret_task);
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
static void settle(Step *step) {
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

static int enter_done(Machine *machine, Task **ret_task, Error **reterr) {
        Step *step = container_of(machine, Step, machine);

        service_done(step);
        if (clones_here(step) && !step->is_over) /* stopped in the middle of it */
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
        settle(step);
        step_emit_state(step, STEP_DONE);
        step_note_done(step);
        job_schedule(step->job);
        return 0;
}

/* OK in RUNNING and STOPPING: its end is known. STOP where something is being made: noted, and seen by the next state. */
static const MachineState step_states[] = {
        /*                                                           START         OK               FAIL           STOP */
        [AT_WAITING]      = { "waiting",      NULL,               { AT_USER,      MACHINE_BUG,     AT_DONE,       AT_DONE      } },
        [AT_USER]         = { "user",         enter_user,         { MACHINE_BUG,  AT_SECRETS,      AT_DONE,       MACHINE_STAY } },
        [AT_SECRETS]      = { "secrets",      enter_secrets,      { MACHINE_BUG,  AT_CREATING,     AT_DONE,       MACHINE_STAY } },
        [AT_CREATING]     = { "creating",     enter_creating,     { MACHINE_BUG,  AT_INITIALIZING, AT_DONE,       MACHINE_STAY } },
        [AT_INITIALIZING] = { "initializing", enter_initializing, { AT_INITIALIZING, AT_PREPARED,     AT_DIAGNOSING, MACHINE_STAY } },
        [AT_PREPARED]     = { "prepared",     enter_prepared,     { AT_OWNING,    MACHINE_BUG,     AT_DONE,       AT_DONE      } },
        [AT_OWNING]       = { "owning",       enter_owning,       { MACHINE_BUG,  AT_SENDING,      AT_DONE,       MACHINE_STAY } },
        [AT_SENDING]      = { "sending",      enter_sending,      { MACHINE_BUG,  AT_STARTING,     AT_DONE,       MACHINE_STAY } },
        [AT_STARTING]     = { "starting",     enter_starting,     { MACHINE_BUG,  AT_RUNNING,      AT_DIAGNOSING, MACHINE_STAY } },
        [AT_RUNNING]      = { "running",      enter_running,      { MACHINE_BUG,  AT_DONE,         AT_DONE,       AT_STOPPING  } },
        [AT_STOPPING]     = { "stopping",     enter_stopping,     { MACHINE_BUG,  AT_DONE,         AT_DONE,       AT_STOPPING  } },
        [AT_DIAGNOSING]   = { "diagnosing",   enter_diagnosing,   { MACHINE_BUG,  AT_DONE,         AT_DONE,       AT_DONE      } },
        [AT_BEGUN]        = { "begun",        NULL,               { AT_FINDING,   MACHINE_BUG,     AT_DONE,       MACHINE_STAY } },
        [AT_FINDING]      = { "finding",      enter_finding,      { AT_OWNING,    AT_RUNNING,      AT_DONE,       MACHINE_STAY } },
        [AT_DONE]         = { "done",         enter_done,         { MACHINE_BUG,  MACHINE_STAY,    MACHINE_STAY,  MACHINE_STAY } },
};

int step_init(Step *step, Job *job, size_t index, Error **reterr) {
        const PlanStep *plan = job->spec.plan->steps[index];
        int r;

        step->job = job;
        step->plan = plan;
        step->index = index;
        step->container = plan->alias ? str_printf("podstep-%s-%s", job->id, plan->alias) : str_printf("podstep-%s.step-%zu", job->id, index);
        if (!step->container)
                return error_oom(reterr);
        if (!job_is_far(job)) { /* else nobody there writes it where we look */
                step->log_path = str_printf("%s/%zu", job->directory.output, index);
                step->pid_path = str_printf("%s/%zu.pid", job->directory.output, index);
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
        strv_free(step->ports);
        pattern_free(step->ready_pattern);
}

bool step_is_waiting(const Step *step) {
        return step->machine.state == AT_WAITING && step->machine.n_queue == 0;
}

bool step_is_preparing(const Step *step) {
        return (step->machine.state >= AT_USER && step->machine.state < AT_PREPARED) || (step->machine.state == AT_WAITING && step->machine.n_queue > 0);
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
        machine_post(&step->machine, clones_here(step) && step->machine.state == AT_STARTING ? MACHINE_FAIL : MACHINE_STOP);
}

void step_end(Step *step) {
        step_fail(step, STEP_STOPPED, 0, NULL);
        machine_post(&step->machine, MACHINE_OK);
}
