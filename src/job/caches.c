/*
 * Volumes that stay when the job is gone: what a project keeps from one job to the next. Made before the first step, so
 * that they have our labels and the operator's driver; one that stands already is used as it is.
 */

#include "job/job-internal.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"

typedef struct Caches {
        Task task;
        Job *job;
        char **names;
        size_t i;
        Map labels;
        Task *making;
} Caches;

static Task *caches_free(Task *task) {
        Caches *caches = container_of(task, Caches, task);

        caches->making = task_free(caches->making);
        strv_free(caches->names);
        map_done(&caches->labels);
        free(caches);
        return NULL;
}

static const TaskClass caches_class = { .name = "caches", .free = caches_free };

static int collect_names(const Plan *plan, unsigned slot, char ***ret) {
        for (size_t i = 0; i < plan->n_steps; i++)
                for (size_t k = 0; k < plan->steps[i]->n_volumes; k++) {
                        const PlanVolume *volume = &plan->steps[i]->volumes[k];

                        _cleanup_free_ char *source = NULL;

                        if (!volume->is_cache || volume->source[0] == '/')
                                continue;
                        source = plan_volume_source(volume, slot);
                        if (!source || (!strv_contains(*ret, source) && strv_append_take(ret, TAKE_PTR(source)) < 0))
                                return -ENOMEM;
                }
        return 0;
}

static void make_next(Caches *caches);

static void on_made(Task *task, int r, const Error *error, void *userdata) {
        Caches *caches = userdata;

        caches->making = task_free(caches->making);
        if (r < 0)
                task_finish(&caches->task, r, error);
        else
                make_next(caches);
}

static void make_next(Caches *caches) {
        const PolicyVolumes *volumes = &caches->job->spec.policy->volumes;
        const char *name = caches->names[caches->i];
        VolumeSpec spec = {
                .name = name,
                .labels = &caches->labels,
                .driver = volumes->driver,
                .options = map_size(&volumes->driver_options) > 0 ? &volumes->driver_options : NULL,
        };
        int r;

        if (!name) {
                task_finish(&caches->task, 0, NULL);
                return;
        }
        caches->i++;
        r = strmap_put(&caches->labels, "io.podstep.cache", name);
        if (r >= 0)
                r = engine_volume_create(caches->job->spec.engine, &spec, NULL, on_made, caches, &caches->making);
        if (r < 0)
                task_finish(&caches->task, r, NULL);
}

/* No label of a job: with that they would be removed as left-overs of it. */
static int make_labels(Caches *caches) {
        int r = strmap_update(&caches->labels, &caches->job->spec.policy->labels);

        return r < 0 ? r
                     : strmap_putf(&caches->labels, "io.podstep.created", "%llu",
                                   (unsigned long long) (clock_realtime_usec() / USEC_PER_SEC));
}

static void on_begin(Task *task, int r, const Error *error, void *userdata) {
        Caches *caches = userdata;

        caches->making = task_free(caches->making);
        make_next(caches);
}

int caches_make(Job *job, TaskDone done, void *userdata, Task **ret_task) {
        _cleanup_strv_ char **names = NULL;
        Caches *caches;
        int r = collect_names(job->spec.plan, job->slot, &names);

        if (r < 0 || !names)
                return r < 0 ? r : 1;
        caches = calloc(1, sizeof(*caches));
        if (!caches)
                return -ENOMEM;
        *caches = (Caches) { .job = job, .names = TAKE_PTR(names), .labels = STRMAP_INIT };
        task_init(&caches->task, &caches_class, done, userdata);
        r = make_labels(caches);
        if (r >= 0)
                r = task_defer(job->event, 0, NULL, on_begin, caches, &caches->making);
        if (r < 0) {
                caches_free(&caches->task);
                return r;
        }
        *ret_task = &caches->task;
        return 0;
}
