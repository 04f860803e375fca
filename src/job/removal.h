#pragma once

/* Takes a list of objects away, one kind after the other, whatever fails on the way. */

#include "engine/engine.h"

typedef struct Removal {
        ObjectKind kind;
        char *name;
} Removal;

typedef struct RemovalList {
        Removal *items;
        size_t n_items;
} RemovalList;

/** removal_add() - appends; 0 or -ENOMEM. The order of adding is the order of removing. */
int removal_add(RemovalList *list, ObjectKind kind, const char *name);
void removal_list_done(RemovalList *list);

/**
 * removal_start() - takes the list over. Done with 0, or with the first failure after all have been tried; an engine
 * that is away ends it at once.
 */
int removal_start(Engine *engine, RemovalList *list_take, TaskDone done, void *userdata, Task **ret_task);
