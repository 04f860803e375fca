/* One job that runs: its plan, its log, what it tells, and its end. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent-internal.h"
#include "base/array.h"
#include "base/file.h"
#include "base/log.h"
#include "job/directory.h"

/* ---- what it tells ---- */

static void keep_step(Worker *worker, const JobEvent *event) {
        bool is_done = event->state == STEP_DONE;
        StoredStep step = {
                .index = event->step_index,
                .name = event->step->name,
                .kind = (char *) step_kind_to_string(event->step->kind),
                .state = (char *) step_state_to_string(event->state),
                .result = is_done ? (char *) step_result_to_string(event->step_result) : NULL,
                .exit_code = is_done ? event->exit_code : -1,
                .error = (char *) event->text,
                .started_usec = event->state >= STEP_RUNNING && event->duration_usec
                                        ? event->realtime_usec - event->duration_usec
                                : event->state == STEP_RUNNING ? event->realtime_usec
                                                               : 0,
                .duration_usec = event->duration_usec,
        };
        int r = store_put_step(worker->agent->store, worker->id, &step);

        if (r < 0 && worker->store_error == 0)
                worker->store_error = r;
        agent_changed(worker->agent);
}

static void keep_note(Worker *worker, const JobEvent *event) {
        StoredNote note = { .time_usec = event->realtime_usec,
                            .kind = event->kind,
                            .step = event->step ? (int) event->step_index : -1,
                            .text = (char *) event->text };
        int r = event->text ? store_put_note(worker->agent->store, worker->id, &note) : 0;

        if (r < 0 && worker->store_error == 0)
                worker->store_error = r;
}

static void on_event(const JobEvent *event, void *userdata) {
        Worker *worker = userdata;

        switch (event->kind) {
        case JOB_EVENT_OUTPUT:
                joblog_add(worker->log, event);
                break;
        case JOB_EVENT_STEP_STATE:
                keep_step(worker, event);
                break;
        case JOB_EVENT_STARTED:
        case JOB_EVENT_NOTE:
        case JOB_EVENT_WARNING:
        case JOB_EVENT_CHANGES:
        case JOB_EVENT_FINISHED:
                keep_note(worker, event);
                break;
        case JOB_EVENT_PULL: /* progress is for who looks on */
                break;
        }
}

static void on_grown(void *userdata) {
        Worker *worker = userdata;

        server_log_grown(worker->agent->server, worker->id);
}

/* The log first: what the journal says is done has been printed. */
static int on_put(const char *key, const char *value, void *userdata) {
        Worker *worker = userdata;
        int r = worker->store_error;

        if (r >= 0)
                r = joblog_flush(worker->log);
        return r < 0 ? r : store_put_record(worker->agent->store, worker->id, key, value);
}

static uint64_t on_count(size_t step_index, int stream, void *userdata) {
        Worker *worker = userdata;

        return joblog_count(worker->log, step_index, stream);
}

/* ---- its end ---- */

/* Else it would count as running, and others wait for it, until there is another agent. */
static void save_later(Agent *agent, const StoredJob *ended) {
        StoredJob copy = *ended;

        copy.id = strdup(ended->id);
        copy.error = ended->error ? strdup(ended->error) : NULL;
        if (!copy.id || ARRAY_APPEND(agent->unsaved, agent->n_unsaved, copy) < 0) {
                free(copy.id);
                free(copy.error);
                return; /* the next agent finds it running */
        }
        agent_recheck_later(agent);
}

void agent_save_ends(Agent *agent) {
        while (agent->n_unsaved > 0) {
                StoredJob *job = &agent->unsaved[agent->n_unsaved - 1];

                if (store_end_job(agent->store, job, NULL) < 0)
                        return agent_recheck_later(agent);
                server_log_grown(agent->server, job->id);
                stored_job_done(job);
                agent->n_unsaved--;
                agent_changed(agent);
        }
}

