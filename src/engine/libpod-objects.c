/* All kinds of objects alike: listed by label, removed. */

#include "engine/libpod-internal.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/strv.h"

#define OBJECTS_MAX 10000 /* of one kind and label; more are told by the next list */

/* What is different between the kinds. */
static const struct ObjectRow {
        const char *collection;
        const char *name, *labels; /* where they stand in an element of the list; name may be a list of them */
        bool has_filter;           /* by label; else we choose ourselves */
        const char *list_query;    /* further, "name=value" */
        const char *remove_query[4];
} object_rows[_OBJECT_KIND_MAX] = {
        /*
         * Anonymous volumes go with "volumes", not with "v" as Podman's documentation has it. Grace is for who asks for
         * it: stop.
         */
        [OBJECT_CONTAINER] = { "containers",
                               "Names",
                               "Labels",
                               true,
                               "all",
                               { "force", "volumes", "depend", "timeout" } },
        [OBJECT_POD] = { "pods", "Name", "Labels", true, NULL, { "force", "timeout" } },
        /* Not by force: that would remove containers that use it, on 4.3 into a deadlock of Podman's own when the disk is full. */
        [OBJECT_VOLUME] = { "volumes", "Name", "Labels", true, NULL, { NULL } },
        /* Nor this: it would stop containers with a grace of 10 s each. They go first. */
        [OBJECT_NETWORK] = { "networks", "name", "labels", true, NULL, { NULL } },
        [OBJECT_SECRET] = { "secrets", "Spec.Name", "Spec.Labels", false, NULL, { NULL } },
};

typedef struct List {
        Call call;
        ObjectKind kind;
        char *label;
        EngineObjects found;
        char **unknown; /* names whose labels the list did not tell; they are asked one by one */
        size_t n_asked;
} List;

static Call *list_free(Call *call) {
        List *list = container_of(call, List, call);

        free(list->label);
        engine_objects_done(&list->found);
        strv_free(list->unknown);
        free(list);
        return NULL;
}

/* @label: "key" or "key=value" */
static bool labels_match(const Map *labels, const char *label) {
        const char *equals = strchr(label, '=');
        _cleanup_free_ char *key = equals ? strndup(label, (size_t) (equals - label)) : NULL;

        if (!equals)
                return map_has(labels, label);
        return key && str_equal(strmap_get(labels, key), equals + 1);
}

static const char *object_name(Json *json, const char *path) {
        Json *names = NULL;

        if (json_get_array(json, path, &names, NULL) >= 0)
                return json_object_array_length(names) > 0 ? json_object_get_string(json_object_array_get_idx(names, 0))
                                                           : NULL;
        return json_find_string(json, path);
}

static int append_object(List *list, Json *json) {
        const struct ObjectRow *row = &object_rows[list->kind];
        EngineObject object = { .kind = list->kind };
        const char *name = object_name(json, row->name);
        Json *labels = NULL;
        int r;

        if (str_is_empty(name))
                return 0;
        if (json_get_object(json, row->labels, &labels, NULL) < 0 && !row->has_filter && list->n_asked == 0)
                return strv_append(&list->unknown, name);
        object.name = strdup(name);
        r = object.name ? call_copy_labels(labels, &object.labels) : -ENOMEM;
        if (r >= 0 && !row->has_filter && !labels_match(&object.labels, list->label))
                r = 1;
        if (r == 0)
                r = ARRAY_APPEND(list->found.objects, list->found.n_objects, object);
        if (r != 0) {
                free(object.name);
                map_done(&object.labels);
        }
        return MIN(r, 0);
}

static int list_finish(List *list) {
        *list->call.ret.objects = list->found;
        list->found = (EngineObjects) { 0 };
        return 0;
}

/* Podman 4.3 leaves the labels out of its list of secrets. */
static int answer_one(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        List *list = container_of(call, List, call);
        int r = 0;

        if (reply->status != 0 && reply->status != 404) { /* it may be gone by now */
                r = call_json(reply, &json, reterr);
                if (r < 0)
                        return r;
                if (append_object(list, json) < 0)
                        return error_oom(reterr);
        }
        if (!list->unknown || !list->unknown[list->n_asked])
                return list_finish(list);
        call_set_path(call, (const char *const[3]) { object_rows[list->kind].collection, list->unknown[list->n_asked++],
                                                    "json" });
        return call_go_on(call, answer_one);
}

