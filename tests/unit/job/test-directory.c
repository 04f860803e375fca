/* The lock of a job's directory: whoever only looks at it keeps nobody from taking it. */

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/file.h"
#include "job/directory.h"

static volatile int looking = -1; /* the descriptor of who looks */

static void on_alarm(int signal_number) {
        (void) flock(looking, LOCK_UN);
}

/* As who looks does it, only longer: until the next alarm, which comes while the other one tries. */
static void look(const char *state, const char *id) {
        const struct itimerval once = { .it_value.tv_usec = 1000 };
        struct sigaction action = { .sa_handler = on_alarm };
        _cleanup_free_ char *jobs = path_join(state, "jobs"), *job = path_join(jobs, id),
                            *lock = path_join(job, "lock");

        looking = open(lock, O_RDWR | O_CLOEXEC);
        assert_true(looking >= 0);
        assert_int_equal(flock(looking, LOCK_EX | LOCK_NB), 0);
        assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
        assert_int_equal(setitimer(ITIMER_REAL, &once, NULL), 0);
}

static void test_looked_at(void **state) {
        char directory[] = "/tmp/podstep-test-XXXXXX";
        JobDirectory job;
        int fd = -1, second = -1;

        assert_non_null(mkdtemp(directory));
        assert_int_equal(job_directory_make(directory, "01a", JOB_OWNER_AGENT, &job, NULL), 0);
        assert_int_equal(job_directory_liveness(directory, "01a"), JOB_ALIVE);
        job_directory_done(&job);
        assert_int_equal(job_directory_liveness(directory, "01a"), JOB_LEFT);

        look(directory, "01a"); /* while the next agent takes it up */
        assert_int_equal(job_directory_make(directory, "01a", JOB_OWNER_AGENT, &job, NULL), 0);
        (void) close(looking);
        assert_int_equal(job_directory_mark_kept(&job, "x"), 0);
        job_directory_done(&job);

        look(directory, "01a"); /* while somebody wants to enter it */
        assert_int_equal(job_directory_hold(directory, "01a", &fd), 0);
        (void) close(looking);
        assert_true(job_directory_is_held_only_by(fd));
        assert_int_equal(job_directory_hold(directory, "01a", &second), -EBUSY);
        (void) close(fd);
        assert_int_equal(file_remove_tree(directory), 0);
}

/* Where the logs lie; of a podstep that gave them a directory they stay there, for whoever takes the job up. */
static void test_output(void **state) {
        char directory[] = "/tmp/podstep-test-XXXXXX";
        _cleanup_free_ char *fresh = NULL, *old = NULL;
        JobDirectory job;

        assert_non_null(mkdtemp(directory));
        fresh = path_join(directory, "jobs/01a/output-");
        old = path_join(directory, "jobs/01a/output/");
        for (unsigned i = 0; i < 2; i++) { /* made, and taken over */
                assert_int_equal(job_directory_make(directory, "01a", JOB_OWNER_AGENT, &job, NULL), 0);
                assert_string_equal(job.output, fresh);
                job_directory_done(&job);
        }
        assert_int_equal(file_mkdir_p(old, 0700), 0);
        assert_int_equal(job_directory_make(directory, "01a", JOB_OWNER_AGENT, &job, NULL), 0);
        assert_string_equal(job.output, old);
        assert_int_equal(job_directory_remove(&job, NULL), 0);
        assert_int_equal(job_directory_liveness(directory, "01a"), JOB_DEAD);
        assert_int_equal(file_remove_tree(directory), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_looked_at), cmocka_unit_test(test_output) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
