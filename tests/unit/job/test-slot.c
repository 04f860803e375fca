#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/directory.h"
#include "job/slot.h"

#define OWNER "runner-podstep-project-acme-app"

static int setup(void **state) {
        char directory[] = "/tmp/podstep-test-XXXXXX";

        assert_non_null(mkdtemp(directory));
        *state = strdup(directory);
        return 0;
}

static int teardown(void **state) {
        assert_int_equal(file_remove_tree(*state), 0);
        free(*state);
        return 0;
}

static unsigned take(const char *state_directory, const char *owner, const char *id) {
        unsigned slot = 99;

        assert_int_equal(slot_take(state_directory, owner, id, &slot, NULL), 0);
        return slot;
}

static JobDirectory begin(const char *state_directory, const char *id, JobOwner owner) {
        JobDirectory directory;

        assert_int_equal(job_directory_make(state_directory, id, owner, &directory, NULL), 0);
        return directory;
}

/* The lowest free one; those of others do not count. */
static void test_lowest(void **state) {
        const char *at = *state;
        JobDirectory a = begin(at, "a", JOB_OWNER_PROCESS), b = begin(at, "b", JOB_OWNER_PROCESS),
                     c = begin(at, "c", JOB_OWNER_PROCESS), d = begin(at, "d", JOB_OWNER_PROCESS);

        assert_int_equal(take(at, OWNER, "a"), 0);
        assert_int_equal(take(at, OWNER, "b"), 1);
        assert_int_equal(take(at, OWNER, "b"), 1); /* again: the same */
        assert_int_equal(take(at, OWNER "-2", "c"), 0);
        slot_release(at, OWNER, "b", 0); /* not its own */
        assert_int_equal(take(at, OWNER, "c"), 2);
        slot_release(at, OWNER, "a", 0);
        assert_int_equal(take(at, OWNER, "d"), 0);
        assert_int_equal(job_directory_remove(&a, NULL), 0);
        assert_int_equal(job_directory_remove(&b, NULL), 0);
        assert_int_equal(job_directory_remove(&c, NULL), 0);
        assert_int_equal(job_directory_remove(&d, NULL), 0);
}

/* Whose directory is there may have containers that run, whether or not somebody looks after them. */
static void test_owners(void **state) {
        enum { DIRECTORY, LET_GO, KEPT, REMOVED, DAMAGED };
        static const struct {
                JobOwner owner;
                int what;
                unsigned want;
        } rows[] = {
                { JOB_OWNER_PROCESS, DIRECTORY, 1 }, { JOB_OWNER_AGENT, DIRECTORY, 1 },
                { JOB_OWNER_PROCESS, LET_GO, 1 },    { JOB_OWNER_AGENT, LET_GO, 1 },
                { JOB_OWNER_PROCESS, KEPT, 0 },      { JOB_OWNER_PROCESS, REMOVED, 0 },
                { JOB_OWNER_AGENT, REMOVED, 0 },     { JOB_OWNER_PROCESS, DAMAGED, 0 },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *at = str_printf("%s/%zu", (const char *) *state, (size_t) (row - rows));
                JobDirectory directory = begin(at, "first", row->owner);

                print_message("case %d %d\n", row->owner, row->what);
                assert_int_equal(take(at, OWNER, "first"), 0);
                if (row->what == KEPT)
                        assert_int_equal(job_directory_mark_kept(&directory, ""), 0);
                if (row->what == LET_GO || row->what == KEPT)
                        job_directory_done(&directory);
                else if (row->what == REMOVED)
                        assert_int_equal(job_directory_remove(&directory, NULL), 0);
                else if (row->what == DAMAGED) {
                        _cleanup_free_ char *slots = path_join(at, "slots"), *text = NULL;

                        assert_int_equal(file_remove_tree(slots), 0);
                        assert_int_equal(take(at, OWNER, "../../x"), 0);
                }
                assert_int_equal(take(at, OWNER, "second"), row->want);
                job_directory_done(&directory);
        }
}

/* Nothing is left once all have given theirs back. */
static void test_nothing_left(void **state) {
        const char *at = *state;
        _cleanup_free_ char *path = path_join(at, "slots");

        for (unsigned i = 0; i < 3; i++) {
                unsigned slot = take(at, OWNER, "a");

                slot_release(at, OWNER, "a", slot);
        }
        assert_int_equal(rmdir(path), 0);
}

/* A state directory that cannot be written is told with its path. */
static void test_no_directory(void **state) {
        _cleanup_free_ char *file = path_join(*state, "file");
        _cleanup_(error_freep) Error *error = NULL;
        unsigned slot = 99;

        assert_int_equal(file_write(file, "", 0, 0600), 0);
        assert_int_equal(slot_take(file, OWNER, "a", &slot, &error), -ENOTDIR);
        assert_int_equal(slot, 99);
        assert_non_null(strstr(error_message(error, 0), file));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_lowest, setup, teardown),
                cmocka_unit_test_setup_teardown(test_owners, setup, teardown),
                cmocka_unit_test_setup_teardown(test_nothing_left, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_directory, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
