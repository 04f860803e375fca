#pragma once

/* Gives the files of a job to the user of its next step, on an engine that cannot map users. See workspace.h. */

#include "job/user.h"

/** owner_change() - by a container of the helper image, named after that of the step */
int owner_change(Job *job, const char *container, const UserIds *ids, TaskDone done, void *userdata, Task **ret_task);
