#pragma once

/* What may stand behind 'podstep doctor' and 'podstep setup'. */

#include "cli/run-options.h"

typedef struct DoctorOptions {
        char *engine_url; /* NULL: look for one */
        bool json, quiet, dry_run, yes;
        ColorMode color;
} DoctorOptions;

extern const Option doctor_option_rows[];
extern const Option setup_option_rows[];

void doctor_options_done(DoctorOptions *options);
/** doctor_options_color() - whether what goes to standard output is coloured */
bool doctor_options_color(const DoctorOptions *options);
