/* Containers: made, started, stopped, looked at. */

#include "engine/libpod-internal.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "engine/attach.h"

int libpod_container_create(Engine *engine, const ContainerSpec *spec, char **ret_id, TaskDone done, void *userdata,
                            Task **ret_task) {
        CallSpec call_spec = { .doing = "creating container",
                               .method = "POST",
                               .path = { "containers", "create" },
                               .name = spec->name,
                               .answer = answer_created,
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
        r = attach_wait(service_of(engine), name, call_resume, call, &call->pending);
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
