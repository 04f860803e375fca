#pragma once

#include "pipeline/policy.h"

static inline const char *policy_step_noun(const PlanStep *step) {
        return step->kind == STEP_SERVICE ? "service" : "step";
}

/* What is asked for must be trusted (policy.c), and more than that: policy-check.c. They return how much is refused. */
size_t policy_check_step(const Policy *policy, const PlanStep *step, DiagList *diags);
size_t policy_check_services(const Policy *policy, const Plan *plan, DiagList *diags);
