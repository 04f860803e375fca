#pragma once

/* For the files of the store only. */

#include <sqlite3.h>

#include "agent/store.h"

struct Store {
        sqlite3 *db;
        char *directory;
        int lock_fd;
        sqlite3_stmt *put_record; /* the one that is needed all the time */
        uint64_t n_writes, kill_at;
        bool kills_after;
};

typedef sqlite3_stmt Statement;
Statement *statement_free(Statement *statement);
DEFINE_CLEANUP(Statement *, statement_free);

/** store_fail() - what SQLite has to say, as an Error; returns a negative errno */
int store_fail(Store *store, int code, const char *doing, Error **reterr);
int store_prepare(Store *store, const char *sql, Statement **ret, Error **reterr);
void statement_bind_text(Statement *statement, int i, const char *text); /* NULL is NULL */
void statement_bind_uint(Statement *statement, int i, uint64_t value);
/** statement_next() - 1: there is a row; 0: there is none (any more) */
int statement_next(Store *store, Statement *statement, Error **reterr);
/** statement_text() - a copy in *ret, NULL for NULL; 0 or -ENOMEM */
int statement_text(Statement *statement, int i, char **ret);
/** store_run() - statements without rows and values */
int store_run(Store *store, const char *sql, Error **reterr);

typedef enum Durability {
        DURABLE_PROCESS, /* survives the process: not waited for the disk */
        DURABLE_POWER,   /* on the disk when the commit returns */
} Durability;
int store_begin(Store *store, Durability durability, Error **reterr);
/** store_commit() - @r < 0: rolls back and returns r */
int store_commit(Store *store, int r, Error **reterr);

/** store_migrate() - up to version @last of the schema; store-schema.c */
int store_migrate(Store *store, int last, Error **reterr);
int store_schema_version(void);
