#pragma once

/*
 * The step that fetches the repository where the workflow names none: git of this machine, in a container without an
 * image. It takes the commit from the checkout's own repository, which works without a network, or from where that came
 * from.
 */

#include "loop/task.h"

typedef struct Step Step;

/** clone_create_container() - as step_create_container(), for a step whose plan says 'is_default_clone' */
int clone_create_container(Step *step, TaskDone done, void *userdata, Task **ret_task, Error **reterr);
