/* /v1/jobs: submitted, listed, shown, canceled, begun anew, deleted. */

#include <errno.h>
#include <string.h>

#include "agent/call.h"

#define LIST_MAX 1000U
#define LIST_DEFAULT 100U

static void put_time(JsonWriter *w, const char *key, uint64_t usec) {
        char stamp[CLOCK_STAMP_MAX];

        if (usec)
                json_put_string(w, key, clock_format_stamp(usec, stamp));
}

static void put_job(JsonWriter *w, const char *key, const StoredJob *job) {
        json_open_object(w, key);
        json_put_string(w, "id", job->id);
        json_put_uint(w, "number", job->number);
        json_put_string(w, "group", job->group);
        json_put_string(w, "workflow", job->name);
        json_put_string(w, "label", job->label);
        json_put_string(w, "state", stored_state_to_string(job->state));
        if (job->state == STORED_DONE)
                json_put_string(w, "result", job_result_to_string(job->result));
        json_put_string(w, "reason", job->error);
        put_time(w, "created", job->created_usec);
        put_time(w, "started", job->started_usec);
        put_time(w, "ended", job->ended_usec);
        if (job->ended_usec && job->started_usec)
                json_put_uint(w, "duration_ms", (job->ended_usec - job->started_usec) / USEC_PER_MSEC);
        if (job->wants_stop && job->state != STORED_DONE)
                json_put_bool(w, "canceling", true);
        if (job->is_kept)
                json_put_bool(w, "kept", true);
        if (job->state == STORED_DONE)
                json_put_uint(w, "log_bytes", job->log_bytes);
        json_close(w);
}

static int reply_jobs(Call *call, int status, const StoredJob *jobs, size_t n_jobs, const Str *warnings) {
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_open_array(&w, "jobs");
        for (size_t i = 0; i < n_jobs; i++)
                put_job(&w, NULL, &jobs[i]);
        json_close(&w);
        json_put_uint(&w, "version", call->agent->version);
        if (warnings && warnings->n > 0)
                json_put_string(&w, "warnings", str_get(warnings));
        json_close(&w);
        return call_reply_json(call, status, &w);
}

static int reply_refusal(Call *call, int r, const Error *error, const Str *faults) {
        JsonWriter w = { 0 };
        int status = r == -EACCES ? 403 : r == -EINVAL ? 400 : 0;

        if (status == 0 || faults->n == 0)
                return call_reply_failure(call, r, error);
        json_open_object(&w, NULL);
        json_put_string(&w, "error", error ? error_message(error, r) : "there are mistakes in the workflow");
        json_put_string(&w, "faults", str_get(faults));
        json_put_int(&w, "status", status);
        json_close(&w);
        return call_reply_json(call, status, &w);
}

static int submit(Call *call, const Request *request, const char *from) {
        _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_(error_freep) Error *error = NULL;
        StoredJob *jobs = NULL;
        size_t n_jobs = 0;
        int r = agent_submit(call->agent, request, from, &faults, &jobs, &n_jobs, &error);

        if (r < 0)
                return reply_refusal(call, r, error, &faults);
        r = reply_jobs(call, MHD_HTTP_CREATED, jobs, n_jobs, &faults);
        stored_jobs_free(jobs, n_jobs);
        return r;
}

static int post_jobs(Call *call) {
        _cleanup_(error_freep) Error *error = NULL;
        Request request;
        int r = request_parse(str_get(&call->body), call->body.n, NULL, &request, &error);

        if (r < 0)
                return call_reply_failure(call, r, error);
        agent_limit_request(call->agent, &request);
        r = submit(call, &request, NULL);
        request_done(&request);
        return r;
}

