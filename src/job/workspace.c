#include "job/workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/copy.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"
#include "job/collect.h"
#include "job/job-internal.h"
#include "loop/process.h"

#define TRACKED_BYTES_MAX (64U * 1024 * 1024) /* names of all files that git tracks */

struct Workspace {
        Task task; /* of workspace_create() */
        Machine machine;
        Job *job;
        WorkspaceMode mode;
        bool is_copy; /* instead of an overlay */
        struct timespec fetched; /* when the repository was there */
        char *data, *work; /* names of the volumes */
        char *mountpoint;  /* of the data volume */
        char *base, *up, *overlay_work, *copy;
        Map options;
        ProcessOutput tracked;
        bool has_data, has_work;
        bool is_made; /* by an earlier process */
};

enum { WORKSPACE_NEW, WORKSPACE_MAKING_DATA, WORKSPACE_LISTING, WORKSPACE_MAKING_WORK, WORKSPACE_UP, WORKSPACE_BROKEN };

static Task *workspace_task_free(Task *task) {
        return NULL; /* the Workspace outlives it */
}

static const TaskClass workspace_class = { .name = "workspace", .free = workspace_task_free };

/* Why the job's files cannot lie on an overlay; NULL: they can. */
static const char *why_no_overlay(const Workspace *workspace) {
        static const long refused[] = { OVERLAYFS_SUPER_MAGIC, NFS_SUPER_MAGIC, FUSE_SUPER_MAGIC, 0xff534d42 /* CIFS */, V9FS_MAGIC, ECRYPTFS_SUPER_MAGIC };
        struct utsname name;
        struct statfs fs;
        unsigned major = 0, minor = 0;

        if (strpbrk(workspace->job->spec.checkout, ",:\\\"\n"))
                return "its path holds a character that mount options cannot";
        if (statfs(workspace->mountpoint, &fs) == 0)
                FOREACH_ROW(magic, refused)
                        if ((unsigned long) fs.f_type == (unsigned long) *magic)
                                return "the file system of the engine's volumes cannot carry one";
        if (uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 && (major < 5 || (major == 5 && minor < 11)))
                return "this kernel has none for ordinary users";
        return NULL;
}

static void workspace_failed(Machine *machine, int r, const Error *error) {
        Workspace *workspace = container_of(machine, Workspace, machine);
        _cleanup_(error_freep) Error *why = error_copy(error);

        (void) error_wrap(&why, r, "making the workspace");
        task_finish(&workspace->task, r, why);
}

static void on_data(Task *task, int r, const Error *error, void *userdata) {
        Workspace *workspace = userdata;

        if (r < 0)
                workspace_failed(&workspace->machine, r, error);
        else
                machine_post(&workspace->machine, MACHINE_OK);
}

static int enter_data(Machine *machine, Task **ret_task, Error **reterr) {
        Workspace *workspace = container_of(machine, Workspace, machine);
        VolumeSpec spec = { .name = workspace->data, .labels = &workspace->job->labels };

        workspace->has_data = true;
        if (workspace->is_made)
                return machine_post(machine, MACHINE_OK), 0;
        return engine_volume_create(workspace->job->spec.engine, &spec, &workspace->mountpoint, on_data, workspace, ret_task);
}

static int make_directories(Workspace *workspace, Error **reterr) {
        struct {
                char **path;
                const char *name;
        } rows[] = { { &workspace->base, "base" }, { &workspace->up, "up" }, { &workspace->overlay_work, "work" }, { &workspace->copy, "copy" } };

        FOREACH_ROW(row, rows) {
                int r;

                free(*row->path);
                *row->path = path_join(workspace->mountpoint, row->name);
                r = *row->path ? file_mkdir_p(*row->path, 0755) : -ENOMEM;
                if (r < 0)
                        return error_set(reterr, -r, "cannot make '%s/%s': %s", workspace->mountpoint, row->name, strerror(-r));
        }
        return 0;
}

