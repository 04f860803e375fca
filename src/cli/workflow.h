#pragma once

/* From a file on disk to a plan that may run: read, compiled, judged; whatever is wrong is shown. */

#include "cli/run-options.h"
#include "pipeline/plan.h"

typedef struct WorkflowInput {
        const RunOptions *options;
        const Map *environment, *secrets;
        const char *cron;           /* name of the cron job; NULL: none */
        char *const *changed_files; /* NULL: those that the environment names */
        bool color;
} WorkflowInput;

/**
 * workflow_load() - a plan, or the exit code that says why not
 *
 * Faults and warnings go to standard error.
 *
 * Return: 0, EXIT_USAGE, EXIT_REFUSED.
 */
int workflow_load(const char *path, const WorkflowInput *input, Plan **ret);
