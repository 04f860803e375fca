#pragma once

/* Names of steps and services, and what they become on the network. */

#include "pipeline/plan.h"

#define ALIAS_BYTES_MAX 63 /* a DNS label */

/** step_name_fault() - why a text cannot be a name; NULL if it can. Static text. */
const char *step_name_fault(const char *name, size_t n);

/**
 * step_name_to_alias() - lower case, anything but a letter, digit or '-' becomes '-', trimmed, at most a DNS label
 *
 * Return: 0 with the alias, or with NULL where nothing is left of the name ("日本"); -ENOMEM.
 */
int step_name_to_alias(const char *name, char **ret);

/**
 * step_host_name_is_valid() - whether a text can stand in a hosts file
 *
 * Docker and a hosts file take more than DNS does, and files rely on it: "my_db" must be reachable as that.
 */
bool step_host_name_is_valid(const char *name);

/** step_names_assign() - gives all steps of a plan their alias and host names; a collision is resolved, with a warning.
 * 0 or -ENOMEM */
int step_names_assign(Plan *plan, DiagList *diags);
