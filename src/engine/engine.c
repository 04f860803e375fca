#include "engine/engine.h"

#include <errno.h>
#include <string.h>

#include "base/strv.h"

Engine *engine_free(Engine *engine) {
        return engine ? engine->class->free(engine) : NULL;
}

int engine_probe(Engine *engine, TaskDone done, void *userdata, Task **ret_task) {
        return engine->class->probe(engine, done, userdata, ret_task);
}

int engine_describe(Engine *engine, EngineDetails *ret, TaskDone done, void *userdata, Task **ret_task) {
        if (!engine->class->describe)
                return task_defer(engine->event, -EOPNOTSUPP, NULL, done, userdata, ret_task);
        return engine->class->describe(engine, ret, done, userdata, ret_task);
}

int engine_image_inspect(Engine *engine, const char *image, ImageInfo *ret, TaskDone done, void *userdata,
                         Task **ret_task) {
        return engine->class->image_inspect(engine, image, ret, done, userdata, ret_task);
}

int engine_image_pull(Engine *engine, const PullSpec *spec, EngineProgress progress, PullResult *ret, TaskDone done,
                      void *userdata, Task **ret_task) {
        return engine->class->image_pull(engine, spec, progress, ret, done, userdata, ret_task);
}

int engine_image_import(Engine *engine, const char *reference, const char *tar, size_t n, TaskDone done, void *userdata,
                        Task **ret_task) {
        return engine->class->image_import(engine, reference, tar, n, done, userdata, ret_task);
}

int engine_image_remove(Engine *engine, const char *image, TaskDone done, void *userdata, Task **ret_task) {
        return engine->class->image_remove(engine, image, done, userdata, ret_task);
}

int engine_disk_usage(Engine *engine, EngineDisk *ret, TaskDone done, void *userdata, Task **ret_task) {
        return engine->class->disk_usage(engine, ret, done, userdata, ret_task);
}

int engine_pod_create(Engine *engine, const PodSpec *spec, TaskDone done, void *userdata, Task **ret_task) {
        return engine->class->pod_create(engine, spec, done, userdata, ret_task);
}

int engine_volume_create(Engine *engine, const VolumeSpec *spec, char **ret_mountpoint, TaskDone done, void *userdata,
                         Task **ret_task) {
        return engine->class->volume_create(engine, spec, ret_mountpoint, done, userdata, ret_task);
}

int engine_network_create(Engine *engine, const EngineNetworkSpec *spec, TaskDone done, void *userdata,
                          Task **ret_task) {
        return engine->class->network_create(engine, spec, done, userdata, ret_task);
}

int engine_secret_create(Engine *engine, const char *name, const Map *labels, const char *value, TaskDone done,
                         void *userdata, Task **ret_task) {
        return engine->class->secret_create(engine, name, labels, value, done, userdata, ret_task);
}

int engine_container_create(Engine *engine, const ContainerSpec *spec, char **ret_id, TaskDone done, void *userdata,
                            Task **ret_task) {
        return engine->class->container_create(engine, spec, ret_id, done, userdata, ret_task);
}

int engine_container_init(Engine *engine, const char *name, TaskDone done, void *userdata, Task **ret_task) {
        return engine->class->container_init(engine, name, done, userdata, ret_task);
}

int engine_container_start(Engine *engine, const char *name, TaskDone done, void *userdata, Task **ret_task) {
        return engine->class->container_start(engine, name, done, userdata, ret_task);
}

int engine_container_follow(Engine *engine, const FollowSpec *spec, ContainerExit *ret, TaskDone done, void *userdata,
                            Task **ret_task) {
        return engine->class->container_follow(engine, spec, ret, done, userdata, ret_task);
}

int engine_container_stop(Engine *engine, const char *name, uint64_t grace_usec, TaskDone done, void *userdata,
                          Task **ret_task) {
        return engine->class->container_stop(engine, name, grace_usec, done, userdata, ret_task);
}

int engine_container_inspect(Engine *engine, const char *name, ContainerStatus *ret, TaskDone done, void *userdata,
                             Task **ret_task) {
        return engine->class->container_inspect(engine, name, ret, done, userdata, ret_task);
}

int engine_container_check_health(Engine *engine, const char *name, HealthStatus *ret, TaskDone done, void *userdata,
                                  Task **ret_task) {
        return engine->class->container_check_health(engine, name, ret, done, userdata, ret_task);
}

int engine_container_read_file(Engine *engine, const char *name, const char *path, size_t max_bytes, char **ret,
                               size_t *ret_n, TaskDone done, void *userdata, Task **ret_task) {
        return engine->class->container_read_file(engine, name, path, max_bytes, ret, ret_n, done, userdata, ret_task);
}

