#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "job/image-record.h"

#define REPO "r.example.com:5000/group/image"

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

static void test_access(void **state) {
        const char *directory = *state;
        _cleanup_free_ char *path = str_printf("%s/images/" REPO "/.private", directory);

        assert_int_equal(image_record_access(directory, REPO), IMAGE_OPEN);
        assert_int_equal(image_record_set_access(directory, REPO, IMAGE_OPEN), 0);
        assert_int_equal(image_record_set_access(directory, REPO, IMAGE_OF_OPERATOR), 0);
        assert_int_equal(image_record_access(directory, REPO), IMAGE_OF_OPERATOR);
        assert_int_equal(image_record_access(directory, "r.example.com:5000/group"), IMAGE_OPEN);
        assert_int_equal(image_record_set_access(directory, REPO, IMAGE_OF_JOB), 0);
        assert_int_equal(image_record_access(directory, REPO), IMAGE_OF_JOB);
        /* in doubt the stricter one */
        assert_int_equal(file_write(path, "?", 1, 0600), 0);
        assert_int_equal(image_record_access(directory, REPO), IMAGE_OF_JOB);
        assert_int_equal(image_record_set_access(directory, REPO, IMAGE_OPEN), 0);
        assert_int_equal(image_record_access(directory, REPO), IMAGE_OPEN);
}

static void test_paths(void **state) {
        static const char *const bad[] = { "", "/a", "a/", "a//b", "../a", "a/../b", "a/.private", "." };
        const char *directory = *state;

        FOREACH_ROW(repository, bad) {
                char *path = NULL;

                print_message("case '%s'\n", *repository);
                assert_int_equal(image_record_directory(directory, *repository, &path), -EINVAL);
                assert_int_equal(image_record_set_access(directory, *repository, IMAGE_OPEN), -EINVAL);
                assert_int_equal(image_record_access(directory, *repository), IMAGE_OF_JOB);
        }
        assert_int_equal(image_record_add(directory, REPO, REPO ":1", "sha256:../x"), -EINVAL);
        assert_int_equal(image_record_add(directory, REPO, REPO ":1", ""), -EINVAL);
}

static void set_time(const char *directory, const char *path, time_t seconds) {
        _cleanup_free_ char *whole = path_join(directory, path);
        const struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds } };

        assert_int_equal(utimensat(AT_FDCWD, whole, times, 0), 0);
}

/* All that were added, the longest unused first; what others put there is passed over. */
static void test_records(void **state) {
        static const struct {
                const char *path, *text;
        } strays[] = {
                { "images/" REPO "/.image-00", "{" },
                { "images/" REPO "/.image-01", "{\"reference\":\"evil.example.com/x:1\"}" },
                { "images/" REPO "/.image-02.77.new", "{\"reference\":\"" REPO ":1\"}" },
                { "images/" REPO "/.lock-1", "" },
        };
        const char *directory = *state;
        _cleanup_(image_records_done) ImageRecords records = { 0 }, rest = { 0 };
        _cleanup_free_ char *images = path_join(directory, "images");

        assert_int_equal(image_records_read(directory, &records), 0);
        assert_int_equal(records.n_records, 0);
        assert_int_equal(image_record_add(directory, REPO, REPO ":1", "sha256:aa"), 0);
        assert_int_equal(image_record_add(directory, REPO, REPO ":2", "bb"), 0);
        assert_int_equal(image_record_add(directory, "docker.io/library/x", "docker.io/library/x:1", "cc"), 0);
        FOREACH_ROW(stray, strays) {
                _cleanup_free_ char *path = path_join(directory, stray->path);

                assert_int_equal(file_write(path, stray->text, strlen(stray->text), 0600), 0);
        }
        set_time(directory, "images/" REPO "/.image-aa", 300);
        set_time(directory, "images/" REPO "/.image-bb", 100);
        set_time(directory, "images/docker.io/library/x/.image-cc", 200);
        assert_int_equal(image_records_read(directory, &records), 0);
        assert_int_equal(records.n_records, 3);
        assert_string_equal(records.records[0].id, "bb");
        assert_string_equal(records.records[0].reference, REPO ":2");
        assert_string_equal(records.records[0].repository, REPO);
        assert_int_equal(records.records[0].used_usec, 100 * USEC_PER_SEC);
        assert_string_equal(records.records[1].id, "cc");
        assert_string_equal(records.records[2].id, "aa");

        image_record_touch(directory, REPO, "sha256:bb");
        image_record_touch(directory, REPO, "dd"); /* not recorded, stays so */
        FOREACH_ROW(stray, strays) {
                _cleanup_free_ char *path = path_join(directory, stray->path);

                assert_int_equal(unlink(path), 0);
        }
        image_record_remove(directory, &records.records[1]);
        image_record_remove(directory, &records.records[2]);
        assert_int_equal(image_records_read(directory, &rest), 0);
        assert_int_equal(rest.n_records, 1);
        assert_true(rest.records[0].used_usec > 1000 * USEC_PER_SEC);
        image_record_remove(directory, &rest.records[0]);
        assert_true(file_is_directory(images));
        assert_int_equal(rmdir(images), 0); /* nothing is left in it */
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(test_access, setup, teardown),
                                            cmocka_unit_test_setup_teardown(test_paths, setup, teardown),
                                            cmocka_unit_test_setup_teardown(test_records, setup, teardown) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
