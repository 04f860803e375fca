#include "pipeline/select.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/strv.h"
#include "document/diag.h"

static int find_step(const Plan *plan, const char *name, size_t *ret, Error **reterr) {
        _cleanup_free_ const char **names = calloc(plan->n_steps + 1, sizeof(*names));
        const char *near;

        if (!names)
                return error_oom(reterr);
        for (size_t i = plan->n_services; i < plan->n_steps; i++) {
                if (strcmp(plan->steps[i]->name, name) == 0) {
                        *ret = i;
                        return 0;
                }
                names[i - plan->n_services] = plan->steps[i]->name;
        }
        near = diag_suggest(name, names, plan->n_steps - plan->n_services);
        if (near)
                return error_set(reterr, ENOENT, "workflow '%s' has no step '%s'; did you mean '%s'?", plan->name, name,
                                 near);
        return error_set(reterr, ENOENT, "workflow '%s' has no step '%s'", plan->name, name);
}

/* Marks a step and all that it needs, without recursion: a chain may be as long as the plan. */
static int mark_needed(const Plan *plan, size_t step, bool *marks) {
        _cleanup_free_ size_t *open = calloc(plan->n_steps + 1, sizeof(*open));
        size_t n_open = 0;

        if (!open)
                return -ENOMEM;
        if (!marks[step]) {
                marks[step] = true;
                open[n_open++] = step;
        }
        while (n_open > 0) {
                const PlanStep *next = plan->steps[open[--n_open]];

                for (size_t i = 0; i < next->n_needs; i++)
                        if (!marks[next->needs[i]]) {
                                marks[next->needs[i]] = true;
                                open[n_open++] = next->needs[i];
                        }
        }
        return 0;
}

/* The needs of a step when some steps go: what those needed is needed in their stead, so that the order of the rest
 * holds. */
static int bridge_needs(const Plan *plan, const bool *keeps, const size_t *new_index, size_t step, size_t **ret,
                        size_t *ret_n) {
        _cleanup_free_ size_t *open = calloc(plan->n_steps + 1, sizeof(*open)),
                              *needs = calloc(plan->n_steps + 1, sizeof(*needs));
        _cleanup_free_ bool *seen = calloc(plan->n_steps + 1, sizeof(*seen));
        size_t n_open = 0, n_needs = 0;

        if (!open || !needs || !seen)
                return -ENOMEM;
        open[n_open++] = step;
        while (n_open > 0) {
                const PlanStep *next = plan->steps[open[--n_open]];

                for (size_t i = 0; i < next->n_needs; i++) {
                        size_t need = next->needs[i];

                        if (seen[need])
                                continue;
                        seen[need] = true;
                        if (keeps[need])
                                needs[n_needs++] = new_index[need];
                        else
                                open[n_open++] = need;
                }
        }
        *ret = TAKE_PTR(needs);
        *ret_n = n_needs;
        return 0;
}

/* Drops the steps that are not kept; services, and what clones, always stay. */
static int keep(Plan *plan, bool *keeps) {
        _cleanup_free_ size_t *new_index = calloc(plan->n_steps + 1, sizeof(*new_index)),
                              **needs = calloc(plan->n_steps + 1, sizeof(*needs)),
                              *n_needs = calloc(plan->n_steps + 1, sizeof(*n_needs));
        size_t n = 0;
        int r = 0;

        if (!new_index || !needs || !n_needs)
                return -ENOMEM;
        for (size_t i = 0; i < plan->n_steps; i++) {
                keeps[i] |= i < plan->n_services || plan->steps[i]->kind == STEP_CLONE;
                new_index[i] = n;
                n += keeps[i];
        }
        for (size_t i = 0; i < plan->n_steps && r == 0; i++)
                if (keeps[i])
                        r = bridge_needs(plan, keeps, new_index, i, &needs[i], &n_needs[i]);
        for (size_t i = 0; i < plan->n_steps; i++) {
                PlanStep *step = plan->steps[i];

                if (r < 0) {
                        free(needs[i]);
                } else if (!keeps[i]) {
                        plan_step_free(step);
                } else {
                        free(step->needs);
                        step->needs = needs[i];
                        step->n_needs = n_needs[i];
                        plan->steps[new_index[i]] = step;
                }
        }
        if (r == 0)
                plan->n_steps = n;
        return r;
}

int plan_keep_steps(Plan *plan, char *const *names, Error **reterr) {
        _cleanup_free_ bool *keeps = calloc(plan->n_steps + 1, sizeof(*keeps));
        size_t step;
        int r;

        if (!keeps)
                return error_oom(reterr);
        STRV_FOREACH(name, names) {
                r = find_step(plan, *name, &step, reterr);
                if (r < 0)
                        return r;
                r = mark_needed(plan, step, keeps);
                if (r < 0)
                        return error_oom(reterr);
        }
        return keep(plan, keeps) < 0 ? error_oom(reterr) : 0;
}

/* Every step that needs one of the marked ones becomes marked; needs may point forward, so until nothing changes. */
static void mark_followers(const Plan *plan, bool *marks) {
        bool has_changed;

        do {
                has_changed = false;
                for (size_t i = plan->n_services; i < plan->n_steps; i++)
                        for (size_t k = 0; k < plan->steps[i]->n_needs && !marks[i]; k++)
                                if (marks[plan->steps[i]->needs[k]])
                                        marks[i] = has_changed = true;
        } while (has_changed);
}

int plan_keep_from(Plan *plan, const char *name, Error **reterr) {
        _cleanup_free_ bool *before = calloc(plan->n_steps + 1, sizeof(bool)),
                            *keeps = calloc(plan->n_steps + 1, sizeof(bool));
        size_t from;
        int r;

        if (!before || !keeps)
                return error_oom(reterr);
        r = find_step(plan, name, &from, reterr);
        if (r < 0)
                return r;
        if (mark_needed(plan, from, before) < 0)
                return error_oom(reterr);
        keeps[from] = true;
        mark_followers(plan, keeps);
        for (size_t i = from + 1; i < plan->n_steps; i++)
                keeps[i] |= !before[i];
        return keep(plan, keeps) < 0 ? error_oom(reterr) : 0;
}
