#pragma once

/* A part of a plan: 'run --step NAME' (with what it needs) and 'run --from NAME'. Services always stay. */

#include "pipeline/plan.h"

/** plan_keep_steps() - keeps the named steps and everything they need, transitively; -ENOENT names the unknown one */
int plan_keep_steps(Plan *plan, char *const *names, Error **reterr);
/** plan_keep_from() - drops what must run before the named step: keeps it, what needs it, and all later ones that do
 * not lie before it */
int plan_keep_from(Plan *plan, const char *name, Error **reterr);
