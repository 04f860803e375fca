/* What begins next, and what an earlier agent left. */

#include <errno.h>
#include <string.h>

#include "agent/agent-internal.h"
#include "base/array.h"
#include "base/log.h"
#include "base/strv.h"
#include "job/directory.h"
#include "pipeline/workflows.h"

/*
 * How soon a queue that stands still for want of memory or disk is looked at again, and what had no room on it stored.
 * Nothing tells when they are there.
 */
#define RECHECK_USEC (5 * USEC_PER_SEC)

static int on_recheck(sd_event_source *source, uint64_t usec, void *userdata) {
        agent_save_ends(userdata);
        agent_look_at_queue(userdata);
        return 0;
}

void agent_recheck_later(Agent *agent) {
        agent->recheck = sd_event_source_disable_unref(agent->recheck);
        (void) sd_event_add_time_relative(agent->event, &agent->recheck, CLOCK_MONOTONIC, RECHECK_USEC, USEC_PER_SEC,
                                          on_recheck, agent);
}

/* ---- what a job of a group waits for ---- */

typedef enum Readiness { READY, NOT_YET, NEVER } Readiness;

/* Which of the request's plans a job is. */
static int find_plan(Agent *agent, const char *id, size_t n_plans, size_t *ret) {
        _cleanup_(json_unrefp) Json *json = NULL;
        StoredJob job;
        int64_t plan = -1;
        int r = store_get_job(agent->store, id, &job, NULL);

        if (r < 0)
                return r;
        r = json_parse(job.request, strlen(job.request), &json, NULL);
        if (r >= 0)
                r = json_get_int(json, "plan", &plan, NULL);
        stored_job_done(&job);
        if (r >= 0 && (plan < 0 || (size_t) plan >= n_plans))
                r = -ERANGE;
        *ret = (size_t) plan;
        return r;
}

static int fill_outcomes(Agent *agent, const char *group, WorkflowOutcome *outcomes, bool *is_open, size_t n_plans) {
        StoreFilter filter = { .state = -1, .group = group, .is_brief = true };
        StoredJob *jobs = NULL;
        size_t n_jobs = 0, plan;
        int r = store_list_jobs(agent->store, &filter, &jobs, &n_jobs, NULL);

        for (size_t i = 0; i < n_jobs; i++) {
                if (find_plan(agent, jobs[i].id, n_plans, &plan) < 0)
                        continue;
                is_open[plan] = jobs[i].state != STORED_DONE;
                if (jobs[i].state == STORED_DONE)
                        outcomes[plan] = jobs[i].result == JOB_SUCCESS ? WORKFLOW_PASSED : WORKFLOW_FAILED;
        }
        stored_jobs_free(jobs, n_jobs);
        return r;
}

static bool depends_on(const Plan *plan, const Plan *other) {
        for (size_t i = 0; i < plan->n_depends_on; i++)
                if (str_equal(plan->depends_on[i].name, other->workflow))
                        return true;
        return false;
}

static Readiness look_at_group(Worker *worker, const char *group, const Plan **ret_blocker) {
        _cleanup_free_ WorkflowOutcome *outcomes = calloc(worker->n_plans + 1, sizeof(*outcomes));
        _cleanup_free_ bool *is_open = calloc(worker->n_plans + 1, sizeof(*is_open));

        if (worker->plan->n_depends_on == 0 || !outcomes || !is_open)
                return READY;
        if (fill_outcomes(worker->agent, group, outcomes, is_open, worker->n_plans) < 0)
                return NOT_YET;
        for (size_t i = 0; i < worker->n_plans; i++)
                if (is_open[i] && depends_on(worker->plan, worker->plans[i]))
                        return NOT_YET;
        *ret_blocker = workflows_blocker(worker->plans, outcomes, worker->n_plans, worker->request.plan);
        return *ret_blocker ? NEVER : READY;
}

/* ---- begin ---- */

/* 1: it began or is over; 0: not yet. */
static int begin(Agent *agent, const StoredJob *stored) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_free_ char *why = NULL;
        const Plan *blocker = NULL;
        Worker *worker = NULL;
        Readiness readiness = READY;
        int r = worker_new(agent, stored, &worker, &error);

        if (r >= 0)
                readiness = look_at_group(worker, stored->group, &blocker);
        if (readiness == NOT_YET) {
                worker_free(worker);
                return 0;
        }
        if (readiness == NEVER) {
                why = str_printf("workflow '%s', which it depends on, did not end as it needs", blocker->name);
                worker_free(worker);
                (void) agent_fail_job(agent, stored, JOB_CANCELED, why);
                return 1;
        }
        if (r >= 0)
                r = ARRAY_APPEND(agent->workers, agent->n_workers, worker);
        if (r >= 0) {
                r = worker_start(worker, &error);
                if (r < 0)
                        agent_forget_worker(agent, worker);
        }
        if (r < 0) {
                worker_free(worker);
                (void) agent_fail_job(agent, stored, JOB_INFRA_FAILED, error_message(error, r));
        }
        return 1;
}

/* Only now all of it is read: the requests of those that wait may be large. */
static void begin_one(Agent *agent, const char *id) {
        StoredJob job;

        if (store_get_job(agent->store, id, &job, NULL) < 0)
                return;
        (void) begin(agent, &job);
        stored_job_done(&job);
}

static bool may_begin(Agent *agent) {
        Pressure pressure = pressure_look(agent->options->state_directory);

        free(agent->wait_reason);
        agent->wait_reason = pressure_reason(&agent->options->queue, &pressure, agent->n_workers);
        if (agent->wait_reason)
                agent_recheck_later(agent);
        return !agent->wait_reason;
}