int engine_container_has_path(Engine *engine, const char *name, const char *path, TaskDone done, void *userdata,
                              Task **ret_task) {
        return engine->class->container_has_path(engine, name, path, done, userdata, ret_task);
}

int engine_exec_start(Engine *engine, const ExecSpec *spec, TaskDone done, void *userdata, Task **ret_task) {
        return engine->class->exec_start(engine, spec, done, userdata, ret_task);
}

void engine_exec_resize(Engine *engine, Task *exec, TerminalSize size) {
        engine->class->exec_resize(exec, size);
}

int engine_archive_put(Engine *engine, const ArchiveSpec *spec, TaskDone done, void *userdata, Task **ret_task) {
        return engine->class->archive_put(engine, spec, done, userdata, ret_task);
}

int engine_archive_get(Engine *engine, const ArchiveSpec *spec, TaskDone done, void *userdata, Task **ret_task) {
        return engine->class->archive_get(engine, spec, done, userdata, ret_task);
}

int engine_object_list(Engine *engine, ObjectKind kind, const char *label, EngineObjects *ret, TaskDone done,
                       void *userdata, Task **ret_task) {
        return engine->class->object_list(engine, kind, label, ret, done, userdata, ret_task);
}

int engine_object_remove(Engine *engine, ObjectKind kind, const char *name, TaskDone done, void *userdata,
                         Task **ret_task) {
        return engine->class->object_remove(engine, kind, name, done, userdata, ret_task);
}

static const char *const object_kind_names[_OBJECT_KIND_MAX] = {
        [OBJECT_CONTAINER] = "container", [OBJECT_POD] = "pod",       [OBJECT_VOLUME] = "volume",
        [OBJECT_NETWORK] = "network",     [OBJECT_SECRET] = "secret",
};

const char *object_kind_to_string(ObjectKind kind) {
        return object_kind_names[kind];
}

static const struct {
        const char *name;
        Controller controller;
} controller_names[] = {
        { "memory", CONTROLLER_MEMORY },
        { "cpu", CONTROLLER_CPU },
        { "cpuset", CONTROLLER_CPUSET },
        { "pids", CONTROLLER_PIDS },
};

unsigned controllers_from_names(char *const *names) {
        unsigned controllers = 0;

        FOREACH_ROW(row, controller_names)
                if (strv_contains(names, row->name))
                        controllers |= row->controller;
        return controllers;
}

unsigned limit_spec_controllers(const LimitSpec *limits) {
        unsigned controllers = 0;

        if (limits->memory_bytes || limits->memory_reservation_bytes || limits->memory_swap_bytes)
                controllers |= CONTROLLER_MEMORY;
        if (limits->cpu_shares || limits->cpu_quota_usec)
                controllers |= CONTROLLER_CPU;
        if (limits->cpuset_cpus || limits->cpuset_mems)
                controllers |= CONTROLLER_CPUSET;
        if (limits->pids_max > 0)
                controllers |= CONTROLLER_PIDS;
        return controllers;
}

void image_info_done(ImageInfo *info) {
        free(info->id);
        free(info->digest);
        free(info->platform);
        strv_free(info->tags);
        strv_free(info->digests);
        free(info->user);
        strv_free(info->entrypoint);
        strv_free(info->command);
        strv_free(info->exposed);
        strv_free(info->environment);
        map_done(&info->labels);
        *info = (ImageInfo) { 0 };
}

static void wipe(char *text) {
        if (text)
                explicit_bzero(text, strlen(text));
        free(text);
}

void registry_login_done(RegistryLogin *login) {
        wipe(login->username);
        wipe(login->password);
        wipe(login->identity_token);
        *login = (RegistryLogin) { 0 };
}

void pull_result_done(PullResult *result) {
        free(result->id);
        *result = (PullResult) { 0 };
}

void engine_disk_done(EngineDisk *disk) {
        for (size_t i = 0; i < disk->n_items; i++)
                free(disk->items[i].name);
        free(disk->items);
        *disk = (EngineDisk) { 0 };
}

void container_status_done(ContainerStatus *status) {
        free(status->id);
        free(status->error);
        *status = (ContainerStatus) { 0 };
}

void engine_objects_done(EngineObjects *objects) {
        for (size_t i = 0; i < objects->n_objects; i++) {
                free(objects->objects[i].name);
                map_done(&objects->objects[i].labels);
        }
        free(objects->objects);
        *objects = (EngineObjects) { 0 };
}
