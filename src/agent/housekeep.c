#include "agent/housekeep.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/image-record.h"
#include "loop/machine.h"

typedef struct House {
        Task task;
        Machine machine;
        Engine *engine;
        HouseSpec spec;
        HouseResult *result;
        ImageRecords records;
        size_t i;              /* the record, or the volume, in question */
        uint64_t kept_bytes;   /* of our images that are left */
        ImageInfo info;
        EngineObjects volumes;
        Error *error;
        int r;
} House;

enum {
        HOUSE_NEW,
        HOUSE_MEASURING,
        HOUSE_LOOKING, /* at the next image that may go; re-entered for each */
        HOUSE_REMOVING,
        HOUSE_LISTING, /* the caches */
        HOUSE_CLEARING,
        HOUSE_MEASURING_AGAIN,
        HOUSE_DONE,
};

static Task *house_free(Task *task) {
        House *house = container_of(task, House, task);

        machine_done(&house->machine);
        image_records_done(&house->records);
        image_info_done(&house->info);
        engine_objects_done(&house->volumes);
        error_free(house->error);
        free(house);
        return NULL;
}

static const TaskClass house_class = { .name = "housekeep", .free = house_free };

void house_result_done(HouseResult *result) {
        engine_disk_done(&result->before);
        engine_disk_done(&result->after);
        for (size_t i = 0; i < result->n_items; i++)
                free(result->items[i].name);
        free(result->items);
        *result = (HouseResult) { 0 };
}

static void house_failed(Machine *machine, int r, const Error *error) {
        House *house = container_of(machine, House, machine);

        if (house->r < 0)
                return; /* the first one stays */
        house->r = r;
        house->error = error_copy(error);
}

/* For steps whose failure ends it. */
static void on_step(Task *task, int r, const Error *error, void *userdata) {
        House *house = userdata;

        if (r < 0)
                house_failed(&house->machine, r, error);
        machine_post(&house->machine, r < 0 ? MACHINE_STOP : MACHINE_OK);
}

static const DiskItem *find_disk(const House *house, DiskKind kind, const char *name) {
        const EngineDisk *disk = &house->result->before;

        if (str_starts_with(name, "sha256:"))
                name += strlen("sha256:");
        for (size_t i = 0; i < disk->n_items; i++) {
                const char *other = disk->items[i].name;

                if (disk->items[i].kind == kind &&
                    str_equal(str_starts_with(other, "sha256:") ? other + strlen("sha256:") : other, name))
                        return &disk->items[i];
        }
        return NULL;
}

static int add_item(House *house, DiskKind kind, const char *name, uint64_t size) {
        HouseItem item = { .kind = kind, .name = strdup(name), .size_bytes = size };
        int r = item.name ? ARRAY_APPEND(house->result->items, house->result->n_items, item) : -ENOMEM;

        if (r < 0)
                free(item.name);
        return r;
}

static bool is_old(const House *house, uint64_t used_usec) {
        return house->spec.older_usec == 0 ||
               (used_usec < house->spec.now_usec && house->spec.now_usec - used_usec >= house->spec.older_usec);
}

static int enter_measuring(Machine *machine, Task **ret_task, Error **reterr) {
        House *house = container_of(machine, House, machine);

        return engine_disk_usage(house->engine, &house->result->before, on_step, house, ret_task);
}

/* What takes room for us: the quota counts whole images, used or not. */
static void count_images(House *house) {
        for (size_t i = 0; i < house->records.n_records; i++) {
                const DiskItem *item = find_disk(house, DISK_IMAGE, house->records.records[i].id);

                house->kept_bytes += item ? item->total_bytes : 0;
        }
}

static bool may_go(const House *house, const ImageRecord *record, const DiskItem *item) {
        return !item->is_used && is_old(house, record->used_usec) &&
               (!house->spec.has_quota || house->kept_bytes > house->spec.quota_bytes);
}

static void on_looked(Task *task, int r, const Error *error, void *userdata) {
        House *house = userdata;

        if (r < 0)
                return on_step(task, r, error, userdata);
        if (r > 0)
                image_record_remove(house->spec.state_directory, &house->records.records[house->i++]);
        machine_post(&house->machine, r > 0 ? MACHINE_START : MACHINE_OK);
}

