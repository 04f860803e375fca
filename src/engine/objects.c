/* All kinds of objects alike, of both engines: listed by label, removed. */

#include "engine/service-internal.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/strv.h"

#define OBJECTS_MAX 10000 /* of one kind and label; more are told by the next list */

typedef struct List {
        Call call;
        ObjectKind kind;
        const ObjectRow *row;
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

/*
 * Containers have a list of names. In Docker's each begins with a slash; links of others, with more slashes, come first
 * or last.
 */
static const char *object_name(Json *json, const char *path) {
        Json *names = NULL;

        if (json_get_array(json, path, &names, NULL) < 0)
                return json_find_string(json, path);
        for (size_t i = 0; i < json_object_array_length(names); i++) {
                const char *name = json_object_get_string(json_object_array_get_idx(names, i));

                if (name && *name == '/')
                        name++;
                if (name && !strchr(name, '/'))
                        return name;
        }
        return NULL;
}

static int append_object(List *list, Json *json) {
        const ObjectRow *row = list->row;
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
        call_set_path(call, (const char *const[3]) { list->row->collection, list->unknown[list->n_asked++], "json" });
        return call_go_on(call, answer_one);
}

/* "null" is an empty list. */
static int find_list(const ObjectRow *row, Json *json, Json **ret, Error **reterr) {
        Json *array = json;

        if (row->array && json_get_array(json, row->array, &array, NULL) < 0)
                array = NULL;
        if (array && !json_object_is_type(array, json_type_array))
                return error_set(reterr, EPROTO, "odd answer: expected a list");
        *ret = array;
        return 0;
}

static int answer_list(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        List *list = container_of(call, List, call);
        Json *array = NULL;
        size_t n;
        int r;

        r = call_json(reply, &json, reterr);
        if (r >= 0)
                r = find_list(list->row, json, &array, reterr);
        if (r < 0)
                return r;
        n = array ? MIN(json_object_array_length(array), OBJECTS_MAX) : 0;
        for (size_t i = 0; i < n; i++)
                if (append_object(list, json_object_array_get_idx(array, i)) < 0)
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

static int list_new(Engine *engine, const CallSpec *spec, ObjectKind kind, const char *label, TaskDone done,
                    void *userdata, Call **ret) {
        _cleanup_(call_freep) Call *call = NULL;
        List *list;
        int r;

        list = calloc(1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        call = &list->call;
        call->free_derived = list_free;
        list->kind = kind;
        list->row = &service_of(engine)->kind->objects[kind];
        list->label = strdup(label);
        r = list->label ? call_init(call, engine, spec, done, userdata) : -ENOMEM;
        if (r < 0)
                return r;
        *ret = TAKE_PTR(call);
        return 0;
}

int service_object_list(Engine *engine, ObjectKind kind, const char *label, EngineObjects *ret, TaskDone done,
                        void *userdata, Task **ret_task) {
        const ObjectRow *row = &service_of(engine)->kind->objects[kind];
        CallSpec spec = { .doing = "listing",
                          .method = "GET",
                          .path = { row->collection, row->list },
                          .answer = answer_list,
                          .ret.objects = ret };
        _cleanup_(call_freep) Call *call = NULL;
        _cleanup_free_ char *filter = NULL;
        int r;

        if (!row->collection) {
                *ret = (EngineObjects) { 0 };
                return task_defer(engine->event, 0, NULL, done, userdata, ret_task);
        }
        r = list_new(engine, &spec, kind, label, done, userdata, &call);
        if (r >= 0)
                r = label_filter(label, &filter);
        if (r < 0)
                return r;
        if (row->list_query)
                call_add_query(call, row->list_query, "true");
        if (row->has_filter)
                call_add_query(call, "filters", filter);
        return call_start_take(TAKE_PTR(call), ret_task);
}

/* Podman answers 200 also when it could not: {"Err"}, or a list of such. */
static const char *find_failure(Json *json) {
        const char *words = json_find_string(json, "Err");

        if (json_object_is_type(json, json_type_array))
                for (size_t i = 0; i < json_object_array_length(json) && !words; i++)
                        words = json_find_string(json_object_array_get_idx(json, i), "Err");
        return str_is_empty(words) ? NULL : words;
}

/*
 * 409, of Podman also 500: it is being removed already, or something still uses it; 403, of Docker: a network's last
 * member has not quite left. All pass.
 */
static int answer_remove(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        _cleanup_free_ char *words = NULL;
        const char *failure;
        int r;

        if (reply->status == 404)
                return 0;
        if (reply->status == 409 || reply->status == 403 || reply->status == 500)
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

int service_object_remove(Engine *engine, ObjectKind kind, const char *name, TaskDone done, void *userdata,
                          Task **ret_task) {
        const ObjectRow *row = &service_of(engine)->kind->objects[kind];
        CallSpec spec = { .doing = row->removing,
                          .method = "DELETE",
                          .path = { row->collection, name },
                          .answer = answer_remove,
                          .is_slow = true };
        Call *call = NULL;
        int r;

        if (!row->collection)
                return task_defer(engine->event, 0, NULL, done, userdata, ret_task);
        r = call_new(engine, &spec, done, userdata, &call);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(row->remove_query) && row->remove_query[i]; i++)
                call_add_query(call, row->remove_query[i], str_equal(row->remove_query[i], "timeout") ? "0" : "true");
        return call_start_take(call, ret_task);
}
