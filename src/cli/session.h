#pragma once

/*
 * One call of 'podstep run': signals, variables, the engine, left-overs of earlier calls, then one job after the other.
 * The wiring is here and nowhere else.
 */

#include "cli/run-options.h"
#include "engine/engine.h"

/** session_run() - runs the workflows; returns the exit code of podstep */
int session_run(const RunOptions *options, char *const *files);

/**
 * session_load() - only the plans, for 'podstep plan'; returns the exit code. The caller frees the plans and the array.
 */
int session_load(const RunOptions *options, char *const *files, Plan ***ret_plans, size_t *ret_n_plans);

/* What a run would be made of, for who hands it on. */
typedef struct SessionInput {
        char *checkout;
        char **files; /* the workflows */
        Map environment, secrets;
        Map given; /* what the user said of the environment */
        char *cron;
        char **changed_files; /* NULL: those that the environment names */
} SessionInput;
/**
 * session_gather() - finds it and checks that it could run, with the faults on standard error; returns the exit code
 */
int session_gather(const RunOptions *options, char *const *files, SessionInput *ret);
void session_input_done(SessionInput *input);

/** session_state_directory() - $XDG_STATE_HOME/podstep, ~/.local/state/podstep */
int session_state_directory(char **ret, Error **reterr);
