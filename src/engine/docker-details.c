/* What Docker tells of itself: GET /info. Fields came and went with its versions, so each may be missing. */

#include "engine/docker-internal.h"

#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "engine/details.h"

#define TEXT_MAX 4096 /* of one string */

static int copy_text(Json *json, const char *path, const char *before, char **ret) {
        const char *text = json_find_string(json, path);
        _cleanup_free_ char *both = text ? str_printf("%s%s", before, text) : NULL;

        if (!text)
                return 0;
        *ret = both ? str_escape(both, strlen(both), TEXT_MAX) : NULL;
        return *ret ? 0 : -ENOMEM;
}

static int read_texts(Json *json, EngineDetails *details) {
        const struct {
                const char *path, *before;
                char **ret;
        } rows[] = {
                { "ServerVersion", "", &details->version },
                { "KernelVersion", "", &details->kernel },
                { "OperatingSystem", "", &details->distribution },
                { "DefaultRuntime", "", &details->runtime },
                { "CgroupDriver", "", &details->cgroup_manager },
                { "CgroupVersion", "v", &details->cgroup_version }, /* "v2", as Podman has it */
                { "Driver", "", &details->storage_driver },
                { "DockerRootDir", "", &details->graph_root },
        };

        FOREACH_ROW(row, rows)
                if (copy_text(json, row->path, row->before, row->ret) < 0)
                        return -ENOMEM;
        return 0;
}

static int read_controllers(const EngineInfo *info, EngineDetails *details) {
        static const struct {
                Controller controller;
                const char *name;
        } rows[] = {
                { CONTROLLER_MEMORY, "memory" },
                { CONTROLLER_CPU, "cpu" },
                { CONTROLLER_CPUSET, "cpuset" },
                { CONTROLLER_PIDS, "pids" },
        };

        FOREACH_ROW(row, rows)
                if ((info->controllers & row->controller) && strv_append(&details->cgroup_controllers, row->name) < 0)
                        return -ENOMEM;
        return 0;
}

static int answer_describe(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(engine_details_done) EngineDetails details = { 0 };
        _cleanup_(json_unrefp) Json *json = NULL;
        EngineInfo *info = &call->service->engine.info;
        int r;

        r = call_json(reply, &json, reterr);
        if (r >= 0)
                r = call->service->kind->take_info(call->service, json, reterr);
        if (r < 0)
                return r;
        details.is_rootless = info->is_rootless;
        details.has_seccomp = docker_has_security_option(json, "name=seccomp");
        if (read_texts(json, &details) < 0 || read_controllers(info, &details) < 0)
                return error_oom(reterr);
        *call->ret.details = details;
        details = (EngineDetails) { 0 };
        return 0;
}

int docker_describe(Engine *engine, EngineDetails *ret, TaskDone done, void *userdata, Task **ret_task) {
        CallSpec spec = { .doing = "asking what the engine is",
                          .method = "GET",
                          .path = { "info" },
                          .answer = answer_describe,
                          .ret.details = ret };

        return call_start(engine, &spec, done, userdata, ret_task);
}
