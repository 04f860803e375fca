/* What Podman says of what takes room: GET system/df. */

#include "engine/libpod-internal.h"

/* Without "SharedSize" Podman 4.3 counts what several names of one image share: it lists one for each name. */
static void read_image(Json *json, DiskItem *item) {
        item->total_bytes = disk_size_get(json, "Size");
        item->size_bytes = disk_size_get(json, "UniqueSize");
        item->is_used = disk_size_get(json, "Containers") > 0;
}

static void read_container(Json *json, DiskItem *item) {
        item->total_bytes = item->size_bytes = disk_size_get(json, "RWSize");
        item->is_used = str_equal(json_find_string(json, "Status"), "running");
}

static void read_volume(Json *json, DiskItem *item) {
        item->total_bytes = item->size_bytes = disk_size_get(json, "Size");
        item->is_used = disk_size_get(json, "Links") > 0;
}

const DiskRow libpod_disk_rows[_DISK_KIND_MAX] = {
        [DISK_IMAGE] = { "Images", "ImageID", read_image, .is_repeated = true },
        [DISK_CONTAINER] = { "Containers", "ContainerID", read_container },
        [DISK_VOLUME] = { "Volumes", "VolumeName", read_volume },
};
