#include "job/workspace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "job/collect.h"
#include "job/workspace-internal.h"

#define TRACKED_BYTES_MAX (64U * 1024 * 1024) /* names of all files that git tracks */

enum {
        WORKSPACE_NEW,
        WORKSPACE_MAKING_DATA,
        WORKSPACE_LISTING,
        WORKSPACE_MAKING_WORK,
        WORKSPACE_MAKING_KEEPER,
        WORKSPACE_SENDING,
        WORKSPACE_UP,
        WORKSPACE_BROKEN
};

static Task *workspace_task_free(Task *task) {
        return NULL; /* the Workspace outlives it */
}

static const TaskClass workspace_class = { .name = "workspace", .free = workspace_task_free };

void workspace_failed(Machine *machine, int r, const Error *error) {
        Workspace *workspace = container_of(machine, Workspace, machine);
        _cleanup_(error_freep) Error *why = error_copy(error);

        (void) error_wrap(&why, r, "making the workspace");
        task_finish(&workspace->task, r, why);
}

void workspace_on_made(Task *task, int r, const Error *error, void *userdata) {
        Workspace *workspace = userdata;

        if (r < 0)
                workspace_failed(&workspace->machine, r, error);
        else
                machine_post(&workspace->machine, MACHINE_OK);
}

static void copy_instead(Workspace *workspace, const char *why) {
        workspace->is_copy = true;
        job_emit_text(workspace->job, JOB_EVENT_NOTE, NULL, "the checkout is copied, not overlaid: %s", why);
}

static int enter_data(Machine *machine, Task **ret_task, Error **reterr) {
        Workspace *workspace = container_of(machine, Workspace, machine);
        bool wants_overlay = workspace->mode == WORKSPACE_OVERLAY && !workspace->is_far;
        VolumeSpec spec = { .name = workspace->data,
                            .labels = &workspace->job->labels,
                            .options = &workspace->options };
        const char *why = wants_overlay ? workspace_why_no_overlay(workspace) : NULL;

        workspace->has_data = true;
        if (workspace->is_made)
                return machine_post(machine, MACHINE_OK), 0;
        if (why)
                copy_instead(workspace, why);
        else if (wants_overlay && workspace_add_overlay(workspace) < 0)
                return error_oom(reterr);
        return engine_volume_create(workspace->job->spec.engine, &spec, &workspace->place, workspace_on_made, workspace,
                                    ret_task);
}

/* And names those that may be made later. */
static int make_directories(Workspace *workspace, Error **reterr) {
        const struct {
                char **path;
                const char *name;
                bool is_wanted;
        } rows[] = {
                { &workspace->copy, "copy", workspace->is_far },
                { &workspace->base, "base", true },
                { &workspace->up, "up", workspace->is_overlay },
                { &workspace->overlay_work, "work", workspace->is_overlay },
        };
        const char *place = workspace->is_far ? workspace->job->directory.path : workspace->place;
        int r;

        FOREACH_ROW(row, rows) {
                free(*row->path);
                *row->path = path_join(place, row->name);
                r = !*row->path ? -ENOMEM : row->is_wanted ? file_mkdir_p(*row->path, 0755) : 0;
                if (r < 0)
                        return error_set(reterr, -r, "cannot make '%s/%s': %s", place, row->name, strerror(-r));
                if (workspace->is_far)
                        return 0; /* all else is the engine's */
        }
        return workspace->is_overlay ? workspace_link_place(workspace, reterr) : 0;
}

static void on_listed(Task *task, int r, const Error *error, void *userdata) {
        Workspace *workspace = userdata;
        _cleanup_(error_freep) Error *why = NULL;

        if (r > 0)
                r = error_set(&why, EINVAL, "--clean needs a git checkout: git ls-files in '%s' says: %.200s",
                              workspace->job->spec.checkout,
                              workspace->tracked.err ? workspace->tracked.err : "nothing");
        if (r < 0)
                workspace_failed(&workspace->machine, r, why ? why : error);
        else
                machine_post(&workspace->machine, MACHINE_OK);
}

