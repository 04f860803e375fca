/* What Docker says of what takes room: GET /system/df. Sizes that it does not know are -1. */

#include "engine/docker-internal.h"

static void read_image(Json *json, DiskItem *item) {
        uint64_t shared = disk_size_get(json, "SharedSize");

        item->total_bytes = disk_size_get(json, "Size");
        item->size_bytes = item->total_bytes - MIN(shared, item->total_bytes);
        item->is_used = disk_size_get(json, "Containers") > 0;
}

static void read_container(Json *json, DiskItem *item) {
        item->total_bytes = item->size_bytes = disk_size_get(json, "SizeRw");
        item->is_used = str_equal(json_find_string(json, "State"), "running");
}

static void read_volume(Json *json, DiskItem *item) {
        item->total_bytes = item->size_bytes = disk_size_get(json, "UsageData.Size");
        item->is_used = disk_size_get(json, "UsageData.RefCount") > 0;
}

const DiskRow docker_disk_rows[_DISK_KIND_MAX] = {
        [DISK_IMAGE] = { "Images", "Id", read_image },
        [DISK_CONTAINER] = { "Containers", "Id", read_container },
        [DISK_VOLUME] = { "Volumes", "Name", read_volume },
};
