/*
 * Fetching the repository. Where the workspace begins empty the steps of 'clone' run first, or, without any, one of
 * ours; else the checkout is there already and they are left out. Everything waits for them, services too.
 */

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/array.h"
#include "pipeline/woodpecker-internal.h"

#define DEFAULT_CLONE_NAME "clone" /* as Woodpecker's own */

int woodpecker_clone_judge(const Woodpecker *wp, bool skips, Mark mark, Conditions *conditions) {
        const char *why = skips                 ? "'skip_clone' is set"
                          : wp->context->clones ? NULL
                                                : "the checkout is there already, '--clone' fetches it anew";

        if (!why || !conditions->matches)
                return 0;
        conditions->matches = false;
        conditions->why_mark = mark;
        free(conditions->why); /* lint goes on with what does not match */
        conditions->why = strdup(why);
        return conditions->why ? 0 : -ENOMEM;
}

int woodpecker_clone_default(Woodpecker *wp, Plan *plan) {
        _cleanup_(plan_step_freep) PlanStep *step = NULL;
        Diag *diag;

        if (!wp->context->clones || plan->skip_clone)
                return 0;
        if (str_is_empty(strmap_get(&wp->values, "CI_COMMIT_SHA"))) {
                diag = WOODPECKER_ERROR(wp, "clone", (Mark){ 0 }, "there is no commit to clone");
                diag_set_hint(diag, "'--clone' needs a git checkout with a commit, or CI_COMMIT_SHA");
                return 0;
        }
        step = calloc(1, sizeof(*step));
        if (!step)
                return -ENOMEM;
        step->environment = step->secret_environment = STRMAP_INIT;
        step->kind = STEP_CLONE;
        step->is_default_clone = true;
        step->on_success = true;
        step->name = strdup(DEFAULT_CLONE_NAME);
        step->workspace_base = strdup(wp->workspace_base);
        step->directory = strdup(plan->workspace);
        if (!step->name || !step->workspace_base || !step->directory ||
            strmap_update(&step->environment, &wp->values) < 0 ||
            strmap_put(&step->environment, "CI_WORKSPACE", plan->workspace) < 0 ||
            ARRAY_APPEND(plan->steps, plan->n_steps, step) < 0)
                return -ENOMEM;
        (void) TAKE_PTR(step);
        return 0;
}

static int set_need(PlanStep *step, size_t need) {
        free(step->needs);
        step->needs = calloc(1, sizeof(*step->needs));
        if (!step->needs)
                return -ENOMEM;
        step->needs[0] = need;
        step->n_needs = 1;
        return 0;
}

int woodpecker_clone_needs(Plan *plan) {
        size_t last = SIZE_MAX;
        int r = 0;

        for (size_t i = plan->n_services; i < plan->n_steps && plan->steps[i]->kind == STEP_CLONE && r == 0; i++) {
                r = last != SIZE_MAX ? set_need(plan->steps[i], last) : 0;
                last = i;
        }
        for (size_t i = 0; i < plan->n_steps && last != SIZE_MAX && r == 0; i++)
                if (plan->steps[i]->kind != STEP_CLONE && plan->steps[i]->n_needs == 0)
                        r = set_need(plan->steps[i], last);
        return r;
}

bool woodpecker_has_work(const Plan *plan) {
        for (size_t i = plan->n_services; i < plan->n_steps; i++)
                if (plan->steps[i]->kind != STEP_CLONE)
                        return true;
        return false;
}
