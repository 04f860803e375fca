/* Asking an image who a user is: a container that never runs lends its files. Answers are kept, by the image's id. */

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/job-internal.h"
#include "job/user.h"

#define CACHE_BYTES_MAX 64

typedef struct UserLookup {
        Task task;
        Machine machine;
        Job *job;
        char *image_id, *text, *container, *id, *cache;
        char *passwd, *group;
        size_t n_passwd, n_group;
        UserIds *ret;
        int r; /* of what is told after the container is gone */
        Error *error;
} UserLookup;

enum { USER_NEW, USER_CREATING, USER_READING_PASSWD, USER_READING_GROUP, USER_REMOVING, USER_KNOWN };

static Task *lookup_free(Task *task) {
        UserLookup *lookup = container_of(task, UserLookup, task);

        machine_done(&lookup->machine);
        error_free(lookup->error);
        free(lookup->image_id);
        free(lookup->text);
        free(lookup->container);
        free(lookup->id);
        free(lookup->cache);
        free(lookup->passwd);
        free(lookup->group);
        free(lookup);
        return NULL;
}

static const TaskClass lookup_class = { .name = "user-lookup", .free = lookup_free };

static void lookup_failed(Machine *machine, int r, const Error *error) {
        UserLookup *lookup = container_of(machine, UserLookup, machine);

        if (lookup->r < 0)
                return;
        lookup->r = r;
        lookup->error = error_copy(error);
}

static void on_done(Task *task, int r, const Error *error, void *userdata) {
        UserLookup *lookup = userdata;
        bool is_file = lookup->machine.state == USER_READING_PASSWD || lookup->machine.state == USER_READING_GROUP;

        if (r < 0 && !(is_file && r == -ENOENT)) { /* an image without such a file knows nobody by name */
                lookup_failed(&lookup->machine, r, error);
                machine_post(&lookup->machine, MACHINE_FAIL);
        } else
                machine_post(&lookup->machine, MACHINE_OK);
}

static int enter_creating(Machine *machine, Task **ret_task, Error **reterr) {
        UserLookup *lookup = container_of(machine, UserLookup, machine);
        ContainerSpec spec = {
                .name = lookup->container,
                .pod = sandbox_pod(lookup->job->sandbox),
                .image = lookup->image_id,
                .labels = &lookup->job->labels,
                .network = { .kind = NETWORK_NONE },
        };

        return engine_container_create(lookup->job->spec.engine, &spec, &lookup->id, on_done, lookup, ret_task);
}

static int enter_passwd(Machine *machine, Task **ret_task, Error **reterr) {
        UserLookup *lookup = container_of(machine, UserLookup, machine);

        return engine_container_read_file(lookup->job->spec.engine, lookup->container, "/etc/passwd",
                                          USER_FILE_BYTES_MAX, &lookup->passwd, &lookup->n_passwd, on_done, lookup,
                                          ret_task);
}

static int enter_group(Machine *machine, Task **ret_task, Error **reterr) {
        UserLookup *lookup = container_of(machine, UserLookup, machine);
        const char *colon = strchr(lookup->text, ':');
        uint64_t unused;

        if (!colon || parse_u64(colon + 1, &unused) == 0)
                return machine_post(machine, MACHINE_OK), 0;
        return engine_container_read_file(lookup->job->spec.engine, lookup->container, "/etc/group",
                                          USER_FILE_BYTES_MAX, &lookup->group, &lookup->n_group, on_done, lookup,
                                          ret_task);
}

static int enter_removing(Machine *machine, Task **ret_task, Error **reterr) {
        UserLookup *lookup = container_of(machine, UserLookup, machine);

        return engine_object_remove(lookup->job->spec.engine, OBJECT_CONTAINER, lookup->container, on_done, lookup,
                                    ret_task);
}

