#include "job/keep.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/job-internal.h"
#include "job/kept.h"

typedef struct Keep {
        Task task;
        Job *job;
        size_t next; /* step */
        Task *pending;
        KeptJob kept;
} Keep;

static Task *keep_free(Task *task) {
        Keep *keep = container_of(task, Keep, task);

        task_free(keep->pending);
        kept_job_done(&keep->kept);
        free(keep);
        return NULL;
}

static const TaskClass keep_class = { "keep", keep_free };

/* Its container ran, and has files of ours that can be exchanged. */
static bool can_be_entered(const Step *step) {
        return (step->has_exit || step->is_up) && step->image &&
               (step_uses_script(step->plan) || step->job->can_be_entered);
}

static int add_step(Keep *keep, const Step *step) {
        const PlanStep *plan = step->plan;
        KeptStep kept = { .has_failed = step->result == STEP_SCRIPT_FAILED, .has_script = step_uses_script(plan) };
        int r = 0;

        kept.name = strdup(plan->name);
        kept.container = strdup(step->container);
        kept.directory = strdup(plan->directory ? plan->directory : "/");
        kept.files = strdup(step->directory);
        MAP_FOREACH(entry, &plan->secret_environment)
                if (r >= 0)
                        r = strv_append(&kept.secrets, entry->key);
        if (r < 0 || !kept.name || !kept.container || !kept.directory || !kept.files ||
            ARRAY_APPEND(keep->kept.steps, keep->kept.n_steps, kept) < 0) {
                free(kept.name);
                free(kept.container);
                free(kept.directory);
                free(kept.files);
                strv_free(kept.secrets);
                return -ENOMEM;
        }
        return 0;
}

static int mark(Keep *keep, Error **reterr) {
        Job *job = keep->job;
        _cleanup_free_ char *text = NULL;
        int r;

        keep->kept.until_usec =
                clock_realtime_usec() + (job->spec.keep_usec ? job->spec.keep_usec : JOB_KEEP_DEFAULT_USEC);
        keep->kept.workflow = strdup(job->spec.plan->name ? job->spec.plan->name : "");
        keep->kept.engine = strdup(job->spec.engine->info.address ? job->spec.engine->info.address : "");
        if (!keep->kept.workflow || !keep->kept.engine || kept_job_format(&keep->kept, &text) < 0)
                return error_oom(reterr);
        r = job_directory_mark_kept(&job->directory, text);
        return r < 0 ? error_set(reterr, -r, "cannot write to '%s': %s", job->directory.path, strerror(-r)) : 0;
}

static void keep_next(Keep *keep);

static void on_prepared(Task *task, int r, const Error *error, void *userdata) {
        Keep *keep = userdata;
        const Step *step = &keep->job->steps[keep->next++];

        keep->pending = task_free(keep->pending);
        if (r >= 0)
                r = add_step(keep, step);
        else
                job_emit_text(keep->job, JOB_EVENT_WARNING, step, "it cannot be entered: %s", error_message(error, r));
        if (r == -ENOMEM)
                task_finish(&keep->task, r, NULL);
        else
                keep_next(keep);
}

/* The engine's own file of what it printed has no masks; what of it was to be told was. */
static void forget_output(const Step *step) {
        if (step->is_done && step->log_path && !job_is_far(step->job))
                (void) truncate(step->log_path, 0);
}

/* Credentials of the step that clones; its container is made by us and of no use to look at. */
static void forget_login(Step *step) {
        _cleanup_free_ char *path = step_name_directory(step, NULL) < 0 ? NULL : path_join(step->directory, "netrc");

        if (path)
                (void) unlink(path);
}

/* Scripts and variables of a step that nobody enters: its secrets would lie about for nothing. */
static void forget_files(const Step *step) {
        if (step->directory && !job_is_far(step->job))
                (void) file_remove_tree(step->directory);
}

static void keep_next(Keep *keep) {
        Job *job = keep->job;
        _cleanup_(error_freep) Error *error = NULL;
        int r = 0;

        for (; keep->next < job->spec.plan->n_steps; keep->next++) {
                Step *step = &job->steps[keep->next];

                forget_output(step);
                if (step->plan->is_default_clone)
                        forget_login(step);
                if (!can_be_entered(step)) {
                        forget_files(step);
                        continue;
                }
                r = step_keep_files(step, on_prepared, keep, &keep->pending, &error);
                if (r == 0)
                        return;
                if (r < 0)
                        job_emit_text(job, JOB_EVENT_WARNING, step, "it cannot be entered: %s",
                                      error_message(error, r));
                else if (add_step(keep, step) < 0)
                        return task_finish(&keep->task, -ENOMEM, NULL);
                error = error_free(error);
        }
        r = mark(keep, &error);
        task_finish(&keep->task, r, error);
}

static void on_begin(Task *task, int r, const Error *error, void *userdata) {
        Keep *keep = userdata;

        keep->pending = task_free(keep->pending);
        keep_next(keep);
}

int keep_start(Job *job, TaskDone done, void *userdata, Task **ret_task) {
        _cleanup_(task_freep) Task *task = NULL;
        Keep *keep = calloc(1, sizeof(*keep));
        int r;

        if (!keep)
                return -ENOMEM;
        task = &keep->task;
        task_init(task, &keep_class, done, userdata);
        keep->job = job;
        r = task_defer(job->event, 0, NULL, on_begin, keep, &keep->pending);
        if (r < 0)
                return r;
        *ret_task = TAKE_PTR(task);
        return 0;
}
