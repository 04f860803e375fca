#pragma once

/*
 * A job that failed stays in place, for looking at. Its containers are made ready for 'podstep enter': where a step's
 * script was is one that only waits, so that the very same container can be started again, and secrets are taken out of
 * all files.
 */

#include "loop/task.h"

typedef struct Job Job;

/** keep_start() - afterwards the job's directory is marked as kept */
int keep_start(Job *job, TaskDone done, void *userdata, Task **ret_task);
