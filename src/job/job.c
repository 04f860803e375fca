#include "job/job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/strv.h"
#include "job/helper.h"
#include "job/job-internal.h"
#include "job/keep.h"
#include "job/slot.h"
#include "loop/timer.h"

enum {
        JOB_NEW,
        JOB_LOOKING,    /* the sandbox depends on what the images of the services expose */
        JOB_EQUIPPING,  /* an engine that cannot see our files is sent our helper */
        JOB_PREPARING,  /* sandbox and workspace are made */
        JOB_RUNNING,
        JOB_COLLECTING, /* results are copied out */
        JOB_EMPTYING,   /* containers whose removal has begun go */
        JOB_CLEANING,
        JOB_DONE,
};

void job_set_result(Job *job, JobResult result, const Error *error) {
        if (job->has_result)
                return;
        job->has_result = true;
        job->result = result;
        job->error = error_copy(error);
        job_note(job, "result", "%d %s", (int) result, error ? error_message(error, 0) : "");
}

void job_emit(Job *job, JobEvent event) {
        _cleanup_free_ char *masked = event.text ? mask_text(job->mask, event.text) : NULL;

        event.job_id = job->id;
        event.realtime_usec = clock_realtime_usec();
        if (event.text)
                event.text = masked ? masked : MASK_TEXT;
        job->spec.observer.event(&event, job->spec.observer.userdata);
}

void job_emit_text(Job *job, JobEventKind kind, const Step *step, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        job_emit(job, (JobEvent) { .kind = kind,
                                  .step = step ? step->plan : NULL,
                                  .step_index = step ? step->index : 0,
                                  .exit_code = -1,
                                  .text = text ? text : "out of memory" });
}

void job_cannot_run(Job *job, int r, const Error *error) {
        job_set_result(job, JOB_INFRA_FAILED, error);
        if (!error && !job->error)
                (void) error_set(&job->error, -r, "%s", strerror(-r));
        job->cannot_run = true;
        job_note(job, "cannot-run", "yes");
}

static void job_failed(Machine *machine, int r, const Error *error) {
        job_cannot_run(container_of(machine, Job, machine), r, error);
}

static void on_timeout(Task *task, int r, const Error *error, void *userdata) {
        Job *job = userdata;
        _cleanup_(error_freep) Error *why = NULL;
        char limit[CLOCK_DURATION_MAX];

        (void) error_set(&why, ETIMEDOUT, "the job did not end within %s (see --timeout)",
                         clock_format_duration(job->spec.timeout_usec, limit));
        job_set_result(job, JOB_TIMED_OUT, why);
        job_stop(job, JOB_STOP_TIMEOUT);
}

bool job_is_running(const Job *job) {
        return job->machine.state == JOB_RUNNING && job->machine.n_queue == 0;
}

/* Are the images known that the choice of the sandbox depends on? */
void job_consider_images(Job *job) {
        if (job->machine.state != JOB_LOOKING || job->machine.n_queue > 0)
                return;
        for (size_t i = 0; i < job->spec.plan->n_steps; i++) {
                const ImageUse *image = job->steps[i].image;

                if (step_is_background(job->steps[i].plan) && !image->is_ready && !image->has_failed)
                        return;
        }
        machine_post(&job->machine, MACHINE_OK);
}

static int enter_looking(Machine *machine, Task **ret_task, Error **reterr) {
        Job *job = container_of(machine, Job, machine);

        if (job->cannot_run || job->is_stopping) /* so it was when another process began it */
                return machine_post(machine, job->cannot_run ? MACHINE_FAIL : MACHINE_STOP), 0;
        images_start(job);
        job_schedule(job);
        return 0;
}

static void on_equipped(Task *task, int r, const Error *error, void *userdata) {
        Job *job = userdata;

        if (r < 0)
                job_failed(&job->machine, r, error);
        machine_post(&job->machine, r < 0 ? MACHINE_FAIL : MACHINE_OK);
}

static int enter_equipping(Machine *machine, Task **ret_task, Error **reterr) {
        Job *job = container_of(machine, Job, machine);

        if (!job_is_far(job))
                return machine_post(machine, MACHINE_OK), 0;
        return helper_ensure(job, on_equipped, job, ret_task);
}

/* An earlier process made it, and it could not be restored: only the sweep finds what stands, by its labels. */
static bool is_lost(const Job *job) {
        return job_recorded(job, "sandbox") && !(job->sandbox && job->workspace);
}

static int enter_running(Machine *machine, Task **ret_task, Error **reterr) {
        Job *job = container_of(machine, Job, machine);
        _cleanup_(error_freep) Error *error = NULL;
        int r = job->spec.record ? job_restore_sandbox(job, &error) : 0;

        if (r < 0)
                job_cannot_run(job, r, error);
        for (size_t i = 0; i < job->spec.plan->n_steps; i++) {
                step_take_up(&job->steps[i], !is_lost(job));
                if (job->is_stopping)
                        step_stop(&job->steps[i]);
        }
        job_schedule(job);
        return 0;
}

