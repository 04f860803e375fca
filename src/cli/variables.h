#pragma once

/* Variables and secrets that the user gives: by options, in files, in our own environment. */

#include "cli/run-options.h"

#define VARIABLES_FILE_BYTES_MAX (1U * 1024 * 1024)

/** variables_read_environment() - --env-file, then --env over it */
int variables_read_environment(const RunOptions *options, Map *environment, Error **reterr);
/**
 * variables_read_secrets() - --secrets-file, then --secret over it; names in lower case, as Woodpecker looks them up
 */
int variables_read_secrets(const RunOptions *options, Map *secrets, Error **reterr);
/**
 * variables_parse() - NAME=VALUE lines ('#' comments, 'export', quotes), or a YAML map of strings; @name is for the
 * Error
 */
int variables_parse(const char *name, const char *text, Map *variables, Error **reterr);
/** variables_done() - wipes the values */
void variables_done(Map *variables);
