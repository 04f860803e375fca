#pragma once

/* The keys of the dialect, table by table: for whoever tells of them (the schema, the manual, its tests). */

#include "pipeline/key.h"

extern const KeyTable *const woodpecker_workflow_keys, *const woodpecker_workspace_keys, *const woodpecker_container_keys,
        *const woodpecker_need_keys, *const woodpecker_engine_keys, *const woodpecker_backend_keys,
        *const woodpecker_when_keys, *const woodpecker_pattern_keys;
