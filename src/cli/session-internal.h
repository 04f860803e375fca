#pragma once

/*
 * A session from the inside. session.c is its table of states and the wiring, session-load.c what is read before
 * anything runs, session-job.c one job after the other.
 */

#include "agent/sweep.h"
#include "cli/describe.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/workflow.h"
#include "job/job.h"
#include "loop/machine.h"
#include "pipeline/workflows.h"

typedef struct Session {
        Machine machine;
        const RunOptions *options;
        char *const *files_given;
        sd_event *event;
        char *checkout, *state_directory;
        char **files;
        Map given, environment, secrets; /* given: by the user; environment: all */
        Metadata metadata;
        WorkflowFiles workflow_files; /* what stands in 'files', until it is loaded */
        DescribeSpec describe;
        bool gave_files; /* the user said which files changed */
        bool color;

        LoadedWorkflows workflows;
        WorkflowOutcome *outcomes; /* of each */
        size_t n_finished;         /* jobs that have told their result */
        size_t next_plan;          /* the one behind that which runs */
        Logins *logins;
        Engine *engine;
        Report *report;
        Job *job;

        Task *sweep;
        SweepResult swept;
        bool is_sweeping;
        bool only_loads; /* nothing runs here */
        sigset_t signals_before;
        bool only_shows; /* 'podstep plan' */

        unsigned n_signals;
        int exit_code; /* the worst so far */
} Session;

enum {
        SESSION_NEW,
        SESSION_DESCRIBING, /* what git knows */
        SESSION_LOADING,    /* all files, before anything runs */
        SESSION_OPENING,    /* the engine */
        SESSION_RUNNING,    /* a job; re-entered for each */
        SESSION_SWEEPING,   /* what earlier ones left, if that is not done yet */
        SESSION_DONE,
};

/** session_note_exit_code() - the worst one counts */
void session_note_exit_code(Session *session, int code);
/** session_conclude() - the result of several workflows, or of none, for who reads JSON */
void session_conclude(const Session *session);
/** session_begin_sweep() - of what earlier runs left, beside the first job, where there is something */
void session_begin_sweep(Session *session);
/** session_read_logins() - for registries: from what the user gave, the environment and files */
int session_read_logins(Session *session, Error **reterr);

/* States, as in machine.h: */
int session_enter_describing(Machine *machine, Task **ret_task, Error **reterr);
int session_enter_loading(Machine *machine, Task **ret_task, Error **reterr);
int session_enter_running(Machine *machine, Task **ret_task, Error **reterr);
