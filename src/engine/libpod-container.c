/* Containers of Podman: made, initialised, asked for their health. The rest is container.c's. */

#include "engine/libpod-internal.h"

#include <string.h>

/*
 * The container is there after all: it was made by a request whose answer was lost. If it is not, the refusal meant
 * something else.
 */
static int answer_adopt(Call *call, Reply *reply, Error **reterr) {
        if (reply->status == 404) {
                /*
                 * A request whose sender was killed may be half-way: the storage has the name, the container is not
                 * there yet. Only the words tell this from other refusals.
                 */
                if (strstr(error_message(call->refusal, 0), "already in use") &&
                    call_again(call, reply, NULL) == CALL_GOES_ON)
                        return CALL_GOES_ON;
                return call_refuse(call, reterr);
        }
        return answer_id(call, reply, reterr);
}

static int answer_create(Call *call, Reply *reply, Error **reterr) {
        if (reply->status != 500 && reply->status != 409)
                return answer_id(call, reply, reterr);
        /* "Name in use" is 500 from libpod, 409 from others; so is all else. The name tells: it is ours alone. */
        return call_look_for(call, reply, (const char *const[3]) { "containers", call->name, "json" }, answer_adopt);
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

int libpod_container_init(Engine *engine, const char *name, TaskDone done, void *userdata, Task **ret_task) {
        CallSpec spec = { .doing = "initialising container",
                          .method = "POST",
                          .path = { "containers", name, "init" },
                          .is_slow = true };

        return call_start(engine, &spec, done, userdata, ret_task);
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
                          .ret.health = ret,
                          .is_slow = true }; /* the check itself may take long */

        return call_start(engine, &spec, done, userdata, ret_task);
}
