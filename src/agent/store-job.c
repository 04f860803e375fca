/* Jobs: added, started, ended, found. */

#include <errno.h>
#include <string.h>

#include "agent/store-internal.h"
#include "base/array.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"

#define ID_BEGINNING_MIN 8 /* characters; the time is in them */

static const char *const state_names[_STORED_STATE_MAX] = {
        [STORED_QUEUED] = "queued",
        [STORED_RUNNING] = "running",
        [STORED_DONE] = "done",
};

const char *stored_state_to_string(StoredState state) {
        return state_names[state];
}

StoredState stored_state_from_string(const char *name) {
        StoredState state = 0;

        while (state < _STORED_STATE_MAX && !str_equal(state_names[state], name))
                state++;
        return state;
}

void stored_job_done(StoredJob *job) {
        free(job->id);
        free(job->group);
        free(job->name);
        free(job->label);
        free(job->request);
        if (job->secrets)
                explicit_bzero(job->secrets, strlen(job->secrets));
        free(job->secrets);
        free(job->error);
        free(job->boot);
        *job = (StoredJob) { 0 };
}

void stored_jobs_free(StoredJob *jobs, size_t n_jobs) {
        for (size_t i = 0; i < n_jobs; i++)
                stored_job_done(&jobs[i]);
        free(jobs);
}

/* Runs a statement of the form "... WHERE id = ?1" with up to three more values; r > 0 never comes. */
static int change(Store *store, Statement *statement, const char *id, Error **reterr) {
        int r;

        statement_bind_text(statement, 1, id);
        r = statement_next(store, statement, reterr);
        return MIN(r, 0);
}

static int insert_job(Store *store, StoredJob *job, Error **reterr) {
        _cleanup_(statement_freep) Statement *statement = NULL;
        int r = store_prepare(store,
                              "INSERT INTO jobs (id, grouped, name, label, request, secrets, state, created) VALUES "
                              "(?, ?, ?, ?, ?, ?, ?, ?)",
                              &statement, reterr);

        if (r < 0)
                return r;
        statement_bind_text(statement, 2, job->group);
        statement_bind_text(statement, 3, job->name);
        statement_bind_text(statement, 4, job->label);
        statement_bind_text(statement, 5, job->request);
        statement_bind_text(statement, 6, job->secrets);
        statement_bind_uint(statement, 7, job->state);
        statement_bind_uint(statement, 8, job->created_usec);
        r = change(store, statement, job->id, reterr);
        job->number = (uint64_t) sqlite3_last_insert_rowid(store->db);
        return r;
}

int store_add_job(Store *store, StoredJob *job, const StoredStep *steps, size_t n_steps, Error **reterr) {
        int r = store_begin(store, DURABLE_POWER, reterr);

        if (r < 0)
                return r;
        r = insert_job(store, job, reterr);
        for (size_t i = 0; i < n_steps && r >= 0; i++)
                r = store_put_step(store, job->id, &steps[i]);
        return store_commit(store, r, reterr);
}

static int update_start(Store *store, const char *id, const char *boot, uint64_t realtime_usec, Error **reterr) {
        _cleanup_(statement_freep) Statement *statement = NULL;
        int r = store_prepare(store, "UPDATE jobs SET state = 1, boot = ?2, started = ?3 WHERE id = ?1", &statement,
                              reterr);

        if (r < 0)
                return r;
        statement_bind_text(statement, 2, boot);
        statement_bind_uint(statement, 3, realtime_usec);
        return change(store, statement, id, reterr);
}

/* On the disk before the job does anything: one that lost its power while it deployed must not deploy once more. */
int store_start_job(Store *store, const char *id, const char *boot, uint64_t realtime_usec, Error **reterr) {
        int r = store_begin(store, DURABLE_POWER, reterr);

        return r < 0 ? r : store_commit(store, update_start(store, id, boot, realtime_usec, reterr), reterr);
}

static int delete_records(Store *store, const char *id, Error **reterr) {
        _cleanup_(statement_freep) Statement *statement = NULL;
        int r = store_prepare(store, "DELETE FROM records WHERE job = ?1", &statement, reterr);

        return r < 0 ? r : change(store, statement, id, reterr);
}

static int update_end(Store *store, const StoredJob *job, Error **reterr) {
        _cleanup_(statement_freep) Statement *statement = NULL;
        int r = store_prepare(store,
                              "UPDATE jobs SET state = 2, secrets = NULL, result = ?2, error = ?3, ended = ?4, "
                              "log_bytes = ?5, is_kept = ?6 WHERE id = ?1",
                              &statement, reterr);

        if (r < 0)
                return r;
        statement_bind_uint(statement, 2, job->result);
        statement_bind_text(statement, 3, job->error);
        statement_bind_uint(statement, 4, job->ended_usec);
        statement_bind_uint(statement, 5, job->log_bytes);
        statement_bind_uint(statement, 6, job->is_kept);
        return change(store, statement, job->id, reterr);
}

