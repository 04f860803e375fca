#include "pipeline/workflows.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/strv.h"

static bool runs(const Plan *plan) {
        return plan->n_steps > 0;
}

static bool has_name(const Plan *plan, const char *name) {
        return strcmp(plan->workflow, name) == 0;
}

/* Whether some workflow has the name; *ret_runs: whether one of those runs. */
static bool find(Plan *const *plans, size_t n_plans, const char *name, bool *ret_runs) {
        bool is_there = false;

        *ret_runs = false;
        for (size_t i = 0; i < n_plans; i++)
                if (has_name(plans[i], name)) {
                        is_there = true;
                        *ret_runs |= runs(plans[i]);
                }
        return is_there;
}

static char *explain(Plan *const *plans, size_t n_plans, const Plan *plan, const PlanNeed *need, bool is_there) {
        _cleanup_free_ const char **names = calloc(n_plans + 1, sizeof(*names));
        _cleanup_free_ char *shown = str_escape(need->name, strlen(need->name), PLAN_NAME_BYTES_MAX);
        const char *near;
        size_t n_names = 0;

        if (!names || !shown)
                return NULL;
        if (is_there)
                return str_printf("it depends on %s '%s', which does not run", plan_noun(plan), shown);
        for (size_t i = 0; i < n_plans; i++)
                if (!has_name(plans[i], plan->workflow))
                        names[n_names++] = plans[i]->workflow;
        near = diag_suggest(need->name, names, n_names);
        if (near)
                return str_printf("it depends on workflow '%s', and there is none; did you mean '%s'?", shown, near);
        return str_printf("it depends on workflow '%s', and there is none", shown);
}

static int leave_out(Plan *plan, char *why, Mark mark) {
        if (!why)
                return -ENOMEM;
        while (plan->n_steps > 0)
                plan_step_free(plan->steps[--plan->n_steps]);
        plan->n_services = 0;
        free(plan->why_left_out);
        plan->why_left_out = why;
        plan->why_left_out_mark = mark;
        return 1;
}

static int note(const Plan *plan, const PlanNeed *need, char ***notes) {
        _cleanup_free_ char *shown = str_escape(need->name, strlen(need->name), PLAN_NAME_BYTES_MAX);

        return strv_append_take(
                notes,
                shown ? str_printf(
                                "workflow '%s' depends on '%s', which is not among the files given: not waiting for it",
                                plan->name, shown)
                      : NULL);
}

/* 1: it was left out. @notes: NULL where what is missing counts */
static int check_needs(Plan *const *plans, size_t n_plans, Plan *plan, char ***notes) {
        bool does_run;
        int r = 0;

        for (size_t i = 0; i < plan->n_depends_on && runs(plan) && r == 0; i++) {
                const PlanNeed *need = &plan->depends_on[i];
                bool is_there = find(plans, n_plans, need->name, &does_run);

                if (does_run || need->is_optional || (!is_there && notes))
                        continue;
                r = leave_out(plan, explain(plans, n_plans, plan, need, is_there), need->mark);
        }
        return r;
}

static int note_missing(Plan *const *plans, size_t n_plans, char ***notes) {
        bool does_run;
        int r = 0;

        for (size_t i = 0; i < n_plans; i++)
                for (size_t k = 0; runs(plans[i]) && k < plans[i]->n_depends_on && r == 0; k++) {
                        const PlanNeed *need = &plans[i]->depends_on[k];

                        if (!need->is_optional && !find(plans, n_plans, need->name, &does_run))
                                r = note(plans[i], need, notes);
                }
        return r;
}

/* Whoever depends on one that is left out is left out, and who depends on that one, ... */
static int drop_dependents(Plan *const *plans, size_t n_plans, char ***notes) {
        bool has_changed;

        do {
                has_changed = false;
                for (size_t i = 0; i < n_plans; i++) {
                        int r = check_needs(plans, n_plans, plans[i], notes);

                        if (r < 0)
                                return r;
                        has_changed |= r > 0;
                }
        } while (has_changed);
        return 0;
}