static void remember(const UserLookup *lookup) {
        _cleanup_free_ char *directory = path_parent(lookup->cache),
                            *line = str_printf("%u:%u\n", lookup->ret->uid, lookup->ret->gid);

        if (line && directory && file_mkdir_p(directory, 0700) >= 0)
                (void) file_write(lookup->cache, line, strlen(line), 0600);
}

static int enter_known(Machine *machine, Task **ret_task, Error **reterr) {
        UserLookup *lookup = container_of(machine, UserLookup, machine);

        if (lookup->r >= 0)
                lookup->r = user_resolve(lookup->text, lookup->passwd ? lookup->passwd : "",
                                         lookup->group ? lookup->group : "", lookup->ret, &lookup->error);
        if (lookup->r >= 0)
                remember(lookup);
        task_finish(&lookup->task, lookup->r, lookup->error);
        return 0;
}

static const MachineState lookup_states[] = {
                /* START         OK                   FAIL           STOP */
        [USER_NEW] = { "new", NULL,
                { USER_CREATING, MACHINE_BUG,         MACHINE_BUG,   MACHINE_STAY } },
        [USER_CREATING] = { "creating", enter_creating,
                { MACHINE_BUG,   USER_READING_PASSWD, USER_REMOVING, MACHINE_STAY } },
        [USER_READING_PASSWD] = { "reading-passwd", enter_passwd,
                { MACHINE_BUG,   USER_READING_GROUP,  USER_REMOVING, MACHINE_STAY } },
        [USER_READING_GROUP] = { "reading-group", enter_group,
                { MACHINE_BUG,   USER_REMOVING,       USER_REMOVING, MACHINE_STAY } },
        [USER_REMOVING] = { "removing", enter_removing,
                { MACHINE_BUG,   USER_KNOWN,          USER_KNOWN,    MACHINE_STAY } },
        [USER_KNOWN] = { "known", enter_known,
                { MACHINE_BUG,   MACHINE_BUG,         MACHINE_BUG,   MACHINE_STAY } },
};

/* The same image has the same users for ever: its id is a digest of its content. */
static char *cache_path(const Job *job, const char *image_id, const char *text) {
        _cleanup_free_ char *name = str_printf("%s %s", image_id, text);

        for (char *c = name; c && *c; c++)
                if (*c == '/' || *c == ' ')
                        *c = '_';
        return name ? str_printf("%s/users/%s", job->spec.state_directory, name) : NULL;
}

/* What was not written to its end, on a full disk or in this moment, is no answer: an empty one would be root. */
static bool recall(const char *path, UserIds *ret) {
        _cleanup_free_ char *line = NULL;
        char *end;

        if (file_read(path, CACHE_BYTES_MAX, &line, NULL) < 0)
                return false;
        end = strchr(line, '\n');
        if (!end || end == line)
                return false;
        *end = '\0';
        return user_needs_image(line, ret, NULL) == 0;
}

int user_look_up(Job *job, const char *image_id, const char *text, const char *container, UserIds *ret, TaskDone done,
                 void *userdata, Task **ret_task) {
        _cleanup_free_ char *cache = cache_path(job, image_id, text);
        UserLookup *lookup;

        if (!cache)
                return -ENOMEM;
        if (recall(cache, ret))
                return task_defer(job->event, 0, NULL, done, userdata, ret_task);
        lookup = calloc(1, sizeof(*lookup));
        if (!lookup)
                return -ENOMEM;
        task_init(&lookup->task, &lookup_class, done, userdata);
        lookup->job = job;
        lookup->ret = ret;
        lookup->cache = TAKE_PTR(cache);
        lookup->image_id = strdup(image_id);
        lookup->text = strdup(text);
        lookup->container = str_printf("%s.user", container);
        if (!lookup->image_id || !lookup->text || !lookup->container ||
            machine_init(&lookup->machine, job->event, "user-lookup", lookup_states, USER_NEW, lookup_failed) < 0) {
                (void) lookup_free(&lookup->task);
                return -ENOMEM;
        }
        machine_post(&lookup->machine, MACHINE_START);
        *ret_task = &lookup->task;
        return 0;
}
