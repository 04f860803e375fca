#include "job/workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/collect.h"
#include "job/fetch.h"
#include "job/helper.h"
#include "job/job-internal.h"
#include "loop/process.h"

/*
 * One label for all that is seen through the overlay, which the files below it keep their own from: the checkout is not given
 * another. Without categories, so that every container of the job may use it.
 */
#define OVERLAY_CONTEXT ",context=system_u:object_r:container_file_t:s0"

#define TRACKED_BYTES_MAX (64U * 1024 * 1024) /* names of all files that git tracks */

struct Workspace {
        Task task; /* of workspace_create() */
        Machine machine;
        Job *job;
        WorkspaceMode mode;
        bool is_overlay;   /* the data volume is one; the upper directory lies beside its mount point */
        bool is_copy;      /* instead of an overlay */
        struct timespec fetched; /* when the repository was there */
        struct timespec sent;    /* when the checkout began to be; 0: it is not */
        char *data, *work; /* names of the volumes; work: where the engine cannot see our files */
        char *place;       /* of base, upper directory and copy, on the engine's side of the file system */
        char *base, *up, *overlay_work, *copy;
        Map options;
        ProcessOutput tracked;
        bool has_data, has_work;
        bool is_made; /* by an earlier process */

        /* On an engine that cannot see our files: */
        bool is_far;
        char *keeper; /* a container that never runs and lends its mounts; NULL: not asked for */
        char *keeper_id;
        Upload *upload;
        Fetch *fetch;
        char *fetched_tree; /* what differs from what was sent */
        UserIds owner;
        bool has_foreign; /* somebody else than the owner may have written to it */
};

typedef struct FetchTask {
        Task task;
        Workspace *workspace;
        Task *current;
} FetchTask;

enum { WORKSPACE_NEW, WORKSPACE_MAKING_DATA, WORKSPACE_LISTING, WORKSPACE_MAKING_WORK, WORKSPACE_MAKING_KEEPER, WORKSPACE_SENDING, WORKSPACE_UP, WORKSPACE_BROKEN };

static Task *workspace_task_free(Task *task) {
        return NULL; /* the Workspace outlives it */
}

static const TaskClass workspace_class = { .name = "workspace", .free = workspace_task_free };

/* Why the job's files cannot lie on an overlay, as far as can be told beforehand; NULL: they can. */
static const char *why_no_overlay(const Workspace *workspace) {
        static const char special[] = ",:\\\"\n";
        struct utsname name;
        unsigned major = 0, minor = 0;

        if (strpbrk(workspace->job->spec.checkout, special) || strpbrk(workspace->job->directory.path, special))
                return "its path holds a character that mount options cannot";
        if (uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 && (major < 5 || (major == 5 && minor < 11)))
                return "this kernel has none for ordinary users";
        return NULL;
}

