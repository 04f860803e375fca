#pragma once

/*
 * What podstep keeps on purpose and somebody wants gone: images that it fetched, caches of projects. Never what a
 * container uses, never what others made: an image counts as ours if podstep noted that it brought it here and it has
 * no other name since; a volume, if it has our label.
 */

#include "engine/engine.h"

typedef enum HouseWhat {
        HOUSE_IMAGES = 1 << 0,
        HOUSE_CACHES = 1 << 1,
        HOUSE_ALL = HOUSE_IMAGES | HOUSE_CACHES,
} HouseWhat;

typedef struct HouseSpec {
        const char *state_directory;
        unsigned what;        /* HouseWhat, or-ed */
        uint64_t older_usec;  /* only what was not used (a cache: made) for so long; 0: whatever its age */
        bool has_quota;
        /* of images: only until the rest of ours takes no more than this, the longest unused first */
        uint64_t quota_bytes;
        uint64_t now_usec;    /* realtime */
        bool is_dry;          /* only look */
} HouseSpec;

typedef struct HouseItem {
        DiskKind kind;
        char *name;          /* an image's reference, a volume's name */
        uint64_t size_bytes; /* that others do not share */
} HouseItem;

typedef struct HouseResult {
        EngineDisk before, after; /* after: only if something was removed */
        HouseItem *items;         /* what was removed, or would be */
        size_t n_items;
        bool was_removed;
} HouseResult;

/**
 * housekeep_start() - @ret_result is filled as it goes, also on failure; house_result_done(). The spec's text is
 * borrowed until then.
 */
int housekeep_start(Engine *engine, const HouseSpec *spec, HouseResult *ret_result, TaskDone done, void *userdata,
                    Task **ret_task);
void house_result_done(HouseResult *result);