static void on_listed(Task *task, int r, const Error *error, void *userdata) {
        Workspace *workspace = userdata;
        _cleanup_(error_freep) Error *why = NULL;

        if (r > 0)
                r = error_set(&why, EINVAL, "--clean needs a git checkout: git ls-files in '%s' says: %.200s", workspace->job->spec.checkout,
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
        ProcessSpec spec = { .argv = (char *const *) argv, .directory = workspace->job->spec.checkout, .output_max = TRACKED_BYTES_MAX };
        int r;

        r = make_directories(workspace, reterr);
        if (r < 0)
                return r;
        if (workspace->mode != WORKSPACE_CLEAN || workspace->is_made)
                return machine_post(machine, MACHINE_OK), 0;
        return process_run(workspace->job->event, &spec, &workspace->tracked, on_listed, workspace, ret_task);
}

static int copy_tracked(Workspace *workspace, int from, int to, Error **reterr) {
        const char *name = workspace->tracked.out, *end = name + workspace->tracked.n_out;
        int r = 0;

        for (; r >= 0 && name < end; name += strlen(name) + 1)
                r = copy_path(from, to, name, NULL, reterr);
        if (r >= 0)
                r = copy_entry(from, to, ".git", NULL, reterr); /* so that steps can ask git */
        return r;
}

/* An earlier process may have been killed in the middle of it. */
static int clear_copy(Workspace *workspace) {
        int r = file_remove_tree(workspace->copy);

        return r < 0 ? r : file_mkdir_p(workspace->copy, 0755);
}

static int make_copy(Workspace *workspace, Error **reterr) {
        _cleanup_close_ int from = -1, to = -1;
        int r;

        if (workspace->mode == WORKSPACE_CLONE)
                return 0;
        if (workspace->job->spec.record && (r = clear_copy(workspace)) < 0)
                return error_set(reterr, -r, "cannot clear '%s': %s", workspace->copy, strerror(-r));
        if (workspace->mode != WORKSPACE_CLEAN)
                return copy_tree(workspace->job->spec.checkout, workspace->copy, NULL, reterr);
        from = open(workspace->job->spec.checkout, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        to = open(workspace->copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (from < 0 || to < 0)
                return error_set(reterr, errno, "cannot open '%s': %s", workspace->job->spec.checkout, strerror(errno));
        return copy_tracked(workspace, from, to, reterr);
}

static int enter_work(Machine *machine, Task **ret_task, Error **reterr) {
        Workspace *workspace = container_of(machine, Workspace, machine);
        VolumeSpec spec = { .name = workspace->work, .labels = &workspace->job->labels, .options = &workspace->options };
        const char *why = workspace->mode == WORKSPACE_OVERLAY ? why_no_overlay(workspace) : NULL;

        if (workspace->is_made)
                return machine_post(machine, MACHINE_OK), 0;
        workspace->is_copy = workspace->mode == WORKSPACE_CLEAN || workspace->mode == WORKSPACE_CLONE || why;
        if (why)
                job_emit_text(workspace->job, JOB_EVENT_NOTE, NULL, "the checkout is copied, not overlaid: %s", why);
        if (workspace->mode == WORKSPACE_WRITE || workspace->is_copy) {
                int r = workspace->is_copy ? make_copy(workspace, reterr) : 0;

                if (r < 0)
                        return error_wrap(reterr, r, "copying the checkout");
                machine_post(machine, MACHINE_OK);
                return 0;
        }
        /* userxattr: without it no directory of the checkout can be removed or replaced from within a user namespace */
        if (strmap_put(&workspace->options, "type", "overlay") < 0 || strmap_put(&workspace->options, "device", "overlay") < 0 ||
            strmap_putf(&workspace->options, "o", "lowerdir=%s,upperdir=%s,workdir=%s,userxattr", workspace->job->spec.checkout, workspace->up,
                        workspace->overlay_work) < 0)
                return error_oom(reterr);
        workspace->has_work = true;
        return engine_volume_create(workspace->job->spec.engine, &spec, NULL, on_data, workspace, ret_task);
}

static int enter_up(Machine *machine, Task **ret_task, Error **reterr) {
        Workspace *workspace = container_of(machine, Workspace, machine);

        if (!workspace->is_made)
                job_note(workspace->job, "workspace", "%s %s", workspace->is_copy ? "copy" : "overlay", workspace->mountpoint);
        task_finish(&workspace->task, 0, NULL);
        return 0;
}

static const MachineState workspace_states[] = {
        /*                                                            START                  OK                     FAIL              STOP */
        [WORKSPACE_NEW]         = { "new",         NULL,          { WORKSPACE_MAKING_DATA, MACHINE_BUG,           MACHINE_BUG,      MACHINE_STAY } },
        [WORKSPACE_MAKING_DATA] = { "making-data", enter_data,    { MACHINE_BUG,           WORKSPACE_LISTING,     WORKSPACE_BROKEN, MACHINE_STAY } },
        [WORKSPACE_LISTING]     = { "listing",     enter_listing, { MACHINE_BUG,           WORKSPACE_MAKING_WORK, WORKSPACE_BROKEN, MACHINE_STAY } },
        [WORKSPACE_MAKING_WORK] = { "making-work", enter_work,    { MACHINE_BUG,           WORKSPACE_UP,          WORKSPACE_BROKEN, MACHINE_STAY } },
        [WORKSPACE_UP]          = { "up",          enter_up,      { MACHINE_BUG,           MACHINE_BUG,           MACHINE_BUG,      MACHINE_STAY } },
        [WORKSPACE_BROKEN]      = { "broken",      NULL,          { MACHINE_BUG,           MACHINE_BUG,           MACHINE_BUG,      MACHINE_STAY } },
};

/* What an earlier process made, or may have made. */
static int restore(Workspace *workspace, Error **reterr) {
        const char *made = job_recorded(workspace->job, "workspace"), *fetched = job_recorded(workspace->job, "fetched");
        long long sec = 0;
        long nsec = 0;

        if (!workspace->job->spec.record)
                return 0;
        workspace->has_data = true;
        workspace->has_work = workspace->mode == WORKSPACE_OVERLAY;
        if (fetched && sscanf(fetched, "%lld %ld", &sec, &nsec) == 2)
                workspace->fetched = (struct timespec) { .tv_sec = (time_t) sec, .tv_nsec = nsec };
        if (!made)
                return 0;
        workspace->is_made = true;
        workspace->is_copy = str_starts_with(made, "copy ");
        workspace->mountpoint = strdup(strchrnul(made, '/'));
        return workspace->mountpoint ? make_directories(workspace, reterr) : error_oom(reterr);
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
        if (!workspace->data || !workspace->work ||
            machine_init(&workspace->machine, job->event, "workspace", workspace_states, WORKSPACE_NEW, workspace_failed) < 0)
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
        free(workspace->data);
        free(workspace->work);
        free(workspace->mountpoint);
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
        const char *path = workspace->job->spec.plan->workspace;

        mounts[0] = (MountSpec) { .kind = MOUNT_BIND, .source = workspace->base, .target = step->workspace_base };
        mounts[1] = (MountSpec) { .kind = MOUNT_BIND, .target = path };
        if (workspace->mode == WORKSPACE_WRITE)
                mounts[1].source = workspace->job->spec.checkout;
        else if (workspace->is_copy)
                mounts[1].source = workspace->copy;
        else
                mounts[1] = (MountSpec) { .kind = MOUNT_VOLUME, .source = workspace->work, .target = path };
        return 2;
}

void workspace_note_fetched(Workspace *workspace) {
        /* the clock that files are stamped with */
        (void) clock_gettime(CLOCK_REALTIME_COARSE, &workspace->fetched);
        job_note(workspace->job, "fetched", "%lld %ld", (long long) workspace->fetched.tv_sec, workspace->fetched.tv_nsec);
}

const char *workspace_volume(const Workspace *workspace, size_t i) {
        const char *volumes[] = { workspace->has_work ? workspace->work : NULL, workspace->has_data ? workspace->data : NULL };

        for (size_t k = 0; k < ELEMENTSOF(volumes); k++)
                if (volumes[k] && i-- == 0)
                        return volumes[k];
        return NULL;
}

void workspace_make_room(Workspace *workspace) {
        const char *const trees[] = { workspace->up, workspace->overlay_work, workspace->copy, workspace->base };

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
                .changed = workspace->is_copy ? workspace->copy : workspace->up,
                .checkout = spec->checkout,
                .is_overlay = !workspace->is_copy,
                .is_complete = workspace->is_copy && workspace->mode == WORKSPACE_OVERLAY,
                .is_fresh = workspace->mode == WORKSPACE_CLONE,
                .since = workspace->fetched,
                .patterns = spec->exports,
                .target = spec->export_directory ? spec->export_directory : spec->checkout,
        };
        size_t n_changes = 0, n_exported = 0;
        int r;

        if (!collect.changed || workspace->mode == WORKSPACE_WRITE)
                return 0;
        r = collect_run(&collect, on_change, workspace->job, &n_changes, &n_exported, reterr);
        if (n_changes > COLLECT_CHANGES_MAX)
                job_emit_text(workspace->job, JOB_EVENT_NOTE, NULL, "%zu more files changed", n_changes - COLLECT_CHANGES_MAX);
        if (n_exported > 0)
                job_emit_text(workspace->job, JOB_EVENT_NOTE, NULL, "exported %zu file%s to %s", n_exported, n_exported == 1 ? "" : "s", collect.target);
        return r;
}