static int get_jobs(Call *call) {
        const char *state = call_query(call, "state");
        StoreFilter filter = { .state = state ? (int) stored_state_from_string(state) : -1,
                               .label = call_query(call, "label"),
                               .group = call_query(call, "group"),
                               .is_brief = true };
        _cleanup_(error_freep) Error *error = NULL;
        uint64_t limit, version;
        StoredJob *jobs = NULL;
        size_t n_jobs = 0;
        int r;

        if (filter.state == _STORED_STATE_MAX)
                return call_reply_error(call, 400, "state: expected queued, running or done");
        if (call_query_uint(call, "limit", LIST_DEFAULT, &limit) < 0 || limit == 0 ||
            call_query_uint(call, "before", 0, &filter.before) < 0 ||
            call_query_uint(call, "newer_than", UINT64_MAX, &version) < 0)
                return call_reply_error(call, 400, "limit, before, newer_than: expected numbers");
        if (version != UINT64_MAX && version >= call->agent->version) /* a client that watches */
                return call_wait(call);
        filter.limit = (unsigned) MIN(limit, (uint64_t) LIST_MAX);
        r = store_list_jobs(call->agent->store, &filter, &jobs, &n_jobs, &error);
        if (r < 0)
                return call_reply_failure(call, r, error);
        r = reply_jobs(call, MHD_HTTP_OK, jobs, n_jobs, NULL);
        stored_jobs_free(jobs, n_jobs);
        return r;
}

static void put_steps(JsonWriter *w, const StoredStep *steps, size_t n_steps) {
        json_open_array(w, "steps");
        for (size_t i = 0; i < n_steps; i++) {
                const StoredStep *step = &steps[i];

                json_open_object(w, NULL);
                json_put_string(w, "step", step->name);
                json_put_string(w, "type", step->kind);
                json_put_string(w, "state", step->state);
                json_put_string(w, "result", step->result);
                if (step->exit_code >= 0)
                        json_put_int(w, "exit_code", step->exit_code);
                put_time(w, "started", step->started_usec);
                if (step->result)
                        json_put_uint(w, "duration_ms", step->duration_usec / USEC_PER_MSEC);
                json_put_string(w, "reason", step->error);
                json_close(w);
        }
        json_close(w);
}

static void put_notes(JsonWriter *w, const StoredNote *notes, size_t n_notes, const StoredStep *steps, size_t n_steps) {
        static const char *const kinds[] = { [JOB_EVENT_STARTED] = "started",
                                             [JOB_EVENT_NOTE] = "note",
                                             [JOB_EVENT_WARNING] = "warning",
                                             [JOB_EVENT_CHANGES] = "change",
                                             [JOB_EVENT_FINISHED] = "finished" };

        json_open_array(w, "notes");
        for (size_t i = 0; i < n_notes; i++) {
                const StoredNote *note = &notes[i];

                json_open_object(w, NULL);
                put_time(w, "time", note->time_usec);
                json_put_string(w, "kind", (size_t) note->kind < ELEMENTSOF(kinds) ? kinds[note->kind] : NULL);
                if (note->step >= 0 && (size_t) note->step < n_steps)
                        json_put_string(w, "step", steps[note->step].name);
                json_put_string(w, "text", note->text);
                json_close(w);
        }
        json_close(w);
}

static int reply_job(Call *call, const StoredJob *job) {
        _cleanup_(error_freep) Error *error = NULL;
        StoredStep *steps = NULL;
        StoredNote *notes = NULL;
        size_t n_steps = 0, n_notes = 0;
        JsonWriter w = { 0 };
        int r = store_get_steps(call->agent->store, job->id, &steps, &n_steps, &error);

        if (r >= 0)
                r = store_get_notes(call->agent->store, job->id, &notes, &n_notes, &error);
        if (r >= 0) {
                json_open_object(&w, NULL);
                put_job(&w, "job", job);
                put_steps(&w, steps, n_steps);
                put_notes(&w, notes, n_notes, steps, n_steps);
                json_put_uint(&w, "version", call->agent->version);
                json_close(&w);
                r = call_reply_json(call, MHD_HTTP_OK, &w);
        } else
                r = call_reply_failure(call, r, error);
        stored_steps_free(steps, n_steps);
        stored_notes_free(notes, n_notes);
        return r;
}

