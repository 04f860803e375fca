/*
 * An engine that cannot see our files: they are sent into a volume, and what the job changed is fetched from there. The
 * keeper, a container that never runs, lends its mounts for both.
 */

#include <errno.h>
#include <string.h>

#include "base/copy.h"
#include "base/file.h"
#include "base/strv.h"
#include "job/helper.h"
#include "job/workspace-internal.h"

int workspace_enter_keeper(Machine *machine, Task **ret_task, Error **reterr) {
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
        return engine_container_create(job->spec.engine, &spec, &workspace->keeper_id, workspace_on_made, workspace,
                                       ret_task);
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
        ArchiveSpec spec = {
                .container = workspace->keeper, .path = HELPER_WORK, .source = upload_read, .rewind = upload_rewind
        };

        if (upload_new_tree(workspace_origin(workspace), ret_upload) < 0)
                return -ENOMEM;
        spec.userdata = *ret_upload;
        return engine_archive_put(workspace->job->spec.engine, &spec, done, userdata, ret_task);
}

int workspace_enter_sending(Machine *machine, Task **ret_task, Error **reterr) {
        Workspace *workspace = container_of(machine, Workspace, machine);

        if (!workspace->is_far || workspace->is_made || workspace->mode == WORKSPACE_CLONE)
                return machine_post(machine, MACHINE_OK), 0;
        /* who begins anew goes on with the earlier time: what changed since was changed by others */
        if (workspace->sent.tv_sec == 0) {
                /* the clock that files are stamped with */
                (void) clock_gettime(CLOCK_REALTIME_COARSE, &workspace->sent);
                workspace_note_time(workspace, "sent", &workspace->sent);
        }
        return workspace_send(workspace, &workspace->upload, on_sent, workspace, ret_task);
}

/* The way back. */
typedef struct FetchTask {
        Task task;
        Workspace *workspace;
        Task *current;
} FetchTask;

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
        ArchiveSpec spec = {
                .container = workspace->keeper, .path = HELPER_WORK "/.", .sink = fetch_write, .rewind = fetch_rewind
        };
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

static int remove_all(const char *checkout, char *const *paths, Error **reterr) {
        STRV_FOREACH(path, paths) {
                _cleanup_free_ char *full = path_join(checkout, *path);
                int r = full ? file_remove_tree(full) : -ENOMEM;

                if (r < 0)
                        return error_set(reterr, -r, "cannot remove '%s/%s' from the checkout: %s", checkout, *path,
                                         strerror(-r));
        }
        return 0;
}

/*
 * --write where the checkout could not be lent to the job: what it changed is done to it now. First what goes, while
 * all directories are what they were: a link that the job put in the place of one would lead elsewhere.
 */
int workspace_write_back(Workspace *workspace, Error **reterr) {
        const char *checkout = workspace->job->spec.checkout;
        int r;

        r = remove_all(checkout, fetch_deleted(workspace->fetch), reterr);
        if (r >= 0)
                r = remove_all(checkout, fetch_replaced(workspace->fetch), reterr);
        if (r < 0)
                return r;
        r = copy_tree(workspace->fetched_tree, checkout, NULL, reterr);
        return r < 0 ? error_wrap(reterr, r, "writing to the checkout") : 0;
}

const char *workspace_keeper(const Workspace *workspace) {
        return workspace->keeper;
}

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
