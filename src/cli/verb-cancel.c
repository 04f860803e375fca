/* Jobs end early: those that are named, or all. */

#include <errno.h>
#include <stdio.h>

#include "base/strv.h"
#include "cli/job-text.h"
#include "cli/verb-client.h"
#include "cli/verbs.h"
#include "http/url.h"

static int check(char *const *args, const ClientOptions *options, Error **reterr) {
        bool are_named = strv_length(args) > 0;

        if (options->all && are_named)
                return error_set(reterr, EINVAL, "'--all' and names of jobs do not go together: choose one");
        if (options->label && !options->all)
                return error_set(reterr, EINVAL, "'--label' alone does nothing: it needs '--all'");
        if (!options->all && !are_named)
                return error_set(reterr, EINVAL,
                                 "expected jobs: their numbers or ids, which 'podstep ps' lists; or '--all'");
        return 0;
}

static int cancel(Client *client, const char *name, Error **reterr) {
        _cleanup_free_ char *path = job_text_path(name, "/cancel");

        return path ? client_call(client, "POST", path, NULL, NULL, reterr) : error_oom(reterr);
}

/* ---- all ---- */

/* One that was over before its turn is no failure: it is what was wanted. */
static int cancel_listed(Client *client, Json *job, char ***names, Error **reterr) {
        _cleanup_(error_freep) Error *error = NULL;
        const char *id = json_find_string(job, "id");
        int r;

        if (!id)
                return error_set(reterr, EPROTO, "the agent's answer: a job without an id");
        r = cancel(client, id, &error);
        if (r == -EBUSY || r == -ENOENT)
                return 0;
        if (r < 0)
                return error_set(reterr, -r, "%s", error_message(error, r));
        job_text_print_canceling(job);
        return strv_append(names, id) < 0 ? error_oom(reterr) : 0;
}

static int list(Client *client, const ClientOptions *options, const char *state, int64_t before, Json **ret,
                Error **reterr) {
        _cleanup_str_ Str path = STR_INIT(URL_MAX);

        (void) str_append(&path, "/v1/jobs");
        (void) url_append_query(&path, "limit", "1000");
        (void) url_append_query(&path, "state", state);
        (void) url_append_query(&path, "label", options->label);
        if (before > 0) {
                _cleanup_free_ char *text = str_printf("%lld", (long long) before);

                (void) url_append_query(&path, "before", text);
        }
        return path.error ? error_oom(reterr) : client_call(client, "GET", str_get(&path), NULL, ret, reterr);
}

/* Page by page, the newest first. */
static int cancel_state(Client *client, const ClientOptions *options, const char *state, char ***names,
                        Error **reterr) {
        int64_t before = 0;
        size_t n = 1;
        int r = 0;

        while (r >= 0 && n > 0) {
                _cleanup_(json_unrefp) Json *answer = NULL;
                Json *jobs = NULL;

                r = list(client, options, state, before, &answer, reterr);
                if (r >= 0)
                        r = json_get_array(answer, "jobs", &jobs, reterr);
                n = r >= 0 ? json_object_array_length(jobs) : 0;
                for (size_t i = 0; i < n && r >= 0; i++) {
                        Json *job = json_object_array_get_idx(jobs, i);

                        r = json_get_int(job, "number", &before, reterr);
                        if (r >= 0)
                                r = cancel_listed(client, job, names, reterr);
                }
        }
        return r;
}

/* First those that wait: they would begin when the others end. */
static int cancel_all(Client *client, const ClientOptions *options, char ***names, Error **reterr) {
        int r = cancel_state(client, options, "queued", names, reterr);

        return r < 0 ? r : cancel_state(client, options, "running", names, reterr);
}

/* ---- until they are over ---- */

static int wait_for(Client *client, const char *name, Error **reterr) {
        int64_t version = 0;

        for (;;) {
                _cleanup_free_ char *rest = version > 0 ? str_printf("?newer_than=%lld", (long long) version) : NULL,
                                    *path = job_text_path(name, rest ? rest : "");
                _cleanup_(json_unrefp) Json *answer = NULL;
                int r = path && (rest || version == 0) ? client_call(client, "GET", path, NULL, &answer, reterr)
                                                       : error_oom(reterr);

                if (r < 0)
                        return r;
                if (str_equal(json_find_string(answer, "job.state"), "done")) {
                        job_text_print_end(answer);
                        return 0;
                }
                r = json_get_int(answer, "version", &version, reterr);
                if (r < 0)
                        return r;
        }
}

static int work_cancel(Client *client, char *const *args, const ClientOptions *options, Error **reterr) {
        _cleanup_strv_ char **names = NULL;
        int r = check(args, options, reterr);

        if (r >= 0 && options->all)
                r = cancel_all(client, options, &names, reterr);
        STRV_FOREACH(name, args) {
                if (r >= 0)
                        r = cancel(client, *name, reterr);
                if (r >= 0 && strv_append(&names, *name) < 0)
                        r = error_oom(reterr);
        }
        if (r >= 0 && options->all && !names)
                fputs("no job waits or runs\n", stderr);
        (void) fflush(stdout);
        STRV_FOREACH(name, names)
                if (r >= 0 && options->wait)
                        r = wait_for(client, *name, reterr);
        return r;
}

int verb_cancel(const Verb *verb, char *const *args, void *values) {
        return verb_with_client(work_cancel, args, values);
}