static void could_not_collect(Job *job, int r, const Error *error) {
        job_emit_text(job, JOB_EVENT_WARNING, NULL, "%s", error_message(error, r));
        job_set_result(job, JOB_FAILED, error);
}

static void on_fetched(Task *task, int r, const Error *error, void *userdata) {
        Job *job = userdata;
        _cleanup_(error_freep) Error *why = NULL;

        if (r < 0)
                could_not_collect(job, r, error);
        else if (workspace_collect(job->workspace, &why) < 0)
                could_not_collect(job, -EIO, why);
        machine_post(&job->machine, MACHINE_OK);
}

static int enter_collecting(Machine *machine, Task **ret_task, Error **reterr) {
        Job *job = container_of(machine, Job, machine);
        int r;

        job_note(job, "phase", "collecting");
        job->timeout = task_free(job->timeout);
        if (!job->workspace || job->cannot_run)
                return machine_post(machine, MACHINE_OK), 0;
        r = workspace_fetch(job->workspace, on_fetched, job, ret_task, reterr);
        if (r > 0)
                on_fetched(NULL, 0, NULL, job);
        return MIN(r, 0);
}

void job_spent_removed(Job *job) {
        /* also behind a STOP, which changes nothing any more: this state has nothing else to end it */
        if (job->machine.state == JOB_EMPTYING)
                machine_post(&job->machine, MACHINE_OK);
}

static int enter_emptying(Machine *machine, Task **ret_task, Error **reterr) {
        Job *job = container_of(machine, Job, machine);

        if (job->sandbox && !job->spec.keep)
                sandbox_kill(job->sandbox);
        if (!spent_is_removing(job))
                job_spent_removed(job);
        return 0;
}

/* Nothing mounts its caches any more. */
static void give_up_slot(const Job *job) {
        if (job->spec.plan->cache_owner)
                slot_release(job->spec.state_directory, job->spec.plan->cache_owner, job->id, job->slot);
}

static void on_cleaned(Task *task, int r, const Error *error, void *userdata) {
        Job *job = userdata;
        _cleanup_(error_freep) Error *why = error_copy(error);

        if (r < 0 && r != -ETIMEDOUT && r != -ECONNREFUSED && !job->has_made_room) {
                job->has_made_room = true;
                if (job->workspace)
                        workspace_make_room(job->workspace);
                job->machine.task = task_free(job->machine.task);
                if (sandbox_remove(job->sandbox, on_cleaned, job, &job->machine.task) >= 0)
                        return;
        }
        if (r >= 0)
                give_up_slot(job);
        if (r < 0) { /* the directory stays too: it tells the next run that something is left */
                job_emit_text(job, JOB_EVENT_WARNING, NULL,
                              "not everything was removed: %s; 'podstep prune' tries again", error_message(why, r));
                (void) job_directory_abandon(job->spec.state_directory, job->id);
        } else if (job_directory_remove(&job->directory, &job->cleaning_error) < 0)
                job_emit_text(job, JOB_EVENT_WARNING, NULL, "%s", error_message(job->cleaning_error, 0));
        machine_post(&job->machine, MACHINE_OK);
}

static void on_kept(Task *task, int r, const Error *error, void *userdata) {
        Job *job = userdata;
        char time[CLOCK_DURATION_MAX];

        if (r < 0) {
                job_emit_text(job, JOB_EVENT_WARNING, NULL, "it cannot be kept: %s", error_message(error, r));
                job->spec.keep = false;
                job->machine.task = task_free(job->machine.task);
                if (sandbox_remove(job->sandbox, on_cleaned, job, &job->machine.task) < 0)
                        on_cleaned(NULL, -ENOMEM, NULL, job);
                return;
        }
        job_emit_text(job, JOB_EVENT_NOTE, NULL, "kept for looking, for %s: job %s",
                      clock_format_duration(job->spec.keep_usec ? job->spec.keep_usec : JOB_KEEP_DEFAULT_USEC, time),
                      job->id);
        job_emit_text(job, JOB_EVENT_NOTE, NULL, "  enter:  podstep enter %s", job->id);
        job_emit_text(job, JOB_EVENT_NOTE, NULL, "  remove: podstep prune --all");
        machine_post(&job->machine, MACHINE_OK);
}

