#pragma once

/* The checkout that podstep works on: where it is, which workflow files it has, and what git knows of it. */

#include "base/map.h"
#include "cli/run-options.h"
#include "loop/task.h"

/** checkout_find() - the top of the git work tree around @start, else @start itself; absolute, links resolved */
int checkout_find(const char *start, char **ret, Error **reterr);

/** checkout_workflows() - the .yaml and .yml files of .woodpecker, sorted by name; else .woodpecker.yaml; else .woodpecker.yml */
int checkout_workflows(const char *checkout, char ***ret, Error **reterr);

/**
 * checkout_describe() - fills in the CI_* variables that a local run can know
 *
 * From one call of git(1); without git or a commit only those that need neither. Done with 0.
 */
int checkout_describe(sd_event *event, const char *checkout, Map *environment, TaskDone done, void *userdata, Task **ret_task);
