/*
 * The agent's store: what goes in comes out; older ones are brought up to date; and what was acknowledged survives a
 * loss of power.
 */

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/store-internal.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"

#define FILE_MAX (64U * 1024 * 1024)
#define WAL_HEADER_BYTES 32 /* https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
#define WAL_FRAME_HEADER_BYTES 24

static char *scratch(void) {
        char path[] = "/tmp/podstep-test-XXXXXX";

        return strdup(mkdtemp(path));
}

static void scratch_done(char **path) {
        (void) file_remove_tree(*path);
        free(*path);
}
#define _cleanup_scratch_ _cleanup_(scratch_done)

/* Whether the bytes stand anywhere in what SQLite wrote. */
static bool is_in_files(const char *directory, const char *text) {
        static const char *const names[] = { "agent.db", "agent.db-wal" };
        bool is_there = false;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_free_ char *path = path_join(directory, names[i]), *bytes = NULL;
                size_t n = 0;

                assert_true(file_read(path, 16U * 1024 * 1024, &bytes, &n) >= 0);
                is_there |= memmem(bytes, n, text, strlen(text)) != NULL;
        }
        return is_there;
}

static Store *open_store(const char *directory) {
        _cleanup_(error_freep) Error *error = NULL;
        Store *store = NULL;
        int r = store_open(directory, &store, &error);

        if (r < 0)
                print_message("%s\n", error_message(error, r));
        assert_int_equal(r, 0);
        return store;
}

static void add_with(Store *store, const char *id, const char *label, const char *secrets) {
        StoredJob job = { .id = strdup(id),
                          .group = strdup(id),
                          .name = strdup("build"),
                          .label = strdup(label),
                          .request = strdup("{}"),
                          .secrets = secrets ? strdup(secrets) : NULL,
                          .created_usec = 1000 };
        StoredStep steps[] = { { .index = 0,
                                 .name = (char *) "a",
                                 .kind = (char *) "commands",
                                 .state = (char *) "waiting",
                                 .exit_code = -1 },
                               { .index = 1,
                                 .name = (char *) "b",
                                 .kind = (char *) "commands",
                                 .state = (char *) "waiting",
                                 .exit_code = -1 } };

        assert_int_equal(store_add_job(store, &job, steps, 2, NULL), 0);
        assert_true(job.number > 0);
        stored_job_done(&job);
}

static void add(Store *store, const char *id, const char *label) {
        _cleanup_free_ char *secrets = str_printf("{\"token\":\"hush-hush-%s\"}", id);

        add_with(store, id, label, secrets);
}

static size_t count(Store *store, int state) {
        StoreFilter filter = { .state = state };
        StoredJob *jobs = NULL;
        size_t n_jobs = 0;

        assert_int_equal(store_list_jobs(store, &filter, &jobs, &n_jobs, NULL), 0);
        stored_jobs_free(jobs, n_jobs);
        return n_jobs;
}

static void test_life_of_a_job(void **state) {
        _cleanup_scratch_ char *directory = scratch();
        _cleanup_(store_freep) Store *store = open_store(directory);
        StoredJob job = { 0 };

        add(store, "01aaaaaaaa", "x");
        add(store, "01bbbbbbbb", "y");
        assert_int_equal(count(store, STORED_QUEUED), 2);
        assert_int_equal(store_start_job(store, "01aaaaaaaa", "boot", 2000, NULL), 0);
        assert_int_equal(store_want_stop(store, "01aaaaaaaa", NULL), 0);
        assert_int_equal(store_get_job(store, "1", &job, NULL), 0);
        assert_string_equal(job.id, "01aaaaaaaa");
        assert_string_equal(job.boot, "boot");
        assert_true(job.wants_stop);
        assert_non_null(job.secrets);
        job.result = JOB_FAILED;
        job.error = strdup("why");
        job.ended_usec = 3000;
        job.log_bytes = 17;
        assert_true(is_in_files(directory, "hush-hush-01aaaaaaaa"));
        assert_int_equal(store_end_job(store, &job, NULL), 0);
        assert_false(is_in_files(directory, "hush-hush-01aaaaaaaa"));
        stored_job_done(&job);

        assert_int_equal(store_get_job(store, "01aaaaaaa", &job, NULL), 0);
        assert_int_equal(job.state, STORED_DONE);
        assert_int_equal(job.result, JOB_FAILED);
        assert_string_equal(job.error, "why");
        assert_null(job.secrets);
        assert_int_equal(job.log_bytes, 17);
        stored_job_done(&job);
        assert_int_equal(store_delete_job(store, "01aaaaaaaa", NULL), 0);
        assert_int_equal(store_get_job(store, "1", &job, NULL), -ENOENT);
        assert_int_equal(store_get_job(store, "01bb", &job, NULL), -ENOENT); /* too short */
        assert_int_equal(store_get_job(store, "' OR 1=1 --", &job, NULL), -ENOENT);
}