static int enter_cleaning(Machine *machine, Task **ret_task, Error **reterr) {
        Job *job = container_of(machine, Job, machine);
        bool keeps = job->spec.keep && job->has_result && job->result != JOB_CANCELED && job->sandbox;

        job_note(job, "phase", "cleaning");
        images_stop(job);
        if (is_lost(job)) {
                _cleanup_(error_freep) Error *why = NULL;

                (void) error_set(&why, ENOTRECOVERABLE, "what an earlier process made could not be restored");
                job->has_made_room = true; /* there is nothing to try again with */
                on_cleaned(NULL, -ENOTRECOVERABLE, why, job);
                return 0;
        }
        if (keeps)
                return keep_start(job, on_kept, job, ret_task);
        if (!job->sandbox) {
                on_cleaned(NULL, 0, NULL, job);
                return 0;
        }
        return sandbox_remove(job->sandbox, on_cleaned, job, ret_task);
}

static int enter_done(Machine *machine, Task **ret_task, Error **reterr) {
        Job *job = container_of(machine, Job, machine);

        job_set_result(job, JOB_SUCCESS, NULL);
        job_emit(job, (JobEvent) {
                .kind = JOB_EVENT_FINISHED,
                .job_result = job->result,
                .exit_code = -1,
                .duration_usec = clock_monotonic_usec() - job->started_usec,
                .n_engine_calls = job->spec.engine->n_calls - job->n_calls_before,
                .text = job->error ? error_message(job->error, 0) : NULL,
        });
        job->done(job, job->result, job->userdata);
        return 0;
}

/* FAIL goes on to RUNNING too: no step runs, but each tells that it did not. */
static const MachineState job_states[] = {
                /* START       OK              FAIL          STOP */
        [JOB_NEW] = { "new", NULL,
                { JOB_LOOKING, MACHINE_BUG,    MACHINE_BUG,  MACHINE_STAY } },
        [JOB_LOOKING] = { "looking", enter_looking,
                { MACHINE_BUG, JOB_EQUIPPING,  JOB_RUNNING,  JOB_RUNNING } },
        [JOB_EQUIPPING] = { "equipping", enter_equipping,
                { MACHINE_BUG, JOB_PREPARING,  JOB_RUNNING,  MACHINE_STAY } },
        [JOB_PREPARING] = { "preparing", job_enter_preparing,
                { MACHINE_BUG, JOB_RUNNING,    JOB_RUNNING,  MACHINE_STAY } },
        [JOB_RUNNING] = { "running", enter_running,
                { MACHINE_BUG, JOB_COLLECTING, MACHINE_STAY, JOB_RUNNING } },
        [JOB_COLLECTING] = { "collecting", enter_collecting,
                { MACHINE_BUG, JOB_EMPTYING,   JOB_EMPTYING, MACHINE_STAY } },
        [JOB_EMPTYING] = { "emptying", enter_emptying,
                { MACHINE_BUG, JOB_CLEANING,   JOB_CLEANING, MACHINE_STAY } },
        [JOB_CLEANING] = { "cleaning", enter_cleaning,
                { MACHINE_BUG, JOB_DONE,       JOB_DONE,     MACHINE_STAY } },
        [JOB_DONE] = { "done", enter_done,
                { MACHINE_BUG, MACHINE_STAY,   MACHINE_STAY, MACHINE_STAY } },
};

static int make_labels(Job *job) {
        int r;

        r = strmap_update(&job->labels, &job->spec.policy->labels); /* first: ours count more */
        if (r >= 0)
                r = strmap_put(&job->labels, "io.podstep.job", job->id);
        if (r >= 0)
                r = strmap_put(&job->labels, "io.podstep.workflow", job->spec.plan->name);
        if (r >= 0)
                r = strmap_put(&job->labels, "io.podstep.state", job->spec.state_directory);
        if (r >= 0)
                r = strmap_putf(&job->labels, "io.podstep.created", "%llu",
                                (unsigned long long) (clock_realtime_usec() / USEC_PER_SEC));
        return r;
}

/* Passwords of registries are secrets, too: a registry may send them back in an error. */
static int make_mask(Job *job, Error **reterr) {
        Map secrets = STRMAP_INIT;
        int r;

        r = logins_collect_secrets(job->spec.logins, &secrets);
        if (r >= 0)
                r = strmap_update(&secrets, &job->spec.plan->secrets);
        r = r < 0 ? error_oom(reterr) : mask_new(&secrets, &job->mask, reterr);
        MAP_FOREACH(entry, &secrets) {
                explicit_bzero(entry->key, strlen(entry->key));
                explicit_bzero(entry->value, strlen(entry->value));
        }
        map_done(&secrets);
        return r;
}