/* --clean: what git tracks, as it stands in the working tree. */
static int enter_listing(Machine *machine, Task **ret_task, Error **reterr) {
        Workspace *workspace = container_of(machine, Workspace, machine);
        static const char *const argv[] = { "git", "ls-files", "-z", NULL };
        ProcessSpec spec = { .argv = (char *const *) argv,
                             .directory = workspace->job->spec.checkout,
                             .output_max = TRACKED_BYTES_MAX };
        int r;

        if (workspace->is_overlay && !workspace->is_made && workspace_leave_mountpoint(workspace) < 0)
                return error_oom(reterr);
        r = make_directories(workspace, reterr);
        if (r < 0)
                return r;
        if (workspace->mode != WORKSPACE_CLEAN || workspace->is_made)
                return machine_post(machine, MACHINE_OK), 0;
        return process_run(workspace->job->event, &spec, &workspace->tracked, on_listed, workspace, ret_task);
}

/* A volume of its own, which is sent the files; what git tracks is put together here first. */
static int enter_far_work(Workspace *workspace, Task **ret_task, Error **reterr) {
        VolumeSpec spec = { .name = workspace->work, .labels = &workspace->job->labels };
        int r = workspace->mode == WORKSPACE_CLEAN ? workspace_make_copy(workspace, reterr) : 0;

        if (r < 0)
                return error_wrap(reterr, r, "copying the checkout");
        workspace->has_work = true;
        return engine_volume_create(workspace->job->spec.engine, &spec, NULL, workspace_on_made, workspace, ret_task);
}

static int enter_work(Machine *machine, Task **ret_task, Error **reterr) {
        Workspace *workspace = container_of(machine, Workspace, machine);
        int r;

        if (workspace->is_made)
                return machine_post(machine, MACHINE_OK), 0;
        if (workspace->is_far)
                return enter_far_work(workspace, ret_task, reterr);
        if (workspace->is_overlay && !workspace_can_carry_overlay(workspace->place))
                copy_instead(workspace, "the file system of the engine's volumes cannot carry one");
        workspace->is_copy =
                workspace->is_copy || workspace->mode == WORKSPACE_CLEAN || workspace->mode == WORKSPACE_CLONE;
        r = workspace->is_copy ? workspace_make_copy(workspace, reterr) : 0;
        if (r < 0)
                return error_wrap(reterr, r, "copying the checkout");
        machine_post(machine, MACHINE_OK);
        return 0;
}

const char *workspace_origin(const Workspace *workspace) {
        return workspace->mode == WORKSPACE_CLEAN || workspace->mode == WORKSPACE_CLONE ? workspace->copy
                                                                                        : workspace->job->spec.checkout;
}

void workspace_note_time(Workspace *workspace, const char *key, const struct timespec *when) {
        job_note(workspace->job, key, "%lld %ld", (long long) when->tv_sec, when->tv_nsec);
}

static void restore_time(const Workspace *workspace, const char *key, struct timespec *ret) {
        const char *text = job_recorded(workspace->job, key);
        long long sec = 0;
        long nsec = 0;

        if (text && sscanf(text, "%lld %ld", &sec, &nsec) == 2)
                *ret = (struct timespec) { .tv_sec = (time_t) sec, .tv_nsec = nsec };
}

static int enter_up(Machine *machine, Task **ret_task, Error **reterr) {
        Workspace *workspace = container_of(machine, Workspace, machine);

        workspace->upload = upload_free(workspace->upload);
        if (!workspace->is_made)
                job_note(workspace->job, "workspace", "%s %s",
                         workspace->is_far    ? "far"
                         : workspace->is_copy ? "copy"
                                              : "overlay",
                         workspace->place ? workspace->place : "");
        task_finish(&workspace->task, 0, NULL);
        return 0;
}

