/* Containers: made, started, stopped, looked at. */

#include "engine/libpod-attach.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"

static int answer_id(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        const char *id = NULL;
        int r;

        r = call_json(reply, &json, reterr);
        if (r < 0)
                return r;
        r = json_get_string(json, "Id", &id, reterr);
        if (r < 0)
                return call_bad(r, reterr);
        return libpod_copy_string(json, "Id", call->ret.text);
}

/*
 * The container is there after all: it was made by a request whose answer was lost. If it is not, the refusal meant
 * something else.
 */
static int answer_adopt(Call *call, Reply *reply, Error **reterr) {
        if (reply->status == 404) {
                *reterr = TAKE_PTR(call->refusal);
                return error_number(*reterr);
        }
        return answer_id(call, reply, reterr);
}

static int answer_create(Call *call, Reply *reply, Error **reterr) {
        if (reply->status != 500 && reply->status != 409)
                return answer_id(call, reply, reterr);
        /* "Name in use" is 500 from libpod, 409 from others; so is all else. The name tells: it is ours alone. */
        (void) call_check(reply, &call->refusal);
        call_set_path(call, (const char *const[3]) { "containers", call->name, "json" });
        return call_go_on(call, answer_adopt);
}

int libpod_container_create(Engine *engine, const ContainerSpec *spec, char **ret_id, TaskDone done, void *userdata,
                            Task **ret_task) {
        CallSpec call_spec = { .doing = "creating container",
                               .method = "POST",
                               .path = { "containers", "create" },
                               .name = spec->name,
                               .answer = answer_create,
                               .is_slow = true };
        _cleanup_(call_freep) Call *call = NULL;
        char *body = NULL;
        int r;

        r = call_new(engine, &call_spec, done, userdata, &call);
        if (r < 0)
                return r;
        r = libpod_spec_to_json(spec, &body);
        if (r < 0)
                return r;
        call->ret.text = ret_id;
        r = call_take_body(call, body);
        return r < 0 ? r : call_start_take(TAKE_PTR(call), ret_task);
}

/* Calls whose success is all there is to know. */
static int simple_call(Engine *engine, const CallSpec *spec, TaskDone done, void *userdata, Task **ret_task) {
        Call *call = NULL;
        int r;

        r = call_new(engine, spec, done, userdata, &call);
        return r < 0 ? r : call_start_take(call, ret_task);
}

int libpod_container_init(Engine *engine, const char *name, TaskDone done, void *userdata, Task **ret_task) {
        CallSpec spec = { .doing = "initialising container",
                          .method = "POST",
                          .path = { "containers", name, "init" },
                          .is_slow = true };

        return simple_call(engine, &spec, done, userdata, ret_task);
}

int libpod_container_start(Engine *engine, const char *name, TaskDone done, void *userdata, Task **ret_task) {
        CallSpec spec = { .doing = "starting container",
                          .method = "POST",
                          .path = { "containers", name, "start" },
                          .is_slow = true };
        _cleanup_(call_freep) Call *call = NULL;
        int r;

        r = call_new(engine, &spec, done, userdata, &call);
        if (r < 0)
                return r;
        r = attach_wait(libpod_of(engine), name, call_resume, call, &call->pending);
        if (r < 0)
                return r;
        if (r == 0)
                return call_start_take(TAKE_PTR(call), ret_task);
        *ret_task = &TAKE_PTR(call)->task;
        return 0;
}

static int answer_stop(Call *call, Reply *reply, Error **reterr) {
        if (reply->status == 304 || reply->status == 404)
                return 0; /* it does not run */
        if (reply->status == 500)
                return call_again(call, reply, reterr);
        return call_check(reply, reterr);
}

int libpod_container_stop(Engine *engine, const char *name, uint64_t grace_usec, TaskDone done, void *userdata,
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
        call_add_query(call, "timeout", text);
        call->timeout_usec += seconds * USEC_PER_SEC; /* it is answered when the container has ended */
        return call_start_take(TAKE_PTR(call), ret_task);
}

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
        if (libpod_copy_string(json, "Id", &status.id) < 0 ||
            libpod_copy_string(json, "State.Error", &status.error) < 0)
                return error_oom(reterr);
        *call->ret.status = status;
        status = (ContainerStatus) { 0 };
        return 0;
}

int libpod_container_inspect(Engine *engine, const char *name, ContainerStatus *ret, TaskDone done, void *userdata,
                             Task **ret_task) {
        CallSpec spec = { .doing = "inspecting container",
                          .method = "GET",
                          .path = { "containers", name, "json" },
                          .answer = answer_inspect };
        Call *call = NULL;
        int r;

        r = call_new(engine, &spec, done, userdata, &call);
        if (r < 0)
                return r;
        call->ret.status = ret;
        return call_start_take(call, ret_task);
}

static int answer_health(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        const char *status = NULL;
        int r;

        r = call_json(reply, &json, reterr);
        if (r < 0)
                return r;
        r = json_get_string(json, "Status", &status, reterr);
        if (r < 0)
                return call_bad(r, reterr);
        *call->ret.health = str_equal(status, "healthy")    ? HEALTH_HEALTHY
                            : str_equal(status, "starting") ? HEALTH_STARTING
                                                            : HEALTH_UNHEALTHY;
        return 0;
}

int libpod_container_check_health(Engine *engine, const char *name, HealthStatus *ret, TaskDone done, void *userdata,
                                  Task **ret_task) {
        CallSpec spec = { .doing = "checking the health of container",
                          .method = "GET",
                          .path = { "containers", name, "healthcheck" },
                          .answer = answer_health,
                          .is_slow = true }; /* the check itself may take long */
        Call *call = NULL;
        int r;

        r = call_new(engine, &spec, done, userdata, &call);
        if (r < 0)
                return r;
        call->ret.health = ret;
        return call_start_take(call, ret_task);
}
