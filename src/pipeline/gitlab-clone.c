/* Where the workspace begins empty, git of this machine fetches the commit before all else of a job. */

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/str.h"
#include "pipeline/gitlab-internal.h"

/* Woodpecker's name for it, and what it is called beside a job of that name. */
#define CLONE_NAME "clone"
#define CLONE_NAME_OTHER "fetch"

static PlanStep *new_clone(const Map *environment, const Plan *plan) {
        _cleanup_(plan_step_freep) PlanStep *step = calloc(1, sizeof(*step));

        if (!step)
                return NULL;
        step->environment = step->secret_environment = STRMAP_INIT;
        step->kind = STEP_CLONE;
        step->is_default_clone = step->on_success = true;
        step->name = strdup(strcmp(plan->workflow, CLONE_NAME) == 0 ? CLONE_NAME_OTHER : CLONE_NAME);
        step->workspace_base = strdup(GITLAB_BUILDS_DIRECTORY);
        step->directory = strdup(plan->workspace);
        if (!step->name || !step->workspace_base || !step->directory ||
            strmap_update(&step->environment, environment) < 0 ||
            strmap_put(&step->environment, "CI_WORKSPACE", plan->workspace) < 0)
                return NULL;
        return TAKE_PTR(step);
}

int gitlab_clone_compile(Gitlab *gl, Plan *plan) {
        const Map *environment = gl->context->clone_environment;
        _cleanup_(plan_step_freep) PlanStep *step = NULL;

        if (!environment)
                return 0;
        if (str_is_empty(strmap_get(environment, "CI_COMMIT_SHA"))) {
                diag_set_hint(GITLAB_ERROR(gl, "clone", (Mark){ 0 }, "there is no commit to clone"),
                              "'--clone' needs a git checkout with a commit, or CI_COMMIT_SHA");
                return 0;
        }
        step = new_clone(environment, plan);
        if (!step || ARRAY_APPEND(plan->steps, plan->n_steps, step) < 0)
                return -ENOMEM;
        (void) TAKE_PTR(step);
        return 0;
}

/* The services may want to read what is fetched, so they wait for it, too. */
int gitlab_clone_needs(const Gitlab *gl, Plan *plan) {
        size_t clone = plan->n_services;

        if (!gl->context->clone_environment)
                return 0;
        for (size_t i = 0; i < plan->n_steps; i++) {
                PlanStep *step = plan->steps[i];

                if (step->kind != STEP_CLONE && ARRAY_APPEND(step->needs, step->n_needs, clone) < 0)
                        return -ENOMEM;
        }
        return 0;
}
