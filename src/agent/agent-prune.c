/* What is not kept any longer: old jobs with their logs, and containers that were kept to be looked at. */

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "agent/agent-internal.h"
#include "base/file.h"
#include "base/strv.h"
#include "job/directory.h"

#define UPLOAD_USEC (60 * 60 * USEC_PER_SEC)

/* Somebody looks around in it just now. */
static bool is_entered(const Agent *agent, const StoredJob *job) {
        return job_directory_liveness(agent->options->state_directory, job->id) == JOB_ALIVE;
}

static int end_keeping(Agent *agent, const StoredJob *job) {
        int r = job_directory_abandon(agent->options->state_directory, job->id);

        if (r >= 0)
                r = job_directory_unmark_kept(agent->options->state_directory, job->id);
        return r < 0 ? r : store_set_kept(agent->store, job->id, false, NULL);
}

static int end_old_keeping(Agent *agent, bool all, size_t *n, Error **reterr) {
        StoreFilter filter = { .state = STORED_DONE, .is_brief = true };
        StoredJob *jobs = NULL;
        size_t n_jobs = 0;
        uint64_t now = clock_realtime_usec();
        int r = store_list_jobs(agent->store, &filter, &jobs, &n_jobs, reterr);

        for (size_t i = 0; r >= 0 && i < n_jobs; i++) {
                bool is_due = jobs[i].is_kept && (all || jobs[i].ended_usec + agent->options->keep_usec < now);

                if (is_due && !is_entered(agent, &jobs[i])) {
                        r = end_keeping(agent, &jobs[i]);
                        (*n)++;
                }
        }
        stored_jobs_free(jobs, n_jobs);
        return r;
}

int agent_delete_job(Agent *agent, const StoredJob *job, Error **reterr) {
        int r = job->is_kept ? end_keeping(agent, job) : 0;

        /* The log first: killed in between, the job is there to be deleted again. */
        if (r >= 0)
                r = joblog_delete(agent->logs_directory, job->id);
        if (r < 0)
                return error_wrap(reterr, r, "deleting job %s", job->id);
        return store_delete_job(agent->store, job->id, reterr);
}

/* Uploads that no job needs (any more); one that was just sent may be asked for in a moment. */
static int remove_uploads(Agent *agent) {
        uint64_t now = clock_realtime_usec();
        struct dirent *entry;
        DIR *directory = opendir(agent->sources_directory);
        int first = directory ? 0 : -errno, r; /* one that cannot be removed keeps none of the others */

        while (directory && (entry = readdir(directory))) {
                _cleanup_free_ char *path = path_join(agent->sources_directory, entry->d_name);
                struct stat st;

                if (entry->d_name[0] == '.' || !path || stat(path, &st) < 0)
                        continue;
                if ((uint64_t) st.st_ctim.tv_sec * USEC_PER_SEC + UPLOAD_USEC > now ||
                    store_uses_text(agent->store, entry->d_name) != 0)
                        continue;
                r = file_remove_tree(path);
                if (r < 0 && first >= 0)
                        first = r;
        }
        if (directory)
                closedir(directory);
        return first;
}

int agent_prune(Agent *agent, bool all, size_t *ret_n, Error **reterr) {
        StoreLimits limits = agent->options->limits;
        _cleanup_strv_ char **ids = NULL;
        size_t n = 0;
        int r;

        if (all)
                limits = (StoreLimits) { .age_usec = 1 };
        r = end_old_keeping(agent, all, &n, reterr);
        if (r >= 0)
                r = store_find_expired(agent->store, &limits, clock_realtime_usec(), &ids, reterr);
        STRV_FOREACH(id, ids) {
                StoredJob job;

                if (r >= 0)
                        r = store_get_job(agent->store, *id, &job, reterr);
                if (r < 0)
                        break;
                r = agent_delete_job(agent, &job, reterr);
                stored_job_done(&job);
                n++;
        }
        if (r >= 0)
                r = remove_uploads(agent);
        agent_sweep(agent);
        if (n > 0)
                agent_changed(agent);
        *ret_n = n;
        return r;
}
