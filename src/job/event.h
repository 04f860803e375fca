#pragma once

/* What a job tells about itself while it runs: to a terminal, to plain text, to JSON, to the agent's store. */

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "pipeline/plan.h"

typedef enum StepState {
        STEP_WAITING,   /* for what it needs */
        STEP_PULLING,
        STEP_PREPARING, /* its container is being made */
        STEP_PREPARED,  /* could start at once */
        STEP_RUNNING,   /* services: running, not ready yet */
        STEP_READY,     /* services: can be used */
        STEP_DONE,
        _STEP_STATE_MAX,
} StepState;
const char *step_state_to_string(StepState state);

typedef enum StepResult {
        STEP_SUCCESS,
        STEP_SKIPPED,     /* its conditions were not met, or the job ended before */
        STEP_SCRIPT_FAILED, /* exit code other than 0 */
        STEP_INFRA_FAILED,  /* the engine, the image, the network: not the step's doing */
        STEP_TIMED_OUT,
        STEP_CANCELED,
        STEP_STOPPED,     /* services and detached steps: ended with the job */
        _STEP_RESULT_MAX,
} StepResult;
/* "success", "skipped", "failure", "error", "timeout", "canceled", "stopped" */
const char *step_result_to_string(StepResult result);

typedef enum JobResult {
        JOB_SUCCESS,
        JOB_FAILED,
        JOB_INFRA_FAILED,
        JOB_TIMED_OUT,
        JOB_CANCELED,
        JOB_REFUSED, /* by the operator's rules, once it was known what the machine can do */
        _JOB_RESULT_MAX,
} JobResult;
const char *job_result_to_string(JobResult result);

/* Exit codes of podstep; documented in podstep(1). */
enum {
        EXIT_STEP_FAILED = 1,
        EXIT_USAGE = 2,
        EXIT_REFUSED = 3,
        EXIT_TIMEOUT = 124,
        EXIT_ENGINE = 125,
        EXIT_CANCELED = 130,
};
/** job_result_exit_code() - how a program ends that ran the job */
int job_result_exit_code(JobResult result);

typedef enum JobEventKind {
        JOB_EVENT_STARTED,    /* job_id, text: the sandbox chosen and why */
        JOB_EVENT_NOTE,       /* text; step may be NULL */
        JOB_EVENT_WARNING,    /* likewise */
        /* step, state, and when STEP_DONE: result, exit_code, duration, text (why, if not clear from the rest) */
        JOB_EVENT_STEP_STATE,
        JOB_EVENT_PULL,       /* step, text: progress */
        JOB_EVENT_OUTPUT,     /* step, line: one line without its end, masked; stream, number */
        /* text: a path in the workspace that the job changed ("A path", "M path", "D path"); at the end */
        JOB_EVENT_CHANGES,
        JOB_EVENT_FINISHED,   /* result, duration, text */
} JobEventKind;

typedef struct JobEvent {
        JobEventKind kind;
        uint64_t realtime_usec;
        const char *job_id;
        const PlanStep *step;
        size_t step_index; /* into the plan's steps */
        StepState state;
        StepResult step_result;
        JobResult job_result;
        int exit_code;   /* -1: none */
        int signal;      /* which one killed it; 0: none */
        bool oom_killed;
        uint64_t duration_usec;
        unsigned n_engine_calls; /* JOB_EVENT_FINISHED: requests made for it */
        const char *text; /* NULL: none; not NUL-bearing */
        const char *line; /* JOB_EVENT_OUTPUT: bytes, may hold anything */
        size_t n_line;
        uint64_t line_number; /* from 1, per step */
        int stream;           /* 1: stdout, 2: stderr */
        /* the line goes on in the next event (longer than LINE_BYTES_MAX) or ended without a newline */
        bool is_partial;
} JobEvent;

typedef struct JobObserver {
        void (*event)(const JobEvent *event, void *userdata);
        void *userdata;
} JobObserver;
