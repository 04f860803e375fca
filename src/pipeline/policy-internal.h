#pragma once

#include "pipeline/policy.h"

static inline const char *policy_step_noun(const PlanStep *step) {
        return step->kind == STEP_SERVICE ? "service" : "step";
}

/* What is asked for must be trusted (policy.c), and more than that: policy-check.c. They return how much is refused. */
size_t policy_check_step(const Policy *policy, const PlanStep *step, DiagList *diags);
/**
 * policy_add_services() - puts the operator's own services into a plan that has steps; -EINVAL: an image is none,
 * -E2BIG
 */
int policy_add_services(const Policy *policy, Plan *plan);
size_t policy_check_services(const Policy *policy, const Plan *plan, DiagList *diags);
/** policy_apply_step() - policy_apply() for one step; -EINVAL if a setting is no good, -ENOMEM */
int policy_apply_step(const Policy *policy, const PolicyProject *project, Plan *plan, PlanStep *step, DiagList *diags,
                      Error **reterr);
