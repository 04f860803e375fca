/* The tables, version by version. A version that was released is never changed: what is to change is a new one. */

#include <errno.h>

#include "agent/store-internal.h"
#include "base/str.h"

static const char *const versions[] = {
        /* 1 */
        "CREATE TABLE jobs ( number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, grouped TEXT NOT NULL, "
        "name TEXT NOT NULL, label TEXT NOT NULL, request TEXT NOT NULL, secrets TEXT, state INTEGER NOT NULL, result "
        "INTEGER, error TEXT, boot TEXT, wants_stop INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL, started "
        "INTEGER, ended INTEGER, log_bytes INTEGER NOT NULL DEFAULT 0);CREATE INDEX jobs_by_state ON jobs (state, "
        "number);CREATE TABLE steps ( job TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT "
        "NULL, state TEXT NOT NULL, result TEXT, exit_code INTEGER NOT NULL, error TEXT, started INTEGER, duration "
        "INTEGER, PRIMARY KEY (job, number)) WITHOUT ROWID;CREATE TABLE records (job TEXT NOT NULL, key TEXT NOT NULL, "
        "value TEXT NOT NULL, PRIMARY KEY (job, key)) WITHOUT ROWID;CREATE TABLE notes ( id INTEGER PRIMARY KEY, job "
        "TEXT NOT NULL, time INTEGER NOT NULL, kind INTEGER NOT NULL, step INTEGER NOT NULL, text TEXT NOT NULL, "
        "UNIQUE (job, kind, step, text));",
        /* 2: jobs whose containers are kept */
        "ALTER TABLE jobs ADD COLUMN is_kept INTEGER NOT NULL DEFAULT 0;"
        "CREATE INDEX jobs_by_group ON jobs (grouped, number);",
};

int store_schema_version(void) {
        return (int) ELEMENTSOF(versions);
}

static int get_version(Store *store, int *ret, Error **reterr) {
        _cleanup_(statement_freep) Statement *statement = NULL;
        int r = store_prepare(store, "PRAGMA user_version", &statement, reterr);

        if (r >= 0)
                r = statement_next(store, statement, reterr);
        if (r >= 0)
                *ret = sqlite3_column_int(statement, 0);
        return MIN(r, 0);
}

static int go_to(Store *store, int version, Error **reterr) {
        _cleanup_free_ char *mark = str_printf("PRAGMA user_version = %d", version);
        int r;

        if (!mark)
                return error_oom(reterr);
        r = store_begin(store, DURABLE_POWER, reterr);
        if (r < 0)
                return r;
        r = store_run(store, versions[version - 1], reterr);
        if (r >= 0)
                r = store_run(store, mark, reterr);
        return store_commit(store, r, reterr);
}

int store_migrate(Store *store, int last, Error **reterr) {
        int version = 0, r = get_version(store, &version, reterr);

        if (r >= 0 && version > store_schema_version())
                return error_set(reterr, ENOTSUP,
                                 "'%s/agent.db' was written by a newer podstep (format %d, this one knows %d): use "
                                 "that one, or move the directory away",
                                 store->directory, version, store_schema_version());
        while (r >= 0 && version < last)
                r = go_to(store, ++version, reterr);
        return r;
}
