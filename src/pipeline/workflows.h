#pragma once

/* The workflows of one run: who runs at all, who after whom, and who still after a failure. */

#include "pipeline/plan.h"

#define WORKFLOWS_MAX 500 /* of one run, combinations counted */

typedef enum WorkflowOutcome {
        WORKFLOW_OPEN, /* not run yet, or left out: nobody has to wait for it */
        WORKFLOW_PASSED,
        WORKFLOW_FAILED,
        WORKFLOW_SKIPPED, /* since another one did not end as it needs; counts as not passed */
} WorkflowOutcome;

/**
 * workflows_order() - puts each behind those that it depends on, else leaves the order as it is
 * @are_chosen: these are not all workflows there are, but those the user named: what is missing is not waited for
 * @ret_notes:  a sentence for each that is not waited for; strv
 *
 * One that depends on a workflow that is missing or left out is left out too, with the reason in its plan; combinations
 * of a matrix have one name, and all of them count.
 *
 * Return: 0; -ELOOP if they wait for each other; -E2BIG if they are too many; -ENOMEM.
 */
int workflows_order(Plan **plans, size_t n_plans, bool are_chosen, char ***ret_notes, Error **reterr);

/**
 * workflows_blocker() - which of the workflows it depends on forbids a workflow to run, by the way it ended
 * @outcomes: of each of the plans
 *
 * Return: NULL if it may run.
 */
const Plan *workflows_blocker(Plan *const *plans, const WorkflowOutcome *outcomes, size_t n_plans, size_t index);
