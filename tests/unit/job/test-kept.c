#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/directory.h"
#include "job/kept.h"

#define KEPT(until) "{\"until\":" until ",\"workflow\":\"w\",\"engine\":\"unix:///x\",\"steps\":[]}"

static void test_format(void **state) {
        char *secrets[] = { (char *) "TOKEN", NULL };
        KeptStep steps[] = { { .name = (char *) "a",
                               .container = (char *) "podstep-1-a",
                               .directory = (char *) "/w",
                               .files = (char *) "/s/step-0" },
                             { .name = (char *) "b \"q\"",
                               .container = (char *) "c",
                               .directory = (char *) "/",
                               .files = (char *) "/f",
                               .secrets = secrets,
                               .has_failed = true,
                               .has_script = true } };
        KeptJob job = { .until_usec = 1795967958 * USEC_PER_SEC,
                        .workflow = (char *) "w",
                        .engine = (char *) "unix:///x",
                        .steps = steps,
                        .n_steps = 2 };
        _cleanup_free_ char *text = NULL, *again = NULL;
        KeptJob got;

        assert_int_equal(kept_job_format(&job, &text), 0);
        assert_int_equal(kept_job_parse(text, strlen(text), &got, NULL), 0);
        assert_int_equal(kept_job_format(&got, &again), 0);
        assert_string_equal(text, again);
        assert_int_equal(got.until_usec, job.until_usec);
        assert_string_equal(got.steps[1].secrets[0], "TOKEN");
        assert_true(got.steps[1].has_failed && !got.steps[0].has_failed);
        kept_job_done(&got);
}

static void test_parse(void **state) {
        static const struct {
                const char *text, *error;
        } rows[] = {
                { "", "" },
                { "[]", "expected" },
                { "{\"until\":\"x\"}", ".until: expected" },
                { "{\"until\":1,\"workflow\":1}", ".workflow: expected" },
                { "{\"until\":1,\"workflow\":\"w\",\"engine\":\"e\"}", "steps" },
                { "{\"until\":1,\"workflow\":\"w\",\"engine\":\"e\",\"steps\":[{\"name\":\"a\",\"container\":\"b\"}]}",
                  "directory" },
                { "{\"until\":1,\"workflow\":\"w\",\"engine\":\"e\",\"steps\":[1]}", "expected" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                KeptJob job;

                print_message("case '%s'\n", row->text);
                assert_int_equal(kept_job_parse(row->text, strlen(row->text), &job, &error), -EINVAL);
                assert_non_null(strstr(error_message(error, 0), row->error));
        }
}

/* Who removes what, and who holds it. */
static void test_directory(void **state) {
        _cleanup_free_ char *top = strdup("/tmp/podstep-test-XXXXXX");
        JobDirectory directory = { .lock_fd = -1 };
        int a = -1, b = -1;

        assert_non_null(mkdtemp(top));
        assert_int_equal(job_directory_hold(top, "job", &a), -ENOENT);
        assert_int_equal(job_directory_make(top, "job", JOB_OWNER_PROCESS, &directory, NULL), 0);
        assert_int_equal(job_directory_hold(top, "job", &a), -EBUSY);
        assert_int_equal(job_directory_mark_kept(&directory, KEPT("4000000000")), 0);
        assert_int_equal(job_directory_hold(top, "job", &a), -EBUSY); /* it has not ended yet */
        job_directory_done(&directory);
        assert_int_equal(job_directory_liveness(top, "job"), JOB_KEPT);
        assert_int_equal(job_directory_hold(top, "job", &a), 0);
        assert_int_equal(job_directory_hold(top, "job", &b), 0);
        assert_int_equal(job_directory_liveness(top, "job"), JOB_ALIVE);
        assert_false(job_directory_is_held_only_by(a));
        a = fd_close(a);
        assert_true(job_directory_is_held_only_by(b));
        assert_int_equal(job_directory_hold(top, "job", &a), -EBUSY);
        b = fd_close(b);

        directory.path = str_printf("%s/jobs/job", top);
        assert_int_equal(job_directory_mark_kept(&directory, KEPT("1")), 0);
        assert_int_equal(job_directory_liveness(top, "job"), JOB_DEAD);
        assert_int_equal(job_directory_mark_kept(&directory, ""), 0); /* of a podstep that knew no end */
        assert_int_equal(job_directory_liveness(top, "job"), JOB_KEPT);
        assert_int_equal(job_directory_unmark_kept(top, "job"), 0);
        assert_int_equal(job_directory_liveness(top, "job"), JOB_DEAD);
        assert_int_equal(job_directory_hold(top, "job", &a), -EBUSY);
        job_directory_done(&directory);
        assert_int_equal(file_remove_tree(top), 0);
}

/* What a podstep left that was killed before the directory had its name. */
static void test_unborn(void **state) {
        _cleanup_free_ char *top = strdup("/tmp/podstep-test-XXXXXX"), *old = NULL, *young = NULL;
        struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
        _cleanup_strv_ char **ids = NULL;
        JobDirectory directory;

        assert_non_null(mkdtemp(top));
        old = str_printf("%s/jobs/.old", top);
        young = str_printf("%s/jobs/.young", top);
        assert_int_equal(file_mkdir_p(old, 0700), 0);
        assert_int_equal(utimensat(AT_FDCWD, old, times, 0), 0);
        assert_int_equal(file_mkdir_p(young, 0700), 0);
        assert_int_equal(job_directory_list(top, &ids), 0);
        assert_int_equal(strv_length(ids), 0);
        job_directory_remove_unborn(top);
        assert_false(file_exists(old));
        assert_true(file_exists(young));
        /* its id is given again: by an agent that takes the job up */
        assert_int_equal(job_directory_make(top, "young", JOB_OWNER_AGENT, &directory, NULL), 0);
        assert_false(file_exists(young));
        assert_int_equal(job_directory_liveness(top, "young"), JOB_ALIVE);
        job_directory_done(&directory);
        assert_int_equal(job_directory_liveness(top, "young"), JOB_LEFT);
        assert_int_equal(job_directory_make(top, "young", JOB_OWNER_PROCESS, &directory, NULL), -ENOTEMPTY);
        assert_int_equal(job_directory_make(top, "young", JOB_OWNER_AGENT, &directory, NULL), 0);
        job_directory_done(&directory);
        assert_int_equal(file_remove_tree(top), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_format), cmocka_unit_test(test_parse),
                                            cmocka_unit_test(test_directory), cmocka_unit_test(test_unborn) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
