#include "pipeline/selection.h"

#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "document/diag.h"
#include "pipeline/select.h"

int selection_init(Selection *selection, char *const *names, const char *from) {
        char *const only[] = { (char *) from, NULL }, *const *chosen = from ? only : names;
        size_t n = strv_length(chosen);

        *selection = (Selection) { .is_from = from };
        STRV_FOREACH(name, chosen)
                if (strv_append(&selection->names, *name) < 0 || strv_append(&selection->why_not, "") < 0)
                        return -ENOMEM;
        selection->is_found = calloc(n + 1, sizeof(bool));
        return selection->is_found ? 0 : -ENOMEM;
}

void selection_done(Selection *selection) {
        strv_free(selection->names);
        strv_free(selection->why_not);
        strv_free(selection->known);
        free(selection->is_found);
        free(selection->plan_name);
        free(selection->plan_why);
        *selection = (Selection) { 0 };
}

static int keep_why(Selection *selection, const Plan *plan) {
        for (size_t i = 0; selection->names[i]; i++)
                for (size_t k = 0; k < plan->n_left_out; k++) {
                        const PlanLeftOut *left_out = &plan->left_out[k];
                        char *why;

                        if (left_out->is_service || !str_equal(left_out->name, selection->names[i]) ||
                            *selection->why_not[i])
                                continue;
                        why = str_printf("%s (%s:%u)", left_out->why, plan->source_name, left_out->why_mark.line);
                        if (!why)
                                return -ENOMEM;
                        free(selection->why_not[i]);
                        selection->why_not[i] = why;
                }
        return 0;
}

/* What there is, for the message if it is not what was chosen. */
static int note(Selection *selection, const Plan *plan) {
        free(selection->plan_name);
        free(selection->plan_why);
        selection->plan_name = strdup(plan->name);
        selection->plan_why = plan->why_left_out ? strdup(plan->why_left_out) : NULL;
        if (!selection->plan_name || (plan->why_left_out && !selection->plan_why))
                return -ENOMEM;
        selection->n_plans++;
        for (size_t i = plan->n_services; i < plan->n_steps; i++)
                if (strv_append(&selection->known, plan->steps[i]->name) < 0)
                        return -ENOMEM;
        return keep_why(selection, plan);
}

static bool has_step(const Plan *plan, const char *name) {
        for (size_t i = plan->n_services; i < plan->n_steps; i++)
                if (str_equal(plan->steps[i]->name, name))
                        return true;
        return false;
}

/* 1: something is left of it. */
static int apply_to(Selection *selection, Plan *plan, Error **reterr) {
        _cleanup_strv_ char **here = NULL;
        int r = note(selection, plan);

        for (size_t i = 0; selection->names[i] && r == 0; i++)
                if (has_step(plan, selection->names[i])) {
                        selection->is_found[i] = true;
                        r = strv_append(&here, selection->names[i]);
                }
        if (r < 0)
                return error_oom(reterr);
        if (!here)
                return 0;
        r = selection->is_from ? plan_keep_from(plan, here[0], reterr) : plan_keep_steps(plan, here, reterr);
        return r < 0 ? r : 1;
}

int selection_apply(Selection *selection, Plan **plans, size_t *n_plans, Error **reterr) {
        size_t n = 0;
        int r = 0;

        if (!selection->names)
                return 0;
        for (size_t i = 0; i < *n_plans; i++) {
                r = r >= 0 ? apply_to(selection, plans[i], reterr) : r;
                if (r != 0)
                        plans[n++] = plans[i];
                else
                        plan_free(plans[i]);
        }
        *n_plans = n;
        return MIN(r, 0);
}

static int refuse(const Selection *selection, const char *name, const char *why_not, Error **reterr) {
        _cleanup_free_ char *shown = str_escape(name, strlen(name), PLAN_NAME_BYTES_MAX);
        size_t n_known = strv_length(selection->known);
        const char *near = n_known > 0 ? diag_suggest(name, (const char *const *) selection->known, n_known) : NULL;
        const char *before = near ? "; did you mean '" : "", *behind = near ? "'?" : "";

        if (!shown)
                return error_oom(reterr);
        if (*why_not)
                return error_set(reterr, ENOENT, "step '%s' is left out: %s", shown, why_not);
        if (selection->n_plans > 1)
                return error_set(reterr, ENOENT, "none of %u workflows has a step '%s'%s%s%s", selection->n_plans,
                                 shown, before, near ? near : "", behind);
        if (selection->plan_why)
                return error_set(reterr, ENOENT, "workflow '%s' is left out as a whole: %s", selection->plan_name,
                                 selection->plan_why);
        return error_set(reterr, ENOENT, "workflow '%s' has no step '%s'%s%s%s", selection->plan_name, shown, before,
                         near ? near : "", behind);
}

int selection_check(const Selection *selection, Error **reterr) {
        for (size_t i = 0; selection->names && selection->names[i]; i++)
                if (!selection->is_found[i])
                        return refuse(selection, selection->names[i], selection->why_not[i], reterr);
        return 0;
}
