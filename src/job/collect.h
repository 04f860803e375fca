#pragma once

/* What a job left in its workspace: which files changed, and copies of those that were asked for. */

#include <time.h>

#include "job/event.h"

typedef struct CollectSpec {
        const char *changed;  /* directory of the changed files: the overlay's upper, or a whole copy */
        const char *checkout; /* what they are compared with */
        bool is_overlay;      /* 'changed' holds only what changed, and marks for what is gone */
        bool is_complete;     /* 'changed' is a whole copy: what is not in it is gone */
        bool is_fresh;        /* 'changed' did not come from the checkout: what was written after 'since' has changed */
        struct timespec since;
        char *const *deleted; /* paths that the job removed, beside those that 'changed' tells of */
        char *const *patterns;
        const char *target;   /* exports go there */
} CollectSpec;

#define COLLECT_CHANGES_MAX 1000 /* told one by one */

/**
 * collect_run() - calls @change with "A path", "M path", "D path"; returns how many files were exported in
 * @ret_exported
 */
int collect_run(const CollectSpec *spec, void (*change)(const char *text, void *userdata), void *userdata,
                size_t *ret_changes, size_t *ret_exported, Error **reterr);
