/* Volumes and networks made; all kinds of objects listed by label, and removed. */

#include "engine/docker-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/strv.h"

#define OBJECTS_MAX 10000 /* of one kind and label; more are told by the next list */

/* An object that could not be made is there already, or the refusal meant something else. */
static int answer_standing(Call *call, Reply *reply, Error **reterr) {
        if (reply->status == 404) {
                *reterr = TAKE_PTR(call->refusal);
                return error_number(*reterr);
        }
        return call_check(reply, reterr);
}

static int answer_network(Call *call, Reply *reply, Error **reterr) {
        if (reply->status != 409)
                return call_check(reply, reterr);
        (void) call_check(reply, &call->refusal);
        call_set_path(call, (const char *const[3]) { "networks", call->name });
        return call_go_on(call, answer_standing);
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

/* A call with a JSON body that is already written. */
static int start_with_body(Engine *engine, const CallSpec *spec, JsonWriter *w, char **ret_text, TaskDone done,
                           void *userdata, Task **ret_task) {
        _cleanup_(json_writer_done) JsonWriter owned = *w;
        _cleanup_(call_freep) Call *call = NULL;
        int r;

        r = call_new(engine, spec, done, userdata, &call);
        if (r < 0)
                return r;
        call->ret.text = ret_text;
        r = call_finish_body(call, &owned);
        return r < 0 ? r : call_start_take(TAKE_PTR(call), ret_task);
}

int docker_volume_create(Engine *engine, const VolumeSpec *volume, char **ret_mountpoint, TaskDone done, void *userdata,
                         Task **ret_task) {
        CallSpec spec = { .doing = "creating volume",
                          .method = "POST",
                          .path = { "volumes", "create" },
                          .name = volume->name,
                          .answer = answer_volume };
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_put_string(&w, "Name", volume->name);
        json_put_string(&w, "Driver", volume->driver ? volume->driver : "local");
        json_put_strmap(&w, "Labels", volume->labels);
        json_put_strmap(&w, "DriverOpts", volume->options);
        json_close(&w);
        return start_with_body(engine, &spec, &w, ret_mountpoint, done, userdata, ret_task);
}

int docker_network_create(Engine *engine, const EngineNetworkSpec *network, TaskDone done, void *userdata,
                          Task **ret_task) {
        CallSpec spec = { .doing = "creating network",
                          .method = "POST",
                          .path = { "networks", "create" },
                          .name = network->name,
                          .answer = answer_network,
                          .is_slow = true };
        JsonWriter w = { 0 };
        char mtu[16];

        json_open_object(&w, NULL);
        json_put_string(&w, "Name", network->name);
        json_put_bool(&w, "CheckDuplicate", true); /* else an older Docker makes a second one of that name */
        json_put_string(&w, "Driver", "bridge");
        if (network->ipv6)
                json_put_bool(&w, "EnableIPv6", true);
        if (network->internal)
                json_put_bool(&w, "Internal", true);
        if (network->mtu > 0) {
                (void) snprintf(mtu, sizeof(mtu), "%u", (unsigned) network->mtu);
                json_open_object(&w, "Options");
                json_put_string(&w, "com.docker.network.driver.mtu", mtu);
                json_close(&w);
        }
        json_put_strmap(&w, "Labels", network->labels);
        json_close(&w);
        return start_with_body(engine, &spec, &w, NULL, done, userdata, ret_task);
}

/* What is different between the kinds. */
static const struct ObjectRow {
        const char *collection; /* NULL: Docker has none */
        const char *list;       /* the rest of the path, with what is always asked */
        const char *array;      /* where the list stands in the answer; NULL: it is the answer */
        const char *name;
        const char *remove_query;
        const char *removing;
} object_rows[_OBJECT_KIND_MAX] = {
        [OBJECT_CONTAINER] = { "containers", "json?all=true", NULL, "Names", "?force=true&v=true", "removing container" },
        [OBJECT_VOLUME] = { "volumes", NULL, "Volumes", "Name", "", "removing volume" },
        [OBJECT_NETWORK] = { "networks", NULL, NULL, "Name", "", "removing network" },
};

typedef struct List {
        Call call;
        ObjectKind kind;
        EngineObjects found;
} List;

static Call *list_free(Call *call) {
        List *list = container_of(call, List, call);

        engine_objects_done(&list->found);
        free(list);
        return NULL;
}

/* Containers have several names, each with a slash before it; links of others, with more slashes, come first or last. */
static const char *object_name(Json *json, const char *path) {
        Json *names = NULL;

        if (json_get_array(json, path, &names, NULL) < 0)
                return json_find_string(json, path);
        for (size_t i = 0; i < json_object_array_length(names); i++) {
                const char *name = json_object_get_string(json_object_array_get_idx(names, i));

                if (name && *name == '/' && !strchr(name + 1, '/'))
                        return name + 1;
        }
        return NULL;
}

static int append_object(List *list, Json *json) {
        EngineObject object = { .kind = list->kind };
        const char *name = object_name(json, object_rows[list->kind].name);
        Json *labels = NULL;
        int r;

        if (str_is_empty(name))
                return 0;
        (void) json_get_object(json, "Labels", &labels, NULL);
        object.name = strdup(name);
        r = object.name ? call_copy_labels(labels, &object.labels) : -ENOMEM;
        if (r >= 0)
                r = ARRAY_APPEND(list->found.objects, list->found.n_objects, object);
        if (r < 0) {
                free(object.name);
                map_done(&object.labels);
        }
        return r;
}

static int answer_list(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        List *list = container_of(call, List, call);
        const struct ObjectRow *row = &object_rows[list->kind];
        Json *array;
        size_t n;
        int r;

        r = call_json(reply, &json, reterr);
        if (r < 0)
                return r;
        array = json;
        if (row->array && json_get_array(json, row->array, &array, NULL) < 0)
                array = NULL; /* "null" is an empty list */
        if (array && !json_object_is_type(array, json_type_array))
                return error_set(reterr, EPROTO, "odd answer: expected a list");
        n = array ? MIN(json_object_array_length(array), OBJECTS_MAX) : 0;
        for (size_t i = 0; i < n; i++)
                if (append_object(list, json_object_array_get_idx(array, i)) < 0)
                        return error_oom(reterr);
        *call->ret.objects = list->found;
        list->found = (EngineObjects) { 0 };
        return 0;
}

static int label_filter(const char *label, char **ret) {
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_open_array(&w, "label");
        json_put_string(&w, NULL, label);
        json_close(&w);
        json_close(&w);
        return json_finish(&w, false, ret);
}

int docker_object_list(Engine *engine, ObjectKind kind, const char *label, EngineObjects *ret, TaskDone done,
                       void *userdata, Task **ret_task) {
        const struct ObjectRow *row = &object_rows[kind];
        CallSpec spec = { .doing = "listing", .method = "GET", .path = { row->collection }, .answer = answer_list };
        _cleanup_(call_freep) Call *call = NULL;
        _cleanup_free_ char *filter = NULL;
        List *list;
        int r;

        if (!row->collection) {
                *ret = (EngineObjects) { 0 };
                return task_defer(engine->event, 0, NULL, done, userdata, ret_task);
        }
        list = calloc(1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        call = &list->call;
        call->free_derived = list_free;
        list->kind = kind;
        r = call_init(call, engine, &spec, done, userdata);
        if (r >= 0)
                r = label_filter(label, &filter);
        if (r < 0)
                return r;
        call->ret.objects = ret;
        if (row->list)
                (void) str_appendf(&call->path, "/%s", row->list);
        call_add_query(call, "filters", filter);
        return call_start_take(TAKE_PTR(call), ret_task);
}

/*
 * 409: it is being removed already, or something still uses it; 403: a network's last member has not quite left. Both
 * pass.
 */
static int answer_remove(Call *call, Reply *reply, Error **reterr) {
        if (reply->status == 404)
                return 0;
        if (reply->status == 409 || reply->status == 403 || reply->status == 500)
                return call_again(call, reply, reterr);
        return call_check(reply, reterr);
}

int docker_object_remove(Engine *engine, ObjectKind kind, const char *name, TaskDone done, void *userdata,
                         Task **ret_task) {
        const struct ObjectRow *row = &object_rows[kind];
        CallSpec spec = { .doing = row->removing,
                          .method = "DELETE",
                          .path = { row->collection, name },
                          .answer = answer_remove,
                          .is_slow = true };
        _cleanup_(call_freep) Call *call = NULL;
        int r;

        if (!row->collection)
                return task_defer(engine->event, 0, NULL, done, userdata, ret_task);
        r = call_new(engine, &spec, done, userdata, &call);
        if (r < 0)
                return r;
        (void) str_append(&call->path, row->remove_query);
        return call_start_take(TAKE_PTR(call), ret_task);
}
