/*
 * Docker looks for a container's networks only when it starts it, and until then nobody is on them: anybody's "prune"
 * takes them away. Those that were made here are made again then.
 */

#include "engine/docker-internal.h"

#include <errno.h>
#include <string.h>

#include "base/strv.h"

typedef struct Start {
        Call call;
        char **networks; /* of ours, that the container should be on */
        size_t next;
        bool is_second;
} Start;

static Call *start_free(Call *call) {
        Start *start = container_of(call, Start, call);

        strv_free(start->networks);
        free(start);
        return NULL;
}

static int answer_start(Call *call, Reply *reply, Error **reterr);
static int make_next(Call *call, Error **reterr);

/* A container that cannot be started is not "not found", whatever the status. */
static int refuse(Call *call, Error **reterr) {
        (void) call_refuse(call, reterr);
        return -EREMOTEIO;
}

/* 403: somebody else is about to make it. 409: it was not that one, or it has been made. */
static int answer_made(Call *call, Reply *reply, Error **reterr) {
        Start *start = container_of(call, Start, call);
        int r = reply->status == 403   ? call_again(call, reply, reterr)
                : reply->status == 409 ? 0
                                       : call_check(reply, reterr);

        if (r < 0)
                return error_wrap(reterr, -EREMOTEIO, "making network '%s' again, which somebody removed",
                                  start->networks[start->next]);
        if (r == CALL_GOES_ON)
                return r;
        start->next++;
        return make_next(call, reterr);
}

/* When all of them stand the container is started again. */
static int make_next(Call *call, Error **reterr) {
        Start *start = container_of(call, Start, call);
        const char *network = start->networks[start->next];
        const char *body = network ? strmap_get(&call->service->networks, network) : "";

        if (network && !body)
                return refuse(call, reterr); /* removed here meanwhile: the job is over */
        if (network)
                call_set_path(call, (const char *const[3]) { "networks", "create" });
        else
                call_set_path(call, (const char *const[3]) { "containers", call->name, "start" });
        return call_post_on_take(call, strdup(body), network ? answer_made : answer_start);
}

static int find_networks(Start *start, Json *container) {
        const Map *ours = &start->call.service->networks;
        Json *networks = NULL;
        int r = 0;

        if (json_get_object(container, "NetworkSettings.Networks", &networks, NULL) < 0)
                return 0;
        json_object_object_foreach(networks, name, endpoint) {
                (void) endpoint;
                if (r >= 0 && map_has(ours, name))
                        r = strv_append(&start->networks, name);
        }
        return r;
}

/* What was not found is the container itself, or one of its networks. */
static int answer_look(Call *call, Reply *reply, Error **reterr) {
        Start *start = container_of(call, Start, call);
        _cleanup_(json_unrefp) Json *json = NULL;

        if (reply->status == 404 || call_json(reply, &json, NULL) < 0)
                return refuse(call, reterr);
        if (find_networks(start, json) < 0)
                return error_oom(reterr);
        return start->networks ? make_next(call, reterr) : refuse(call, reterr);
}

static int answer_start(Call *call, Reply *reply, Error **reterr) {
        Start *start = container_of(call, Start, call);
        int r;

        if (reply->status == 304)
                return 0;
        if (reply->status == 404 && !start->is_second) {
                start->is_second = true;
                return call_look_for(call, reply, (const char *const[3]) { "containers", call->name, "json" },
                                     answer_look);
        }
        r = call_check(reply, reterr);
        return r == -ENOENT ? -EREMOTEIO : r;
}

int docker_container_start(Engine *engine, const char *name, TaskDone done, void *userdata, Task **ret_task) {
        CallSpec spec = container_start_spec(name);
        _cleanup_(call_freep) Call *call = NULL;
        Start *start = calloc(1, sizeof(*start));
        int r;

        if (!start)
                return -ENOMEM;
        call = &start->call;
        call->free_derived = start_free;
        spec.answer = answer_start;
        r = call_init(call, engine, &spec, done, userdata);
        return r < 0 ? r : container_start_take(TAKE_PTR(call), ret_task);
}
