#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "job/job-internal.h"
#include "job/user.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\nbuild:x:1000:1001::/home:/bin/"
                             "sh\n\nbroken\nbad:x:-1:0:::\nbig:x:4294967295:0:::\n";
static const char group[] = "root:x:0:\nstaff:x:50:build\n";

static void test_resolve(void **state) {
        static const struct {
                const char *text;
                int want_r;
                uint32_t uid, gid;
        } rows[] = {
                { "build", 0, 1000, 1001 },  { "build:staff", 0, 1000, 50 },
                { "1000", 0, 1000, 1001 },   { "1234", 0, 1234, 0 },
                { "1234:5", 0, 1234, 5 },    { "root", 0, 0, 0 },
                { "nobody", -ENOENT, 0, 0 }, { "build:nogroup", -ENOENT, 0, 0 },
                { "broken", -ENOENT, 0, 0 }, { "bad", -ENOENT, 0, 0 },
                { "big", -ENOENT, 0, 0 },    { "4294967295", -ERANGE, 0, 0 },
                { "a:b:c", -EINVAL, 0, 0 },  { ":1", -EINVAL, 0, 0 },
                { "1:", -EINVAL, 0, 0 },     { "a b", -EINVAL, 0, 0 },
        };

        FOREACH_ROW(row, rows) {
                UserIds ids = { 7, 7 };

                print_message("case '%s'\n", row->text);
                assert_int_equal(user_resolve(row->text, passwd, group, &ids, NULL), row->want_r);
                assert_int_equal(ids.uid, row->want_r < 0 ? 7 : row->uid);
                assert_int_equal(ids.gid, row->want_r < 0 ? 7 : row->gid);
        }
}

static void test_needs_image(void **state) {
        static const struct {
                const char *text;
                int want_r;
        } rows[] = { { "", 0 },  { "root", 0 }, { "0", 0 },   { "1:2", 0 },      { "1", 1 },
                     { "a", 1 }, { "1:a", 1 },  { "a:1", 1 }, { "a/b", -EINVAL } };

        FOREACH_ROW(row, rows) {
                UserIds ids;

                print_message("case '%s'\n", row->text);
                assert_int_equal(user_needs_image(row->text, &ids, NULL), row->want_r);
        }
}

static void on_never(Task *task, int r, const Error *error, void *userdata) {
}

/* Answers are kept, but only whole ones: who was killed, or had no room on the disk, left a piece. */
static void test_recall(void **state) {
        static const struct {
                const char *kept;
                bool is_answer;
        } rows[] = { { "", false },         { "\n", false },    { "1000:1001\n", true },
                     { "1000:1001", false },  { "1000:10", false }, { "1000", false } };
        char directory[] = "/tmp/podstep-test-XXXXXX";
        _cleanup_free_ char *users = NULL, *path = NULL;
        Job job = { .spec.state_directory = mkdtemp(directory) };

        assert_non_null(job.spec.state_directory);
        assert_true(sd_event_new(&job.event) >= 0);
        users = path_join(directory, "users");
        path = path_join(users, "sha256:1_build");
        assert_int_equal(file_mkdir_p(users, 0700), 0);
        FOREACH_ROW(row, rows) {
                UserIds ids = { 7, 7 };
                Task *task = NULL;

                print_message("case '%s'\n", row->kept);
                assert_int_equal(file_write(path, row->kept, strlen(row->kept), 0600), 0);
                assert_int_equal(user_look_up(&job, "sha256:1", "build", "c", &ids, on_never, NULL, &task), 0);
                assert_int_equal(ids.uid, row->is_answer ? 1000 : 7); /* the image is asked in the next turn */
                assert_int_equal(ids.gid, row->is_answer ? 1001 : 7);
                task_free(task);
        }
        sd_event_unref(job.event);
        assert_int_equal(file_remove_tree(directory), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_resolve), cmocka_unit_test(test_needs_image),
                                            cmocka_unit_test(test_recall) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
