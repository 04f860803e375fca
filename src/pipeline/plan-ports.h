#pragma once

/* The ports of services that a job waits for: there is a bound, and who goes beyond it is told of. */

#include "document/diag.h"
#include "pipeline/plan.h"

#define PLAN_PORT_VARIABLE "HEALTHCHECK_TCP_PORT" /* in any case, as GitLab's runner looks for it */
#define PLAN_PORTS_HINT                                                                                                \
        "say of one when it can be used: with its key 'ready', or the variable " PLAN_PORT_VARIABLE

/** plan_find_port_variable() - the variable that names the one port to look at, as the file sets it; or NULL */
const char *plan_find_port_variable(const PlanStep *service);

/**
 * plan_ports_fault() - what is wrong with so many ports
 * @counts: of each service of the plan
 *
 * Return: 1 with a sentence; 0 if they are not too many; -ENOMEM.
 */
int plan_ports_fault(const Plan *plan, const size_t *counts, char **ret);

/**
 * plan_check_ports() - warns of too many in the file; that is no fault yet, since those of a service whose image has a
 * HEALTHCHECK do not count
 *
 * Return: 0 or -ENOMEM.
 */
int plan_check_ports(const Plan *plan, DiagList *diags);
