/* Containers: made, started, followed, stopped, asked for their health. */

#include "engine/docker-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "engine/attach.h"

int docker_container_create(Engine *engine, const ContainerSpec *spec, char **ret_id, TaskDone done, void *userdata,
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
        call_add_query(call, "name", spec->name);
        r = docker_spec_to_json(spec, &body);
        if (r < 0)
                return r;
        call->ret.text = ret_id;
        r = call_take_body(call, body);
        return r < 0 ? r : call_start_take(TAKE_PTR(call), ret_task);
}

/* A container that cannot be started is not "not found", whatever the status. */
static int answer_start(Call *call, Reply *reply, Error **reterr) {
        int r;

        if (reply->status == 304)
                return 0;
        r = call_check(reply, reterr);
        return r == -ENOENT ? -EREMOTEIO : r;
}

int docker_container_start(Engine *engine, const char *name, TaskDone done, void *userdata, Task **ret_task) {
        CallSpec spec = { .doing = "starting container",
                          .method = "POST",
                          .path = { "containers", name, "start" },
                          .answer = answer_start,
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

int docker_container_follow(Engine *engine, const FollowSpec *spec, ContainerExit *ret, TaskDone done, void *userdata,
                            Task **ret_task) {
        return attach_start(service_of(engine), spec, ret, done, userdata, ret_task);
}

static int answer_stop(Call *call, Reply *reply, Error **reterr) {
        if (reply->status == 304 || reply->status == 404)
                return 0; /* it does not run */
        return call_check(reply, reterr);
}

int docker_container_stop(Engine *engine, const char *name, uint64_t grace_usec, TaskDone done, void *userdata,
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
        call_add_query(call, "t", text);
        call->timeout_usec += seconds * USEC_PER_SEC; /* it is answered when the container has ended */
        return call_start_take(TAKE_PTR(call), ret_task);
}

/* Docker runs the checks itself, by the image's timer or ours (ContainerSpec.health_interval_usec). */
static int answer_health(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        const char *status;
        int r;

        r = call_json(reply, &json, reterr);
        if (r < 0)
                return r;
        status = json_find_string(json, "State.Health.Status");
        *call->ret.health = str_equal(status, "healthy")     ? HEALTH_HEALTHY
                            : str_equal(status, "unhealthy") ? HEALTH_UNHEALTHY
                                                             : HEALTH_STARTING;
        return 0;
}

int docker_container_check_health(Engine *engine, const char *name, HealthStatus *ret, TaskDone done, void *userdata,
                                  Task **ret_task) {
        CallSpec spec = { .doing = "asking for the health of container",
                          .method = "GET",
                          .path = { "containers", name, "json" },
                          .answer = answer_health };
        Call *call = NULL;
        int r;

        r = call_new(engine, &spec, done, userdata, &call);
        if (r < 0)
                return r;
        call->ret.health = ret;
        return call_start_take(call, ret_task);
}
