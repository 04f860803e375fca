/*
 * A job that another process began. What is over is taken from the record; what was begun is looked for on the engine;
 * all else is done as if it were the first time, for making something twice under one name makes it once.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "job/job-internal.h"

/* The text behind the n-th space of a record; "" if there is none. */
static const char *field(const char *text, unsigned n) {
        while (n-- > 0) {
                text = strchrnul(text, ' ');
                text += *text == ' ';
        }
        return text;
}

static unsigned number_below(const char *text, unsigned end) {
        unsigned value = 0;

        return text && sscanf(text, "%u", &value) == 1 && value < end ? value : 0;
}

static void restore_result(Job *job) {
        const char *text = job_recorded(job, "result"), *why;
        _cleanup_(error_freep) Error *error = NULL;

        if (!text)
                return;
        why = field(text, 1);
        if (*why)
                (void) error_set(&error, EIO, "%s", why);
        job->has_result = true;
        job->result = number_below(text, _JOB_RESULT_MAX);
        job->error = TAKE_PTR(error);
}

static void restore_start(Job *job) {
        const char *text = job_recorded(job, "started");
        uint64_t now = clock_realtime_usec(), started = now;

        if (text)
                (void) parse_u64(text, &started);
        started = MIN(started, now);
        job->started_realtime_usec = started;
        job->started_usec = clock_monotonic_usec() - (now - started);
}

void step_note_done(Step *step) {
        step_note(step, "done", "%d %d %d %d %llu %s", (int) step->result, step->has_exit ? step->exit.exit_code : -1,
                  step->exit.oom_killed, step->is_up | step->is_ready << 1,
                  (unsigned long long) (step->started_usec ? clock_monotonic_usec() - step->started_usec : 0),
                  step->error ? error_message(step->error, 0) : "");
}

/* Its end is known; it counts for the job as it did. */
static void restore_done(Step *step, const char *text) {
        unsigned long long duration = 0;
        int result = 0, exit_code = -1, oom = 0, flags = 0;
        const char *why = field(text, 5);

        (void) sscanf(text, "%d %d %d %d %llu", &result, &exit_code, &oom, &flags, &duration);
        step->result = result >= 0 && result < _STEP_RESULT_MAX ? (StepResult) result : STEP_INFRA_FAILED;
        step->has_result = step->is_done = step->is_over = true;
        step->has_exit = exit_code >= 0;
        step->exit = (ContainerExit) { .exit_code = MAX(exit_code, 0), .oom_killed = oom };
        step->is_up = flags & 1;
        step->is_ready = flags & 2;
        step->started_usec = duration ? clock_monotonic_usec() - duration : 0;
        if (*why)
                (void) error_set(&step->error, EIO, "%s", why);
}

static void restore_begun(Step *step, const char *text) {
        uint64_t now = clock_realtime_usec(), started = now;

        (void) parse_u64(text, &started);
        step->started_usec = clock_monotonic_usec() - (now - MIN(started, now));
        step->n_lines_kept[0] = step->job->spec.journal.count_output(step->index, 1, step->job->spec.journal.userdata);
        step->n_lines_kept[1] = step->job->spec.journal.count_output(step->index, 2, step->job->spec.journal.userdata);
}

static void restore_steps(Job *job) {
        for (size_t i = 0; i < job->spec.plan->n_steps; i++) {
                Step *step = &job->steps[i];
                const char *done = step_recorded(step, "done"), *start = step_recorded(step, "start");

                if (done) {
                        restore_done(step, done);
                        step_leave_over(step);
                } else if (start) {
                        restore_begun(step, start);
                        step_leave_begun(step);
                }
        }
}

/* What stands on the engine is known by its names alone. */
int job_restore_sandbox(Job *job, Error **reterr) {
        int r = 0;

        if (!job_recorded(job, "sandbox"))
                return 0;
        if (!job->sandbox)
                r = sandbox_new(job, &job->sandbox, reterr);
        if (r >= 0 && !job->workspace)
                r = workspace_new(job, &job->workspace, reterr);
        return r;
}

int job_restore(Job *job, JobPhase *ret, Error **reterr) {
        const char *phase = job_recorded(job, "phase"), *stop = job_recorded(job, "stop");

        *ret = str_equal(phase, "cleaning")     ? JOB_PHASE_CLEANING
               : str_equal(phase, "collecting") ? JOB_PHASE_COLLECTING
                                                : JOB_PHASE_STEPS;
        restore_start(job);
        restore_result(job);
        job->is_stopping = stop;
        job->stop_reason = stop ? number_below(stop, JOB_STOP_TIMEOUT + 1) : JOB_STOP_CANCEL;
        if (stop) /* killed between the two notes */
                job_set_result(job, job->stop_reason == JOB_STOP_TIMEOUT ? JOB_TIMED_OUT : JOB_CANCELED, NULL);
        restore_steps(job);
        job->cannot_run = job_recorded(job, "cannot-run");
        return *ret == JOB_PHASE_STEPS ? 0 : job_restore_sandbox(job, reterr);
}
