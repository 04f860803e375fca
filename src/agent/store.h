#pragma once

/*
 * What outlives the agent: jobs, their steps, their journals and notes, in an SQLite database (WAL) below the state
 * directory. A job that was acknowledged is on the disk, whatever happens to the machine; a journal is as safe as it
 * has to be: it survives the agent, and after a reboot nobody goes on with a job anyway.
 *
 *   STATE/agent/agent.db  agent.db-wal  agent.db-shm  lock  logs/ID.log  logs/ID.idx  sources/ID/
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/map.h"
#include "job/event.h"

#define STORE_VALUE_BYTES_MAX (64U * 1024 * 1024)

typedef struct Store Store;

/**
 * store_open() - opens or makes it, and brings an older one up to date
 * @directory: "STATE/agent"; made if missing
 *
 * Return: 0; -EBUSY: another agent uses it; -ENOTSUP: a newer podstep wrote it; or what SQLite says.
 */
int store_open(const char *directory, Store **ret, Error **reterr);
Store *store_free(Store *store);
DEFINE_CLEANUP(Store *, store_free);

typedef enum StoredState {
        STORED_QUEUED,
        STORED_RUNNING,
        STORED_DONE,
        _STORED_STATE_MAX,
} StoredState;
const char *stored_state_to_string(StoredState state); /* "queued", "running", "done" */
StoredState stored_state_from_string(const char *name); /* _STORED_STATE_MAX: no such state */

typedef struct StoredJob {
        char *id;
        uint64_t number;  /* for people; from 1, never used twice */
        char *group;      /* one submission may be several jobs: the id of its first */
        char *name;       /* of the workflow */
        char *label;      /* the queue is fair between labels; "" : none given */
        char *request;    /* JSON: all that is needed to make its plan; see agent/request.h */
        char *secrets;    /* JSON; NULL as soon as it is done */
        StoredState state;
        JobResult result; /* when it is done */
        char *error;
        char *boot;       /* boot id of the machine when it was started; NULL: it was not */
        bool wants_stop;  /* somebody canceled it */
        bool is_kept;     /* its containers stand, to be looked at */
        uint64_t created_usec, started_usec, ended_usec; /* real time; 0: not yet */
        uint64_t log_bytes; /* when it is done */
} StoredJob;
void stored_job_done(StoredJob *job);

typedef struct StoredStep {
        size_t index;
        char *name, *kind, *state, *result, *error; /* result: NULL: none yet */
        int exit_code;                              /* -1: none */
        uint64_t started_usec, duration_usec;       /* real time; 0: not yet */
} StoredStep;
void stored_steps_free(StoredStep *steps, size_t n_steps);

typedef struct StoredNote {
        uint64_t time_usec;
        JobEventKind kind;
        int step; /* -1: none */
        char *text;
} StoredNote;
void stored_notes_free(StoredNote *notes, size_t n_notes);

/** store_add_job() - on the disk when it returns; fills in @job->number. Steps: names and kinds, in order. */
int store_add_job(Store *store, StoredJob *job, const StoredStep *steps, size_t n_steps, Error **reterr);
int store_start_job(Store *store, const char *id, const char *boot, uint64_t realtime_usec, Error **reterr);
/** store_end_job() - on the disk when it returns; secrets and journal are wiped */
int store_end_job(Store *store, const StoredJob *job, Error **reterr);
int store_want_stop(Store *store, const char *id, Error **reterr);
int store_set_kept(Store *store, const char *id, bool is_kept, Error **reterr);
/** store_delete_job() - and all that belongs to it; its log is the caller's */
int store_delete_job(Store *store, const char *id, Error **reterr);

/** store_get_job() - by id, by an unambiguous beginning of it (at least 8 characters), or by number; -ENOENT */
int store_get_job(Store *store, const char *name, StoredJob *ret, Error **reterr);

/** store_uses_text() - 1 if the request of any job holds it: the id of an upload */
int store_uses_text(Store *store, const char *text);

typedef struct StoreFilter {
        int state;         /* -1: any; else a StoredState */
        const char *label; /* NULL: any */
        const char *group; /* NULL: any */
        uint64_t before;   /* numbers below this; 0: all */
        unsigned limit;    /* 0: all */
        bool oldest_first;
        bool is_brief;     /* without request and secrets, which may be large: those are NULL then */
} StoreFilter;
int store_list_jobs(Store *store, const StoreFilter *filter, StoredJob **ret, size_t *ret_n, Error **reterr);
void stored_jobs_free(StoredJob *jobs, size_t n_jobs);
int store_count_jobs(Store *store, StoredState state, uint64_t *ret);

int store_put_step(Store *store, const char *id, const StoredStep *step);
int store_get_steps(Store *store, const char *id, StoredStep **ret, size_t *ret_n, Error **reterr);

/** store_put_record() - one fact of a job's journal; see job/journal.h */
int store_put_record(Store *store, const char *id, const char *key, const char *value);
/** store_get_records() - into @ret, a strmap */
int store_get_records(Store *store, const char *id, Map *ret, Error **reterr);

/** store_put_note() - the same text twice for the same step is one note: whoever takes a job up tells some again */
int store_put_note(Store *store, const char *id, const StoredNote *note);
int store_get_notes(Store *store, const char *id, StoredNote **ret, size_t *ret_n, Error **reterr);

/* What is kept of jobs that are done; 0: no limit. */
typedef struct StoreLimits {
        uint64_t age_usec;
        uint64_t log_bytes; /* of all of them */
        uint64_t n_jobs;
} StoreLimits;
/** store_group_is_open() - 1 if a job of the submission is not done: it may look at how the others ended */
int store_group_is_open(Store *store, const char *group);

/** store_find_expired() - ids of what is to go, oldest first, as a strv; of a group that is open nothing goes */
int store_find_expired(Store *store, const StoreLimits *limits, uint64_t now_usec, char ***ret, Error **reterr);

/**
 * store_kill_at() - for tests: the process kills itself before the n-th write of a journal (from 1), or after it if
 * @after
 */
void store_kill_at(Store *store, uint64_t n, bool after);