static const MachineState workspace_states[] = {
                /* START                 OK                       FAIL              STOP */
        [WORKSPACE_NEW] = { "new", NULL,
                { WORKSPACE_MAKING_DATA, MACHINE_BUG,             MACHINE_BUG,      MACHINE_STAY } },
        [WORKSPACE_MAKING_DATA] = { "making-data", enter_data,
                { MACHINE_BUG,           WORKSPACE_LISTING,       WORKSPACE_BROKEN, MACHINE_STAY } },
        [WORKSPACE_LISTING] = { "listing", enter_listing,
                { MACHINE_BUG,           WORKSPACE_MAKING_WORK,   WORKSPACE_BROKEN, MACHINE_STAY } },
        [WORKSPACE_MAKING_WORK] = { "making-work", enter_work,
                { MACHINE_BUG,           WORKSPACE_MAKING_KEEPER, WORKSPACE_BROKEN, MACHINE_STAY } },
        [WORKSPACE_MAKING_KEEPER] = { "making-keeper", workspace_enter_keeper,
                { MACHINE_BUG,           WORKSPACE_SENDING,       WORKSPACE_BROKEN, MACHINE_STAY } },
        [WORKSPACE_SENDING] = { "sending", workspace_enter_sending,
                { MACHINE_BUG,           WORKSPACE_UP,            WORKSPACE_BROKEN, MACHINE_STAY } },
        [WORKSPACE_UP] = { "up", enter_up,
                { MACHINE_BUG,           MACHINE_BUG,             MACHINE_BUG,      MACHINE_STAY } },
        [WORKSPACE_BROKEN] = { "broken", NULL,
                { MACHINE_BUG,           MACHINE_BUG,             MACHINE_BUG,      MACHINE_STAY } },
};

/* What an earlier process made, or may have made. */
static int restore(Workspace *workspace, Error **reterr) {
        const char *made = job_recorded(workspace->job, "workspace");

        if (!workspace->job->spec.record)
                return 0;
        workspace->has_data = true;
        workspace->has_work = workspace->is_far;
        workspace->has_foreign = true; /* nobody knows */
        restore_time(workspace, "fetched", &workspace->fetched);
        restore_time(workspace, "sent", &workspace->sent);
        if (!made)
                return 0;
        workspace->is_made = true;
        workspace->is_copy = str_starts_with(made, "copy ");
        workspace->is_overlay = str_starts_with(made, "overlay ");
        workspace->place = strdup(strchrnul(made, '/'));
        return workspace->place ? make_directories(workspace, reterr) : error_oom(reterr);
}

