#pragma once

/*
 * What Podman and Docker do in the same way: most of the functions in both their tables, and the rows of what differs,
 * which each hands in by its ServiceKind.
 */

#include "engine/call.h"

/* One kind of objects, as the engine's API has it. */
typedef struct ObjectRow {
        const char *collection; /* the first segment of its paths; NULL: the engine has no such kind */
        const char *list;       /* the second of its list; NULL: there is none */
        const char *array;      /* where the list stands in the answer; NULL: it is the answer */
        const char *name, *labels; /* where they stand in an element of the list; name may be a list of them */
        bool has_filter;           /* the engine chooses by label; else we do */
        const char *list_query;    /* always "true"; NULL: none */
        const char *remove_query[4]; /* each "true", but "timeout" 0 */
        const char *removing;        /* what stands in front of an Error */
} ObjectRow;

/* One kind of what takes room, in the answer to system/df. */
typedef struct DiskRow {
        const char *list, *name;
        void (*read)(Json *json, DiskItem *item);
        bool is_repeated; /* the list has an entry for each name of the same thing */
} DiskRow;

/** disk_size_get() - for who reads a row: what is missing or negative ("not known") is 0 */
uint64_t disk_size_get(Json *json, const char *path);

int service_probe(Engine *, TaskDone, void *, Task **);
int service_image_inspect(Engine *, const char *image, ImageInfo *ret, TaskDone, void *, Task **);
int service_image_remove(Engine *, const char *image, TaskDone, void *, Task **);
int service_disk_usage(Engine *, EngineDisk *ret, TaskDone, void *, Task **);
int service_container_start(Engine *, const char *name, TaskDone, void *, Task **);
int service_container_stop(Engine *, const char *name, uint64_t grace_usec, TaskDone, void *, Task **);
int service_container_inspect(Engine *, const char *name, ContainerStatus *ret, TaskDone, void *, Task **);
int service_object_list(Engine *, ObjectKind, const char *label, EngineObjects *ret, TaskDone, void *, Task **);
int service_object_remove(Engine *, ObjectKind, const char *name, TaskDone, void *, Task **);
int archive_put(Engine *, const ArchiveSpec *, TaskDone, void *, Task **);
int archive_get(Engine *, const ArchiveSpec *, TaskDone, void *, Task **);
int archive_read_file(Engine *, const char *name, const char *path, size_t max_bytes, char **ret, size_t *ret_n,
                      TaskDone, void *, Task **);
int archive_has_path(Engine *, const char *name, const char *path, TaskDone, void *, Task **);

/** container_start_spec() - of the request; borrows the name */
CallSpec container_start_spec(const char *name);
/** container_start_take() - begins such a call when whoever follows the container's output stands */
int container_start_take(Call *call, Task **ret_task);

/* Answers that are alike: */

/** answer_id() - of what was made or looked for: its "Id" */
int answer_id(Call *call, Reply *reply, Error **reterr);
/** answer_standing() - to call_look_for(): that it is there is enough */
int answer_standing(Call *call, Reply *reply, Error **reterr);

/**
 * container_next_writable() - the next directory that programs expect to be able to write, and nothing of the spec is
 * mounted on: what a read-only root file system needs. @i begins at 0. NULL: no more.
 */
const char *container_next_writable(const ContainerSpec *spec, size_t *i);
