#pragma once

/* What the operator set goes under what the command line says. */

#include "cli/run-options.h"

/**
 * configure() - reads the configuration and fills in what no option said; @options->policy is the operator's then
 *
 * Faults go to standard error, with their places.
 *
 * Return: 0; EXIT_USAGE: a broken configuration; EXIT_REFUSED: an option wants to change what is locked; EXIT_ENGINE:
 * no memory.
 */
int configure(RunOptions *options);

/** configure_load() - only reads it, for those who show it; config_done() is the caller's, also on failure */
int configure_load(const RunOptions *options, Config *config);
