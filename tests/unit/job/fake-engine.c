#include "fake-engine.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "engine/tar.h"

typedef struct FakeFollow {
        Task task;
        struct FakeFollow *next;
        FakeEngine *fake;
        char *container;
        FollowSpec spec;
        ContainerExit *ret;
        sd_event_source *source;
} FakeFollow;

static FakeEngine *fake_of(Engine *engine) {
        return container_of(engine, FakeEngine, engine);
}

/* Every call passes here: 0, or the failure that was ordered. */
static int count_call(FakeEngine *fake) {
        unsigned call = ++fake->n_calls;

        if (call == fake->stop_at && fake->job)
                job_stop(fake->job, JOB_STOP_CANCEL);
        return call == fake->fail_at ? -EREMOTEIO : 0;
}

static int answer(FakeEngine *fake, int r, TaskDone done, void *userdata, Task **ret_task) {
        _cleanup_(error_freep) Error *error = NULL;

        if (r < 0)
                (void) error_set(&error, -r, "the fake engine was told to fail call %u", fake->n_calls);
        return task_defer(fake->engine.event, r, error, done, userdata, ret_task);
}

static void stand(FakeEngine *fake, ObjectKind kind, const char *name) {
        _cleanup_free_ char *key = str_printf("%s %s", object_kind_to_string(kind), name);

        (void) strmap_put(&fake->objects, key, "");
}

static int make(Engine *engine, ObjectKind kind, const char *name, TaskDone done, void *userdata, Task **ret_task) {
        FakeEngine *fake = fake_of(engine);
        int r = count_call(fake);

        if (r >= 0)
                stand(fake, kind, name);
        return answer(fake, r, done, userdata, ret_task);
}

static int fake_probe(Engine *engine, TaskDone done, void *userdata, Task **ret_task) {
        FakeEngine *fake = fake_of(engine);
        int r = count_call(fake);

        engine->info.is_probed = r >= 0;
        return answer(fake, r, done, userdata, ret_task);
}

static int fake_image_inspect(Engine *engine, const char *image, ImageInfo *ret, TaskDone done, void *userdata,
                              Task **ret_task) {
        FakeEngine *fake = fake_of(engine);
        int r = count_call(fake);

        if (r >= 0) {
                *ret = (ImageInfo) { .id = strdup("sha256:1"),
                                    .digest = strdup("sha256:2"),
                                    .user = strdup(""),
                                    .labels = STRMAP_INIT };
                if (strstr(image, "entry") && strv_append(&ret->entrypoint, "/entry") < 0)
                        r = -ENOMEM;
                if (strstr(image, "missing"))
                        r = 1;
        }
        return answer(fake, r, done, userdata, ret_task);
}

static int fake_image_pull(Engine *engine, const PullSpec *spec, EngineProgress progress, PullResult *ret,
                           TaskDone done, void *userdata, Task **ret_task) {
        FakeEngine *fake = fake_of(engine);
        int r = count_call(fake);

        return answer(fake, r < 0 ? r : -EREMOTEIO, done, userdata, ret_task);
}

static int fake_pod_create(Engine *engine, const PodSpec *spec, TaskDone done, void *userdata, Task **ret_task) {
        return make(engine, OBJECT_POD, spec->name, done, userdata, ret_task);
}

static int fake_volume_create(Engine *engine, const VolumeSpec *spec, char **ret_mountpoint, TaskDone done,
                              void *userdata, Task **ret_task) {
        FakeEngine *fake = fake_of(engine);

        if (fake->look_at_volume)
                fake->look_at_volume(spec, fake->look_userdata);
        if (ret_mountpoint)
                *ret_mountpoint = str_printf("%s/volumes/%s/_data", fake->directory, spec->name);
        return make(engine, OBJECT_VOLUME, spec->name, done, userdata, ret_task);
}

char *fake_volume_upper(const VolumeSpec *spec) {
        const char *options = spec->options ? strmap_get(spec->options, "o") : NULL,
                   *upper = options ? strstr(options, ",upperdir=") : NULL;

        return upper ? strndup(upper + strlen(",upperdir="), strcspn(upper + 1, ",") - strlen("upperdir=")) : NULL;
}

static int fake_network_create(Engine *engine, const EngineNetworkSpec *spec, TaskDone done, void *userdata,
                               Task **ret_task) {
        return make(engine, OBJECT_NETWORK, spec->name, done, userdata, ret_task);
}

static int fake_secret_create(Engine *engine, const char *name, const Map *labels, const char *value, TaskDone done,
                              void *userdata, Task **ret_task) {
        return make(engine, OBJECT_SECRET, name, done, userdata, ret_task);
}

static int fake_container_create(Engine *engine, const ContainerSpec *spec, char **ret_id, TaskDone done,
                                 void *userdata, Task **ret_task) {
        FakeEngine *fake = fake_of(engine);

        free(*ret_id);
        if (fake->look)
                fake->look(spec, fake->look_userdata);
        *ret_id = strdup(spec->name);
        return make(engine, OBJECT_CONTAINER, spec->name, done, userdata, ret_task);
}

