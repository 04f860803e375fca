#pragma once

/*
 * A step from the inside: its states. step.c is their table and has those before the start, step-start.c the start,
 * step-find.c how a new process finds one again, step-end.c all that comes of its end.
 */

#include "job/job-internal.h"

enum {
        AT_WAITING,
        AT_USER,         /* who it runs as is asked of the image */
        AT_SECRETS,      /* the engine is given its secrets, one by one */
        AT_CREATING,
        AT_INITIALIZING, /* everything but the start itself */
        AT_PREPARED,
        AT_OWNING,       /* the files are made its user's */
        AT_SENDING,      /* its script is put where it looks for it */
        AT_STARTING,
        AT_RUNNING,
        AT_STOPPING,
        AT_DIAGNOSING,   /* it did not start: why? */
        AT_BEGUN,        /* by an earlier process, which started it or was about to */
        AT_FINDING,      /* how far did that come? */
        AT_DONE,
};

/* States, as in machine.h: */
int step_enter_starting(Machine *machine, Task **ret_task, Error **reterr);
int step_enter_finding(Machine *machine, Task **ret_task, Error **reterr);
int step_enter_stopping(Machine *machine, Task **ret_task, Error **reterr);
int step_enter_diagnosing(Machine *machine, Task **ret_task, Error **reterr);
int step_enter_done(Machine *machine, Task **ret_task, Error **reterr);

/** step_follow() - begins to follow its output and its end, over several states */
int step_follow(Step *step);
/** step_settle() - what its end means for the job */
void step_settle(Step *step);

/* git on this machine: it has neither a container nor an end that somebody follows. */
static inline bool step_clones_here(const Step *step) {
        return step->plan->is_default_clone && job_is_far(step->job);
}
