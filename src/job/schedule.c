/*
 * Whose turn it is. Looked at anew whenever something changed: a step starts the moment all it needs is done and the
 * services can be used; and while others run, the next ones are made ready to start at once.
 */

#include <errno.h>

#include "job/job-internal.h"

/* So many containers are made ahead of their turn: more would only compete with the steps that run. */
#define AHEAD_MAX 2

static bool is_settled(const Job *job, size_t index) {
        const Step *step = &job->steps[index];

        return step->is_done || (step->plan->detach && step->is_up);
}

/* Services come first; a failed one is settled too, the conditions of the steps do the rest. */
static bool services_are_settled(const Job *job) {
        for (size_t i = 0; i < job->spec.plan->n_services; i++)
                if (!job->steps[i].is_ready && !job->steps[i].is_done)
                        return false;
        return true;
}

/* All it waits for is done; what it stands on may still be coming up. */
static bool needs_are_settled(const Job *job, const Step *step) {
        for (size_t i = 0; i < step->plan->n_needs; i++)
                if (!is_settled(job, step->plan->needs[i]))
                        return false;
        /* What clones comes before the services, which may want to read what was fetched. */
        return step->plan->kind == STEP_SERVICE || step->plan->kind == STEP_CLONE || services_are_settled(job);
}

bool schedule_has_turn(const Job *job, const Step *step) {
        return needs_are_settled(job, step) && (!job->sandbox || job->cannot_run || sandbox_is_up(job->sandbox));
}

static bool may_run(const Job *job, const Step *step) {
        return !job->is_stopping && !job->cannot_run &&
               (job->has_failed ? step->plan->on_failure : step->plan->on_success);
}

static size_t count_ahead(const Job *job) {
        size_t n = 0;

        for (size_t i = 0; i < job->spec.plan->n_steps; i++)
                n += step_is_preparing(&job->steps[i]) || step_is_prepared(&job->steps[i]);
        return n;
}

static bool none_has_begun(const Job *job) {
        for (size_t i = 0; i < job->spec.plan->n_steps; i++)
                if (!step_is_background(job->steps[i].plan) && (job->steps[i].is_up || job->steps[i].is_done))
                        return false;
        return true;
}

/* Made ahead of its turn: only what will very likely run, as it is, once what runs now has ended. */
static bool is_worth_preparing(const Job *job, const Step *step) {
        if (needs_are_settled(job, step))
                return true;
        if (job->has_failed || count_ahead(job) >= AHEAD_MAX)
                return false;
        /* Nobody looks on yet: what comes later would take half of the processors from the very first. */
        if (step->plan->n_needs > 0 && none_has_begun(job))
                return false;
        /* Its environment tells how the job stands, and only a script can be corrected later. */
        if (step->plan->on_failure && !step_uses_script(step->plan))
                return false;
        for (size_t i = 0; i < step->plan->n_needs; i++) {
                const Step *need = &job->steps[step->plan->needs[i]];

                if (step_is_waiting(need))
                        return false;
        }
        return true;
}

static void consider_waiting(Job *job, Step *step, bool has_turn) {
        if (!may_run(job, step)) {
                if (has_turn)
                        step_skip(step);
        } else if (step->image->has_failed) {
                if (!has_turn)
                        return;
                step_fail(step, STEP_INFRA_FAILED, -ENOENT, step->image->error);
                machine_post(&step->machine, MACHINE_FAIL);
        } else if (step->image->is_ready && (has_turn || is_worth_preparing(job, step)))
                step_prepare(step);
}

static void consider(Job *job, Step *step) {
        bool has_turn = schedule_has_turn(job, step);

        if (step_is_waiting(step))
                consider_waiting(job, step, has_turn);
        else if (step_is_held(step) && (has_turn || sandbox_is_up(job->sandbox)))
                step_start(step);
        else if (step_is_prepared(step) && has_turn) {
                if (may_run(job, step))
                        step_start(step);
                else
                        step_skip(step);
        }
}

static bool foreground_is_done(const Job *job) {
        for (size_t i = 0; i < job->spec.plan->n_steps; i++)
                if (!step_is_background(job->steps[i].plan) && !job->steps[i].is_done)
                        return false;
        return true;
}

static bool all_are_done(const Job *job) {
        for (size_t i = 0; i < job->spec.plan->n_steps; i++)
                if (!job->steps[i].is_done)
                        return false;
        return true;
}

/* Nothing is left to do for services and detached steps: their containers end with the sandbox. */
static void end_background(Job *job) {
        for (size_t i = 0; i < job->spec.plan->n_steps; i++) {
                Step *step = &job->steps[i];

                if (step->is_done || !step_is_background(step->plan))
                        continue;
                if (step->is_up) {
                        if (step->machine.n_queue == 0)
                                step_end(step);
                } else if (!step_recorded(step, "start")) { /* else it may well be up: that is being found out */
                        step_fail(step, STEP_SKIPPED, 0, NULL);
                        step_stop(step);
                }
        }
}

static void on_turn(void *userdata) {
        Job *job = userdata;

        job_consider_images(job);
        if (!job_is_running(job))
                return;
        for (size_t i = 0; i < job->spec.plan->n_steps; i++)
                if (!job->steps[i].is_done)
                        consider(job, &job->steps[i]);
        spent_remove(job);
        if (all_are_done(job) && !(job->sandbox && sandbox_is_starting(job->sandbox)))
                machine_post(&job->machine, MACHINE_OK);
        else if (foreground_is_done(job))
                end_background(job);
}

int schedule_init(Job *job) {
        return turn_init(&job->schedule, job->event, on_turn, job);
}

void job_schedule(Job *job) {
        turn_post(&job->schedule);
}