static ssize_t choose(Agent *agent, const StoredJob *jobs, const bool *is_ready, size_t n_jobs) {
        _cleanup_free_ QueueRunning *running = calloc(agent->n_workers + 1, sizeof(*running));

        for (size_t i = 0; running && i < agent->n_workers; i++)
                running[i] = (QueueRunning) { agent->workers[i]->label, agent->workers[i]->begun_usec };
        return running ? queue_choose(&agent->options->queue, jobs, is_ready, n_jobs, running, agent->n_workers) : -1;
}

static void begin_all(Agent *agent, const StoredJob *jobs, size_t n_jobs) {
        _cleanup_free_ bool *is_ready = malloc(n_jobs * sizeof(*is_ready));
        ssize_t i;

        if (!is_ready)
                return;
        memset(is_ready, true, n_jobs);
        while (may_begin(agent) && (i = choose(agent, jobs, is_ready, n_jobs)) >= 0) {
                is_ready[i] = false;
                begin_one(agent, jobs[i].id);
        }
}

void agent_look_at_queue(Agent *agent) {
        StoreFilter filter = { .state = STORED_QUEUED, .oldest_first = true, .is_brief = true };
        StoredJob *jobs = NULL;
        size_t n_jobs = 0;

        if (agent->is_draining || agent->is_ending || agent->n_workers >= agent->options->queue.jobs_max)
                return;
        if (store_list_jobs(agent->store, &filter, &jobs, &n_jobs, NULL) < 0 || n_jobs == 0)
                return;
        if (agent->engine)
                begin_all(agent, jobs, n_jobs);
        else
                agent_want_engine(agent);
        stored_jobs_free(jobs, n_jobs);
}

/* ---- take up ---- */

/* Its containers went with the machine. What was left to do when the steps were over can be done still. */
static bool is_lost(Agent *agent, const StoredJob *stored) {
        _cleanup_map_ Map record = STRMAP_INIT;

        if (str_equal(stored->boot, agent->boot))
                return false;
        return store_get_records(agent->store, stored->id, &record, NULL) < 0 || !map_has(&record, "phase");
}

static void take_up(Agent *agent, const StoredJob *stored) {
        _cleanup_(error_freep) Error *error = NULL;
        Worker *worker = NULL;
        int r;

        r = worker_new(agent, stored, &worker, &error);
        if (r >= 0)
                r = ARRAY_APPEND(agent->workers, agent->n_workers, worker);
        if (r >= 0) {
                r = worker_resume(worker, &error);
                if (r < 0)
                        agent_forget_worker(agent, worker);
        }
        if (r < 0) {
                worker_free(worker);
                (void) agent_fail_job(agent, stored, JOB_INFRA_FAILED, error_message(error, r));
                return;
        }
        agent->n_taken_up++;
        if (stored->wants_stop)
                job_stop(worker->job, JOB_STOP_CANCEL);
}

static bool is_known(const StoredJob *jobs, size_t n_jobs, const char *id) {
        for (size_t i = 0; i < n_jobs; i++)
                if (str_equal(jobs[i].id, id))
                        return true;
        return false;
}

/* Directories of ours that no job stands behind any more: the sweep may have them. */
static void abandon_unknown(Agent *agent, const StoredJob *jobs, size_t n_jobs) {
        _cleanup_strv_ char **ids = NULL;

        if (job_directory_list(agent->options->state_directory, &ids) < 0)
                return;
        STRV_FOREACH(id, ids)
                if (job_directory_liveness(agent->options->state_directory, *id) == JOB_LEFT &&
                    (!is_known(jobs, n_jobs, *id) || !agent_find_worker(agent, *id)))
                        (void) job_directory_abandon(agent->options->state_directory, *id);
}

int agent_settle_lost(Agent *agent, Error **reterr) {
        StoreFilter filter = { .state = STORED_RUNNING, .oldest_first = true };
        StoredJob *jobs = NULL;
        size_t n_jobs = 0;
        int r = store_list_jobs(agent->store, &filter, &jobs, &n_jobs, reterr);
        SweepSpec sweep = { .state_directory = agent->options->state_directory };

        if (r < 0)
                return r;
        for (size_t i = 0; i < n_jobs; i++) {
                if (is_lost(agent, &jobs[i])) {
                        agent->n_lost++;
                        (void) agent_fail_job(agent, &jobs[i], JOB_INFRA_FAILED,
                                              "the machine was restarted while the job ran");
                } else
                        agent->n_left++;
        }
        stored_jobs_free(jobs, n_jobs);
        if (agent->n_left > 0 || agent->n_lost > 0 || sweep_is_needed(&sweep))
                agent_want_engine(agent);
        return 0;
}

int agent_take_up(Agent *agent, Error **reterr) {
        StoreFilter filter = { .state = STORED_RUNNING, .oldest_first = true };
        StoredJob *jobs = NULL;
        size_t n_jobs = 0;
        int r = store_list_jobs(agent->store, &filter, &jobs, &n_jobs, reterr);

        if (r < 0)
                return r;
        for (size_t i = 0; i < n_jobs; i++)
                if (!agent_find_worker(agent, jobs[i].id) && !is_known(agent->unsaved, agent->n_unsaved, jobs[i].id))
                        take_up(agent, &jobs[i]);
        agent->n_left = 0;
        abandon_unknown(agent, jobs, n_jobs);
        stored_jobs_free(jobs, n_jobs);
        return 0;
}
