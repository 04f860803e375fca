#pragma once

/*
 * How a plan tells of variables that hold secrets, without their values: of which texts and secrets each is made. A
 * list of texts and {"secret": NAME}, where "form" tells how the secret stands there if it is not as it was given.
 */

#include "document/json.h"
#include "pipeline/plan.h"

#define PLAN_SECRET_SHOWN "********" /* stands in the place of the value */

/** plan_secrets_put() - "secret_environment" of a step; what cannot be told of without showing it is left out */
void plan_secrets_put(JsonWriter *w, const Plan *plan, const PlanStep *step);
