#pragma once

/* What may stand behind 'podstep config'. */

#include "cli/run-options.h"

typedef struct ConfigValues {
        RunOptions run; /* of which it has some: which files, what is set, colour */
        bool defaults, schema;
        char *runner, *output; /* of 'config import' */
} ConfigValues;

extern const Option config_option_rows[];

void config_values_init(ConfigValues *values);
void config_values_done(ConfigValues *values);
