#include "job/owner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "job/helper.h"
#include "job/job-internal.h"

#define WORDS_MAX 1000 /* bytes of what it says */

typedef struct Owner {
        Task task;
        Machine machine;
        Job *job;
        UserIds ids;
        char *container, *id;
        ContainerExit exit;
        Task *follow;
        Str words;
        bool is_over;
        int r; /* of what is told after the container is gone */
        Error *error;
} Owner;

enum { OWNER_NEW, OWNER_CREATING, OWNER_RUNNING, OWNER_REMOVING, OWNER_DONE };

static Task *owner_free(Task *task) {
        Owner *owner = container_of(task, Owner, task);

        machine_done(&owner->machine);
        task_free(owner->follow);
        str_done(&owner->words);
        error_free(owner->error);
        free(owner->container);
        free(owner->id);
        free(owner);
        return NULL;
}

static const TaskClass owner_class = { .name = "owner", .free = owner_free };

static void owner_failed(Machine *machine, int r, const Error *error) {
        Owner *owner = container_of(machine, Owner, machine);

        if (owner->r < 0)
                return;
        owner->r = r;
        owner->error = error_copy(error);
}

static void on_done(Task *task, int r, const Error *error, void *userdata) {
        Owner *owner = userdata;

        if (r < 0)
                owner_failed(&owner->machine, r, error);
        machine_post(&owner->machine, r < 0 ? MACHINE_FAIL : MACHINE_OK);
}

static int enter_creating(Machine *machine, Task **ret_task, Error **reterr) {
        Owner *owner = container_of(machine, Owner, machine);
        char uid[16], gid[16];
        const char *entrypoint[] = { HELPER_PROGRAM, "own", uid, gid, HELPER_BASE, HELPER_WORK, NULL };
        MountSpec mounts[2];
        ContainerSpec spec = {
                .name = owner->container,
                .pod = sandbox_pod(owner->job->sandbox),
                .image = owner->job->helper_image,
                .entrypoint = (char *const *) entrypoint,
                .user = "0:0",
                .labels = &owner->job->labels,
                .network = { .kind = NETWORK_NONE },
                .mounts = mounts,
                .n_mounts = ELEMENTSOF(mounts),
        };

        (void) snprintf(uid, sizeof(uid), "%u", (unsigned) owner->ids.uid);
        (void) snprintf(gid, sizeof(gid), "%u", (unsigned) owner->ids.gid);
        workspace_owner_mounts(owner->job->workspace, mounts);
        return engine_container_create(owner->job->spec.engine, &spec, &owner->id, on_done, owner, ret_task);
}

static void on_output(int stream, const char *bytes, size_t n, void *userdata) {
        Owner *owner = userdata;

        (void) str_append_n(&owner->words, bytes, MIN(n, WORDS_MAX - MIN(owner->words.n, WORDS_MAX)));
}

static void on_end(Task *task, int r, const Error *error, void *userdata) {
        Owner *owner = userdata;
        _cleanup_free_ char *words = NULL;

        owner->is_over = true;
        if (r >= 0 && owner->exit.exit_code != 0) {
                words = str_escape(str_get(&owner->words), owner->words.n, WORDS_MAX);
                r = error_set(&owner->error, EIO, "%s", str_is_empty(words) ? "it failed" : words);
                owner->r = r;
        } else if (r < 0)
                owner_failed(&owner->machine, r, error);
        machine_post(&owner->machine, r < 0 ? MACHINE_FAIL : MACHINE_OK);
}

static void on_started(Task *task, int r, const Error *error, void *userdata) {
        Owner *owner = userdata;

        if (r >= 0 || owner->is_over)
                return; /* its end is waited for */
        owner_failed(&owner->machine, r, error);
        machine_post(&owner->machine, MACHINE_FAIL);
}

static int enter_running(Machine *machine, Task **ret_task, Error **reterr) {
        Owner *owner = container_of(machine, Owner, machine);
        FollowSpec spec = {
                .container = owner->container, .container_id = owner->id, .output = on_output, .userdata = owner
        };
        int r;

        r = engine_container_follow(owner->job->spec.engine, &spec, &owner->exit, on_end, owner, &owner->follow);
        return r < 0 ? r
                     : engine_container_start(owner->job->spec.engine, owner->container, on_started, owner, ret_task);
}

static int enter_removing(Machine *machine, Task **ret_task, Error **reterr) {
        Owner *owner = container_of(machine, Owner, machine);

        owner->follow = task_free(owner->follow);
        return engine_object_remove(owner->job->spec.engine, OBJECT_CONTAINER, owner->container, on_done, owner,
                                    ret_task);
}

static int enter_done(Machine *machine, Task **ret_task, Error **reterr) {
        Owner *owner = container_of(machine, Owner, machine);

        if (owner->r >= 0)
                workspace_note_owner(owner->job->workspace, &owner->ids);
        else
                (void) error_wrap(&owner->error, owner->r, "giving the workspace to user %u",
                                  (unsigned) owner->ids.uid);
        task_finish(&owner->task, owner->r, owner->error);
        return 0;
}

static const MachineState owner_states[] = {
                /* START          OK              FAIL            STOP */
        [OWNER_NEW] = { "new", NULL,
                { OWNER_CREATING, MACHINE_BUG,    MACHINE_BUG,    MACHINE_STAY } },
        [OWNER_CREATING] = { "creating", enter_creating,
                { MACHINE_BUG,    OWNER_RUNNING,  OWNER_REMOVING, MACHINE_STAY } },
        [OWNER_RUNNING] = { "running", enter_running,
                { MACHINE_BUG,    OWNER_REMOVING, OWNER_REMOVING, MACHINE_STAY } },
        [OWNER_REMOVING] = { "removing", enter_removing,
                { MACHINE_BUG,    OWNER_DONE,     OWNER_DONE,     MACHINE_STAY } },
        [OWNER_DONE] = { "done", enter_done,
                { MACHINE_BUG,    MACHINE_BUG,    MACHINE_BUG,    MACHINE_STAY } },
};

int owner_change(Job *job, const char *container, const UserIds *ids, TaskDone done, void *userdata, Task **ret_task) {
        Owner *owner = calloc(1, sizeof(*owner));

        if (!owner)
                return -ENOMEM;
        task_init(&owner->task, &owner_class, done, userdata);
        owner->job = job;
        owner->ids = *ids;
        owner->words = STR_INIT(WORDS_MAX);
        owner->container = str_printf("%s.own", container);
        if (!owner->container ||
            machine_init(&owner->machine, job->event, "owner", owner_states, OWNER_NEW, owner_failed) < 0) {
                (void) owner_free(&owner->task);
                return -ENOMEM;
        }
        machine_post(&owner->machine, MACHINE_START);
        *ret_task = &owner->task;
        return 0;
}
