#pragma once

/*
 * What is known of a job that failed and whose containers were left in place (--keep): the file "kept" of its
 * directory, for 'podstep enter', and for those who remove it in the end. No secret is in it, nor in any other file of
 * the job by then.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define KEPT_STEPS_MAX 10000

typedef struct KeptStep {
        char *name, *container;
        char *directory; /* where its commands ran */
        char *files;     /* on this machine: what is STEP_SCRIPT_DIRECTORY in it, where the engine sees our files */
        char **secrets;  /* names of the variables that held one */
        bool has_failed;
        bool has_script; /* it can be run again: STEP_SCRIPT_DIRECTORY/again */
} KeptStep;

typedef struct KeptJob {
        uint64_t until_usec; /* real time; then it goes */
        char *workflow;
        char *engine; /* its address */
        KeptStep *steps; /* those that can be entered */
        size_t n_steps;
} KeptJob;
void kept_job_done(KeptJob *kept);

/** kept_job_format() - the text of the file */
int kept_job_format(const KeptJob *kept, char **ret);
/** kept_job_parse() - -EINVAL: it is no such text */
int kept_job_parse(const char *text, size_t n, KeptJob *ret, Error **reterr);

/** kept_job_read() - of any job id; -ENOENT: there is no such job, or it is not kept */
int kept_job_read(const char *state_directory, const char *id, KeptJob *ret, Error **reterr);
