/* What takes room: GET system/df. */

#include "engine/docker-internal.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"

#define DISK_ITEMS_MAX 100000

/* -1 stands for "not known". */
static uint64_t get_size(Json *json, const char *path) {
        int64_t n = 0;

        return json_get_int(json, path, &n, NULL) >= 0 ? (uint64_t) MAX(0, n) : 0;
}

static void read_image_item(Json *json, DiskItem *item) {
        uint64_t shared = get_size(json, "SharedSize");

        item->total_bytes = get_size(json, "Size");
        item->size_bytes = item->total_bytes - MIN(shared, item->total_bytes);
        item->is_used = get_size(json, "Containers") > 0;
}

static void read_container_item(Json *json, DiskItem *item) {
        item->total_bytes = item->size_bytes = get_size(json, "SizeRw");
        item->is_used = str_equal(json_find_string(json, "State"), "running");
}

static void read_volume_item(Json *json, DiskItem *item) {
        item->total_bytes = item->size_bytes = get_size(json, "UsageData.Size");
        item->is_used = get_size(json, "UsageData.RefCount") > 0;
}

static const struct {
        const char *list, *name;
        void (*read)(Json *json, DiskItem *item);
} rows[_DISK_KIND_MAX] = {
        [DISK_IMAGE] = { "Images", "Id", read_image_item },
        [DISK_CONTAINER] = { "Containers", "Id", read_container_item },
        [DISK_VOLUME] = { "Volumes", "Name", read_volume_item },
};

static int read_list(Json *json, DiskKind kind, EngineDisk *disk) {
        Json *list = NULL;
        size_t n;

        if (json_get_array(json, rows[kind].list, &list, NULL) < 0)
                return 0; /* null: none */
        n = MIN(json_object_array_length(list), DISK_ITEMS_MAX);
        for (size_t i = 0; i < n; i++) {
                Json *one = json_object_array_get_idx(list, i);
                const char *name = json_find_string(one, rows[kind].name);
                DiskItem item = { .kind = kind };

                if (str_is_empty(name))
                        continue;
                rows[kind].read(one, &item);
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
        int r;

        r = call_json(reply, &json, reterr);
        if (r < 0)
                return r;
        if (!json_object_is_type(json, json_type_object) || !json_object_object_get_ex(json, rows[DISK_IMAGE].list, NULL))
                return error_set(reterr, EPROTO, "odd answer: it lists no images");
        for (DiskKind kind = 0; kind < _DISK_KIND_MAX; kind++)
                if (read_list(json, kind, &disk) < 0)
                        return error_oom(reterr);
        *call->ret.disk = disk;
        disk = (EngineDisk) { 0 };
        return 0;
}

int docker_disk_usage(Engine *engine, EngineDisk *ret, TaskDone done, void *userdata, Task **ret_task) {
        CallSpec spec = { .doing = "measuring disk usage",
                          .method = "GET",
                          .path = { "system", "df" },
                          .answer = answer_disk,
                          .is_slow = true };
        Call *call = NULL;
        int r;

        r = call_new(engine, &spec, done, userdata, &call);
        if (r < 0)
                return r;
        call->ret.disk = ret;
        return call_start_take(call, ret_task);
}
