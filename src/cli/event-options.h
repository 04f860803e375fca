#pragma once

/* The options that say which event a run is for: their values, and which go together. */

#include "cli/options.h"

typedef struct RunOptions RunOptions;

/** event_option_set() - one of Woodpecker's events */
int event_option_set(const Option *option, const char *text, void *field, Error **reterr);
/** event_option_set_revision() - a revision that git cannot take for an option or a range */
int event_option_set_revision(const Option *option, const char *text, void *field, Error **reterr);

/** event_options_check() - what cannot go together; -EINVAL with the Error */
int event_options_check(const RunOptions *options, Error **reterr);