static bool has_secrets(Store *store, const char *id) {
        _cleanup_(statement_freep) Statement *statement = NULL;

        if (store_prepare(store, "SELECT 1 FROM jobs WHERE id = ?1 AND secrets IS NOT NULL", &statement, NULL) < 0)
                return true;
        statement_bind_text(statement, 1, id);
        return statement_next(store, statement, NULL) != 0;
}

int store_end_job(Store *store, const StoredJob *job, Error **reterr) {
        bool had_secrets = has_secrets(store, job->id);
        int r = store_begin(store, DURABLE_POWER, reterr);

        if (r < 0)
                return r;
        r = update_end(store, job, reterr);
        if (r >= 0)
                r = delete_records(store, job->id, reterr);
        r = store_commit(store, r, reterr);
        if (r >= 0 && had_secrets) /* the log of what was written has them still */
                (void) sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        return r;
}

int store_want_stop(Store *store, const char *id, Error **reterr) {
        _cleanup_(statement_freep) Statement *statement = NULL;
        int r = store_prepare(store, "UPDATE jobs SET wants_stop = 1 WHERE id = ?1", &statement, reterr);

        return r < 0 ? r : change(store, statement, id, reterr);
}

int store_set_kept(Store *store, const char *id, bool is_kept, Error **reterr) {
        _cleanup_(statement_freep) Statement *statement = NULL;
        int r = store_prepare(store, "UPDATE jobs SET is_kept = ?2 WHERE id = ?1", &statement, reterr);

        if (r < 0)
                return r;
        statement_bind_uint(statement, 2, is_kept);
        return change(store, statement, id, reterr);
}

int store_delete_job(Store *store, const char *id, Error **reterr) {
        static const char *const statements[] = { "DELETE FROM jobs WHERE id = ?1", "DELETE FROM steps WHERE job = ?1",
                                                  "DELETE FROM records WHERE job = ?1",
                                                  "DELETE FROM notes WHERE job = ?1" };
        int r = store_begin(store, DURABLE_PROCESS, reterr);

        if (r < 0)
                return r;
        FOREACH_ROW(sql, statements) {
                _cleanup_(statement_freep) Statement *statement = NULL;

                if (r >= 0)
                        r = store_prepare(store, *sql, &statement, reterr);
                if (r >= 0)
                        r = change(store, statement, id, reterr);
        }
        return store_commit(store, r, reterr);
}

/* ---- reading ---- */

#define COLUMNS(request, secrets)                                                                                     \
        "number, id, grouped, name, label, " request ", " secrets ", state, result, error, boot, wants_stop, "        \
        "created, started, ended, log_bytes, is_kept"
#define JOB_COLUMNS COLUMNS("request", "secrets")
#define BRIEF_COLUMNS COLUMNS("NULL", "NULL")
#define LIST(columns, order)                                                                                          \
        "SELECT " columns " FROM jobs WHERE (?1 < 0 OR state = ?1) AND (?2 IS NULL OR label = ?2) AND (?3 = 0 OR "    \
        "number < ?3) AND (?5 IS NULL OR grouped = ?5) ORDER BY number" order " LIMIT ?4"

static uint64_t column_uint(Statement *statement, int i) {
        sqlite3_int64 value = sqlite3_column_int64(statement, i);

        return value < 0 ? 0 : (uint64_t) value;
}

static int read_job(Statement *statement, StoredJob *ret) {
        StoredJob job = { 0 };
        struct {
                int column;
                char **text;
        } texts[] = { { 1, &job.id }, { 2, &job.group }, { 3, &job.name }, { 4, &job.label }, { 5, &job.request },
                      { 6, &job.secrets }, { 9, &job.error }, { 10, &job.boot } };

        FOREACH_ROW(row, texts)
                if (statement_text(statement, row->column, row->text) < 0) {
                        stored_job_done(&job);
                        return -ENOMEM;
                }
        job.number = column_uint(statement, 0);
        job.state = (StoredState) MIN(column_uint(statement, 7), (uint64_t) STORED_DONE);
        job.result = (JobResult) MIN(column_uint(statement, 8), (uint64_t) _JOB_RESULT_MAX - 1);
        job.wants_stop = column_uint(statement, 11);
        job.created_usec = column_uint(statement, 12);
        job.started_usec = column_uint(statement, 13);
        job.ended_usec = column_uint(statement, 14);
        job.log_bytes = column_uint(statement, 15);
        job.is_kept = column_uint(statement, 16);
        *ret = job;
        return 0;
}

