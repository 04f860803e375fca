#pragma once

/*
 * --step and --from over all the workflows of a run or a submission: a name may be that of a step of any, and the
 * others do not run.
 */

#include "pipeline/plan.h"

typedef struct Selection {
        char **names;     /* NULL: all steps run */
        bool is_from;     /* there is one name, that of --from */
        bool *is_found;   /* of each name */
        char **why_not;   /* of each name: a step is called so, but left out; "" if none is */
        char **known;     /* all steps that were seen */
        char *plan_name, *plan_why; /* of the last plan that was seen; why it is left out as a whole, or NULL */
        unsigned n_plans; /* that were seen */
} Selection;

/**
 * selection_init() - selection_done() in all cases
 * @names: of steps; NULL: all of them
 * @from:  of the step that is the first, in the place of @names; NULL: none
 *
 * Return: 0 or -ENOMEM.
 */
int selection_init(Selection *selection, char *const *names, const char *from);
void selection_done(Selection *selection);

/** selection_apply() - drops what was not chosen: of each plan the steps, and plans of which nothing is left */
int selection_apply(Selection *selection, Plan **plans, size_t *n_plans, Error **reterr);

/** selection_check() - -ENOENT, with a message, if a name was that of no step */
int selection_check(const Selection *selection, Error **reterr);
