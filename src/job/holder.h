#pragma once

/*
 * The first container of the pod: owns the network namespace, and tells when the services' ports open. See src/holder.
 */

#include "loop/task.h"

typedef struct Job Job;
typedef struct Sandbox Sandbox;
typedef struct Holder Holder;

int holder_new(Job *job, const Sandbox *sandbox, Holder **ret, Error **reterr);
Holder *holder_free(Holder *holder);
DEFINE_CLEANUP(Holder *, holder_free);

/** holder_find_program() - the program that runs in it, heap */
int holder_find_program(const Job *job, char **ret, Error **reterr);

/** holder_create() - makes its skeleton and creates it: from now on containers that share its network can be created */
int holder_create(Holder *holder, TaskDone done, void *userdata, Task **ret_task);
/** holder_start() - after holder_create(): from now on they can be started */
int holder_start(Holder *holder, TaskDone done, void *userdata, Task **ret_task);
/** holder_forget() - its end is expected from now on */
void holder_forget(Holder *holder);
/** holder_kill() - ends it, if the engine is a local one; that it is gone need not be waited for */
void holder_kill(Holder *holder);
const char *holder_name(const Holder *holder);
