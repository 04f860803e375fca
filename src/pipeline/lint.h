#pragma once

/*
 * What is wrong with a workflow file, and what is better done otherwise. The file is read as for a run, of which
 * nothing is known: all conditions hold, secrets are there, variables have some value. Pure.
 */

#include "base/map.h"
#include "document/diag.h"
#include "pipeline/policy.h"

typedef struct LintOptions {
        const Map *environment;          /* variables that the server or the user sets for '${}'; may be NULL */
        unsigned trusted;                /* TrustClass */
        char *const *privileged_plugins; /* images that run privileged without saying so; NULL: not known */
        char *const *workflows;          /* names of all that there are, for 'depends_on'; NULL: not known */
        const Policy *policy;            /* the operator's: what a run would refuse is an error; NULL: not known */
        char *const *trusted_clones;     /* images that may clone with credentials, beside Woodpecker's own */
} LintOptions;

/** woodpecker_lint() - adds all findings, sorted: 0, whatever was found, or -ENOMEM */
int woodpecker_lint(const Source *source, const LintOptions *options, DiagList *diags);