/* A list that is brief has neither requests nor secrets: there may be many, and large ones. */
static void test_brief(void **state) {
        _cleanup_scratch_ char *directory = scratch();
        _cleanup_(store_freep) Store *store = open_store(directory);

        add(store, "01aaaaaaaa", "x");
        add(store, "01bbbbbbbb", "y");
        for (int i = 0; i < 4; i++) {
                StoreFilter filter = { .state = -1, .is_brief = i & 1, .oldest_first = i & 2 };
                StoredJob *jobs = NULL;
                size_t n_jobs = 0;

                assert_int_equal(store_list_jobs(store, &filter, &jobs, &n_jobs, NULL), 0);
                assert_int_equal(n_jobs, 2);
                assert_string_equal(jobs[0].id, filter.oldest_first ? "01aaaaaaaa" : "01bbbbbbbb");
                assert_string_equal(jobs[0].label, filter.oldest_first ? "x" : "y");
                assert_int_equal(jobs[0].created_usec, 1000);
                assert_int_equal(jobs[0].request == NULL, filter.is_brief);
                assert_int_equal(jobs[0].secrets == NULL, filter.is_brief);
                stored_jobs_free(jobs, n_jobs);
        }
}

static void test_steps_records_notes(void **state) {
        _cleanup_scratch_ char *directory = scratch();
        _cleanup_(store_freep) Store *store = open_store(directory);
        StoredStep done = { .index = 1, .name = (char *) "b", .kind = (char *) "commands", .state = (char *) "done",
                            .result = (char *) "failure", .exit_code = 3, .started_usec = 5, .duration_usec = 7 };
        StoredStep again = { .index = 1,
                             .name = (char *) "b",
                             .kind = (char *) "commands",
                             .state = (char *) "running",
                             .exit_code = -1 };
        StoredNote note = { .time_usec = 1, .kind = JOB_EVENT_NOTE, .step = -1, .text = (char *) "pulled" };
        _cleanup_map_ Map records = STRMAP_INIT;
        StoredStep *steps = NULL;
        StoredNote *notes = NULL;
        size_t n_steps = 0, n_notes = 0;

        add(store, "01aaaaaaaa", "");
        assert_int_equal(store_put_step(store, "01aaaaaaaa", &done), 0);
        assert_int_equal(store_put_step(store, "01aaaaaaaa", &again), 0); /* the end is the end */
        assert_int_equal(store_get_steps(store, "01aaaaaaaa", &steps, &n_steps, NULL), 0);
        assert_int_equal(n_steps, 2);
        assert_string_equal(steps[1].result, "failure");
        assert_int_equal(steps[1].exit_code, 3);
        assert_null(steps[0].result);
        stored_steps_free(steps, n_steps);

        assert_int_equal(store_put_record(store, "01aaaaaaaa", "phase", "one"), 0);
        assert_int_equal(store_put_record(store, "01aaaaaaaa", "phase", "two"), 0);
        assert_int_equal(store_put_record(store, "01aaaaaaaa", "started", "1"), 0);
        assert_int_equal(store_get_records(store, "01aaaaaaaa", &records, NULL), 0);
        assert_int_equal(map_size(&records), 2);
        assert_string_equal(strmap_get(&records, "phase"), "two");

        assert_int_equal(store_put_note(store, "01aaaaaaaa", &note), 0);
        note.time_usec = 2;
        assert_int_equal(store_put_note(store, "01aaaaaaaa", &note), 0);
        assert_int_equal(store_get_notes(store, "01aaaaaaaa", &notes, &n_notes, NULL), 0);
        assert_int_equal(n_notes, 1);
        assert_int_equal(notes[0].time_usec, 1);
        stored_notes_free(notes, n_notes);
}