int job_new(sd_event *event, const JobSpec *spec, JobDone done, void *userdata, Job **ret, Error **reterr) {
        static const Policy no_policy = { 0 };
        _cleanup_(job_freep) Job *job = calloc(1, sizeof(*job));
        int r;

        if (!job)
                return error_oom(reterr);
        *job = (Job) { .spec = *spec,
                      .event = event,
                      .done = done,
                      .userdata = userdata,
                      .labels = STRMAP_INIT,
                      .directory.lock_fd = -1 };
        if (!spec->policy)
                job->spec.policy = &no_policy;
        if (!job->spec.service_timeout_usec)
                job->spec.service_timeout_usec = job->spec.policy->service_wait_usec
                                                         ? job->spec.policy->service_wait_usec
                                                         : JOB_SERVICE_TIMEOUT_DEFAULT_USEC;
        if (spec->id)
                (void) snprintf(job->id, sizeof(job->id), "%s", spec->id);
        else
                id_new(job->id);
        r = container_options_init(&job->step_options, &job->spec.policy->steps, reterr);
        if (r >= 0)
                r = container_options_init(&job->service_options, &job->spec.policy->services, reterr);
        if (r < 0)
                return error_wrap(reterr, r, "the operator's settings");
        r = make_mask(job, reterr);
        if (r < 0)
                return error_wrap(reterr, r, "secrets");
        r = job_directory_make(spec->state_directory, job->id, spec->journal.put ? JOB_OWNER_AGENT : JOB_OWNER_PROCESS,
                               &job->directory, reterr);
        if (r < 0)
                return r;
        job->can_be_entered = spec->keep && holder_is_static(job);
        job->steps = calloc(spec->plan->n_steps, sizeof(*job->steps));
        if (!job->steps || make_labels(job) < 0 || schedule_init(job) < 0 ||
            machine_init(&job->machine, event, "job", job_states, JOB_NEW, job_failed) < 0)
                return error_oom(reterr);
        for (size_t i = 0; i < spec->plan->n_steps; i++) {
                r = step_init(&job->steps[i], job, i, reterr);
                if (r < 0)
                        return r;
        }
        r = images_init(job, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(job);
        return 0;
}

/* However often the job is taken up: its time counts from its first start. */
static void limit_time(Job *job) {
        uint64_t passed = clock_monotonic_usec() - job->started_usec;

        if (job->spec.timeout_usec != USEC_INFINITY)
                (void) timer_start(job->event, job->spec.timeout_usec - MIN(passed, job->spec.timeout_usec), on_timeout,
                                   job, &job->timeout);
}

void job_start(Job *job) {
        job->n_calls_before = job->spec.engine->n_calls;
        job->started_usec = clock_monotonic_usec();
        job->started_realtime_usec = clock_realtime_usec();
        job_note(job, "started", "%llu", (unsigned long long) job->started_realtime_usec);
        limit_time(job);
        machine_post(&job->machine, MACHINE_START);
}

void job_resume(Job *job) {
        _cleanup_(error_freep) Error *error = NULL;
        JobPhase phase;
        int r;

        job->n_calls_before = job->spec.engine->n_calls;
        r = job_restore(job, &phase, &error);
        if (r < 0) /* what stands is then left to the sweep */
                job_failed(&job->machine, r, error);
        for (size_t i = 0; i < job->spec.plan->n_steps; i++)
                if (job->steps[i].is_done)
                        step_emit_state(&job->steps[i], STEP_DONE);
        if (phase == JOB_PHASE_STEPS) {
                limit_time(job);
                machine_post(&job->machine, MACHINE_START);
                return;
        }
        job->machine.state = phase == JOB_PHASE_COLLECTING ? JOB_RUNNING : JOB_COLLECTING;
        machine_post(&job->machine, MACHINE_OK);
}

void job_stop(Job *job, JobStopReason reason) {
        job->is_impatient = job->is_stopping;
        if (!job->is_stopping) {
                job->is_stopping = true;
                job->stop_reason = reason;
                job_note(job, "stop", "%d", (int) reason);
                job_set_result(job, reason == JOB_STOP_TIMEOUT ? JOB_TIMED_OUT : JOB_CANCELED, NULL);
        }
        machine_post(&job->machine, MACHINE_STOP);
}

const char *job_id(const Job *job) {
        return job->id;
}

Job *job_free(Job *job) {
        if (!job)
                return NULL;
        machine_done(&job->machine);
        job->timeout = task_free(job->timeout);
        job->probing = task_free(job->probing);
        job->making_caches = task_free(job->making_caches);
        container_options_done(&job->step_options);
        container_options_done(&job->service_options);
        turn_done(&job->schedule);
        for (size_t i = 0; job->steps && i < job->spec.plan->n_steps; i++)
                step_done(&job->steps[i]);
        free(job->steps);
        images_done(job);
        job->workspace = workspace_free(job->workspace);
        job->sandbox = sandbox_free(job->sandbox);
        job_directory_done(&job->directory);
        job->mask = mask_free(job->mask);
        free(job->helper_image);
        map_done(&job->labels);
        error_free(job->error);
        error_free(job->cleaning_error);
        free(job);
        return NULL;
}