int store_get_job(Store *store, const char *name, StoredJob *ret, Error **reterr) {
        _cleanup_(statement_freep) Statement *statement = NULL;
        _cleanup_free_ char *shown = str_escape(name, strlen(name), 60);
        uint64_t number;
        bool is_number = parse_u64(name, &number) >= 0;
        int r;

        if (!is_number && strlen(name) < ID_BEGINNING_MIN)
                return error_set(reterr, ENOENT, "there is no job '%s'", shown ? shown : "");
        r = store_prepare(store,
                          is_number ? "SELECT " JOB_COLUMNS " FROM jobs WHERE number = ?1"
                                    : "SELECT " JOB_COLUMNS " FROM jobs WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2",
                          &statement, reterr);
        if (r < 0)
                return r;
        if (is_number)
                statement_bind_uint(statement, 1, number);
        else
                statement_bind_text(statement, 1, name);
        r = statement_next(store, statement, reterr);
        if (r == 0)
                return error_set(reterr, ENOENT, "there is no job '%s'", shown ? shown : "");
        if (r > 0)
                r = read_job(statement, ret);
        if (r < 0)
                return r;
        r = statement_next(store, statement, reterr);
        if (r != 0)
                stored_job_done(ret);
        return r > 0 ? error_set(reterr, ENOENT, "several jobs begin with '%s'", shown ? shown : "") : r;
}

int store_list_jobs(Store *store, const StoreFilter *filter, StoredJob **ret, size_t *ret_n, Error **reterr) {
        static const char *const statements[2][2] = {
                { LIST(JOB_COLUMNS, " DESC"), LIST(JOB_COLUMNS, "") },
                { LIST(BRIEF_COLUMNS, " DESC"), LIST(BRIEF_COLUMNS, "") },
        };
        _cleanup_(statement_freep) Statement *statement = NULL;
        StoredJob *jobs = NULL;
        size_t n_jobs = 0;
        int r;

        r = store_prepare(store, statements[filter->is_brief][filter->oldest_first], &statement, reterr);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int(statement, 1, filter->state);
        statement_bind_text(statement, 2, filter->label);
        statement_bind_uint(statement, 3, filter->before);
        (void) sqlite3_bind_int64(statement, 4, filter->limit ? (sqlite3_int64) filter->limit : -1);
        statement_bind_text(statement, 5, filter->group);
        while ((r = statement_next(store, statement, reterr)) > 0) {
                StoredJob job;

                r = read_job(statement, &job);
                if (r >= 0 && ARRAY_APPEND(jobs, n_jobs, job) < 0) {
                        stored_job_done(&job);
                        r = -ENOMEM;
                }
                if (r < 0)
                        break;
        }
        if (r < 0) {
                stored_jobs_free(jobs, n_jobs);
                return r;
        }
        *ret = jobs;
        *ret_n = n_jobs;
        return 0;
}

int store_count_jobs(Store *store, StoredState state, uint64_t *ret) {
        _cleanup_(statement_freep) Statement *statement = NULL;
        int r = store_prepare(store, "SELECT count(*) FROM jobs WHERE state = ?1", &statement, NULL);

        if (r < 0)
                return r;
        (void) sqlite3_bind_int(statement, 1, (int) state);
        r = statement_next(store, statement, NULL);
        if (r > 0)
                *ret = column_uint(statement, 0);
        return MIN(r, 0);
}

/* 1 if there is such a job; @text is its ?1 */
static int has_job(Store *store, const char *sql, const char *text) {
        _cleanup_(statement_freep) Statement *statement = NULL;
        int r = store_prepare(store, sql, &statement, NULL);

        if (r < 0)
                return r;
        statement_bind_text(statement, 1, text);
        return statement_next(store, statement, NULL);
}

int store_uses_text(Store *store, const char *text) {
        return has_job(store, "SELECT 1 FROM jobs WHERE instr(request, ?1) > 0 LIMIT 1", text);
}

/* ---- what is to go ---- */

int store_group_is_open(Store *store, const char *group) {
        return has_job(store, "SELECT 1 FROM jobs WHERE grouped = ?1 AND state <> 2 LIMIT 1", group);
}

static bool is_expired(const StoreLimits *limits, const StoredJob *job, uint64_t now, uint64_t n_jobs,
                       uint64_t log_bytes) {
        return (limits->age_usec && job->ended_usec + limits->age_usec < now) ||
               (limits->n_jobs && n_jobs > limits->n_jobs) || (limits->log_bytes && log_bytes > limits->log_bytes);
}

int store_find_expired(Store *store, const StoreLimits *limits, uint64_t now_usec, char ***ret, Error **reterr) {
        StoreFilter filter = { .state = STORED_DONE, .oldest_first = true, .is_brief = true };
        _cleanup_strv_ char **ids = NULL;
        StoredJob *jobs = NULL;
        size_t n_jobs = 0;
        uint64_t n_kept, log_bytes = 0;
        int r = store_list_jobs(store, &filter, &jobs, &n_jobs, reterr);

        if (r < 0)
                return r;
        n_kept = n_jobs;
        for (size_t i = 0; i < n_jobs; i++)
                log_bytes += jobs[i].log_bytes;
        for (size_t i = 0; i < n_jobs && r >= 0 && is_expired(limits, &jobs[i], now_usec, n_kept, log_bytes); i++) {
                if (store_group_is_open(store, jobs[i].group) != 0)
                        continue;
                r = strv_append(&ids, jobs[i].id);
                n_kept--;
                log_bytes -= jobs[i].log_bytes;
        }
        stored_jobs_free(jobs, n_jobs);
        if (r < 0)
                return error_oom(reterr);
        *ret = TAKE_PTR(ids);
        return 0;
}
