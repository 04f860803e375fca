#pragma once

/*
 * One call of 'podstep run': signals, variables, the engine, left-overs of earlier calls, then one job after the other. The
 * wiring is here and nowhere else.
 */

#include "cli/run-options.h"
#include "engine/engine.h"

/** session_run() - runs the workflows; returns the exit code of podstep */
int session_run(const RunOptions *options, char *const *files);

/** session_load() - only the plans, for 'podstep plan'; returns the exit code. The caller frees the plans and the array. */
int session_load(const RunOptions *options, char *const *files, Plan ***ret_plans, size_t *ret_n_plans);

/** session_state_directory() - $XDG_STATE_HOME/podstep, ~/.local/state/podstep */
int session_state_directory(char **ret, Error **reterr);