static bool can_carry_overlay(const char *directory) {
        static const long refused[] = { OVERLAYFS_SUPER_MAGIC, NFS_SUPER_MAGIC, FUSE_SUPER_MAGIC, 0xff534d42 /* CIFS */, V9FS_MAGIC, ECRYPTFS_SUPER_MAGIC };
        struct statfs fs;

        if (statfs(directory, &fs) == 0)
                FOREACH_ROW(magic, refused)
                        if ((unsigned long) fs.f_type == (unsigned long) *magic)
                                return false;
        return true;
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

/*
 * The upper directory lies in the engine's storage, so that what other users wrote there goes with the volume; but where
 * that is, only the answer tells. So the mount is told of links, which lead there by the time it is mounted.
 *
 * userxattr: without it no directory of the checkout can be removed or replaced from within a user namespace.
 */
static int add_overlay(Workspace *workspace) {
        const char *checkout = workspace->job->spec.checkout, *directory = workspace->job->directory.path;

        workspace->is_overlay = true;
        return strmap_put(&workspace->options, "type", "overlay") < 0 || strmap_put(&workspace->options, "device", "overlay") < 0 ?
                       -ENOMEM :
                       strmap_putf(&workspace->options, "o", "lowerdir=%s,upperdir=%s/up,workdir=%s/work,userxattr%s", checkout, directory, directory,
                                   workspace->job->spec.engine->info.has_selinux ? OVERLAY_CONTEXT : "");
}

static void copy_instead(Workspace *workspace, const char *why) {
        workspace->is_copy = true;
        job_emit_text(workspace->job, JOB_EVENT_NOTE, NULL, "the checkout is copied, not overlaid: %s", why);
}

static int enter_data(Machine *machine, Task **ret_task, Error **reterr) {
        Workspace *workspace = container_of(machine, Workspace, machine);
        bool wants_overlay = workspace->mode == WORKSPACE_OVERLAY && !workspace->is_far;
        VolumeSpec spec = { .name = workspace->data, .labels = &workspace->job->labels, .options = &workspace->options };
        const char *why = wants_overlay ? why_no_overlay(workspace) : NULL;

        workspace->has_data = true;
        if (workspace->is_made)
                return machine_post(machine, MACHINE_OK), 0;
        if (why)
                copy_instead(workspace, why);
        else if (wants_overlay && add_overlay(workspace) < 0)
                return error_oom(reterr);
        return engine_volume_create(workspace->job->spec.engine, &spec, &workspace->place, on_data, workspace, ret_task);
}

/* Beside the mount point of the overlay, which the engine removes together with it. */
static int leave_mountpoint(Workspace *workspace) {
        char *parent = path_parent(workspace->place);

        if (!parent)
                return -ENOMEM;
        free(workspace->place);
        workspace->place = parent;
        return 0;
}

static int make_link(const Workspace *workspace, const char *target, const char *name) {
        _cleanup_free_ char *path = path_join(workspace->job->directory.path, name);

        if (!path)
                return -ENOMEM;
        (void) unlink(path); /* an earlier process may have been here */
        return symlink(target, path) < 0 ? -errno : 0;
}

static int make_directories(Workspace *workspace, Error **reterr) {
        const struct {
                char **path;
                const char *name;
                bool is_overlays;
        } rows[] = {
                { &workspace->copy, "copy", false },
                { &workspace->base, "base", false },
                { &workspace->up, "up", true },
                { &workspace->overlay_work, "work", true },
        };
        const char *place = workspace->is_far ? workspace->job->directory.path : workspace->place;

        FOREACH_ROW(row, rows) {
                int r;

                free(*row->path);
                *row->path = path_join(place, row->name);
                r = *row->path ? file_mkdir_p(*row->path, 0755) : -ENOMEM;
                if (r >= 0 && row->is_overlays && workspace->is_overlay)
                        r = make_link(workspace, *row->path, row->name);
                if (r < 0)
                        return error_set(reterr, -r, "cannot make '%s/%s': %s", place, row->name, strerror(-r));
                if (workspace->is_far)
                        break; /* all else is the engine's */
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

        if (workspace->is_overlay && !workspace->is_made && leave_mountpoint(workspace) < 0)
                return error_oom(reterr);
        r = make_directories(workspace, reterr);
        if (r < 0)
                return r;
        if (workspace->mode != WORKSPACE_CLEAN || workspace->is_made)
                return machine_post(machine, MACHINE_OK), 0;
        return process_run(workspace->job->event, &spec, &workspace->tracked, on_listed, workspace, ret_task);
}

/* git prints what the index holds, and the index is a file of the checkout: whoever wrote that may have put "../" there. */
static bool leads_outside(const char *name) {
        for (const char *part = name; part; part = strchr(part, '/'), part = part ? part + 1 : NULL) {
                size_t n = strcspn(part, "/");

                if ((n == 0 && part == name) || (n == 2 && strncmp(part, "..", n) == 0))
                        return true;
        }
        return false;
}

static int copy_tracked(Workspace *workspace, int from, int to, Error **reterr) {
        const char *name = workspace->tracked.out, *end = name + workspace->tracked.n_out;
        int r = 0;

        for (; r >= 0 && name < end; name += strlen(name) + 1)
                r = leads_outside(name) ? error_set(reterr, EINVAL, "the index of the checkout's repository names '%.200s', which lies outside", name) :
                                          copy_path(from, to, name, NULL, reterr);
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

/* A volume of its own, which is sent the files; what git tracks is put together here first. */
static int enter_far_work(Workspace *workspace, Task **ret_task, Error **reterr) {
        VolumeSpec spec = { .name = workspace->work, .labels = &workspace->job->labels };
        int r = workspace->mode == WORKSPACE_CLEAN ? make_copy(workspace, reterr) : 0;

        if (r < 0)
                return error_wrap(reterr, r, "copying the checkout");
        workspace->has_work = true;
        return engine_volume_create(workspace->job->spec.engine, &spec, NULL, on_data, workspace, ret_task);
}

static int enter_work(Machine *machine, Task **ret_task, Error **reterr) {
        Workspace *workspace = container_of(machine, Workspace, machine);
        int r;

        if (workspace->is_made)
                return machine_post(machine, MACHINE_OK), 0;
        if (workspace->is_far)
                return enter_far_work(workspace, ret_task, reterr);
        if (workspace->is_overlay && !can_carry_overlay(workspace->place))
                copy_instead(workspace, "the file system of the engine's volumes cannot carry one");
        workspace->is_copy = workspace->is_copy || workspace->mode == WORKSPACE_CLEAN || workspace->mode == WORKSPACE_CLONE;
        r = workspace->is_copy ? make_copy(workspace, reterr) : 0;
        if (r < 0)
                return error_wrap(reterr, r, "copying the checkout");
        machine_post(machine, MACHINE_OK);
        return 0;
}

const char *workspace_origin(const Workspace *workspace) {
        return workspace->mode == WORKSPACE_CLEAN || workspace->mode == WORKSPACE_CLONE ? workspace->copy : workspace->job->spec.checkout;
}

static int enter_keeper(Machine *machine, Task **ret_task, Error **reterr) {
        Workspace *workspace = container_of(machine, Workspace, machine);
        Job *job = workspace->job;
        const char *entrypoint[] = { HELPER_PROGRAM, NULL };
        MountSpec mounts[2];
        ContainerSpec spec = {
                .name = workspace->keeper,
                .image = job->helper_image,
                .entrypoint = (char *const *) entrypoint,
                .labels = &job->labels,
                .network = { .kind = NETWORK_NONE },
                .mounts = mounts,
                .n_mounts = ELEMENTSOF(mounts),
        };

        if (!workspace->is_far || workspace->is_made)
                return machine_post(machine, MACHINE_OK), 0;
        workspace_owner_mounts(workspace, mounts);
        return engine_container_create(job->spec.engine, &spec, &workspace->keeper_id, on_data, workspace, ret_task);
}

static void on_sent(Task *task, int r, const Error *error, void *userdata) {
        Workspace *workspace = userdata;
        const Error *why = upload_error(workspace->upload);

        if (r < 0)
                workspace_failed(&workspace->machine, r, why ? why : error);
        else
                machine_post(&workspace->machine, MACHINE_OK);
}

int workspace_send(Workspace *workspace, Upload **ret_upload, TaskDone done, void *userdata, Task **ret_task) {
        ArchiveSpec spec = { .container = workspace->keeper, .path = HELPER_WORK, .source = upload_read, .rewind = upload_rewind };

        if (upload_new_tree(workspace_origin(workspace), ret_upload) < 0)
                return -ENOMEM;
        spec.userdata = *ret_upload;
        return engine_archive_put(workspace->job->spec.engine, &spec, done, userdata, ret_task);
}

static void note_time(Workspace *workspace, const char *key, const struct timespec *when) {
        job_note(workspace->job, key, "%lld %ld", (long long) when->tv_sec, when->tv_nsec);
}

static void restore_time(const Workspace *workspace, const char *key, struct timespec *ret) {
        const char *text = job_recorded(workspace->job, key);
        long long sec = 0;
        long nsec = 0;

        if (text && sscanf(text, "%lld %ld", &sec, &nsec) == 2)
                *ret = (struct timespec) { .tv_sec = (time_t) sec, .tv_nsec = nsec };
}

static int enter_sending(Machine *machine, Task **ret_task, Error **reterr) {
        Workspace *workspace = container_of(machine, Workspace, machine);

        if (!workspace->is_far || workspace->is_made || workspace->mode == WORKSPACE_CLONE)
                return machine_post(machine, MACHINE_OK), 0;
        (void) clock_gettime(CLOCK_REALTIME_COARSE, &workspace->sent); /* the clock that files are stamped with */
        note_time(workspace, "sent", &workspace->sent);
        return workspace_send(workspace, &workspace->upload, on_sent, workspace, ret_task);
}

static int enter_up(Machine *machine, Task **ret_task, Error **reterr) {
        Workspace *workspace = container_of(machine, Workspace, machine);

        workspace->upload = upload_free(workspace->upload);
        if (!workspace->is_made)
                job_note(workspace->job, "workspace", "%s %s", workspace->is_far ? "far" : workspace->is_copy ? "copy" : "overlay",
                         workspace->place ? workspace->place : "");
        task_finish(&workspace->task, 0, NULL);
        return 0;
}

static const MachineState workspace_states[] = {
        /*                                                            START                  OK                     FAIL              STOP */
        [WORKSPACE_NEW]         = { "new",         NULL,          { WORKSPACE_MAKING_DATA, MACHINE_BUG,           MACHINE_BUG,      MACHINE_STAY } },
        [WORKSPACE_MAKING_DATA] = { "making-data", enter_data,    { MACHINE_BUG,           WORKSPACE_LISTING,     WORKSPACE_BROKEN, MACHINE_STAY } },
        [WORKSPACE_LISTING]     = { "listing",     enter_listing, { MACHINE_BUG,           WORKSPACE_MAKING_WORK, WORKSPACE_BROKEN, MACHINE_STAY } },
        [WORKSPACE_MAKING_WORK] = { "making-work", enter_work,    { MACHINE_BUG,           WORKSPACE_MAKING_KEEPER, WORKSPACE_BROKEN, MACHINE_STAY } },
        [WORKSPACE_MAKING_KEEPER] = { "making-keeper", enter_keeper, { MACHINE_BUG,        WORKSPACE_SENDING,     WORKSPACE_BROKEN, MACHINE_STAY } },
        [WORKSPACE_SENDING]     = { "sending",     enter_sending, { MACHINE_BUG,           WORKSPACE_UP,          WORKSPACE_BROKEN, MACHINE_STAY } },
        [WORKSPACE_UP]          = { "up",          enter_up,      { MACHINE_BUG,           MACHINE_BUG,           MACHINE_BUG,      MACHINE_STAY } },
        [WORKSPACE_BROKEN]      = { "broken",      NULL,          { MACHINE_BUG,           MACHINE_BUG,           MACHINE_BUG,      MACHINE_STAY } },
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
        static const char *const as_it_is[] = { "nocopy", NULL }; /* what an image has at that place is hidden, as with any mount */
        const char *path = workspace->job->spec.plan->workspace;

        if (workspace->is_far) {
                mounts[0] = (MountSpec) { MOUNT_VOLUME, workspace->data, step->workspace_base, (char *const *) as_it_is };
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
        note_time(workspace, "fetched", &workspace->fetched);
}

const char *workspace_volume(const Workspace *workspace, size_t i) {
        const char *volumes[] = { workspace->has_work ? workspace->work : NULL, workspace->has_data ? workspace->data : NULL };

        for (size_t k = 0; k < ELEMENTSOF(volumes); k++)
                if (volumes[k] && i-- == 0)
                        return volumes[k];
        return NULL;
}

void workspace_make_room(Workspace *workspace) {
        const char *const trees[] = { workspace->fetched_tree, workspace->up, workspace->overlay_work, workspace->copy, workspace->base };

        FOREACH_ROW(tree, trees)
                if (*tree)
                        (void) file_remove_tree(*tree);
}

/* ---- the way back ---- */

static Task *fetching_free(Task *task) {
        FetchTask *fetching = container_of(task, FetchTask, task);

        task_free(fetching->current);
        free(fetching);
        return NULL;
}

static const TaskClass fetching_class = { .name = "fetch", .free = fetching_free };

static void on_fetched(Task *task, int r, const Error *error, void *userdata) {
        FetchTask *fetching = userdata;
        Workspace *workspace = fetching->workspace;
        const Error *found = fetch_error(workspace->fetch);
        _cleanup_(error_freep) Error *why = r < 0 ? error_copy(found ? found : error) : NULL;

        if (r >= 0)
                r = fetch_finish(workspace->fetch, &why);
        if (r < 0)
                (void) error_wrap(&why, r, "fetching the workspace");
        task_finish(&fetching->task, r, why);
}

int workspace_fetch(Workspace *workspace, TaskDone done, void *userdata, Task **ret_task, Error **reterr) {
        ArchiveSpec spec = { .container = workspace->keeper, .path = HELPER_WORK "/.", .sink = fetch_write, .rewind = fetch_rewind };
        FetchTask *fetching;
        int r;

        if (!workspace->is_far)
                return 1;
        free(workspace->fetched_tree);
        workspace->fetched_tree = path_join(workspace->job->directory.path, "fetched");
        if (!workspace->fetched_tree)
                return error_oom(reterr);
        workspace->fetch = fetch_free(workspace->fetch);
        r = fetch_new(workspace_origin(workspace), workspace->fetched_tree, workspace->sent, &workspace->fetch, reterr);
        if (r < 0)
                return r;
        fetching = calloc(1, sizeof(*fetching));
        if (!fetching)
                return error_oom(reterr);
        task_init(&fetching->task, &fetching_class, done, userdata);
        fetching->workspace = workspace;
        spec.userdata = workspace->fetch;
        r = engine_archive_get(workspace->job->spec.engine, &spec, on_fetched, fetching, &fetching->current);
        if (r < 0) {
                (void) fetching_free(&fetching->task);
                return r;
        }
        *ret_task = &fetching->task;
        return 0;
}

/* --write where the checkout could not be lent to the job: what it changed is done to it now. */
static int write_back(Workspace *workspace, Error **reterr) {
        const char *checkout = workspace->job->spec.checkout;
        int r;

        r = copy_tree(workspace->fetched_tree, checkout, NULL, reterr);
        if (r < 0)
                return error_wrap(reterr, r, "writing to the checkout");
        STRV_FOREACH(path, fetch_deleted(workspace->fetch)) {
                _cleanup_free_ char *full = path_join(checkout, *path);

                r = full ? file_remove_tree(full) : -ENOMEM;
                if (r < 0)
                        return error_set(reterr, -r, "cannot remove '%s/%s' from the checkout: %s", checkout, *path, strerror(-r));
        }
        return 0;
}

const char *workspace_keeper(const Workspace *workspace) {
        return workspace->keeper;
}

/* ---- whose the files are ---- */

bool workspace_is_owned(const Workspace *workspace, const UserIds *ids) {
        if (!workspace->is_far || workspace->job->spec.engine->info.maps_users || ids->uid == 0)
                return true; /* root can write to all */
        return workspace->owner.uid == ids->uid && workspace->owner.gid == ids->gid && !workspace->has_foreign;
}

void workspace_note_owner(Workspace *workspace, const UserIds *ids) {
        workspace->owner = *ids;
        workspace->has_foreign = false;
}

void workspace_note_writer(Workspace *workspace, const UserIds *ids) {
        if (workspace->owner.uid != ids->uid || workspace->owner.gid != ids->gid)
                workspace->has_foreign = true;
}

void workspace_owner_mounts(const Workspace *workspace, MountSpec mounts[static 2]) {
        mounts[0] = (MountSpec) { .kind = MOUNT_VOLUME, .source = workspace->data, .target = HELPER_BASE };
        mounts[1] = (MountSpec) { .kind = MOUNT_VOLUME, .source = workspace->work, .target = HELPER_WORK };
}

static void on_change(const char *text, void *userdata) {
        job_emit_text(userdata, JOB_EVENT_CHANGES, NULL, "%s", text);
}

int workspace_collect(Workspace *workspace, Error **reterr) {
        const JobSpec *spec = &workspace->job->spec;
        CollectSpec collect = {
                .changed = workspace->is_far ? workspace->fetched_tree : workspace->is_copy ? workspace->copy : workspace->up,
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
                return write_back(workspace, reterr);
        if (!collect.changed || workspace->mode == WORKSPACE_WRITE)
                return 0;
        r = collect_run(&collect, on_change, workspace->job, &n_changes, &n_exported, reterr);
        if (n_changes > COLLECT_CHANGES_MAX)
                job_emit_text(workspace->job, JOB_EVENT_NOTE, NULL, "%zu more files changed", n_changes - COLLECT_CHANGES_MAX);
        if (n_exported > 0)
                job_emit_text(workspace->job, JOB_EVENT_NOTE, NULL, "exported %zu file%s to %s", n_exported, n_exported == 1 ? "" : "s", collect.target);
        return r;
}
