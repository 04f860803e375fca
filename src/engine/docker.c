/*
 * Docker's service: the table of its functions, and what it says of itself. Docker has neither pods nor secrets for
 * containers, and makes nothing ready before the start.
 */

#include "engine/docker-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/strv.h"
#include "engine/exec.h"

#define PINNED_SHOWN_MAX 20

static int docker_pod_create(Engine *engine, const PodSpec *spec, TaskDone done, void *userdata, Task **ret_task) {
        return task_defer(engine->event, -EOPNOTSUPP, NULL, done, userdata, ret_task);
}

static int docker_secret_create(Engine *engine, const char *name, const Map *labels, const char *value, TaskDone done,
                                void *userdata, Task **ret_task) {
        return task_defer(engine->event, -EOPNOTSUPP, NULL, done, userdata, ret_task);
}

static int docker_container_init(Engine *engine, const char *name, TaskDone done, void *userdata, Task **ret_task) {
        return task_defer(engine->event, 0, NULL, done, userdata, ret_task);
}

static const EngineClass docker_class = {
        .free = service_free,
        .probe = service_probe,
        .describe = docker_describe,
        .image_inspect = service_image_inspect,
        .image_pull = docker_image_pull,
        .image_import = docker_image_import,
        .image_remove = service_image_remove,
        .disk_usage = service_disk_usage,
        .pod_create = docker_pod_create,
        .volume_create = docker_volume_create,
        .network_create = docker_network_create,
        .secret_create = docker_secret_create,
        .container_create = docker_container_create,
        .container_init = docker_container_init,
        .container_start = docker_container_start,
        .container_follow = docker_container_follow,
        .container_stop = service_container_stop,
        .container_inspect = service_container_inspect,
        .container_check_health = docker_container_check_health,
        .container_read_file = archive_read_file,
        .container_has_path = archive_has_path,
        .exec_start = exec_start,
        .exec_resize = exec_resize,

        .archive_put = archive_put,
        .archive_get = archive_get,
        .object_list = service_object_list,
        .object_remove = docker_object_remove,
};

/* "1.41" */
static bool api_parse(const char *text, uint64_t *ret_minor) {
        _cleanup_strv_ char **parts = NULL;
        uint64_t major;

        return text && strv_split(text, '.', &parts) >= 0 && strv_length(parts) == 2 &&
               parse_u64(parts[0], &major) >= 0 && major == DOCKER_API_MAJOR && parse_u64(parts[1], ret_minor) >= 0;
}

/* Each request names the version whose words it uses; a server takes every one from its oldest to its own. */
static int docker_take_ping(Service *service, const Map *headers, Error **reterr) {
        const char *api = strmap_get(headers, "api-version"), *os = strmap_get(headers, "ostype"),
                   *pinned = getenv("DOCKER_API_VERSION");
        uint64_t minor;

        if (os && !str_equal(os, "linux"))
                return error_set(reterr, EPROTONOSUPPORT,
                                 "it runs containers of another system than Linux; podstep's jobs are for Linux");
        if (!api_parse(api, &minor) || minor < DOCKER_API_MINOR_MIN)
                return error_set(reterr, EPROTONOSUPPORT,
                                 "this Docker is too old; podstep needs version 1.13 or later (API %d.%d)",
                                 DOCKER_API_MAJOR, DOCKER_API_MINOR_MIN);
        service->engine.info.has_void_networks = minor >= DOCKER_API_MINOR_VOID;
        minor = MIN(minor, DOCKER_API_MINOR_MAX);
        if (!str_is_empty(pinned)) {
                uint64_t wanted;

                if (!api_parse(pinned, &wanted) || wanted < DOCKER_API_MINOR_MIN)
                        return error_set(
                                reterr, EPROTONOSUPPORT,
                                "'%.*s' in DOCKER_API_VERSION is no version that podstep speaks: %d.%d or later",
                                PINNED_SHOWN_MAX, pinned, DOCKER_API_MAJOR, DOCKER_API_MINOR_MIN);
                minor = MIN(minor, wanted);
        }
        (void) snprintf(service->prefix, sizeof(service->prefix), "/v%d.%u/", DOCKER_API_MAJOR, (unsigned) minor);
        service->version = str_printf("(API %d.%u)", DOCKER_API_MAJOR, (unsigned) minor);
        if (!service->version)
                return error_oom(reterr);
        service->engine.info.version = service->version;
        return 0;
}

bool docker_has_security_option(Json *json, const char *name) {
        Json *options = NULL;

        if (json_get_array(json, "SecurityOptions", &options, NULL) < 0)
                return false;
        for (size_t i = 0; i < json_object_array_length(options); i++) {
                const char *option = json_object_get_string(json_object_array_get_idx(options, i));

                if (option && str_starts_with(option, name))
                        return true;
        }
        return false;
}

/* A daemon says of each limit whether it holds on its machine. */
static unsigned read_controllers(Json *json) {
        static const struct {
                const char *key;
                Controller controller;
        } rows[] = {
                { "MemoryLimit", CONTROLLER_MEMORY },
                { "CpuCfsQuota", CONTROLLER_CPU },
                { "CPUSet", CONTROLLER_CPUSET },
                { "PidsLimit", CONTROLLER_PIDS },
        };
        unsigned controllers = 0;

        FOREACH_ROW(row, rows) {
                bool holds = false;

                (void) json_get_bool(json, row->key, &holds, NULL);
                if (holds)
                        controllers |= row->controller;
        }
        return controllers;
}

static int docker_take_info(Service *service, Json *json, Error **reterr) {
        const char *version = json_find_string(json, "ServerVersion");
        EngineInfo *info = &service->engine.info;

        info->is_rootless = docker_has_security_option(json, "name=rootless");
        info->has_selinux = docker_has_security_option(json, "name=selinux");
        info->has_apparmor = docker_has_security_option(json, "name=apparmor");
        info->controllers = read_controllers(json);
        info->runs_health_checks = true;
        info->is_foreign = service_is_foreign(json_find_string(json, "Architecture"));
        info->is_probed = true;
        if (!version)
                return 0;
        free(service->version);
        service->version = str_escape(version, strlen(version), 32);
        info->version = service->version ? service->version : "";
        return 0;
}

const ServiceKind docker_kind = {
        .class = &docker_class,
        .name = "docker",
        .take_ping = docker_take_ping,
        .take_info = docker_take_info,
        .objects = docker_object_rows,
        .disk = docker_disk_rows,
        .stop_query = "t",
};
