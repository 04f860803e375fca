#pragma once

/*
 * The life of one job: a plan, run on an engine. Follow it from job.c (states) over schedule.c (whose turn it is) and
 * step.c (one container's states) to sandbox.c and workspace.c (what they stand on).
 */

#include "base/clock.h"
#include "engine/logins.h"
#include "job/event.h"
#include "job/journal.h"
#include "pipeline/policy.h"

typedef enum WorkspaceMode {
        WORKSPACE_OVERLAY, /* the checkout below, what the job writes above it: the checkout stays as it is */
        WORKSPACE_WRITE,   /* the checkout itself */
        WORKSPACE_CLEAN,   /* a copy of what git tracks, and of .git */
        WORKSPACE_CLONE,   /* nothing at first: steps of the plan fetch it */
} WorkspaceMode;

typedef enum SandboxChoice {
        SANDBOX_CHOICE_AUTO,    /* a pod, or a network where two containers want the same port */
        SANDBOX_CHOICE_POD,     /* whatever ports they want */
        SANDBOX_CHOICE_NETWORK, /* a network even where a pod would do */
} SandboxChoice;

typedef struct JobSpec {
        const Plan *plan;
        const Policy *policy; /* the operator's, which the plan passed; NULL: podstep's own behaviour */
        Engine *engine;
        const char *holder;          /* the program podstep-holder; NULL: find it beside podstep */
        /* of podstep-guard@.service, for an agent in a sandbox: see holder/ask.h; NULL: none */
        const char *guard_socket;
        const char *state_directory; /* "~/.local/state/podstep": the job's own directory is made below it */
        const char *checkout;        /* absolute */
        WorkspaceMode workspace_mode;
        bool clones_from_origin;      /* not from the repository of the checkout */
        unsigned clone_depth;         /* commits; 0: all */
        char *const *exports;         /* paths or patterns below the checkout to be copied out at the end */
        const char *export_directory; /* where to; NULL: the checkout */
        uint64_t timeout_usec, grace_usec;
        uint64_t service_timeout_usec; /* 0: the policy's, else the default; USEC_INFINITY: nobody waits for services */
        PullList pull;         /* overrides the plan's where it is not empty */
        const Logins *logins;  /* for registries; NULL: none */
        SandboxChoice sandbox;
        bool keep;             /* leave everything in place if a step failed */
        uint64_t keep_usec;    /* so long; 0: the default */
        JobObserver observer;
        const char *id;     /* NULL: a new one */
        JobJournal journal; /* all NULL: it ends with this process */
        const Map *record;  /* what the journal of an earlier process holds, for job_resume(); else NULL */
} JobSpec;

#define JOB_TIMEOUT_DEFAULT_USEC (60 * USEC_PER_MIN) /* as woodpecker-cli exec */
#define JOB_KEEP_DEFAULT_USEC (24 * 60 * USEC_PER_MIN)
#define JOB_SERVICE_TIMEOUT_DEFAULT_USEC (60 * USEC_PER_SEC)
#define JOB_GRACE_DEFAULT_USEC (20 * USEC_PER_SEC) /* Woodpecker's default between TERM and KILL */

typedef struct Job Job;

/**
 * job_new() - a job that has not begun
 *
 * The spec and all it points to must outlive the job. @done runs once, from the loop, when all is cleaned up.
 */
typedef void (*JobDone)(Job *job, JobResult result, void *userdata);
int job_new(sd_event *event, const JobSpec *spec, JobDone done, void *userdata, Job **ret, Error **reterr);
void job_start(Job *job);
/**
 * job_resume() - instead of job_start(): goes on where another process, of which the record is, left it
 *
 * Steps that run are followed again; output that was kept is not told again; times count from the first start. That a
 * step is done may be told once more. The plan must be the same.
 */
void job_resume(Job *job);

typedef enum JobStopReason { JOB_STOP_CANCEL, JOB_STOP_TIMEOUT } JobStopReason;
/** job_stop() - ends it early: steps get TERM and the grace; called again: no more grace. The job still cleans up. */
void job_stop(Job *job, JobStopReason reason);

const char *job_id(const Job *job);
Job *job_free(Job *job);
DEFINE_CLEANUP(Job *, job_free);
