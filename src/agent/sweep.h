#pragma once

/*
 * Left-overs: objects with our labels, of jobs that nobody looks after any more (podstep was killed, the machine fell
 * over). Only those of our own state directory; others may have a podstep of their own.
 */

#include "engine/engine.h"

typedef struct SweepSpec {
        const char *state_directory;
        bool with_kept; /* jobs left on purpose (--keep) too */
        bool is_dry;    /* only look */
} SweepSpec;

typedef struct SweepItem {
        ObjectKind kind; /* _OBJECT_KIND_MAX: the directory of a job */
        char *name;
        char *job;
} SweepItem;

typedef struct SweepResult {
        SweepItem *items; /* what was removed, or would be */
        size_t n_items;
} SweepResult;

/** sweep_is_needed() - whether any job left something: looks at directories only, costs no engine call */
bool sweep_is_needed(const SweepSpec *spec);
/** sweep_start() - finds and removes. @ret_result is filled as it goes, also on failure. */
int sweep_start(Engine *engine, const SweepSpec *spec, SweepResult *ret_result, TaskDone done, void *userdata,
                Task **ret_task);
void sweep_result_done(SweepResult *result);