static int enter_looking(Machine *machine, Task **ret_task, Error **reterr) {
        House *house = container_of(machine, House, machine);
        int r;

        if (!(house->spec.what & HOUSE_IMAGES))
                return machine_post(machine, MACHINE_FAIL), 0;
        if (house->records.n_records == 0 && house->i == 0) {
                r = image_records_read(house->spec.state_directory, &house->records);
                if (r < 0)
                        return error_set(reterr, -r, "cannot read '%s/images': %s", house->spec.state_directory,
                                         strerror(-r));
                count_images(house);
        }
        for (; house->i < house->records.n_records; house->i++) {
                const ImageRecord *record = &house->records.records[house->i];
                const DiskItem *item = find_disk(house, DISK_IMAGE, record->id);

                if (item && may_go(house, record, item)) {
                        image_info_done(&house->info);
                        return engine_image_inspect(house->engine, record->id, &house->info, on_looked, house,
                                                    ret_task);
                }
                if (!item && !house->spec.is_dry)
                        image_record_remove(house->spec.state_directory, record); /* somebody else removed it */
        }
        machine_post(machine, MACHINE_FAIL);
        return 0;
}

/* A name that podstep did not give makes it somebody else's, too: then only our own name goes, which frees nothing. */
static bool has_foreign_name(const House *house) {
        STRV_FOREACH(tag, house->info.tags) {
                bool is_ours = false;

                for (size_t i = 0; i < house->records.n_records && !is_ours; i++)
                        is_ours = str_equal(house->records.records[i].reference, *tag);
                if (!is_ours)
                        return true;
        }
        return false;
}

static void on_removed(Task *task, int r, const Error *error, void *userdata) {
        House *house = userdata;
        const ImageRecord *record = &house->records.records[house->i];
        const DiskItem *item = find_disk(house, DISK_IMAGE, record->id);

        house->i++;
        if (r == 0) { /* 1: a container was made of it in this moment */
                bool is_freed = !has_foreign_name(house);

                house->kept_bytes -= is_freed ? MIN(house->kept_bytes, item->total_bytes) : 0;
                r = add_item(house, DISK_IMAGE, record->reference, is_freed ? item->size_bytes : 0);
                house->result->was_removed |= !house->spec.is_dry;
                if (!house->spec.is_dry)
                        image_record_remove(house->spec.state_directory, record);
        }
        if (r < 0)
                house_failed(&house->machine, r, error); /* the others are tried all the same */
        machine_post(&house->machine, MACHINE_OK);
}

static int enter_removing(Machine *machine, Task **ret_task, Error **reterr) {
        House *house = container_of(machine, House, machine);
        const ImageRecord *record = &house->records.records[house->i];
        bool has_name = strv_contains(house->info.tags, record->reference), is_foreign = has_foreign_name(house);

        if (is_foreign && (!has_name || house->spec.is_dry)) {
                if (!house->spec.is_dry)
                        image_record_remove(house->spec.state_directory, record);
                house->i++;
                return machine_post(machine, MACHINE_OK), 0;
        }
        if (house->spec.is_dry)
                return task_defer(house->engine->event, 0, NULL, on_removed, house, ret_task);
        return engine_image_remove(house->engine, has_name ? record->reference : record->id, on_removed, house,
                                   ret_task);
}

static int enter_listing(Machine *machine, Task **ret_task, Error **reterr) {
        House *house = container_of(machine, House, machine);

        house->i = 0;
        if (!(house->spec.what & HOUSE_CACHES))
                return machine_post(machine, MACHINE_OK), 0;
        return engine_object_list(house->engine, OBJECT_VOLUME, "io.podstep.cache", &house->volumes, on_step, house,
                                  ret_task);
}

static uint64_t created_usec(const EngineObject *object) {
        const char *text = strmap_get(&object->labels, "io.podstep.created");
        uint64_t seconds = 0;

        return text && parse_u64(text, &seconds) >= 0 && seconds < UINT64_MAX / USEC_PER_SEC ? seconds * USEC_PER_SEC
                                                                                             : UINT64_MAX;
}