/* The first workflow that has to be placed before, and is not. NULL: it can be placed. */
static const Plan *open_need(Plan *const *plans, size_t n_plans, const bool *is_placed, const Plan *plan) {
        for (size_t k = 0; runs(plan) && k < plan->n_depends_on; k++)
                for (size_t i = 0; i < n_plans; i++)
                        if (!is_placed[i] && runs(plans[i]) && has_name(plans[i], plan->depends_on[k].name))
                                return plans[i];
        return NULL;
}

/* From any workflow that waits, along what it waits for, as often as there are workflows: that is on the circle. */
static int refuse_circle(Plan *const *plans, size_t n_plans, const bool *is_placed, Error **reterr) {
        _cleanup_str_ Str names = STR_INIT(STR_MAX_DEFAULT);
        const Plan *first = NULL, *plan;

        for (size_t i = 0; i < n_plans && !first; i++)
                first = is_placed[i] ? NULL : plans[i];
        for (size_t i = 0; i < n_plans; i++)
                first = open_need(plans, n_plans, is_placed, first);
        (void) str_append(&names, first->workflow);
        plan = first;
        do {
                plan = open_need(plans, n_plans, is_placed, plan);
                (void) str_appendf(&names, " -> %s", plan->workflow);
        } while (plan != first && names.error == 0);
        return error_set(reterr, ELOOP, "%s:%u: workflows depend on each other in a circle: %s", first->source_name,
                         first->n_depends_on > 0 ? first->depends_on[0].mark.line : 0, str_get(&names));
}

static int sort(Plan **plans, size_t n_plans, Error **reterr) {
        _cleanup_free_ Plan **sorted = calloc(n_plans + 1, sizeof(*sorted));
        _cleanup_free_ bool *is_placed = calloc(n_plans + 1, sizeof(bool));
        size_t n_sorted = 0, i;

        if (!sorted || !is_placed)
                return error_oom(reterr);
        while (n_sorted < n_plans) {
                for (i = 0; i < n_plans; i++)
                        if (!is_placed[i] && !open_need(plans, n_plans, is_placed, plans[i]))
                                break;
                if (i == n_plans)
                        return refuse_circle(plans, n_plans, is_placed, reterr);
                is_placed[i] = true;
                sorted[n_sorted++] = plans[i];
        }
        memcpy(plans, sorted, n_plans * sizeof(*plans));
        return 0;
}

int workflows_order(Plan **plans, size_t n_plans, bool are_chosen, char ***ret_notes, Error **reterr) {
        _cleanup_strv_ char **notes = NULL;
        int r;

        if (n_plans > WORKFLOWS_MAX)
                return error_set(reterr, E2BIG, "%zu workflows are more than one run can have (%d)", n_plans,
                                 WORKFLOWS_MAX);
        r = drop_dependents(plans, n_plans, are_chosen ? &notes : NULL);
        if (r == 0 && are_chosen)
                r = note_missing(plans, n_plans, &notes);
        if (r < 0)
                return error_oom(reterr);
        r = n_plans > 0 ? sort(plans, n_plans, reterr) : 0;
        if (r == 0)
                *ret_notes = TAKE_PTR(notes);
        return r;
}

static bool is_hindrance(const Plan *plan, const PlanNeed *need, WorkflowOutcome outcome) {
        if (outcome == WORKFLOW_OPEN || (outcome == WORKFLOW_SKIPPED && plan->on_success && need->may_skip))
                return false;
        return (outcome == WORKFLOW_PASSED) != plan->on_success;
}

/* Source: server/model/task.go, ShouldRun(); for GitLab, lib/gitlab/ci/status/composite.rb. */
const Plan *workflows_blocker(Plan *const *plans, const WorkflowOutcome *outcomes, size_t n_plans, size_t index) {
        const Plan *plan = plans[index], *blocker = NULL;

        if (plan->on_success && plan->on_failure)
                return NULL;
        for (size_t k = 0; k < plan->n_depends_on; k++)
                for (size_t i = 0; i < n_plans; i++) {
                        const PlanNeed *need = &plan->depends_on[k];

                        if (outcomes[i] == WORKFLOW_OPEN || !has_name(plans[i], need->name))
                                continue;
                        if (plan->on_any_failure && outcomes[i] == WORKFLOW_FAILED)
                                return NULL;
                        if (!blocker && is_hindrance(plan, need, outcomes[i]))
                                blocker = plans[i];
                }
        return blocker;
}
