#include "cli/kept-find.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/client.h"
#include "cli/job-text.h"
#include "cli/session.h"
#include "job/directory.h"

#define LISTED_MAX 20

void kept_found_done(KeptFound *found) {
        found->hold_fd = fd_close(found->hold_fd);
        kept_job_done(&found->job);
        free(found->state_directory);
        free(found->id);
        *found = KEPT_FOUND_INIT;
}

/* Those whose ids begin so, in @ret as a strv. */
static int list_kept(const char *state_directory, const char *beginning, char ***ret) {
        _cleanup_strv_ char **ids = NULL;
        int r = job_directory_list(state_directory, &ids);

        STRV_FOREACH(id, ids) {
                _cleanup_free_ char *kept = str_printf("%s/jobs/%s/kept", state_directory, *id);

                if (!kept)
                        return -ENOMEM;
                if (r >= 0 && str_starts_with(*id, beginning) && file_exists(kept))
                        r = strv_append(ret, *id);
        }
        return r;
}

static const KeptStep *first_failed(const KeptJob *job) {
        for (size_t i = 0; i < job->n_steps; i++)
                if (job->steps[i].has_failed)
                        return &job->steps[i];
        return NULL;
}

/* Several are kept: which ones. */
static int refuse_choice(const char *state_directory, char *const *ids, const char *beginning, Error **reterr) {
        _cleanup_str_ Str text = STR_INIT(64U * 1024);
        size_t n = 0;

        STRV_FOREACH(id, ids) {
                KeptJob job = { 0 };
                const KeptStep *failed;

                if (n++ == LISTED_MAX) {
                        (void) str_append(&text, "\n   ...");
                        break;
                }
                if (kept_job_read(state_directory, *id, &job, NULL) < 0)
                        continue;
                failed = first_failed(&job);
                (void) str_appendf(&text, "\n   %s  %s%s%s", *id, job.workflow, failed ? ", step " : "",
                                   failed ? failed->name : "");
                kept_job_done(&job);
        }
        return error_set(reterr, EINVAL, "several jobs%s%s are kept; name one:%s",
                         *beginning ? " that begin with " : "", beginning, str_get(&text));
}

/*
 * The agent may have a state directory of its own, and it knows the numbers. 1: it knows no such job, or there is none.
 */
static int ask_agent(const char *job, const char *socket, KeptFound *found) {
        _cleanup_(client_done) Client client = { 0 };
        _cleanup_(json_unrefp) Json *answer = NULL, *info = NULL;
        _cleanup_free_ char *path = job_text_path(job, ""), *id = NULL, *state = NULL;
        int r = path ? client_open(socket, &client, NULL) : -ENOMEM;

        if (r >= 0)
                r = client_call(&client, "GET", path, NULL, &answer, NULL);
        if (r >= 0)
                r = client_call(&client, "GET", "/v1/info", NULL, &info, NULL);
        if (r < 0)
                return r == -ENOMEM ? r : 1;
        if (!json_find_string(answer, "job.id") || !json_find_string(info, "state_directory"))
                return 1;
        id = strdup(json_find_string(answer, "job.id"));
        state = strdup(json_find_string(info, "state_directory"));
        if (!id || !state)
                return -ENOMEM;
        free(found->id);
        free(found->state_directory);
        found->id = TAKE_PTR(id);
        found->state_directory = TAKE_PTR(state);
        return 0;
}

static int find_job(const char *job, const char *socket, KeptFound *found, Error **reterr) {
        _cleanup_strv_ char **ids = NULL;
        const char *beginning = job ? job : "";
        int r = session_state_directory(&found->state_directory, reterr);

        if (r < 0)
                return r;
        /* A number is a number, whatever ids begin with it. */
        r = job && strspn(job, "0123456789") == strlen(job) ? ask_agent(job, socket, found) : 1;
        if (r == 1 && !strchr(beginning, '/'))
                r = list_kept(found->state_directory, beginning, &ids) < 0 ? -ENOMEM : 1;
        if (r == 1 && strv_length(ids) > 1)
                return refuse_choice(found->state_directory, ids, beginning, reterr);
        if (r == 1 && ids) {
                found->id = strdup(ids[0]);
                r = found->id ? 0 : -ENOMEM;
        }
        if (r == 1 && job)
                r = ask_agent(job, socket, found);
        if (r == 1)
                return error_set(
                        reterr, ENOENT,
                        "%s%s%s\n   hint: 'podstep run --keep' and 'podstep submit --keep' keep a job that fails",
                        job ? "no job '" : "no job is kept", job ? job : "", job ? "' is kept" : "");
        return r < 0 ? error_oom(reterr) : 0;
}

static int hold(KeptFound *found, Error **reterr) {
        int r = job_directory_hold(found->state_directory, found->id, &found->hold_fd);

        if (r == -ENOENT)
                return error_set(reterr, ENOENT, "job %s is not kept any more", found->id);
        if (r == -EBUSY)
                return error_set(reterr, EBUSY, "job %s is not kept: it still runs, or it was not to be kept",
                                 found->id);
        if (r < 0)
                return error_set(reterr, -r, "cannot open '%s/jobs/%s': %s", found->state_directory, found->id,
                                 strerror(-r));
        r = kept_job_read(found->state_directory, found->id, &found->job, reterr);
        return r == -EINVAL ? error_wrap(reterr, r, "job %s was kept by another version of podstep", found->id) : r;
}

static int refuse_step(const KeptFound *found, const char *step, Error **reterr) {
        _cleanup_str_ Str text = STR_INIT(64U * 1024);

        for (size_t i = 0; i < found->job.n_steps; i++)
                (void) str_appendf(&text, "%s%s", i ? ", " : "", found->job.steps[i].name);
        if (found->job.n_steps == 0)
                return error_set(
                        reterr, ENOENT,
                        "no step of job %s can be entered: none began, or podstep-holder is not linked statically",
                        found->id);
        if (!step)
                return error_set(reterr, ENOENT, "no step of job %s failed by itself; it has: %s", found->id,
                                 str_get(&text));
        return error_set(reterr, ENOENT, "job %s has no step '%s' that began; it has: %s", found->id, step,
                         str_get(&text));
}

static int find_step(KeptFound *found, const char *step, Error **reterr) {
        found->step = step ? NULL : first_failed(&found->job);
        for (size_t i = 0; step && i < found->job.n_steps; i++)
                if (str_equal(found->job.steps[i].name, step))
                        found->step = &found->job.steps[i];
        return found->step ? 0 : refuse_step(found, step, reterr);
}

int kept_find(const char *job, const char *step, const char *socket, KeptFound *ret, Error **reterr) {
        _cleanup_(kept_found_done) KeptFound found = KEPT_FOUND_INIT;
        int r = find_job(job, socket, &found, reterr);

        if (r >= 0)
                r = hold(&found, reterr);
        if (r >= 0)
                r = find_step(&found, step, reterr);
        if (r < 0)
                return r;
        *ret = found;
        found = KEPT_FOUND_INIT;
        return 0;
}
