/* What takes room: GET system/df. */

#include "engine/service-internal.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"

#define DISK_ITEMS_MAX 100000

uint64_t disk_size_get(Json *json, const char *path) {
        int64_t n = 0;

        return json_get_int(json, path, &n, NULL) >= 0 ? (uint64_t) MAX(0, n) : 0;
}

static bool has_item(const EngineDisk *disk, DiskKind kind, const char *name) {
        for (size_t i = disk->n_items; i-- > 0 && disk->items[i].kind == kind;)
                if (str_equal(disk->items[i].name, name))
                        return true;
        return false;
}

static int read_list(Json *json, const DiskRow *row, DiskKind kind, EngineDisk *disk) {
        Json *list = NULL;
        size_t n;

        if (json_get_array(json, row->list, &list, NULL) < 0)
                return 0; /* null: none */
        n = MIN(json_object_array_length(list), DISK_ITEMS_MAX);
        for (size_t i = 0; i < n; i++) {
                Json *one = json_object_array_get_idx(list, i);
                const char *name = json_find_string(one, row->name);
                DiskItem item = { .kind = kind };

                if (str_is_empty(name) || (row->is_repeated && has_item(disk, kind, name)))
                        continue;
                row->read(one, &item);
                item.name = strdup(name);
                if (!item.name || ARRAY_APPEND(disk->items, disk->n_items, item) < 0) {
                        free(item.name);
                        return -ENOMEM;
                }
        }
        return 0;
}

static int answer_disk(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        _cleanup_(engine_disk_done) EngineDisk disk = { 0 };
        const DiskRow *rows = call->service->kind->disk;
        int r;

        r = call_json(reply, &json, reterr);
        if (r < 0)
                return r;
        if (!json_object_is_type(json, json_type_object) ||
            !json_object_object_get_ex(json, rows[DISK_IMAGE].list, NULL))
                return error_set(reterr, EPROTO, "odd answer: it lists no images");
        for (DiskKind kind = 0; kind < _DISK_KIND_MAX; kind++)
                if (read_list(json, &rows[kind], kind, &disk) < 0)
                        return error_oom(reterr);
        *call->ret.disk = disk;
        disk = (EngineDisk) { 0 };
        return 0;
}

int service_disk_usage(Engine *engine, EngineDisk *ret, TaskDone done, void *userdata, Task **ret_task) {
        CallSpec spec = { .doing = "measuring disk usage",
                          .method = "GET",
                          .path = { "system", "df" },
                          .answer = answer_disk,
                          .ret.disk = ret,
                          .is_slow = true };

        return call_start(engine, &spec, done, userdata, ret_task);
}
