#pragma once

/*
 * A job's own directory below the state directory: what its containers are given (scripts, hosts files), their logs,
 * and a lock that lives as long as the podstep that runs it. Whoever finds the lock free has found a left-over.
 *
 *   jobs/ID/kept  (see kept.h)  holder (podstep-holder, for containers)
 *   jobs/ID/lock  agent (its agent will take it up again)  hosts  rootfs/ (of the holder)
 *   jobs/ID/output-N (log of step N)  output-N.pid  output-holder  output-holder.pid
 *   jobs/ID/step-N/{script,hosts,resolv.conf}, of the one that clones {rootfs/,netrc}
 *   jobs/ID/step-N  (the script itself where there is nothing else)
 *
 * One that is empty but for its lock stays for the next podstep: spare/.
 */

#include <stdbool.h>

#include "base/error.h"

typedef struct JobDirectory {
        char *path;
        char *output; /* with the name of a container behind it: the path of its log */
        char *spare;  /* where it goes in the end, for the next one; NULL: it is removed */
        int lock_fd;
} JobDirectory;

typedef enum JobOwner {
        JOB_OWNER_PROCESS, /* when this process ends, nobody looks after the job */
        JOB_OWNER_AGENT,   /* then the next agent does */
} JobOwner;
/** job_directory_make() - makes and locks it, or takes over the one that an earlier agent left */
int job_directory_make(const char *state_directory, const char *id, JobOwner owner, JobDirectory *ret, Error **reterr);
/** job_directory_remove() - removes everything and lets the lock go */
int job_directory_remove(JobDirectory *directory, Error **reterr);
/** job_directory_done() - lets the lock go, leaves the files (kept jobs) */
void job_directory_done(JobDirectory *directory);

typedef enum JobLiveness {
        JOB_ALIVE, /* its podstep runs */
        JOB_KEPT,  /* ended, and left on purpose (--keep); JOB_DEAD when its time is over */
        JOB_LEFT,  /* its agent does not run: the next one takes it up */
        JOB_DEAD,  /* nobody looks after it */
} JobLiveness;
/** job_directory_liveness() - of any job id; JOB_DEAD also if there is no such directory */
JobLiveness job_directory_liveness(const char *state_directory, const char *id);
/** job_directory_mark_kept() - so that it stays as long as that text of kept.h says; 'prune --all' removes it before */
int job_directory_mark_kept(const JobDirectory *directory, const char *text);
/**
 * job_directory_hold() - of a kept job: while the descriptor is open it counts as alive, so that nobody removes it;
 * several may
 *
 * Return: 0; -ENOENT: there is no such job; -EBUSY: it is not kept: it runs, or is just being removed.
 */
int job_directory_hold(const char *state_directory, const char *id, int *ret_fd);
/** job_directory_is_held_only_by() - whether nobody else holds it; then nobody else can any more */
bool job_directory_is_held_only_by(int fd);
/** job_directory_abandon() - its agent knows nothing of it any more: JOB_LEFT becomes JOB_DEAD */
int job_directory_abandon(const char *state_directory, const char *id);
/** job_directory_unmark_kept() - it was looked at long enough */
int job_directory_unmark_kept(const char *state_directory, const char *id);
/** job_directory_remove_unborn() - what those left that were killed while they made one */
void job_directory_remove_unborn(const char *state_directory);
/** job_directory_list() - the ids of all jobs that left a directory, as a strv */
int job_directory_list(const char *state_directory, char ***ret);