int workspace_new(Job *job, Workspace **ret, Error **reterr) {
        _cleanup_(workspace_freep) Workspace *workspace = calloc(1, sizeof(*workspace));
        int r;

        if (!workspace)
                return error_oom(reterr);
        workspace->job = job;
        workspace->mode = job->spec.workspace_mode;
        workspace->options = STRMAP_INIT;
        workspace->data = str_printf("podstep-%s-data", job->id);
        workspace->work = str_printf("podstep-%s-work", job->id);
        workspace->is_far = job_is_far(job);
        if (workspace->is_far) {
                workspace->keeper = str_printf("podstep-%s.keeper", job->id);
                if (!workspace->keeper)
                        return error_oom(reterr);
        }
        if (!workspace->data || !workspace->work ||
            machine_init(&workspace->machine, job->event, "workspace", workspace_states, WORKSPACE_NEW,
                         workspace_failed) < 0)
                return error_oom(reterr);
        r = restore(workspace, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(workspace);
        return 0;
}

Workspace *workspace_free(Workspace *workspace) {
        if (!workspace)
                return NULL;
        machine_done(&workspace->machine);
        map_done(&workspace->options);
        process_output_done(&workspace->tracked);
        upload_free(workspace->upload);
        fetch_free(workspace->fetch);
        free(workspace->keeper);
        free(workspace->keeper_id);
        free(workspace->fetched_tree);
        free(workspace->data);
        free(workspace->work);
        free(workspace->place);
        free(workspace->base);
        free(workspace->up);
        free(workspace->overlay_work);
        free(workspace->copy);
        free(workspace);
        return NULL;
}

int workspace_create(Workspace *workspace, TaskDone done, void *userdata, Task **ret_task) {
        task_init(&workspace->task, &workspace_class, done, userdata);
        machine_post(&workspace->machine, MACHINE_START);
        *ret_task = &workspace->task;
        return 0;
}

size_t workspace_mounts(const Workspace *workspace, const PlanStep *step, MountSpec mounts[static 2]) {
        /* what an image has at that place is hidden, as with any mount */
        static const char *const as_it_is[] = { "nocopy", NULL };
        const char *path = workspace->job->spec.plan->workspace;

        if (workspace->is_far) {
                mounts[0] =
                        (MountSpec) { MOUNT_VOLUME, workspace->data, step->workspace_base, (char *const *) as_it_is };
                mounts[1] = (MountSpec) { MOUNT_VOLUME, workspace->work, path, (char *const *) as_it_is };
                return 2;
        }
        mounts[0] = (MountSpec) { .kind = MOUNT_BIND, .source = workspace->base, .target = step->workspace_base };
        mounts[1] = (MountSpec) { .kind = MOUNT_BIND, .target = path };
        if (workspace->mode == WORKSPACE_WRITE)
                mounts[1].source = workspace->job->spec.checkout;
        else if (workspace->is_copy)
                mounts[1].source = workspace->copy;
        else
                mounts[1] = (MountSpec) { .kind = MOUNT_VOLUME, .source = workspace->data, .target = path };
        return 2;
}

void workspace_note_fetched(Workspace *workspace) {
        /* the clock that files are stamped with */
        (void) clock_gettime(CLOCK_REALTIME_COARSE, &workspace->fetched);
        workspace_note_time(workspace, "fetched", &workspace->fetched);
}

const char *workspace_volume(const Workspace *workspace, size_t i) {
        const char *volumes[] = { workspace->has_work ? workspace->work : NULL,
                                  workspace->has_data ? workspace->data : NULL };

        for (size_t k = 0; k < ELEMENTSOF(volumes); k++)
                if (volumes[k] && i-- == 0)
                        return volumes[k];
        return NULL;
}

void workspace_make_room(Workspace *workspace) {
        const char *const trees[] = { workspace->fetched_tree, workspace->up, workspace->overlay_work, workspace->copy,
                                      workspace->base };

        FOREACH_ROW(tree, trees)
                if (*tree)
                        (void) file_remove_tree(*tree);
}

static void on_change(const char *text, void *userdata) {
        job_emit_text(userdata, JOB_EVENT_CHANGES, NULL, "%s", text);
}

int workspace_collect(Workspace *workspace, Error **reterr) {
        const JobSpec *spec = &workspace->job->spec;
        CollectSpec collect = {
                .changed = workspace->is_far    ? workspace->fetched_tree
                           : workspace->is_copy ? workspace->copy
                                                : workspace->up,
                .checkout = workspace->is_far ? workspace_origin(workspace) : spec->checkout,
                .is_overlay = workspace->is_far || !workspace->is_copy, /* it holds nothing but changes */
                .deleted = workspace->fetch ? fetch_deleted(workspace->fetch) : NULL,
                .is_complete = workspace->is_copy && workspace->mode == WORKSPACE_OVERLAY,
                .is_fresh = workspace->mode == WORKSPACE_CLONE,
                .since = workspace->fetched,
                .patterns = spec->exports,
                .target = spec->export_directory ? spec->export_directory : spec->checkout,
        };
        size_t n_changes = 0, n_exported = 0;
        int r;

        if (collect.changed && workspace->mode == WORKSPACE_WRITE && workspace->is_far)
                return workspace_write_back(workspace, reterr);
        if (!collect.changed || workspace->mode == WORKSPACE_WRITE)
                return 0;
        r = collect_run(&collect, on_change, workspace->job, &n_changes, &n_exported, reterr);
        if (n_changes > COLLECT_CHANGES_MAX)
                job_emit_text(workspace->job, JOB_EVENT_NOTE, NULL, "%zu more files changed",
                              n_changes - COLLECT_CHANGES_MAX);
        if (n_exported > 0)
                job_emit_text(workspace->job, JOB_EVENT_NOTE, NULL, "exported %zu file%s to %s", n_exported,
                              n_exported == 1 ? "" : "s", collect.target);
        return r;
}
