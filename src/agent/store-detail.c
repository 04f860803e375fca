/* What belongs to a job: its steps, its journal, its notes. */

#include <errno.h>
#include <signal.h>

#include "agent/store-internal.h"
#include "base/array.h"

void stored_steps_free(StoredStep *steps, size_t n_steps) {
        for (size_t i = 0; i < n_steps; i++) {
                free(steps[i].name);
                free(steps[i].kind);
                free(steps[i].state);
                free(steps[i].result);
                free(steps[i].error);
        }
        free(steps);
}

void stored_notes_free(StoredNote *notes, size_t n_notes) {
        for (size_t i = 0; i < n_notes; i++)
                free(notes[i].text);
        free(notes);
}

static int finish(Store *store, Statement *statement) {
        int r = statement_next(store, statement, NULL);

        return MIN(r, 0);
}

int store_put_step(Store *store, const char *id, const StoredStep *step) {
        _cleanup_(statement_freep) Statement *statement = NULL;
        int r = store_prepare(
                store,
                "INSERT INTO steps (job, number, name, kind, state, result, exit_code, error, started, duration) "
                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (job, number) DO UPDATE SET state = ?5, "
                "result = ?6, exit_code = ?7, error = ?8, started = CASE WHEN started > 0 THEN started ELSE ?9 END, "
                "duration = ?10 WHERE state <> 'done'",
                &statement, NULL);

        if (r < 0)
                return r;
        statement_bind_text(statement, 1, id);
        statement_bind_uint(statement, 2, step->index);
        statement_bind_text(statement, 3, step->name);
        statement_bind_text(statement, 4, step->kind);
        statement_bind_text(statement, 5, step->state);
        statement_bind_text(statement, 6, step->result);
        (void) sqlite3_bind_int(statement, 7, step->exit_code);
        statement_bind_text(statement, 8, step->error);
        statement_bind_uint(statement, 9, step->started_usec);
        statement_bind_uint(statement, 10, step->duration_usec);
        return finish(store, statement);
}

static int read_step(Statement *statement, StoredStep *step) {
        struct {
                int column;
                char **text;
        } texts[] = {
                { 1, &step->name }, { 2, &step->kind }, { 3, &step->state }, { 4, &step->result }, { 6, &step->error }
        };

        step->index = (size_t) sqlite3_column_int64(statement, 0);
        step->exit_code = sqlite3_column_int(statement, 5);
        step->started_usec = (uint64_t) sqlite3_column_int64(statement, 7);
        step->duration_usec = (uint64_t) sqlite3_column_int64(statement, 8);
        FOREACH_ROW(row, texts)
                if (statement_text(statement, row->column, row->text) < 0)
                        return -ENOMEM;
        return 0;
}

int store_get_steps(Store *store, const char *id, StoredStep **ret, size_t *ret_n, Error **reterr) {
        _cleanup_(statement_freep) Statement *statement = NULL;
        StoredStep *steps = NULL;
        size_t n_steps = 0;
        int r = store_prepare(store,
                              "SELECT number, name, kind, state, result, exit_code, error, started, duration FROM "
                              "steps WHERE job = ?1 ORDER BY number",
                              &statement, reterr);

        if (r < 0)
                return r;
        statement_bind_text(statement, 1, id);
        while ((r = statement_next(store, statement, reterr)) > 0) {
                r = ARRAY_APPEND(steps, n_steps, ((StoredStep) { 0 }));
                if (r >= 0)
                        r = read_step(statement, &steps[n_steps - 1]);
                if (r < 0)
                        break;
        }
        if (r < 0) {
                stored_steps_free(steps, n_steps);
                return r;
        }
        *ret = steps;
        *ret_n = n_steps;
        return 0;
}

/* ---- journal ---- */

static void maybe_die(const Store *store, bool after) {
        if (store->kill_at > 0 && store->n_writes == store->kill_at && store->kills_after == after)
                (void) raise(SIGKILL);
}

int store_put_record(Store *store, const char *id, const char *key, const char *value) {
        Statement *statement = store->put_record;
        int r;

        store->n_writes++;
        maybe_die(store, false);
        (void) sqlite3_reset(statement);
        statement_bind_text(statement, 1, id);
        statement_bind_text(statement, 2, key);
        statement_bind_text(statement, 3, value);
        r = finish(store, statement);
        (void) sqlite3_reset(statement);
        maybe_die(store, true);
        return r;
}

int store_get_records(Store *store, const char *id, Map *ret, Error **reterr) {
        _cleanup_(statement_freep) Statement *statement = NULL;
        int r = store_prepare(store, "SELECT key, value FROM records WHERE job = ?1", &statement, reterr);

        if (r < 0)
                return r;
        statement_bind_text(statement, 1, id);
        while ((r = statement_next(store, statement, reterr)) > 0)
                if (strmap_put(ret, (const char *) sqlite3_column_text(statement, 0),
                               (const char *) sqlite3_column_text(statement, 1)) < 0)
                        return error_oom(reterr);
        return r;
}

/* ---- notes ---- */

int store_put_note(Store *store, const char *id, const StoredNote *note) {
        _cleanup_(statement_freep) Statement *statement = NULL;
        int r = store_prepare(store, "INSERT OR IGNORE INTO notes (job, time, kind, step, text) VALUES (?, ?, ?, ?, ?)",
                              &statement, NULL);

        if (r < 0)
                return r;
        statement_bind_text(statement, 1, id);
        statement_bind_uint(statement, 2, note->time_usec);
        (void) sqlite3_bind_int(statement, 3, (int) note->kind);
        (void) sqlite3_bind_int(statement, 4, note->step);
        statement_bind_text(statement, 5, note->text);
        return finish(store, statement);
}

int store_get_notes(Store *store, const char *id, StoredNote **ret, size_t *ret_n, Error **reterr) {
        _cleanup_(statement_freep) Statement *statement = NULL;
        StoredNote *notes = NULL;
        size_t n_notes = 0;
        int r = store_prepare(store, "SELECT time, kind, step, text FROM notes WHERE job = ?1 ORDER BY id", &statement,
                              reterr);

        if (r < 0)
                return r;
        statement_bind_text(statement, 1, id);
        while ((r = statement_next(store, statement, reterr)) > 0) {
                StoredNote note = { .time_usec = (uint64_t) sqlite3_column_int64(statement, 0),
                                    .kind = (JobEventKind) sqlite3_column_int(statement, 1),
                                    .step = sqlite3_column_int(statement, 2) };

                r = statement_text(statement, 3, &note.text);
                if (r >= 0 && ARRAY_APPEND(notes, n_notes, note) < 0) {
                        free(note.text);
                        r = -ENOMEM;
                }
                if (r < 0)
                        break;
        }
        if (r < 0) {
                stored_notes_free(notes, n_notes);
                return r;
        }
        *ret = notes;
        *ret_n = n_notes;
        return 0;
}