static void test_one_agent(void **state) {
        _cleanup_scratch_ char *directory = scratch();
        _cleanup_(store_freep) Store *store = open_store(directory);
        _cleanup_(error_freep) Error *error = NULL;
        Store *second = NULL;

        assert_int_equal(store_open(directory, &second, &error), -EBUSY);
        assert_non_null(strstr(error_message(error, 0), "another agent"));
}

/* A store as each released version left it is opened, and keeps what is in it. */
static void test_migration(void **state) {
        for (int version = 1; version <= store_schema_version(); version++) {
                _cleanup_scratch_ char *directory = scratch();
                _cleanup_free_ char *path = path_join(directory, "agent.db");
                _cleanup_(store_freep) Store *store = NULL;
                Store old = { .directory = directory, .lock_fd = -1 };
                StoredJob job = { 0 };

                print_message("from version %d\n", version);
                assert_int_equal(sqlite3_open(path, &old.db), SQLITE_OK);
                assert_int_equal(store_migrate(&old, version, NULL), 0);
                assert_int_equal(store_run(&old,
                                           "INSERT INTO jobs (id, grouped, name, label, request, state, created) "
                                           "VALUES ('01aaaaaaaa', '01aaaaaaaa', 'n', 'l', '{}', 0, 1)",
                                           NULL),
                                 0);
                (void) sqlite3_close(old.db);
                store = open_store(directory);
                assert_int_equal(store_get_job(store, "1", &job, NULL), 0);
                assert_false(job.is_kept);
                stored_job_done(&job);
        }
}

/*
 * A file that was made once by the statements of the first version, and not one that is made of them now: they must
 * never change. Its rows were put in by hand, as no podstep with that version alone was ever released. That jobs of
 * such a store are taken up while they run is for survival.bats.
 */
static void test_old_file(void **state) {
        _cleanup_scratch_ char *directory = scratch();
        _cleanup_free_ char *path = path_join(directory, "agent.db"), *bytes = NULL;
        _cleanup_(store_freep) Store *store = NULL;
        _cleanup_map_ Map record = STRMAP_INIT;
        StoredJob job = { 0 };
        StoredStep *steps = NULL;
        StoredNote *notes = NULL;
        size_t n = 0, n_steps = 0, n_notes = 0;

        assert_int_equal(file_read(STORE_DIRECTORY "/agent-1.db", 16U * 1024 * 1024, &bytes, &n), 0);
        assert_int_equal(file_write(path, bytes, n, 0600), 0);
        store = open_store(directory);
        assert_int_equal(count(store, STORED_QUEUED), 1);
        assert_int_equal(count(store, STORED_RUNNING), 1);
        assert_int_equal(store_get_job(store, "1", &job, NULL), 0);
        assert_int_equal(job.result, JOB_FAILED);
        assert_string_equal(job.error, "1 of 2 steps failed");
        assert_int_equal(job.log_bytes, 17);
        assert_int_equal(store_get_steps(store, job.id, &steps, &n_steps, NULL), 0);
        assert_int_equal(n_steps, 1);
        assert_int_equal(steps[0].exit_code, 3);
        assert_int_equal(store_get_notes(store, job.id, &notes, &n_notes, NULL), 0);
        assert_int_equal(n_notes, 1);
        stored_steps_free(steps, n_steps);
        stored_notes_free(notes, n_notes);
        stored_job_done(&job);

        /* one that runs goes on to its end */
        assert_int_equal(store_get_job(store, "2", &job, NULL), 0);
        assert_true(job.wants_stop);
        assert_string_equal(job.secrets, "{\"token\":\"hush-hush\"}");
        assert_int_equal(store_get_records(store, job.id, &record, NULL), 0);
        assert_string_equal(strmap_get(&record, "step.0.start"), "5100000");
        assert_int_equal(store_put_record(store, job.id, "phase", "cleaning"), 0);
        job.result = JOB_CANCELED;
        job.is_kept = true;
        assert_int_equal(store_end_job(store, &job, NULL), 0);
        stored_job_done(&job);
        assert_int_equal(store_get_job(store, "2", &job, NULL), 0);
        assert_true(job.is_kept);
        stored_job_done(&job);
        add(store, "01new", "");
        assert_int_equal(count(store, STORED_QUEUED), 2);
}

