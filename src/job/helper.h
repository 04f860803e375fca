#pragma once

/*
 * On an engine that cannot see this machine's files, what a job needs of its own runs from an image with nothing in it
 * but podstep-holder, statically linked. It is made once on each engine, of the bytes that are here, and stays there.
 */

#include <stdbool.h>

#include "loop/task.h"

typedef struct Job Job;
typedef struct ContainerSpec ContainerSpec;

#define HELPER_PROGRAM "/podstep-holder"
/* Where the volumes of the workspace are in its containers: the workspace's base, the checkout. */
#define HELPER_BASE "/base"
#define HELPER_WORK "/work"

/** helper_ensure() - so that job->helper_image is there */
int helper_ensure(Job *job, TaskDone done, void *userdata, Task **ret_task);

/**
 * helper_read_program() - the bytes of podstep-holder, on the heap
 *
 * -ENOEXEC and the Error: it needs libraries of this machine, so it runs nowhere else.
 */
int helper_read_program(const Job *job, char **ret, size_t *ret_n, Error **reterr);
/** holder_is_static() - whether it runs in any container */
bool holder_is_static(const Job *job);