static int answer_list(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        List *list = container_of(call, List, call);
        size_t n;
        int r;

        r = call_json(reply, &json, reterr);
        if (r < 0)
                return r;
        if (json && !json_object_is_type(json, json_type_array))
                return error_set(reterr, EPROTO, "odd answer: expected a list");
        n = json ? MIN(json_object_array_length(json), OBJECTS_MAX) : 0; /* "null" is an empty list */
        for (size_t i = 0; i < n; i++)
                if (append_object(list, json_object_array_get_idx(json, i)) < 0)
                        return error_oom(reterr);
        return answer_one(call, &(Reply) { 0 }, reterr);
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

int libpod_object_list(Engine *engine, ObjectKind kind, const char *label, EngineObjects *ret, TaskDone done,
                       void *userdata, Task **ret_task) {
        const struct ObjectRow *row = &object_rows[kind];
        CallSpec spec = {
                .doing = "listing", .method = "GET", .path = { row->collection, "json" }, .answer = answer_list
        };
        _cleanup_(call_freep) Call *call = NULL;
        _cleanup_free_ char *filter = NULL;
        List *list;
        int r;

        list = calloc(1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        call = &list->call;
        call->free_derived = list_free;
        list->kind = kind;
        list->label = strdup(label);
        r = list->label ? call_init(call, engine, &spec, done, userdata) : -ENOMEM;
        if (r < 0)
                return r;
        call->ret.objects = ret;
        if (row->list_query)
                call_add_query(call, row->list_query, "true");
        r = label_filter(label, &filter);
        if (r < 0)
                return r;
        if (row->has_filter)
                call_add_query(call, "filters", filter);
        return call_start_take(TAKE_PTR(call), ret_task);
}

static const char *const removing[_OBJECT_KIND_MAX] = {
        [OBJECT_CONTAINER] = "removing container", [OBJECT_POD] = "removing pod",
        [OBJECT_VOLUME] = "removing volume",       [OBJECT_NETWORK] = "removing network",
        [OBJECT_SECRET] = "removing secret",
};

/* Podman answers 200 also when it could not: {"Err"}, or a list of such. */
static const char *find_failure(Json *json) {
        const char *words = json_find_string(json, "Err");

        if (json_object_is_type(json, json_type_array))
                for (size_t i = 0; i < json_object_array_length(json) && !words; i++)
                        words = json_find_string(json_object_array_get_idx(json, i), "Err");
        return str_is_empty(words) ? NULL : words;
}

static int answer_remove(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        _cleanup_free_ char *words = NULL;
        const char *failure;
        int r;

        if (reply->status == 404)
                return 0;
        if (reply->status == 500 || reply->status == 409)
                return call_again(call, reply, reterr);
        r = call_check(reply, reterr);
        if (r < 0 || reply->n_body == 0)
                return r;
        if (json_parse(reply->body, reply->n_body, &json, NULL) < 0)
                return 0; /* the status says that it is done */
        failure = find_failure(json);
        if (!failure)
                return 0;
        words = str_escape(failure, strlen(failure), 1000);
        return words ? error_set(reterr, EREMOTEIO, "%s", words) : error_oom(reterr);
}

int libpod_object_remove(Engine *engine, ObjectKind kind, const char *name, TaskDone done, void *userdata,
                         Task **ret_task) {
        const struct ObjectRow *row = &object_rows[kind];
        CallSpec spec = { .doing = removing[kind],
                          .method = "DELETE",
                          .path = { row->collection, name },
                          .answer = answer_remove,
                          .is_slow = true };
        Call *call = NULL;
        int r;

        r = call_new(engine, &spec, done, userdata, &call);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(row->remove_query) && row->remove_query[i]; i++)
                call_add_query(call, row->remove_query[i], str_equal(row->remove_query[i], "timeout") ? "0" : "true");
        return call_start_take(call, ret_task);
}