static int fake_simple(Engine *engine, const char *name, TaskDone done, void *userdata, Task **ret_task) {
        FakeEngine *fake = fake_of(engine);

        return answer(fake, count_call(fake), done, userdata, ret_task);
}

static int on_ended(sd_event_source *source, void *userdata) {
        FakeFollow *follow = userdata;

        uint64_t code = 0;

        /* The log is there to be read from its beginning, whoever reads it. */
        follow->spec.output(1, "one\ntw", 6, follow->spec.userdata);
        follow->spec.output(1, "o\n", 2, follow->spec.userdata);
        follow->spec.output(2, "three", 5, follow->spec.userdata);
        (void) parse_u64(strmap_get(&follow->fake->states, follow->container), &code);
        *follow->ret = (ContainerExit) { .exit_code = (int) code };
        task_finish(&follow->task, 0, NULL);
        return 0;
}

static void end_container(FakeEngine *fake, const char *name, int exit_code) {
        (void) strmap_putf(&fake->states, name, "%d", exit_code);
        for (FakeFollow *follow = fake->follows; follow; follow = follow->next)
                if (str_equal(follow->container, name) && !follow->task.finished && !follow->source)
                        (void) sd_event_add_defer(fake->engine.event, &follow->source, on_ended, follow);
}

static const char *exit_of(const FakeEngine *fake, const char *name) {
        MAP_FOREACH(entry, &fake->exit_codes)
                if (str_ends_with(name, entry->key))
                        return entry->value;
        return str_ends_with(name, ".holder") ? "never" : "0";
}

static void start_container(FakeEngine *fake, const char *name) {
        const char *code = exit_of(fake, name), *state = strmap_get(&fake->states, name);
        uint64_t value;

        /* One that has ended runs once more on every engine; here where that is looked for. */
        if (fake->holds_starts || (state && (!fake->late || str_equal(state, "running"))))
                return;
        (void) strv_append(&fake->started, name);
        (void) strv_append_take(&fake->acts, str_printf("start %s", name));
        (void) strmap_put(&fake->states, name, "running");
        if (parse_u64(code, &value) >= 0)
                end_container(fake, name, (int) value);
}

static int fake_container_start(Engine *engine, const char *name, TaskDone done, void *userdata, Task **ret_task) {
        FakeEngine *fake = fake_of(engine);
        int r = count_call(fake);

        if (r >= 0)
                start_container(fake, name);
        return answer(fake, r, done, userdata, ret_task);
}

static Task *follow_free(Task *task) {
        FakeFollow *follow = container_of(task, FakeFollow, task);

        for (FakeFollow **p = &follow->fake->follows; *p; p = &(*p)->next)
                if (*p == follow) {
                        *p = follow->next;
                        break;
                }
        sd_event_source_disable_unref(follow->source);
        free(follow->container);
        free(follow);
        return NULL;
}

static const TaskClass follow_class = { "fake-follow", follow_free };

static int fake_container_follow(Engine *engine, const FollowSpec *spec, ContainerExit *ret, TaskDone done,
                                 void *userdata, Task **ret_task) {
        FakeEngine *fake = fake_of(engine);
        FakeFollow *follow = calloc(1, sizeof(*follow));

        task_init(&follow->task, &follow_class, done, userdata);
        follow->fake = fake;
        follow->container = strdup(spec->container);
        follow->spec = *spec;
        follow->ret = ret;
        follow->next = fake->follows;
        fake->follows = follow;
        if (map_has(&fake->states, spec->container) &&
            !str_equal(strmap_get(&fake->states, spec->container), "running"))
                (void) sd_event_add_defer(fake->engine.event, &follow->source, on_ended, follow);
        *ret_task = &follow->task;
        return 0;
}

static int fake_container_inspect(Engine *engine, const char *name, ContainerStatus *ret, TaskDone done, void *userdata,
                                  Task **ret_task) {
        FakeEngine *fake = fake_of(engine);
        const char *state = strmap_get(&fake->states, name);
        _cleanup_free_ char *key = str_printf("container %s", name);
        uint64_t code = 0;
        int r = count_call(fake);

        if (r >= 0 && !map_has(&fake->objects, key))
                r = -ENOENT;
        if (state && !str_equal(state, "running"))
                (void) parse_u64(state, &code);
        if (r >= 0)
                *ret = (ContainerStatus) { .state = !state                       ? CONTAINER_CREATED
                                                    : str_equal(state, "running") ? CONTAINER_RUNNING
                                                                                  : CONTAINER_EXITED,
                                           .exit_code = (int) code, .id = strdup(name), .error = strdup("") };
        if (r >= 0 && !state && fake->late && str_ends_with(name, fake->late))
                start_container(fake, name);
        return answer(fake, r, done, userdata, ret_task);
}

static int fake_container_stop(Engine *engine, const char *name, uint64_t grace_usec, TaskDone done, void *userdata,
                               Task **ret_task) {
        FakeEngine *fake = fake_of(engine);
        int r = count_call(fake);

        if (r >= 0)
                end_container(fake, name, grace_usec ? 143 : 137);
        return answer(fake, r, done, userdata, ret_task);
}

