/*
 * What containers of Podman stand on: pods, volumes, networks, secrets. Each is made under a name of ours, so that one
 * that is there already is ours.
 */

#include "engine/libpod-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * A refusal: 409 for a taken name (pods, networks) or 500 (volumes, secrets), but 500 is much else too. The name tells.
 */
static int adopt_or_check(Call *call, const Reply *reply, const char *collection, const char *what, CallAnswer answer,
                          Error **reterr) {
        if (reply->status != 500 && reply->status != 409)
                return call_check(reply, reterr);
        return call_look_for(call, reply, (const char *const[3]) { collection, call->name, what }, answer);
}

/*
 * Not "json" of a pod: that waits for the locks of all its containers, and Podman 4.3 was seen to block itself there
 * for ever.
 */
static int answer_pod(Call *call, Reply *reply, Error **reterr) {
        return adopt_or_check(call, reply, "pods", "exists", answer_standing, reterr);
}

static int answer_network(Call *call, Reply *reply, Error **reterr) {
        return adopt_or_check(call, reply, "networks", "json", answer_standing, reterr);
}

static int answer_secret(Call *call, Reply *reply, Error **reterr) {
        return adopt_or_check(call, reply, "secrets", "json", answer_standing, reterr);
}

int libpod_pod_create(Engine *engine, const PodSpec *pod, TaskDone done, void *userdata, Task **ret_task) {
        JsonWriter w = { 0 };
        CallSpec spec = { .doing = "creating pod",
                          .method = "POST",
                          .path = { "pods", "create" },
                          .name = pod->name,
                          .answer = answer_pod,
                          .body = &w,
                          .is_slow = true };

        json_open_object(&w, NULL);
        json_put_string(&w, "name", pod->name);
        json_put_strmap(&w, "labels", pod->labels);
        /* With an infra container no member could have a user namespace of its own. */
        json_put_bool(&w, "no_infra", true);
        json_close(&w);
        return call_start(engine, &spec, done, userdata, ret_task);
}

static int take_mountpoint(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        const char *mountpoint;
        int r;

        r = call_json(reply, &json, reterr);
        if (r < 0)
                return r;
        r = json_get_string(json, "Mountpoint", &mountpoint, reterr);
        if (r < 0)
                return call_bad(r, reterr);
        return call->ret.text ? call_copy_string(json, "Mountpoint", call->ret.text) : 0;
}

static int answer_standing_volume(Call *call, Reply *reply, Error **reterr) {
        return reply->status == 404 ? call_refuse(call, reterr) : take_mountpoint(call, reply, reterr);
}

static int answer_volume(Call *call, Reply *reply, Error **reterr) {
        if (reply->status == 500 || reply->status == 409)
                return adopt_or_check(call, reply, "volumes", "json", answer_standing_volume, reterr);
        return take_mountpoint(call, reply, reterr);
}

int libpod_volume_create(Engine *engine, const VolumeSpec *volume, char **ret_mountpoint, TaskDone done, void *userdata,
                         Task **ret_task) {
        JsonWriter w = { 0 };
        CallSpec spec = { .doing = "creating volume",
                          .method = "POST",
                          .path = { "volumes", "create" },
                          .name = volume->name,
                          .answer = answer_volume,
                          .ret.text = ret_mountpoint,
                          .body = &w,
                          .is_slow = true };

        json_open_object(&w, NULL);
        json_put_string(&w, "Name", volume->name);
        json_put_string(&w, "Driver", volume->driver ? volume->driver : "local");
        json_put_strmap(&w, "Labels", volume->labels);
        json_put_strmap(&w, "Options", volume->options);
        json_close(&w);
        return call_start(engine, &spec, done, userdata, ret_task);
}

int libpod_network_create(Engine *engine, const EngineNetworkSpec *network, TaskDone done, void *userdata,
                          Task **ret_task) {
        JsonWriter w = { 0 };
        CallSpec spec = { .doing = "creating network",
                          .method = "POST",
                          .path = { "networks", "create" },
                          .name = network->name,
                          .answer = answer_network,
                          .body = &w,
                          .is_slow = true };
        char mtu[16];

        json_open_object(&w, NULL);
        json_put_string(&w, "name", network->name);
        json_put_string(&w, "driver", "bridge");
        json_put_bool(&w, "dns_enabled", true); /* off by default over the API: no aliases then */
        if (network->ipv6)
                json_put_bool(&w, "ipv6_enabled", true);
        if (network->internal)
                json_put_bool(&w, "internal", true);
        if (network->mtu > 0) {
                (void) snprintf(mtu, sizeof(mtu), "%u", (unsigned) network->mtu);
                json_open_object(&w, "options");
                json_put_string(&w, "mtu", mtu);
                json_close(&w);
        }
        json_put_strmap(&w, "labels", network->labels);
        json_close(&w);
        return call_start(engine, &spec, done, userdata, ret_task);
}

int libpod_secret_create(Engine *engine, const char *name, const Map *labels, const char *value, TaskDone done,
                         void *userdata, Task **ret_task) {
        CallSpec spec = { .doing = "creating secret",
                          .method = "POST",
                          .path = { "secrets", "create" },
                          .name = name,
                          .answer = answer_secret,
                          .is_slow = true };
        _cleanup_(call_freep) Call *call = NULL;
        _cleanup_free_ char *text = NULL;
        JsonWriter w = { 0 };
        int r;

        call_put_labels(&w, NULL, labels);
        r = json_finish(&w, false, &text);
        if (r < 0)
                return r;
        r = call_new(engine, &spec, done, userdata, &call);
        if (r < 0)
                return r;
        call_add_query(call, "name", name);
        call_add_query(call, "driver", "file");
        call_add_query(call, "labels", text);
        call->content_type = "application/octet-stream";
        r = call_take_body(call, strdup(value));
        return r < 0 ? r : call_start_take(TAKE_PTR(call), ret_task);
}

const ObjectRow libpod_object_rows[_OBJECT_KIND_MAX] = {
        /*
         * Anonymous volumes go with "volumes", not with "v" as Podman's documentation has it. Grace is for who asks for
         * it: stop.
         */
        [OBJECT_CONTAINER] = { .collection = "containers",
                               .list = "json",
                               .name = "Names",
                               .labels = "Labels",
                               .has_filter = true,
                               .list_query = "all",
                               .remove_query = { "force", "volumes", "depend", "timeout" },
                               .removing = "removing container" },
        [OBJECT_POD] = { .collection = "pods",
                         .list = "json",
                         .name = "Name",
                         .labels = "Labels",
                         .has_filter = true,
                         .remove_query = { "force", "timeout" },
                         .removing = "removing pod" },
        /*
         * Not by force: that would remove containers that use it, on 4.3 into a deadlock of Podman's own when the disk
         * is full.
         */
        [OBJECT_VOLUME] = { .collection = "volumes",
                            .list = "json",
                            .name = "Name",
                            .labels = "Labels",
                            .has_filter = true,
                            .removing = "removing volume" },
        /* Nor this: it would stop containers with a grace of 10 s each. They go first. */
        [OBJECT_NETWORK] = { .collection = "networks",
                             .list = "json",
                             .name = "name",
                             .labels = "labels",
                             .has_filter = true,
                             .removing = "removing network" },
        [OBJECT_SECRET] = { .collection = "secrets",
                            .list = "json",
                            .name = "Spec.Name",
                            .labels = "Spec.Labels",
                            .removing = "removing secret" },
};