static void test_newer(void **state) {
        _cleanup_scratch_ char *directory = scratch();
        _cleanup_(error_freep) Error *error = NULL;
        Store *store = open_store(directory);

        assert_int_equal(store_run(store, "PRAGMA user_version = 99", NULL), 0);
        store = store_free(store);
        assert_int_equal(store_open(directory, &store, &error), -ENOTSUP);
        assert_non_null(strstr(error_message(error, 0), "newer podstep"));
}

static void test_no_database(void **state) {
        _cleanup_scratch_ char *directory = scratch();
        _cleanup_free_ char *path = path_join(directory, "agent.db");
        _cleanup_(error_freep) Error *error = NULL;
        Store *store = NULL;

        assert_int_equal(file_write(path, "this is no database, whatever its name says", 43, 0600), 0);
        assert_int_equal(store_open(directory, &store, &error), -EBADMSG);
}

static void test_expired(void **state) {
        static const struct {
                StoreLimits limits;
                size_t want;
        } rows[] = {
                { { 0 }, 0 },
                { { .age_usec = 50 }, 3 },      /* ended at 10, 20, 30, 40; now is 85 */
                { { .n_jobs = 1 }, 3 },
                { { .log_bytes = 250 }, 2 },    /* of four times 100 */
                { { .n_jobs = 10, .age_usec = 1000 }, 0 },
        };
        _cleanup_scratch_ char *directory = scratch();
        _cleanup_(store_freep) Store *store = open_store(directory);

        for (unsigned i = 1; i <= 4; i++) {
                _cleanup_free_ char *id = str_printf("01aaaaaaa%u", i);
                StoredJob job = { .id = id, .result = JOB_SUCCESS, .ended_usec = i * 10, .log_bytes = 100 };

                add(store, id, "");
                assert_int_equal(store_end_job(store, &job, NULL), 0);
        }
        add(store, "01zzzzzzzz", ""); /* it waits: never expired */
        FOREACH_ROW(row, rows) {
                _cleanup_strv_ char **ids = NULL;

                assert_int_equal(store_find_expired(store, &row->limits, 85, &ids, NULL), 0);
                assert_int_equal(strv_length(ids), row->want);
                if (ids)
                        assert_string_equal(ids[0], "01aaaaaaa1");
        }
}

