/* Containers of Docker: made, followed, asked for their health. The rest is container.c's. */

#include "engine/docker-internal.h"

#include <errno.h>

#include "base/strv.h"
#include "engine/attach.h"

/* Several networks at once are a matter of Docker 25 and later, so the further ones are joined one by one. */
typedef struct Create {
        Call call;
        char **also;
        size_t next;
} Create;

static Call *create_free(Call *call) {
        Create *create = container_of(call, Create, call);

        strv_free(create->also);
        free(create);
        return NULL;
}

static int answer_joined(Call *call, Reply *reply, Error **reterr);

static const char *joining(const Call *call) {
        const Create *create = container_of(call, const Create, call);

        return create->also ? create->also[create->next] : NULL;
}

static int join(Call *call, Error **reterr) {
        const char *network = joining(call);
        JsonWriter w = { 0 };
        char *body = NULL;
        int r;

        if (!network)
                return 0;
        json_open_object(&w, NULL);
        json_put_string(&w, "Container", call->name);
        json_close(&w);
        r = json_finish(&w, false, &body);
        if (r < 0)
                return error_oom(reterr);
        call_set_path(call, (const char *const[3]) { "networks", network, "connect" });
        return call_post_on_take(call, body, answer_joined);
}

static int join_next(Call *call, Error **reterr) {
        container_of(call, Create, call)->next++;
        return join(call, reterr);
}

static int join_failed(const Call *call, int r, Error **reterr) {
        return error_wrap(reterr, r, "joining network '%s'", joining(call));
}

/* It has them by name; the operator may have given the id. Part of an id could as well be another network's name. */
static bool is_joined(Json *container, const char *network) {
        Json *networks = NULL;

        if (json_get_object(container, "NetworkSettings.Networks", &networks, NULL) < 0)
                return false;
        json_object_object_foreach(networks, name, endpoint)
                if (str_equal(name, network) || str_equal(json_find_string(endpoint, "NetworkID"), network))
                        return true;
        return false;
}

static int answer_members(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        int r;

        if (reply->status == 404)
                return join_failed(call, call_refuse(call, reterr), reterr);
        r = call_json(reply, &json, reterr);
        if (r < 0)
                return join_failed(call, r, reterr);
        return is_joined(json, joining(call)) ? join_next(call, reterr)
                                              : join_failed(call, call_refuse(call, reterr), reterr);
}

/* 403, 409: it may be in that network already, by a request whose answer was lost. Other things are told so, too. */
static int answer_joined(Call *call, Reply *reply, Error **reterr) {
        int r;

        if (reply->status == 403 || reply->status == 409)
                return call_look_for(call, reply, (const char *const[3]) { "containers", call->name, "json" },
                                     answer_members);
        r = call_check(reply, reterr);
        return r < 0 ? join_failed(call, r, reterr) : join_next(call, reterr);
}

static int take_id(Call *call, Reply *reply, Error **reterr) {
        int r = answer_id(call, reply, reterr);

        return r < 0 ? r : join(call, reterr);
}

static int answer_adopt(Call *call, Reply *reply, Error **reterr) {
        return reply->status == 404 ? call_refuse(call, reterr) : take_id(call, reply, reterr);
}

static int answer_create(Call *call, Reply *reply, Error **reterr) {
        if (reply->status != 409)
                return take_id(call, reply, reterr);
        return call_look_for(call, reply, (const char *const[3]) { "containers", call->name, "json" }, answer_adopt);
}

int docker_container_create(Engine *engine, const ContainerSpec *spec, char **ret_id, TaskDone done, void *userdata,
                            Task **ret_task) {
        CallSpec call_spec = { .doing = "creating container",
                               .method = "POST",
                               .path = { "containers", "create" },
                               .name = spec->name,
                               .answer = answer_create,
                               .is_slow = true };
        _cleanup_(call_freep) Call *call = NULL;
        char *body = NULL;
        Create *create;
        int r;

        create = calloc(1, sizeof(*create));
        if (!create)
                return -ENOMEM;
        call = &create->call;
        call->free_derived = create_free;
        r = strv_copy(spec->network.also, &create->also);
        if (r >= 0)
                r = call_init(call, engine, &call_spec, done, userdata);
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

int docker_container_follow(Engine *engine, const FollowSpec *spec, ContainerExit *ret, TaskDone done, void *userdata,
                            Task **ret_task) {
        return attach_start(service_of(engine), spec, ret, done, userdata, ret_task);
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
                          .answer = answer_health,
                          .ret.health = ret };

        return call_start(engine, &spec, done, userdata, ret_task);
}
