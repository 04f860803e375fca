#pragma once

/*
 * The daemon: keeps the queue, runs the jobs, takes up those that an earlier one left. Follow it from agent.c (begin,
 * end, what is next) over worker.c (one job) to server.c (the API).
 */

#include <systemd/sd-event.h>

#include "agent/queue.h"
#include "agent/store.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "pipeline/policy.h"

#define AGENT_JOBS_MAX_DEFAULT 4U
#define AGENT_IDLE_DEFAULT_USEC (60 * USEC_PER_SEC)
#define AGENT_DISK_FREE_DEFAULT (512ULL * 1024 * 1024)
#define AGENT_PRESSURE_DEFAULT 60U
#define AGENT_KEEP_DEFAULT_USEC (24 * 60 * USEC_PER_MIN) /* containers of failed jobs that were to be kept */
#define AGENT_AGE_DEFAULT_USEC (30 * 24 * 60 * USEC_PER_MIN)
#define AGENT_LOGS_DEFAULT (4ULL * 1024 * 1024 * 1024)
#define AGENT_UPLOADS_DEFAULT (4ULL * 1024 * 1024 * 1024) /* that come at the same time, all together */

typedef struct AgentOptions {
        char *state_directory; /* "~/.local/state/podstep" */
        char *socket;          /* NULL: the sockets that systemd hands over */
        char *engine_url;      /* NULL: look for one */
        char *holder;          /* NULL: beside the program */
        char *guard_socket;    /* NULL: the agent is in no sandbox; see job.h */
        uint64_t idle_usec;    /* without work and clients it ends then; USEC_INFINITY: never */
        bool drain_waits;      /* told to end, it waits for its jobs */
        QueueLimits queue;
        StoreLimits limits;
        uint64_t keep_usec;
        uint64_t uploads_max;  /* bytes, of all that come at the same time */
        uint64_t kill_at;      /* for tests: see store_kill_at() */
        bool kill_after;
        char *boot;            /* for tests: instead of the machine's boot id */
} AgentOptions;
void agent_options_init(AgentOptions *options);
void agent_options_done(AgentOptions *options);
/** agent_options_set() - "jobs=4": as 'podstep agent' hands them on; -EINVAL with a sentence */
int agent_options_set(AgentOptions *options, const char *text, Error **reterr);

/** agent_run() - until it is told to end, or is idle; returns the exit code */
int agent_run(const AgentOptions *options);