/* What others of its submission may depend on stays until they are done: that it failed would be forgotten. */
static void test_open_group(void **state) {
        static const StoreLimits limits = { .age_usec = 1 };
        _cleanup_scratch_ char *directory = scratch();
        _cleanup_(store_freep) Store *store = open_store(directory);
        StoredJob failed = { .id = (char *) "01aaaaaaa1", .result = JOB_FAILED, .ended_usec = 10 },
                  alone = { .id = (char *) "01aaaaaaa3", .result = JOB_FAILED, .ended_usec = 10 },
                  last = { .id = (char *) "01aaaaaaa2", .result = JOB_SUCCESS, .ended_usec = 10 };

        for (int is_done = 0; is_done <= 1; is_done++) {
                _cleanup_strv_ char **ids = NULL;

                if (is_done)
                        assert_int_equal(store_end_job(store, &last, NULL), 0);
                else {
                        add(store, failed.id, "");
                        add(store, last.id, "");
                        add(store, alone.id, "");
                        assert_int_equal(store_run(store, "UPDATE jobs SET grouped = '01aaaaaaa1' WHERE number = 2",
                                                   NULL), 0);
                        assert_int_equal(store_end_job(store, &failed, NULL), 0);
                        assert_int_equal(store_end_job(store, &alone, NULL), 0);
                }
                assert_int_equal(store_group_is_open(store, failed.id), !is_done);
                assert_int_equal(store_group_is_open(store, alone.id), 0);
                assert_int_equal(store_find_expired(store, &limits, 85, &ids, NULL), 0);
                assert_int_equal(strv_length(ids), is_done ? 3 : 1);
                assert_int_equal(strv_contains(ids, failed.id), is_done);
        }
}

/* ---- loss of power ---- */

static uint64_t size_of(const char *path) {
        struct stat st;

        return stat(path, &st) < 0 ? 0 : (uint64_t) st.st_size;
}

/*
 * What the disk holds when the power goes: the database as it was, and the log up to some byte. The rest may be
 * rubbish.
 */
static size_t count_after_loss(const char *db, size_t n_db, const char *wal, size_t n_wal, bool adds_rubbish) {
        _cleanup_scratch_ char *directory = scratch();
        _cleanup_free_ char *db_path = path_join(directory, "agent.db"),
                            *wal_path = path_join(directory, "agent.db-wal");
        _cleanup_(store_freep) Store *store = NULL;
        _cleanup_(statement_freep) Statement *statement = NULL;
        _cleanup_str_ Str text = STR_INIT(FILE_MAX);
        size_t n;

        (void) str_append_n(&text, wal, n_wal);
        for (unsigned i = 0; adds_rubbish && i < 5000; i++)
                (void) str_append_char(&text, (char) (i * 31));
        assert_int_equal(file_write(db_path, db, n_db, 0600), 0);
        assert_int_equal(file_write(wal_path, str_get(&text), text.n, 0600), 0);
        store = open_store(directory);
        assert_int_equal(store_prepare(store, "PRAGMA integrity_check", &statement, NULL), 0);
        assert_int_equal(statement_next(store, statement, NULL), 1);
        assert_string_equal((const char *) sqlite3_column_text(statement, 0), "ok");
        n = count(store, -1);
        assert_true(n == 0 || count(store, STORED_QUEUED) <= n);
        return n;
}

#define JOBS 12

