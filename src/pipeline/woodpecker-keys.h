#pragma once

/* The keys of the dialect, table by table: for whoever tells of them (the schema, the manual, its tests). */

#include "pipeline/key.h"

/* Kinds of maps that share a table: see Key.places. */
enum {
        IN_STEP = 1 << 0,
        IN_SERVICE = 1 << 1,
        IN_WORKFLOW = 1 << 2,
        IN_PATTERNS = 1 << 3, /* 'include' and 'exclude' */
        IN_PATH = 1 << 4,     /* those of 'path' */
        IN_CLONE = 1 << 5,    /* beside IN_STEP */
        IN_BACKEND = 1 << 6,
};

extern const KeyTable *const woodpecker_workflow_keys,
        *const woodpecker_workspace_keys,
                *const woodpecker_concurrency_keys,
                        *const woodpecker_container_keys,
                                *const woodpecker_need_keys,
                                        *const woodpecker_ready_keys,
                                                *const woodpecker_engine_keys,
                                                        *const woodpecker_backend_keys,
                                                                *const woodpecker_when_keys,
                                                                        *const woodpecker_pattern_keys;
