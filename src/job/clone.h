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
/**
 * clone_run_here() - the same without a container, for an engine that cannot see this machine: git runs here, then the
 * files are sent. Done with git's exit status.
 */
int clone_run_here(Step *step, TaskDone done, void *userdata, Task **ret_task, Error **reterr);