static void end(Agent *agent, StoredJob *ended, const char *name, uint64_t number, uint64_t begun_usec) {
        _cleanup_(error_freep) Error *error = NULL;
        int r;

        ended->ended_usec = clock_realtime_usec();
        agent->n_finished[ended->result]++;
        r = store_end_job(agent->store, ended, &error);
        if (r < 0) {
                log_error("job %s: %s; trying again", ended->id, error_message(error, r));
                save_later(agent, ended);
        }
        message_job_finished(ended->id, name, number, ended->result, ended->error,
                             begun_usec ? ended->ended_usec - begun_usec : 0);
        server_log_grown(agent->server, ended->id);
        agent_changed(agent);
}

static char *find_reason(Worker *worker) {
        StoredNote *notes = NULL;
        size_t n_notes = 0;
        char *reason = NULL;

        if (store_get_notes(worker->agent->store, worker->id, &notes, &n_notes, NULL) < 0)
                return NULL;
        for (size_t i = 0; i < n_notes; i++)
                if (notes[i].kind == JOB_EVENT_FINISHED) {
                        free(reason);
                        reason = strdup(notes[i].text);
                }
        stored_notes_free(notes, n_notes);
        return reason;
}

static void on_done(Job *job, JobResult result, void *userdata) {
        Worker *worker = userdata;
        Agent *agent = worker->agent;
        StoredJob ended = { .id = worker->id, .result = result };

        (void) joblog_sync(worker->log);
        ended.log_bytes = joblog_size(worker->log);
        ended.error = find_reason(worker);
        worker->job = job_free(worker->job);
        ended.is_kept = job_directory_liveness(agent->options->state_directory, worker->id) == JOB_KEPT;
        agent_forget_worker(agent, worker);
        end(agent, &ended, worker->name, worker->number, worker->begun_usec);
        free(ended.error);
        worker_free(worker);
}

int agent_fail_job(Agent *agent, const StoredJob *stored, JobResult result, const char *why) {
        StoredJob ended = { .id = stored->id, .result = result, .error = (char *) why,
                            .log_bytes = joblog_size_left(agent->logs_directory, stored->id) };
        StoredStep *steps = NULL;
        size_t n_steps = 0;
        int r = store_get_steps(agent->store, stored->id, &steps, &n_steps, NULL);

        for (size_t i = 0; r >= 0 && i < n_steps; i++) {
                StoredStep step = steps[i];
                bool had_begun = step.started_usec > 0;

                if (str_equal(step.state, step_state_to_string(STEP_DONE)))
                        continue;
                step.state = (char *) step_state_to_string(STEP_DONE);
                step.result = (char *) step_result_to_string(
                        had_begun ? (result == JOB_CANCELED ? STEP_CANCELED : STEP_INFRA_FAILED) : STEP_SKIPPED);
                r = store_put_step(agent->store, stored->id, &step);
        }
        stored_steps_free(steps, n_steps);
        end(agent, &ended, stored->name, stored->number, stored->started_usec);
        /* should it have one: nobody will take it up */
        (void) job_directory_abandon(agent->options->state_directory, stored->id);
        return r;
}

/* ---- its beginning ---- */

/* The steps as they were when it was submitted: a newer podstep may read the file differently. */
static int check_plan(const Worker *worker, Error **reterr) {
        StoredStep *steps = NULL;
        size_t n_steps = 0;
        bool is_same;
        int r = store_get_steps(worker->agent->store, worker->id, &steps, &n_steps, reterr);

        if (r < 0)
                return r;
        is_same = n_steps == worker->plan->n_steps;
        for (size_t i = 0; is_same && i < n_steps; i++)
                is_same = str_equal(steps[i].name, worker->plan->steps[i]->name);
        stored_steps_free(steps, n_steps);
        return is_same ? 0
                       : error_set(reterr, EINVAL,
                                   "this podstep makes other steps of the workflow than the one that took it: submit "
                                   "it again");
}

