#pragma once

/* The parts of the daemon and how they hang together; for the files of this folder only. */

#include "agent/agent.h"
#include "agent/joblog.h"
#include "agent/request.h"
#include "agent/sweep.h"
#include "config/config.h"
#include "engine/logins.h"
#include "job/job.h"
#include "loop/timer.h"

typedef struct Agent Agent;
typedef struct Server Server;

/* One job that runs. */
typedef struct Worker {
        Agent *agent;
        char *id, *label;
        uint64_t number, begun_usec;
        Request request;
        Plan **plans; /* of the whole request */
        size_t n_plans;
        const Plan *plan; /* its own */
        Map record;
        const Config *config;
        Logins *logins;
        JobLog *log;
        Job *job;
        char *name, *checkout;
        int store_error; /* the first: what a job tells could not be kept */
} Worker;

struct Agent {
        const AgentOptions *options;
        sd_event *event;
        Store *store;
        char *logs_directory, *empty_directory, *sources_directory;
        uint64_t upload_bytes; /* of those that come just now, as far as they are known to be */
        char boot[64];
        Config **configs, *config; /* the last one counts; earlier ones are those of jobs that run */
        size_t n_configs;
        char **environment; /* of the start */
        Server *server;

        Engine *engine;
        Task *opening, *engine_retry;
        Backoff engine_backoff;
        Error *engine_error; /* why there is none */

        Worker **workers;
        size_t n_workers;
        sd_event_source *turn, *idle, *rest, *recheck;
        char *wait_reason; /* why the queue stands still, where that is not plain */
        Task *sweep;
        SweepResult swept;
        unsigned n_sweeps;

        size_t n_left; /* jobs of an earlier agent that wait for the engine */
        StoredJob *unsaved; /* how jobs ended that the store did not take: its disk is full */
        size_t n_unsaved;
        bool is_draining, is_ending;
        uint64_t started_usec;  /* monotonic */
        uint64_t version;       /* grows whenever anything that a client can see changes */
        uint64_t n_finished[_JOB_RESULT_MAX], n_taken_up, n_lost;
};

/* agent.c */
void agent_changed(Agent *agent);  /* wakes those who wait for news, and the queue */
Worker *agent_find_worker(const Agent *agent, const char *id);
void agent_forget_worker(Agent *agent, Worker *worker);
void agent_consider_idle(Agent *agent);

/* agent-queue.c */
void agent_recheck_later(Agent *agent);
void agent_look_at_queue(Agent *agent);
int agent_settle_lost(Agent *agent, Error **reterr); /* what the machine lost fails; for the rest an engine is wanted */
int agent_take_up(Agent *agent, Error **reterr); /* what an earlier one left */

/* agent-engine.c */
void agent_want_engine(Agent *agent); /* opens it, and tries again as long as there is none */
void agent_sweep(Agent *agent);

/* agent-config.c */
int agent_configure(Agent *agent, Error **reterr);
void agent_configs_done(Agent *agent);
void agent_limit_request(const Agent *agent, Request *request); /* to what the operator allows; fills in what he set */
int agent_read_logins(const Request *request, Logins **ret, Error **reterr);

/* agent-prune.c */
int agent_prune(Agent *agent, bool all, size_t *ret_n, Error **reterr);
int agent_delete_job(Agent *agent, const StoredJob *job, Error **reterr);

/* agent-submit.c */
/** agent_submit() - from @request; -EINVAL, -EACCES (policy), with @faults; *ret: the jobs, for stored_jobs_free() */
int agent_submit(Agent *agent, const Request *request, const char *from, Str *faults, StoredJob **ret, size_t *ret_n,
                 Error **reterr);
int agent_cancel(Agent *agent, const StoredJob *job, Error **reterr);

/* worker.c */
/** worker_new() - makes its plan anew; on failure the Error says why it cannot run */
int worker_new(Agent *agent, const StoredJob *stored, Worker **ret, Error **reterr);
Worker *worker_free(Worker *worker);
DEFINE_CLEANUP(Worker *, worker_free);
int worker_start(Worker *worker, Error **reterr);
int worker_resume(Worker *worker, Error **reterr);
/** agent_fail_job() - one that has no worker: it could not be begun, or is lost */
int agent_fail_job(Agent *agent, const StoredJob *stored, JobResult result, const char *why);
void agent_save_ends(Agent *agent); /* what could not be stored, once more */

/* journal-message.c */
void message_job_started(const Worker *worker);
void message_job_finished(const char *id, const char *name, uint64_t number, JobResult result, const char *error,
                          uint64_t duration_usec);

/* server.c */
int server_new(Agent *agent, Server **ret, Error **reterr);
Server *server_free(Server *server);
void server_changed(Server *server);                     /* the news */
void server_log_grown(Server *server, const char *id);   /* wakes the followers of a job */
/** server_end_gone() - ends the connections that wait for news while their clients are gone; how many it ended */
size_t server_end_gone(Server *server);
size_t server_count_connections(const Server *server);
uint64_t server_count_requests(const Server *server);
