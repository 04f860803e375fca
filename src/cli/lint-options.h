#pragma once

/* What may stand behind 'podstep lint'. */

#include "cli/run-options.h"
#include "document/diag-format.h"
#include "pipeline/schema.h"

#define LINT_NO_SCHEMA (-1)

typedef struct LintValues {
        RunOptions run; /* of which it has some: variables, trust, directory, colour */
        DiagFormat format;
        bool strict;
        int schema; /* a SchemaKind */
        char **privileged_plugins, **trusted_clones;
} LintValues;

extern const Option lint_option_rows[];

void lint_values_init(LintValues *values);
/** lint_values_check() - what cannot go together; -EINVAL with the Error */
int lint_values_check(const LintValues *values, Error **reterr);
/** lint_values_fill_in() - what no option said, from the configuration: after configure() */
void lint_values_fill_in(LintValues *values);
void lint_values_done(LintValues *values);
