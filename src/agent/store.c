#include "agent/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>

#include "agent/store-internal.h"
#include "base/file.h"
#include "base/str.h"

#define LOCK_WAIT_SEC 2
#define STORE_BUSY_MSEC 2000 /* others only read, and shortly: a backup, a curious person */

Statement *statement_free(Statement *statement) {
        (void) sqlite3_finalize(statement);
        return NULL;
}

static int errno_of(int code) {
        switch (code & 0xff) {
        case SQLITE_NOMEM: return ENOMEM;
        case SQLITE_FULL: return ENOSPC;
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return EBUSY;
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_CANTOPEN: return EACCES;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return EBADMSG;
        case SQLITE_TOOBIG: return EFBIG;
        default: return EIO;
        }
}

int store_fail(Store *store, int code, const char *doing, Error **reterr) {
        return error_set(reterr, errno_of(code), "the agent's store '%s/agent.db': %s: %s", store->directory, doing,
                         store->db ? sqlite3_errmsg(store->db) : sqlite3_errstr(code));
}

int store_prepare(Store *store, const char *sql, Statement **ret, Error **reterr) {
        int code = sqlite3_prepare_v2(store->db, sql, -1, ret, NULL);

        return code == SQLITE_OK ? 0 : store_fail(store, code, "preparing", reterr);
}

void statement_bind_text(Statement *statement, int i, const char *text) {
        if (text)
                (void) sqlite3_bind_text(statement, i, text, -1, SQLITE_TRANSIENT);
        else
                (void) sqlite3_bind_null(statement, i);
}

void statement_bind_uint(Statement *statement, int i, uint64_t value) {
        (void) sqlite3_bind_int64(statement, i, (sqlite3_int64) MIN(value, (uint64_t) INT64_MAX));
}

int statement_next(Store *store, Statement *statement, Error **reterr) {
        int code = sqlite3_step(statement);

        return code == SQLITE_ROW ? 1 : code == SQLITE_DONE ? 0 : store_fail(store, code, "running", reterr);
}

int statement_text(Statement *statement, int i, char **ret) {
        const char *text = (const char *) sqlite3_column_text(statement, i);

        free(*ret);
        *ret = text ? strdup(text) : NULL;
        return text && !*ret ? -ENOMEM : 0;
}

int store_run(Store *store, const char *sql, Error **reterr) {
        int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

        return code == SQLITE_OK ? 0 : store_fail(store, code, "running", reterr);
}

int store_begin(Store *store, Durability durability, Error **reterr) {
        int r = durability == DURABLE_POWER ? store_run(store, "PRAGMA synchronous = FULL", reterr) : 0;

        return r < 0 ? r : store_run(store, "BEGIN IMMEDIATE", reterr);
}

int store_commit(Store *store, int r, Error **reterr) {
        if (r >= 0)
                r = store_run(store, "COMMIT", reterr);
        if (r < 0)
                (void) store_run(store, "ROLLBACK", NULL);
        /* What is written without a transaction of its own waits for no disk. */
        (void) store_run(store, "PRAGMA synchronous = NORMAL", NULL);
        return r;
}

static void on_alarm(int number) {
}

/* One that was killed, or is about to end, gives it back in a moment. */
static bool lock_in_time(int fd) {
        struct sigaction action = { .sa_handler = on_alarm }, before; /* without SA_RESTART: it ends the wait */
        bool is_locked;

        (void) sigaction(SIGALRM, &action, &before);
        (void) alarm(LOCK_WAIT_SEC);
        is_locked = flock(fd, LOCK_EX) == 0;
        (void) alarm(0);
        (void) sigaction(SIGALRM, &before, NULL);
        return is_locked;
}

/* One agent only: two would both take up the same jobs. */
static int lock_directory(Store *store, Error **reterr) {
        _cleanup_free_ char *path = path_join(store->directory, "lock");
        int r = path ? file_mkdir_p(store->directory, 0700) : -ENOMEM;

        if (r < 0)
                return error_set(reterr, -r, "cannot make '%s': %s", store->directory, strerror(-r));
        store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (store->lock_fd < 0)
                return error_set(reterr, errno, "cannot open '%s': %s", path, strerror(errno));
        if (!lock_in_time(store->lock_fd))
                return error_set(reterr, EBUSY, "another agent runs already: it holds '%s'", path);
        return 0;
}

static int open_database(Store *store, Error **reterr) {
        _cleanup_free_ char *path = path_join(store->directory, "agent.db");
        int code;

        if (!path)
                return error_oom(reterr);
        code = sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                               NULL);
        if (code != SQLITE_OK)
                return store_fail(store, code, "opening", reterr);
        (void) sqlite3_extended_result_codes(store->db, 1);
        (void) sqlite3_busy_timeout(store->db, STORE_BUSY_MSEC);
        (void) sqlite3_limit(store->db, SQLITE_LIMIT_LENGTH, (int) STORE_VALUE_BYTES_MAX);
        /* secure_delete: what is wiped is overwritten. */
        return store_run(store, "PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON; PRAGMA cache_size = -1024;"
                                "PRAGMA wal_autocheckpoint = 256; PRAGMA synchronous = NORMAL", reterr);
}

int store_open(const char *directory, Store **ret, Error **reterr) {
        _cleanup_(store_freep) Store *store = calloc(1, sizeof(*store));
        int r;

        if (!store)
                return error_oom(reterr);
        store->lock_fd = -1;
        store->directory = strdup(directory);
        if (!store->directory)
                return error_oom(reterr);
        r = lock_directory(store, reterr);
        if (r >= 0)
                r = open_database(store, reterr);
        if (r >= 0)
                r = store_migrate(store, store_schema_version(), reterr);
        if (r >= 0)
                r = store_prepare(store, "INSERT OR REPLACE INTO records (job, key, value) VALUES (?, ?, ?)",
                                  &store->put_record, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(store);
        return 0;
}

Store *store_free(Store *store) {
        if (!store)
                return NULL;
        (void) sqlite3_finalize(store->put_record);
        (void) sqlite3_close(store->db);
        (void) fd_close(store->lock_fd);
        free(store->directory);
        free(store);
        return NULL;
}

void store_kill_at(Store *store, uint64_t n, bool after) {
        store->kill_at = n;
        store->kills_after = after;
}