static void test_power_loss(void **state) {
        _cleanup_scratch_ char *directory = scratch();
        _cleanup_free_ char *db_path = path_join(directory, "agent.db"),
                            *wal_path = path_join(directory, "agent.db-wal");
        _cleanup_free_ char *db = NULL, *wal = NULL;
        _cleanup_(store_freep) Store *store = open_store(directory);
        uint64_t acknowledged[JOBS]; /* how much of the log was on the disk by then */
        size_t n_db, n_wal;
        unsigned n_cuts = 0;

        /* The schema goes to the database itself, so that the log begins anew with what is looked at. */
        assert_int_equal(store_run(store, "PRAGMA wal_checkpoint(TRUNCATE)", NULL), 0);
        for (size_t i = 0; i < JOBS; i++) {
                _cleanup_free_ char *id = str_printf("01aaaaaa%02zu", i);
                StoredJob ended = { .id = id, .result = JOB_SUCCESS };

                add_with(store, id, "", NULL); /* with secrets the log would be cut at the end of the job */
                acknowledged[i] = size_of(wal_path);
                assert_int_equal(store_put_record(store, id, "phase", "cleaning"), 0);
                if (i % 3 == 0)
                        assert_int_equal(store_end_job(store, &ended, NULL), 0);
        }
        assert_int_equal(file_read(db_path, FILE_MAX, &db, &n_db), 0);
        assert_int_equal(file_read(wal_path, FILE_MAX, &wal, &n_wal), 0);
        for (size_t cut = 0; cut <= n_wal; n_cuts++) {
                size_t n_safe = 0;

                while (n_safe < JOBS && acknowledged[n_safe] <= cut)
                        n_safe++;
                assert_in_range(count_after_loss(db, n_db, wal, cut, n_cuts % 2), n_safe, JOBS);
                /* the header, then each frame: in its middle and at its end */
                cut = cut < WAL_HEADER_BYTES ? WAL_HEADER_BYTES : cut + (WAL_FRAME_HEADER_BYTES + 4096) / 2;
        }
        assert_true(n_cuts > 4 * JOBS);
        assert_int_equal(count_after_loss(db, n_db, wal, n_wal, false), JOBS);
}

/* SQLite calls ours, whichever of the two it was built for. */
static unsigned n_syncs;

int fdatasync(int fd) {
        n_syncs++;
        return (int) syscall(SYS_fdatasync, fd);
}

int fsync(int fd) {
        n_syncs++;
        return (int) syscall(SYS_fsync, fd);
}

static void do_add(Store *store) {
        add_with(store, "01aaaaaaaa", "", NULL);
}

static void do_start(Store *store) {
        assert_int_equal(store_start_job(store, "01aaaaaaaa", "boot", 2000, NULL), 0);
}

static void do_record(Store *store) {
        assert_int_equal(store_put_record(store, "01aaaaaaaa", "phase", "cleaning"), 0);
}

static void do_step(Store *store) {
        StoredStep step = { .name = (char *) "a", .kind = (char *) "commands", .state = (char *) "running" };

        assert_int_equal(store_put_step(store, "01aaaaaaaa", &step), 0);
}

static void do_note(Store *store) {
        StoredNote note = { .step = -1, .text = (char *) "a note" };

        assert_int_equal(store_put_note(store, "01aaaaaaaa", &note), 0);
}

static void do_end(Store *store) {
        StoredJob job = { .id = (char *) "01aaaaaaaa", .result = JOB_SUCCESS };

        assert_int_equal(store_end_job(store, &job, NULL), 0);
}

/* What was acknowledged, or must not be done twice, waits for the disk; nothing else does, whatever came before it. */
static void test_syncs(void **state) {
        static const struct {
                const char *what;
                void (*run)(Store *store);
                bool waits;
        } rows[] = {
                { "add", do_add, true },      { "step", do_step, false },     { "record", do_record, false },
                { "start", do_start, true },  { "note", do_note, false },     { "record", do_record, false },
                { "start", do_start, true },  { "record", do_record, false }, { "end", do_end, true },
                { "step", do_step, false },
        };
        _cleanup_scratch_ char *directory = scratch();
        _cleanup_(store_freep) Store *store = open_store(directory);

        FOREACH_ROW(row, rows) {
                unsigned before = n_syncs;

                print_message("%s\n", row->what);
                row->run(store);
                assert_int_equal(n_syncs > before, row->waits);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_life_of_a_job), cmocka_unit_test(test_steps_records_notes),
                cmocka_unit_test(test_one_agent),     cmocka_unit_test(test_migration),
                cmocka_unit_test(test_old_file),      cmocka_unit_test(test_newer),
                cmocka_unit_test(test_no_database),   cmocka_unit_test(test_expired),
                cmocka_unit_test(test_open_group),  cmocka_unit_test(test_brief),    cmocka_unit_test(test_power_loss),
                cmocka_unit_test(test_syncs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