static int get_job(Call *call) {
        StoredJob job;
        uint64_t version;
        int r;

        if (call_query_uint(call, "newer_than", UINT64_MAX, &version) < 0)
                return call_reply_error(call, 400, "newer_than: expected a number");
        if (version != UINT64_MAX && version >= call->agent->version)
                return call_wait(call);
        if (call_get_job(call, &job) < 0)
                return MHD_YES;
        r = reply_job(call, &job);
        stored_job_done(&job);
        return r;
}

static int cancel_job(Call *call) {
        _cleanup_(error_freep) Error *error = NULL;
        StoredJob job;
        int r;

        if (call_get_job(call, &job) < 0)
                return MHD_YES;
        if (job.state == STORED_DONE)
                r = call_reply_error(call, 409, "job %llu is done already", (unsigned long long) job.number);
        else if ((r = agent_cancel(call->agent, &job, &error)) < 0)
                r = call_reply_failure(call, r, error);
        else
                r = call_reply_empty(call);
        stored_job_done(&job);
        return r;
}

/* Which secrets it had is not known any more: they were wiped, and the plan says which it needs. */
static int rerun(Call *call, const StoredJob *job) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_free_ char *secrets = NULL;
        _cleanup_(json_unrefp) Json *body = NULL;
        Json *given = NULL;
        const char *from = NULL;
        Request request;
        int r = call->body.n > 0 ? json_parse(str_get(&call->body), call->body.n, &body, &error) : 0;

        if (r >= 0 && body) {
                from = json_find_string(body, "from");
                if (json_get_object(body, "secrets", &given, NULL) >= 0)
                        secrets = strdup(json_object_to_json_string(given));
        }
        if (r >= 0)
                r = request_parse(job->request, strlen(job->request), secrets ? secrets : job->secrets, &request,
                                  &error);
        if (r < 0)
                return call_reply_failure(call, r, error);
        agent_limit_request(call->agent, &request); /* the rules of now, not of then */
        if (from)
                request.from = from;
        r = submit(call, &request, from);
        request_done(&request);
        return r;
}

static int rerun_job(Call *call) {
        StoredJob job;
        int r;

        if (call_get_job(call, &job) < 0)
                return MHD_YES;
        r = rerun(call, &job);
        stored_job_done(&job);
        return r;
}

static int delete_job(Call *call) {
        _cleanup_(error_freep) Error *error = NULL;
        StoredJob job;
        int r;

        if (call_get_job(call, &job) < 0)
                return MHD_YES;
        if (job.state != STORED_DONE)
                r = call_reply_error(call, 409, "job %llu is not done: cancel it first",
                                     (unsigned long long) job.number);
        else if (store_group_is_open(call->agent->store, job.group) != 0)
                r = call_reply_error(call, 409, "other jobs that were submitted with job %llu are not done, and may "
                                     "depend on it", (unsigned long long) job.number);
        else if ((r = agent_delete_job(call->agent, &job, &error)) < 0)
                r = call_reply_failure(call, r, error);
        else
                r = call_reply_empty(call);
        agent_sweep(call->agent);
        agent_changed(call->agent);
        stored_job_done(&job);
        return r;
}

const Route job_routes[] = {
        { "POST", "/v1/jobs", post_jobs, .body_max = REQUEST_BYTES_MAX },
        { "GET", "/v1/jobs", get_jobs },
        { "GET", "/v1/jobs/{job}", get_job },
        { "DELETE", "/v1/jobs/{job}", delete_job },
        { "POST", "/v1/jobs/{job}/cancel", cancel_job },
        { "POST", "/v1/jobs/{job}/rerun", rerun_job, .body_max = 1024 * 1024 },
        { 0 },
};
