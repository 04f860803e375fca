/* Work that comes in, and work that is called off. */

#include <errno.h>
#include <string.h>

#include "agent/agent-internal.h"
#include "base/array.h"
#include "base/file.h"
#include "base/id.h"

#define QUEUE_JOBS_MAX 10000U /* that wait */

static int check_source(const Agent *agent, const Request *request, Error **reterr) {
        _cleanup_free_ char *upload = NULL;

        if (request->source == SOURCE_DIRECTORY && !file_is_directory(request->path))
                return error_set(reterr, EINVAL, "the source '%s' is no directory", request->path);
        if (request->source != SOURCE_UPLOAD)
                return 0;
        upload = path_join(agent->sources_directory, request->upload);
        if (!upload)
                return error_oom(reterr);
        return file_is_directory(upload) ? 0 : error_set(reterr, EINVAL, "there is no upload '%s'", request->upload);
}

static int check_room(Agent *agent, Error **reterr) {
        uint64_t n = 0;

        if (agent->is_draining)
                return error_set(reterr, ESHUTDOWN, "the agent is about to end and takes no new work");
        if (store_count_jobs(agent->store, STORED_QUEUED, &n) >= 0 && n >= QUEUE_JOBS_MAX)
                return error_set(reterr, EAGAIN, "%u jobs wait already", QUEUE_JOBS_MAX);
        return 0;
}

static int copy(const char *text, char **ret) {
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

static void forget_text(char **text) {
        if (*text)
                explicit_bzero(*text, strlen(*text));
        free(*text);
        *text = NULL;
}

static int store_plan(Agent *agent, const Request *request, const Plan *plan, size_t index, const char *from,
                      const char *group, StoredJob *job, Error **reterr) {
        _cleanup_free_ StoredStep *steps = calloc(plan->n_steps + 1, sizeof(*steps));
        char id[ID_LENGTH + 1];
        int r;

        id_new(id);
        job->created_usec = clock_realtime_usec();
        if (!steps || copy(id, &job->id) < 0 || copy(group ? group : id, &job->group) < 0 ||
            copy(plan->name, &job->name) < 0 || copy(request->label ? request->label : "", &job->label) < 0 ||
            request_to_json(request, index, from, &job->request) < 0 ||
            request_secrets_to_json(request, &job->secrets) < 0)
                return error_oom(reterr);
        for (size_t i = 0; i < plan->n_steps; i++)
                steps[i] = (StoredStep) { .index = i,
                                         .name = plan->steps[i]->name,
                                         .kind = (char *) step_kind_to_string(plan->steps[i]->kind),
                                         .state = (char *) step_state_to_string(STEP_WAITING),
                                         .exit_code = -1 };
        r = store_add_job(agent->store, job, steps, plan->n_steps, reterr);
        forget_text(&job->request); /* a copy for each job of a large submission would be much */
        forget_text(&job->secrets);
        return r;
}

static int store_plans(Agent *agent, const Request *request, Plan *const *plans, size_t n_plans, const char *from,
                       StoredJob **jobs, size_t *n_jobs, Error **reterr) {
        for (size_t i = 0; i < n_plans; i++) {
                StoredJob job = { .state = STORED_QUEUED };
                int r;

                if (plans[i]->n_steps == 0) /* nothing to run */
                        continue;
                r = store_plan(agent, request, plans[i], i, from, *n_jobs > 0 ? (*jobs)[0].id : NULL, &job, reterr);
                if (r >= 0)
                        r = ARRAY_APPEND(*jobs, *n_jobs, job);
                if (r < 0) {
                        stored_job_done(&job);
                        return r;
                }
        }
        return *n_jobs > 0 ? 0 : error_set(reterr, EINVAL, "nothing is to run: the conditions of no step hold");
}

int agent_submit(Agent *agent, const Request *request, const char *from, Str *faults, StoredJob **ret, size_t *ret_n,
                 Error **reterr) {
        Plan **plans = NULL;
        StoredJob *jobs = NULL;
        size_t n_plans = 0, n_jobs = 0;
        bool is_refused = false;
        int r = check_room(agent, reterr);

        if (r >= 0)
                r = check_source(agent, request, reterr);
        if (r >= 0)
                r = request_compile(request, &agent->config->policy, &plans, &n_plans, faults, &is_refused, reterr);
        if (r >= 0)
                r = store_plans(agent, request, plans, n_plans, from, &jobs, &n_jobs, reterr);
        plans_free(plans, n_plans);
        if (r < 0) {
                for (size_t i = 0; i < n_jobs; i++) /* all of a submission, or nothing */
                        (void) store_delete_job(agent->store, jobs[i].id, NULL);
                stored_jobs_free(jobs, n_jobs);
                return is_refused ? -EACCES : r;
        }
        *ret = jobs;
        *ret_n = n_jobs;
        agent_changed(agent);
        return 0;
}

int agent_cancel(Agent *agent, const StoredJob *job, Error **reterr) {
        Worker *worker = agent_find_worker(agent, job->id);
        int r = store_want_stop(agent->store, job->id, reterr);

        if (r < 0)
                return r;
        if (worker)
                job_stop(worker->job, JOB_STOP_CANCEL);
        else if (job->state == STORED_QUEUED)
                (void) agent_fail_job(agent, job, JOB_CANCELED, "canceled before it began");
        return 0;
}
