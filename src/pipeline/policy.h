#pragma once

/* The operator's rules. Plan in, nothing or a list of refusals out; a job can never widen what the operator set. Pure.
 */

#include "pipeline/plan.h"

typedef enum TrustClass {
        TRUST_NETWORK = 1 << 0,  /* dns, dns_search, extra_hosts, network_mode other than "none" */
        TRUST_VOLUMES = 1 << 1,  /* volumes, tmpfs, devices */
        TRUST_SECURITY = 1 << 2, /* privileged */
        TRUST_ALL = TRUST_NETWORK | TRUST_VOLUMES | TRUST_SECURITY,
} TrustClass;

/** trust_parse() - "network,volumes" or "all"; -EINVAL, with the unknown word in the Error */
int trust_parse(const char *text, unsigned *ret, Error **reterr);

typedef struct Policy {
        unsigned trusted; /* TrustClass, or-ed */
        char **allowed_volumes; /* host directories that may be mounted (themselves and below); NULL: any, if
                                   TRUST_VOLUMES */
} Policy;

/** policy_check() - adds one error with its line for each thing refused, and how to allow it; returns how many */
size_t policy_check(const Policy *policy, const Plan *plan, DiagList *diags);
void policy_done(Policy *policy);

/** policy_grant_class() - the TrustClass that allows it */
unsigned policy_grant_class(PlanGrant grant);
/** policy_refuse() - adds the error for what is asked for and not allowed. @noun: "step", @name: as it may be shown */
void policy_refuse(PlanGrant grant, Mark mark, const char *noun, const char *name, DiagList *diags);
