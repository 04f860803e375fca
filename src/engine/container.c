/* Containers, as far as Podman and Docker speak of them in the same words: looked at, started, stopped. */

#include "engine/service-internal.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "engine/attach.h"

static const struct {
        const char *name;
        ContainerState state;
} container_states[] = {
        { "created", CONTAINER_CREATED }, { "configured", CONTAINER_CREATED }, { "initialized", CONTAINER_INITIALIZED },
        { "running", CONTAINER_RUNNING }, { "stopped", CONTAINER_EXITED },     { "exited", CONTAINER_EXITED },
};

static ContainerState state_of(const char *name) {
        FOREACH_ROW(row, container_states)
                if (str_equal(row->name, name))
                        return row->state;
        return CONTAINER_OTHER;
}

/* A number that may be missing. */
static uint64_t get_number(Json *json, const char *path) {
        int64_t value = 0;

        return json_get_int(json, path, &value, NULL) >= 0 && value > 0 ? (uint64_t) value : 0;
}

static int answer_inspect(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(container_status_done) ContainerStatus status = { 0 };
        _cleanup_(json_unrefp) Json *json = NULL;
        const char *state = NULL;
        int64_t code = 0;
        int r;

        r = call_json(reply, &json, reterr);
        if (r < 0)
                return r;
        r = json_get_string(json, "State.Status", &state, reterr);
        if (r >= 0)
                r = json_get_int(json, "State.ExitCode", &code, reterr);
        if (r < 0)
                return call_bad(r, reterr);
        status.state = state_of(state);
        status.exit_code = (int) MAX(-1, MIN(code, 255));
        status.pid = get_number(json, "State.Pid");
        status.monitor_pid = get_number(json, "State.ConmonPid");
        (void) json_get_bool(json, "State.OOMKilled", &status.oom_killed, NULL);
        if (call_copy_string(json, "Id", &status.id) < 0 ||
            call_copy_string(json, "State.Error", &status.error) < 0)
                return error_oom(reterr);
        *call->ret.status = status;
        status = (ContainerStatus) { 0 };
        return 0;
}

int service_container_inspect(Engine *engine, const char *name, ContainerStatus *ret, TaskDone done, void *userdata,
                              Task **ret_task) {
        CallSpec spec = { .doing = "inspecting container",
                          .method = "GET",
                          .path = { "containers", name, "json" },
                          .answer = answer_inspect,
                          .ret.status = ret,
                          .is_slow = true };

        return call_start(engine, &spec, done, userdata, ret_task);
}

CallSpec container_start_spec(const char *name) {
        return (CallSpec) { .doing = "starting container",
                            .method = "POST",
                            .path = { "containers", name, "start" },
                            .name = name,
                            .is_slow = true };
}

int container_start_take(Call *call, Task **ret_task) {
        _cleanup_(call_freep) Call *owned = call;
        int r = attach_wait(call->service, call->name, call_resume, call, &call->pending);

        if (r < 0)
                return r;
        if (r == 0)
                return call_start_take(TAKE_PTR(owned), ret_task);
        *ret_task = &TAKE_PTR(owned)->task;
        return 0;
}

int service_container_start(Engine *engine, const char *name, TaskDone done, void *userdata, Task **ret_task) {
        CallSpec spec = container_start_spec(name);
        Call *call = NULL;
        int r = call_new(engine, &spec, done, userdata, &call);

        return r < 0 ? r : container_start_take(call, ret_task);
}

static int answer_stop(Call *call, Reply *reply, Error **reterr) {
        if (reply->status == 304 || reply->status == 404)
                return 0; /* it does not run */
        if (reply->status == 500)
                return call_again(call, reply, reterr);
        return call_check(reply, reterr);
}

int service_container_stop(Engine *engine, const char *name, uint64_t grace_usec, TaskDone done, void *userdata,
                           Task **ret_task) {
        CallSpec spec = { .doing = "stopping container",
                          .method = "POST",
                          .path = { "containers", name, "stop" },
                          .answer = answer_stop };
        uint64_t seconds = MIN(grace_usec, UINT32_MAX * USEC_PER_SEC);
        _cleanup_(call_freep) Call *call = NULL;
        char text[32];
        int r;

        r = call_new(engine, &spec, done, userdata, &call);
        if (r < 0)
                return r;
        seconds = (seconds + USEC_PER_SEC - 1) / USEC_PER_SEC;
        (void) snprintf(text, sizeof(text), "%llu", (unsigned long long) seconds);
        call_add_query(call, call->service->kind->stop_query, text);
        call->timeout_usec += seconds * USEC_PER_SEC; /* it is answered when the container has ended */
        return call_start_take(TAKE_PTR(call), ret_task);
}

const char *container_next_writable(const ContainerSpec *spec, size_t *i) {
        static const char *const writable[] = { "/run", "/tmp", "/var/tmp" };

        while (*i < ELEMENTSOF(writable)) {
                const char *path = writable[(*i)++];
                bool is_mounted = false;

                for (size_t k = 0; k < spec->n_mounts; k++)
                        is_mounted |= str_equal(spec->mounts[k].target, path);
                if (!is_mounted)
                        return path;
        }
        return NULL;
}