static int make_plan(Worker *worker, const StoredJob *stored, Error **reterr) {
        _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT);
        bool is_refused = false;
        int r;

        r = request_parse(stored->request, strlen(stored->request), stored->secrets, &worker->request, reterr);
        if (r < 0)
                return r;
        worker->config = worker->agent->config;
        agent_limit_request(worker->agent, &worker->request);
        r = agent_read_logins(&worker->request, &worker->logins, reterr);
        if (r >= 0)
                r = request_compile(&worker->request, &worker->config->policy, &worker->plans, &worker->n_plans,
                                    &faults, &is_refused, reterr);
        if (r >= 0 && worker->request.plan >= worker->n_plans)
                r = error_set(reterr, EINVAL, "there is no plan %zu in it any more", worker->request.plan);
        if (r < 0)
                return error_wrap(reterr, r, "the workflow that was submitted");
        worker->plan = worker->plans[worker->request.plan];
        return check_plan(worker, reterr);
}

int worker_new(Agent *agent, const StoredJob *stored, Worker **ret, Error **reterr) {
        _cleanup_(worker_freep) Worker *worker = calloc(1, sizeof(*worker));
        int r;

        if (!worker)
                return error_oom(reterr);
        worker->agent = agent;
        worker->record = STRMAP_INIT;
        worker->request.environment = worker->request.secrets = worker->request.variables = STRMAP_INIT;
        worker->number = stored->number;
        worker->begun_usec = stored->started_usec ? stored->started_usec : clock_realtime_usec();
        worker->id = strdup(stored->id);
        worker->label = strdup(stored->label);
        worker->name = strdup(stored->name);
        if (!worker->id || !worker->label || !worker->name)
                return error_oom(reterr);
        r = make_plan(worker, stored, reterr);
        if (r >= 0)
                r = joblog_open(agent->event, agent->logs_directory, worker->id, worker->plan->n_steps, on_grown,
                                worker, &worker->log, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(worker);
        return 0;
}

Worker *worker_free(Worker *worker) {
        if (!worker)
                return NULL;
        worker->job = job_free(worker->job);
        worker->log = joblog_free(worker->log);
        plans_free(worker->plans, worker->n_plans);
        request_done(&worker->request);
        logins_free(worker->logins);
        map_done(&worker->record);
        free(worker->id);
        free(worker->label);
        free(worker->name);
        free(worker->checkout);
        free(worker);
        return NULL;
}

static int make_job(Worker *worker, const Map *record, Error **reterr) {
        Agent *agent = worker->agent;
        _cleanup_free_ char *upload =
                worker->request.source == SOURCE_UPLOAD ? path_join(agent->sources_directory, worker->request.upload)
                                                        : NULL;
        JobSpec spec = {
                .plan = worker->plan,
                .policy = &worker->config->policy,
                .logins = worker->logins,
                .engine = agent->engine,
                .holder = agent->options->holder,
                .guard_socket = agent->options->guard_socket,
                .state_directory = agent->options->state_directory,
                .keep_usec = agent->options->keep_usec,
                .observer = { on_event, worker },
                .id = worker->id,
                .journal = { on_put, on_count, worker, JOURNAL_SETTLE_USEC },
                .record = record,
        };

        request_fill_spec(&worker->request, upload ? upload : agent->empty_directory, &spec);
        spec.checkout = worker->checkout = strdup(spec.checkout);
        if (!worker->checkout)
                return error_oom(reterr);
        return job_new(agent->event, &spec, on_done, worker, &worker->job, reterr);
}

int worker_start(Worker *worker, Error **reterr) {
        int r = make_job(worker, NULL, reterr);

        if (r >= 0)
                r = store_start_job(worker->agent->store, worker->id, worker->agent->boot, worker->begun_usec, reterr);
        if (r < 0)
                return r;
        message_job_started(worker);
        job_start(worker->job);
        agent_changed(worker->agent);
        return 0;
}

int worker_resume(Worker *worker, Error **reterr) {
        int r = store_get_records(worker->agent->store, worker->id, &worker->record, reterr);

        if (r >= 0)
                r = make_job(worker, &worker->record, reterr);
        if (r >= 0)
                job_resume(worker->job);
        return r;
}