static int fake_has_path(Engine *engine, const char *name, const char *path, TaskDone done, void *userdata,
                         Task **ret_task) {
        FakeEngine *fake = fake_of(engine);
        int r = count_call(fake);

        return answer(fake, r < 0 ? r : 1, done, userdata, ret_task);
}

static int fake_read_file(Engine *engine, const char *name, const char *path, size_t max_bytes, char **ret,
                          size_t *ret_n, TaskDone done, void *userdata, Task **ret_task) {
        FakeEngine *fake = fake_of(engine);
        int r = count_call(fake);

        if (r >= 0) {
                *ret = strdup("build:x:1000:1000::/:/bin/sh\n");
                *ret_n = strlen(*ret);
        }
        return answer(fake, r, done, userdata, ret_task);
}

static int fake_object_remove(Engine *engine, ObjectKind kind, const char *name, TaskDone done, void *userdata,
                              Task **ret_task) {
        FakeEngine *fake = fake_of(engine);
        _cleanup_free_ char *key = str_printf("%s %s", object_kind_to_string(kind), name);
        int r = count_call(fake);

        if (r >= 0 && str_equal(key, fake->stubborn))
                r = -EREMOTEIO;
        if (r >= 0) {
                (void) strv_append_take(&fake->acts, str_printf("remove %s", key));
                (void) map_remove(&fake->objects, key);
                for (size_t i = 0; kind == OBJECT_POD && i < fake->objects.n_entries; i++) {
                        _cleanup_free_ char *copy =
                                fake->objects.entries[i].key ? strdup(fake->objects.entries[i].key) : NULL;

                        if (copy && str_starts_with(copy, "container "))
                                (void) map_remove(&fake->objects, copy);
                }
        }
        return answer(fake, r, done, userdata, ret_task);
}

static int fake_image_import(Engine *engine, const char *reference, const char *tar, size_t n, TaskDone done,
                             void *userdata, Task **ret_task) {
        FakeEngine *fake = fake_of(engine);

        return answer(fake, count_call(fake), done, userdata, ret_task);
}

/* Takes what is sent and keeps nothing of it. */
static int fake_archive_put(Engine *engine, const ArchiveSpec *spec, TaskDone done, void *userdata, Task **ret_task) {
        FakeEngine *fake = fake_of(engine);
        char piece[4096];
        int r = count_call(fake);

        while (r >= 0 && spec->source(piece, sizeof(piece), spec->userdata) > 0)
                ;
        return answer(fake, r, done, userdata, ret_task);
}

/* The workspace is empty. */
static int fake_archive_get(Engine *engine, const ArchiveSpec *spec, TaskDone done, void *userdata, Task **ret_task) {
        static const char end[2 * TAR_BLOCK];
        FakeEngine *fake = fake_of(engine);
        int r = count_call(fake);

        return answer(fake, r < 0 ? r : spec->sink(end, sizeof(end), spec->userdata), done, userdata, ret_task);
}

static const EngineClass fake_class = {
        .probe = fake_probe,
        .image_import = fake_image_import,
        .archive_put = fake_archive_put,
        .archive_get = fake_archive_get,
        .image_inspect = fake_image_inspect,
        .image_pull = fake_image_pull,
        .pod_create = fake_pod_create,
        .volume_create = fake_volume_create,
        .network_create = fake_network_create,
        .secret_create = fake_secret_create,
        .container_create = fake_container_create,
        .container_init = fake_simple,
        .container_start = fake_container_start,
        .container_follow = fake_container_follow,
        .container_stop = fake_container_stop,
        .container_inspect = fake_container_inspect,
        .container_has_path = fake_has_path,
        .container_read_file = fake_read_file,
        .object_remove = fake_object_remove,
};

FakeEngine *fake_engine_new(sd_event *event) {
        FakeEngine *fake = calloc(1, sizeof(*fake));
        char directory[] = "/tmp/podstep-test-XXXXXX";

        *fake = (FakeEngine) {
                .engine = { .class = &fake_class,
                            .event = event,
                            .info = { .kind = "fake",
                                      .version = "1",
                                      .address = "fake:",
                                      .is_local = true,
                                      .is_rootless = true,
                                      .has_pods = true,
                                      .has_secrets = true,
                                      .maps_users = true } },
                .objects = STRMAP_INIT,
                .exit_codes = STRMAP_INIT,
                .states = STRMAP_INIT,
                .directory = strdup(mkdtemp(directory)),
        };
        return fake;
}

FakeEngine *fake_engine_free(FakeEngine *fake) {
        if (!fake)
                return NULL;
        (void) file_remove_tree(fake->directory);
        map_done(&fake->objects);
        map_done(&fake->exit_codes);
        map_done(&fake->states);
        strv_free(fake->started);
        strv_free(fake->acts);
        free(fake->directory);
        free(fake);
        return NULL;
}
