/* Services that the operator gives to every workflow. Source of the names: GitLab Runner, as for those of a file. */

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/str.h"
#include "base/strv.h"
#include "pipeline/gitlab-service.h"
#include "pipeline/image-reference.h"
#include "pipeline/name.h"
#include "pipeline/policy-internal.h"

/* "db mysql" and "db,mysql" are two names. */
static int add_explicit(const char *alias, char ***names) {
        static const char separators[] = " ,";
        int r = 0;

        for (const char *word = alias; word && *word && r == 0;) {
                size_t n = strcspn(word, separators);

                if (n > 0)
                        r = strv_append_take(names, strndup(word, n));
                word += n + strspn(word + n, separators);
        }
        return r;
}

static bool is_taken(const Plan *plan, const char *name) {
        for (size_t i = 0; i < plan->n_services; i++)
                if (str_equal(plan->steps[i]->alias, name) || strv_contains(plan->steps[i]->host_names, name) ||
                    str_equal(plan->steps[i]->name, name))
                        return true;
        return false;
}

static bool is_label(const char *name) {
        _cleanup_free_ char *alias = NULL;

        return step_name_to_alias(name, &alias) == 0 && str_equal(alias, name);
}

/* Every container has a name that is a DNS label, also where it is reached by others. */
static int make_alias(const Plan *plan, PlanStep *step) {
        int r = step_name_to_alias(step->host_names[0], &step->alias);

        for (unsigned i = 2; r == 0 && (!step->alias || is_taken(plan, step->alias)); i++) {
                free(step->alias);
                step->alias = str_printf("service-%u", i);
                r = step->alias ? 0 : -ENOMEM;
        }
        return r;
}

/* The names that are free: a file's own service goes before the operator's. */
static int take_names(const Plan *plan, const PolicyService *service, PlanStep *step) {
        _cleanup_strv_ char **names = NULL;
        int r = add_explicit(service->alias, &names);

        if (r == 0) {
                _cleanup_strv_ char **own = NULL;

                r = gitlab_service_aliases(service->image, &own);
                STRV_FOREACH(name, own)
                        r = r == 0 ? strv_append(&names, *name) : r;
        }
        STRV_FOREACH(name, names) {
                if (r < 0 || is_taken(plan, *name) || !step_host_name_is_valid(*name))
                        continue;
                if (!step->alias && is_label(*name)) {
                        step->alias = strdup(*name);
                        r = step->alias ? 0 : -ENOMEM;
                } else if (!str_equal(step->alias, *name) && !strv_contains(step->host_names, *name))
                        r = strv_append(&step->host_names, *name);
        }
        return r == 0 && !step->alias && step->host_names ? make_alias(plan, step) : r;
}

/* As a container of the same file would have it. */
static int make_service(const Plan *plan, const PolicyService *service, PlanStep **ret) {
        const PlanStep *model = plan->steps[plan->n_services];
        _cleanup_(plan_step_freep) PlanStep *step = calloc(1, sizeof(*step));
        _cleanup_free_ char *hint = NULL;
        int r;

        if (!step)
                return -ENOMEM;
        step->environment = step->secret_environment = STRMAP_INIT;
        step->kind = STEP_SERVICE;
        step->style = model->style;
        step->detach = step->on_success = step->is_operators = true;
        step->failure = STEP_FAILURE_IGNORE;
        r = take_names(plan, service, step);
        if (r < 0)
                return r;
        if (!step->alias) { /* nobody could reach it, or the file has one of that name */
                *ret = NULL;
                return 0;
        }
        step->name = strdup(step->alias);
        step->image = strdup(service->image);
        step->workspace_base = strdup(model->workspace_base);
        step->directory = strdup(plan->workspace);
        if (!step->name || !step->image || !step->workspace_base || !step->directory)
                return -ENOMEM;
        r = image_reference_qualify(service->image, &step->image_reference, &hint, NULL);
        if (r >= 0)
                r = strmap_update(&step->environment, &service->environment);
        if (r >= 0)
                r = strv_copy(service->command, &step->arguments);
        if (r >= 0)
                r = strv_copy(service->entrypoint, &step->entrypoint);
        if (r >= 0)
                *ret = TAKE_PTR(step);
        return r;
}

/* Behind the services that are there; all that stands behind it moves. */
static int insert_take(Plan *plan, PlanStep *service) {
        if (ARRAY_APPEND(plan->steps, plan->n_steps, service) < 0) {
                plan_step_free(service);
                return -ENOMEM;
        }
        memmove(plan->steps + plan->n_services + 1, plan->steps + plan->n_services,
                (plan->n_steps - 1 - plan->n_services) * sizeof(*plan->steps));
        plan->steps[plan->n_services] = service;
        plan->n_services++;
        for (size_t i = 0; i < plan->n_steps; i++)
                for (size_t k = 0; k < plan->steps[i]->n_needs; k++)
                        plan->steps[i]->needs[k]++; /* services are never needed by number: all are steps behind it */
        return 0;
}

int policy_add_services(const Policy *policy, Plan *plan) {
        for (size_t i = 0; i < policy->n_always && plan->n_steps > plan->n_services; i++) {
                PlanStep *service = NULL;
                int r;

                if (plan->n_steps >= PLAN_STEPS_MAX)
                        return -E2BIG;
                r = make_service(plan, &policy->always[i], &service);
                if (r >= 0 && service)
                        r = insert_take(plan, service);
                if (r < 0)
                        return r;
        }
        return 0;
}
