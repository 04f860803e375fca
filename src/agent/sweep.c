#include "agent/sweep.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/directory.h"
#include "job/removal.h"

#define NAME_PREFIX "podstep-"

/* Pods first: their containers go with them. Volumes last: they must be free. */
static const ObjectKind order[] = { OBJECT_POD, OBJECT_CONTAINER, OBJECT_NETWORK, OBJECT_SECRET, OBJECT_VOLUME };

typedef struct Sweep {
        Task task;
        Engine *engine;
        SweepSpec spec;
        SweepResult *result;
        size_t next_kind;
        EngineObjects found;
        Task *current;
} Sweep;

static Task *sweep_free(Task *task) {
        Sweep *sweep = container_of(task, Sweep, task);

        task_free(sweep->current);
        engine_objects_done(&sweep->found);
        free((char *) sweep->spec.state_directory);
        free(sweep);
        return NULL;
}

static const TaskClass sweep_class = { .name = "sweep", .free = sweep_free };

static bool is_left_over(const SweepSpec *spec, const char *job) {
        JobLiveness liveness = job_directory_liveness(spec->state_directory, job);

        return liveness == JOB_DEAD || (liveness == JOB_KEPT && spec->with_kept);
}

static int add_item(SweepResult *result, ObjectKind kind, const char *name, const char *job) {
        SweepItem item = { .kind = kind, .name = strdup(name), .job = strdup(job) };
        int r = -ENOMEM;

        if (item.name && item.job)
                r = ARRAY_APPEND(result->items, result->n_items, item);
        if (r < 0) {
                free(item.name);
                free(item.job);
        }
        return r;
}

void sweep_result_done(SweepResult *result) {
        for (size_t i = 0; i < result->n_items; i++) {
                free(result->items[i].name);
                free(result->items[i].job);
        }
        free(result->items);
        *result = (SweepResult) { 0 };
}

/* The name becomes a path: nothing but what we make ourselves is taken for one. */
static bool is_job_id(const char *text) {
        return *text && strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz") == strlen(text);
}

/*
 * All that a job makes is named after it. Labels alone are not enough: a container has those of its image too, and who
 * made that may have written ours into it, so that somebody else's containers would be removed.
 */
static bool is_named_after(const char *name, const char *job) {
        size_t n = strlen(NAME_PREFIX), n_job = strlen(job);

        return str_starts_with(name, NAME_PREFIX) && strncmp(name + n, job, n_job) == 0 &&
               strchr("-.", name[n + n_job]); /* or its end */
}

static int note_found(Sweep *sweep, ObjectKind kind) {
        for (size_t i = 0; i < sweep->found.n_objects; i++) {
                const EngineObject *object = &sweep->found.objects[i];
                const char *job = strmap_get(&object->labels, "io.podstep.job"),
                           *state = strmap_get(&object->labels, "io.podstep.state");
                int r;

                if (!job || !is_job_id(job) || !is_named_after(object->name, job) ||
                    !str_equal(state, sweep->spec.state_directory) || !is_left_over(&sweep->spec, job))
                        continue;
                r = add_item(sweep->result, kind, object->name, job);
                if (r < 0)
                        return r;
        }
        return 0;
}

/*
 * After the objects: as long as the directory stands, the next run knows that something may be left. One that cannot be
 * removed keeps none of the others; the first is told.
 */
static int remove_directories(Sweep *sweep, Error **reterr) {
        _cleanup_strv_ char **jobs = NULL;
        int first = 0, r;

        if (!sweep->spec.is_dry)
                job_directory_remove_unborn(sweep->spec.state_directory);
        r = job_directory_list(sweep->spec.state_directory, &jobs);
        if (r < 0)
                return error_set(reterr, -r, "cannot list '%s/jobs': %s", sweep->spec.state_directory, strerror(-r));
        STRV_FOREACH(job, jobs) {
                _cleanup_free_ char *path = NULL;

                if (!is_job_id(*job) || !is_left_over(&sweep->spec, *job))
                        continue;
                path = str_printf("%s/jobs/%s", sweep->spec.state_directory, *job);
                if (!path || add_item(sweep->result, _OBJECT_KIND_MAX, path, *job) < 0)
                        return error_oom(reterr);
                r = sweep->spec.is_dry ? 0 : file_remove_tree(path);
                if (r < 0 && first >= 0)
                        first = error_set(reterr, -r, "cannot remove '%s': %s", path, strerror(-r));
        }
        return first;
}

static void sweep_end(Sweep *sweep, int r, const Error *error) {
        _cleanup_(error_freep) Error *why = error_copy(error);

        if (r >= 0)
                r = remove_directories(sweep, &why);
        task_finish(&sweep->task, r, why);
}

static void on_removed(Task *task, int r, const Error *error, void *userdata) {
        sweep_end(userdata, r, error);
}

static void remove_found(Sweep *sweep) {
        RemovalList list = { 0 };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < sweep->result->n_items && !sweep->spec.is_dry; i++)
                r = removal_add(&list, sweep->result->items[i].kind, sweep->result->items[i].name);
        if (r >= 0 && list.n_items > 0)
                r = removal_start(sweep->engine, &list, on_removed, sweep, &sweep->current);
        else if (r >= 0)
                return sweep_end(sweep, 0, NULL);
        if (r < 0) {
                removal_list_done(&list);
                sweep_end(sweep, r, NULL);
        }
}

static void list_next(Sweep *sweep);

static void on_listed(Task *task, int r, const Error *error, void *userdata) {
        Sweep *sweep = userdata;

        sweep->current = task_free(sweep->current);
        if (r >= 0)
                r = note_found(sweep, order[sweep->next_kind++]);
        engine_objects_done(&sweep->found);
        if (r < 0)
                task_finish(&sweep->task, r, error);
        else
                list_next(sweep);
}

static void list_next(Sweep *sweep) {
        int r;

        if (sweep->next_kind == ELEMENTSOF(order))
                return remove_found(sweep);
        r = engine_object_list(sweep->engine, order[sweep->next_kind], "io.podstep.job", &sweep->found, on_listed,
                               sweep, &sweep->current);
        if (r < 0)
                task_finish(&sweep->task, r, NULL);
}

static void on_begin(Task *task, int r, const Error *error, void *userdata) {
        Sweep *sweep = userdata;

        sweep->current = task_free(sweep->current);
        list_next(sweep);
}

bool sweep_is_needed(const SweepSpec *spec) {
        _cleanup_strv_ char **jobs = NULL;

        if (job_directory_list(spec->state_directory, &jobs) < 0)
                return true;
        STRV_FOREACH(job, jobs)
                if (is_left_over(spec, *job))
                        return true;
        return false;
}

int sweep_start(Engine *engine, const SweepSpec *spec, SweepResult *ret_result, TaskDone done, void *userdata,
                Task **ret_task) {
        Sweep *sweep = calloc(1, sizeof(*sweep));
        int r;

        if (!sweep)
                return -ENOMEM;
        task_init(&sweep->task, &sweep_class, done, userdata);
        sweep->engine = engine;
        sweep->spec = *spec;
        sweep->spec.state_directory = strdup(spec->state_directory);
        sweep->result = ret_result;
        r = sweep->spec.state_directory ? task_defer(engine->event, 0, NULL, on_begin, sweep, &sweep->current)
                                        : -ENOMEM;
        if (r < 0) {
                (void) sweep_free(&sweep->task);
                return r;
        }
        *ret_task = &sweep->task;
        return 0;
}