static void on_cleared(Task *task, int r, const Error *error, void *userdata) {
        House *house = userdata;
        const EngineObject *object = &house->volumes.objects[house->i];
        const DiskItem *item = find_disk(house, DISK_VOLUME, object->name);

        house->i++;
        if (r >= 0)
                r = add_item(house, DISK_VOLUME, object->name, item ? item->size_bytes : 0);
        house->result->was_removed |= r >= 0 && !house->spec.is_dry;
        if (r < 0)
                house_failed(&house->machine, r, error);
        machine_post(&house->machine, MACHINE_START);
}

static int enter_clearing(Machine *machine, Task **ret_task, Error **reterr) {
        House *house = container_of(machine, House, machine);

        for (; house->i < house->volumes.n_objects; house->i++) {
                const EngineObject *object = &house->volumes.objects[house->i];
                const DiskItem *item = find_disk(house, DISK_VOLUME, object->name);

                if (!item || item->is_used || !is_old(house, created_usec(object)))
                        continue;
                if (house->spec.is_dry)
                        return task_defer(house->engine->event, 0, NULL, on_cleared, house, ret_task);
                return engine_object_remove(house->engine, OBJECT_VOLUME, object->name, on_cleared, house, ret_task);
        }
        machine_post(machine, MACHINE_OK);
        return 0;
}

static int enter_measuring_again(Machine *machine, Task **ret_task, Error **reterr) {
        House *house = container_of(machine, House, machine);

        if (!house->result->was_removed)
                return machine_post(machine, MACHINE_OK), 0;
        return engine_disk_usage(house->engine, &house->result->after, on_step, house, ret_task);
}

static int enter_done(Machine *machine, Task **ret_task, Error **reterr) {
        House *house = container_of(machine, House, machine);
        _cleanup_(error_freep) Error *error = error_copy(house->error);

        task_finish(&house->task, house->r, error);
        return 0;
}

/* FAIL in LOOKING: no image is left that may go. START begins again with the next. STOP: it failed, that is all. */
static const MachineState house_states[] = {
                /* START           OK                     FAIL           STOP */
        [HOUSE_NEW] = { "new", NULL,
                { HOUSE_MEASURING, MACHINE_BUG,           MACHINE_BUG,   HOUSE_DONE } },
        [HOUSE_MEASURING] = { "measuring", enter_measuring,
                { MACHINE_BUG,     HOUSE_LOOKING,         HOUSE_DONE,    HOUSE_DONE } },
        [HOUSE_LOOKING] = { "looking", enter_looking,
                { HOUSE_LOOKING,   HOUSE_REMOVING,        HOUSE_LISTING, HOUSE_DONE } },
        [HOUSE_REMOVING] = { "removing", enter_removing,
                { MACHINE_BUG,     HOUSE_LOOKING,         HOUSE_DONE,    HOUSE_DONE } },
        [HOUSE_LISTING] = { "listing", enter_listing,
                { MACHINE_BUG,     HOUSE_CLEARING,        HOUSE_DONE,    HOUSE_DONE } },
        [HOUSE_CLEARING] = { "clearing", enter_clearing,
                { HOUSE_CLEARING,  HOUSE_MEASURING_AGAIN, HOUSE_DONE,    HOUSE_DONE } },
        [HOUSE_MEASURING_AGAIN] = { "measuring-again", enter_measuring_again,
                { MACHINE_BUG,     HOUSE_DONE,            HOUSE_DONE,    HOUSE_DONE } },
        [HOUSE_DONE] = { "done", enter_done,
                { MACHINE_STAY,    MACHINE_STAY,          MACHINE_STAY,  MACHINE_STAY } },
};

int housekeep_start(Engine *engine, const HouseSpec *spec, HouseResult *ret_result, TaskDone done, void *userdata,
                    Task **ret_task) {
        House *house = calloc(1, sizeof(*house));
        int r;

        if (!house)
                return -ENOMEM;
        task_init(&house->task, &house_class, done, userdata);
        house->engine = engine;
        house->spec = *spec;
        house->result = ret_result;
        house->info.labels = STRMAP_INIT;
        r = machine_init(&house->machine, engine->event, "housekeep", house_states, HOUSE_NEW, house_failed);
        if (r < 0) {
                (void) house_free(&house->task);
                return r;
        }
        machine_post(&house->machine, MACHINE_START);
        *ret_task = &house->task;
        return 0;
}
