/* What containers of Docker stand on: volumes, networks. */

#include "engine/docker-internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

/*
 * 409: it is there already. 403: its bridge or its addresses are: another request is about to make it, or somebody has
 * them.
 */
static int answer_network(Call *call, Reply *reply, Error **reterr) {
        if (reply->status == 403)
                return call_again(call, reply, reterr);
        if (reply->status != 409)
                return call_check(reply, reterr);
        return call_look_for(call, reply, (const char *const[3]) { "networks", call->name }, answer_standing);
}

/* Making a volume that is there already answers as if it had been made. */
static int answer_volume(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        int r;

        r = call_json(reply, &json, reterr);
        if (r < 0)
                return r;
        return call->ret.text && call_copy_string(json, "Mountpoint", call->ret.text) < 0 ? error_oom(reterr) : 0;
}

int docker_volume_create(Engine *engine, const VolumeSpec *volume, char **ret_mountpoint, TaskDone done, void *userdata,
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
        json_put_strmap(&w, "DriverOpts", volume->options);
        json_close(&w);
        return call_start(engine, &spec, done, userdata, ret_task);
}

static void open_ipam(JsonWriter *w) {
        json_open_object(w, "IPAM");
        json_open_array(w, "Config");
        json_open_object(w, NULL);
}

static void close_ipam(JsonWriter *w) {
        json_close(w);
        json_close(w);
        json_close(w);
}

/* FNV-1a: names are random, and asking again must ask for the same. */
static uint64_t hash_name(const char *name) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (const char *p = name; *p; p++)
                hash = (hash ^ (unsigned char) *p) * UINT64_C(0x100000001b3);
        return hash;
}

/* Docker before 27 has no IPv6 addresses of its own to give, so a unique local network (RFC 4193) is chosen. */
static void put_ipv6_subnet(JsonWriter *w, const char *name) {
        uint64_t hash = hash_name(name);
        char subnet[INET6_ADDRSTRLEN + 4];

        (void) snprintf(subnet, sizeof(subnet), "fd%02x:%x:%x:%x::/64", (unsigned) (hash & 0xff),
                        (unsigned) (hash >> 8 & 0xffff), (unsigned) (hash >> 24 & 0xffff),
                        (unsigned) (hash >> 40 & 0xffff));
        open_ipam(w);
        json_put_string(w, "Subnet", subnet);
        close_ipam(w);
}

static void put_subnet(JsonWriter *w, const EngineNetworkSpec *network) {
        open_ipam(w);
        json_put_string(w, "Subnet", network->subnet);
        json_put_string(w, "IPRange", network->range);
        close_ipam(w);
}

static void put_network_options(JsonWriter *w, const EngineNetworkSpec *network) {
        char mtu[16], bridge[16];

        json_open_object(w, "Options");
        /*
         * Docker (20.10) makes several networks of one name if they are asked for at the same time, as by the next
         * podstep while the request of one that was killed is still at work. A bridge it makes only once.
         */
        (void) snprintf(bridge, sizeof(bridge), "ps-%012llx",
                        (unsigned long long) (hash_name(network->name) & UINT64_C(0xffffffffffff)));
        json_put_string(w, "com.docker.network.bridge.name", bridge);
        if (network->mtu > 0) {
                (void) snprintf(mtu, sizeof(mtu), "%u", (unsigned) network->mtu);
                json_put_string(w, "com.docker.network.driver.mtu", mtu);
        }
        if (network->is_void) {
                /* no address, so no route of this machine's */
                json_put_string(w, "com.docker.network.bridge.inhibit_ipv4", "true");
                json_put_string(w, "com.docker.network.bridge.enable_icc", "false");
        }
        json_close(w);
}

static int network_to_json(const EngineNetworkSpec *network, char **ret) {
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_put_string(&w, "Name", network->name);
        json_put_bool(&w, "CheckDuplicate", true); /* else an older Docker makes a second one of that name */
        json_put_string(&w, "Driver", "bridge");
        if (network->ipv6) {
                json_put_bool(&w, "EnableIPv6", true);
                put_ipv6_subnet(&w, network->name);
        }
        if (network->internal || network->is_void)
                json_put_bool(&w, "Internal", true);
        if (network->subnet)
                put_subnet(&w, network);
        put_network_options(&w, network);
        json_put_strmap(&w, "Labels", network->labels);
        json_close(&w);
        return json_finish(&w, false, ret);
}

int docker_network_create(Engine *engine, const EngineNetworkSpec *network, TaskDone done, void *userdata,
                          Task **ret_task) {
        CallSpec spec = { .doing = "creating network",
                          .method = "POST",
                          .path = { "networks", "create" },
                          .name = network->name,
                          .answer = answer_network,
                          .is_slow = true };
        _cleanup_(call_freep) Call *call = NULL;
        char *body = NULL;
        int r = call_new(engine, &spec, done, userdata, &call);

        if (r >= 0)
                r = network_to_json(network, &body);
        if (r >= 0)
                r = call_take_body(call, body);
        if (r >= 0)
                r = strmap_put(&call->service->networks, network->name, call->body);
        return r < 0 ? r : call_start_take(TAKE_PTR(call), ret_task);
}

int docker_object_remove(Engine *engine, ObjectKind kind, const char *name, TaskDone done, void *userdata,
                         Task **ret_task) {
        if (kind == OBJECT_NETWORK)
                (void) map_remove(&service_of(engine)->networks, name);
        return service_object_remove(engine, kind, name, done, userdata, ret_task);
}

const ObjectRow docker_object_rows[_OBJECT_KIND_MAX] = {
        [OBJECT_CONTAINER] = { .collection = "containers",
                               .list = "json",
                               .name = "Names",
                               .labels = "Labels",
                               .has_filter = true,
                               .list_query = "all",
                               .remove_query = { "force", "v" },
                               .removing = "removing container" },
        [OBJECT_VOLUME] = { .collection = "volumes",
                            .array = "Volumes",
                            .name = "Name",
                            .labels = "Labels",
                            .has_filter = true,
                            .removing = "removing volume" },
        [OBJECT_NETWORK] = { .collection = "networks",
                             .name = "Name",
                             .labels = "Labels",
                             .has_filter = true,
                             .removing = "removing network" },
};
