/* The lock of a job's directory: whoever only looks at it keeps nobody from taking it. */

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
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

/* One that is just being made is not looked at; one that nobody goes on with is removed, unless somebody holds it. */
static void test_unborn(void **state) {
        static const struct {
                const char *name;
                bool is_old, is_held, is_opened, is_removed;
        } rows[] = {
                { "fresh", false, false, false, false },
                { "held", true, true, true, false },
                { "stillborn", true, false, true, true },
        };
        const struct timespec long_ago[] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };

        FOREACH_ROW(row, rows) {
                char directory[] = "/tmp/podstep-test-XXXXXX", events[4096];
                _cleanup_free_ char *unborn = NULL, *lock = NULL;
                _cleanup_close_ int fd = -1, notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

                print_message("%s\n", row->name);
                assert_non_null(mkdtemp(directory));
                unborn = path_join(directory, "jobs/.01a");
                lock = path_join(unborn, "lock");
                assert_int_equal(file_mkdir_p(unborn, 0700), 0);
                fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
                assert_true(fd >= 0 && notify >= 0);
                if (row->is_held)
                        assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
                if (row->is_old)
                        assert_int_equal(utimensat(AT_FDCWD, unborn, long_ago, 0), 0);
                assert_true(inotify_add_watch(notify, lock, IN_OPEN) >= 0);
                job_directory_remove_unborn(directory);
                assert_int_equal(read(notify, events, sizeof(events)) > 0, row->is_opened);
                assert_int_equal(!file_exists(unborn), row->is_removed);
                assert_int_equal(file_remove_tree(directory), 0);
        }
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

static ino_t inode_of(const char *directory, const char *name) {
        _cleanup_free_ char *path = path_join(directory, name);
        struct stat st;

        return path && lstat(path, &st) == 0 ? st.st_ino : 0;
}

static void make(const char *directory, const char *id, JobDirectory *ret) {
        assert_int_equal(job_directory_make(directory, id, JOB_OWNER_PROCESS, ret, NULL), 0);
        assert_int_equal(job_directory_liveness(directory, id), JOB_ALIVE);
}

static void give_back(const char *directory, const char *id, JobDirectory *job) {
        assert_int_equal(job_directory_remove(job, NULL), 0);
        assert_int_equal(job_directory_liveness(directory, id), JOB_DEAD);
}

/* The next job has the directory of the last one, with nothing in it; two at once have one each. */
static void test_spare(void **state) {
        char directory[] = "/tmp/podstep-test-XXXXXX";
        _cleanup_free_ char *deep = NULL, *log = NULL, *lock = NULL;
        JobDirectory first, second;
        ino_t inode;

        assert_non_null(mkdtemp(directory));
        deep = path_join(directory, "jobs/01a/step-0/deep");
        log = path_join(directory, "jobs/01a/output-0");
        lock = path_join(directory, "spare/lock");
        make(directory, "01a", &first);
        inode = inode_of(directory, "jobs/01a");
        assert_int_equal(file_mkdir_p(deep, 0700), 0);
        assert_int_equal(file_write(log, "x", 1, 0600), 0);
        give_back(directory, "01a", &first);
        assert_int_equal(inode_of(directory, "spare"), inode);

        make(directory, "01b", &first);
        make(directory, "01c", &second);
        assert_int_equal(inode_of(directory, "jobs/01b"), inode);
        assert_int_equal(inode_of(directory, "jobs/01b/step-0") | inode_of(directory, "jobs/01b/output-0"), 0);
        give_back(directory, "01c", &second);
        assert_true(inode_of(directory, "spare") != inode);
        give_back(directory, "01b", &first); /* there is one already */
        assert_true(inode_of(directory, "spare") != inode);
        assert_int_equal(inode_of(directory, "jobs/01b"), 0);

        assert_int_equal(unlink(lock), 0); /* then it is none */
        inode = inode_of(directory, "spare");
        make(directory, "01d", &first);
        assert_true(inode_of(directory, "jobs/01d") != inode);
        inode = inode_of(directory, "jobs/01d");
        give_back(directory, "01d", &first);
        assert_int_equal(inode_of(directory, "spare"), inode);
        assert_int_equal(file_remove_tree(directory), 0);
}

/* Somebody who found it while it was a job's may still hold it, and an agent's job is not made of it. */
static void test_spare_not_taken(void **state) {
        char directory[] = "/tmp/podstep-test-XXXXXX";
        _cleanup_free_ char *lock = NULL;
        _cleanup_close_ int fd = -1;
        JobDirectory job;
        ino_t inode;

        assert_non_null(mkdtemp(directory));
        lock = path_join(directory, "spare/lock");
        make(directory, "01a", &job);
        give_back(directory, "01a", &job);
        inode = inode_of(directory, "spare");
        assert_int_equal(job_directory_make(directory, "01b", JOB_OWNER_AGENT, &job, NULL), 0);
        assert_true(inode_of(directory, "jobs/01b") != inode);
        assert_int_equal(job_directory_remove(&job, NULL), 0);

        fd = open(lock, O_RDWR | O_CLOEXEC);
        assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
        make(directory, "01c", &job);
        assert_true(inode_of(directory, "jobs/01c") != inode);
        give_back(directory, "01c", &job);
        assert_int_equal(inode_of(directory, "spare"), inode);
        assert_int_equal(file_remove_tree(directory), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_looked_at), cmocka_unit_test(test_unborn),
                                            cmocka_unit_test(test_output), cmocka_unit_test(test_spare),
                                            cmocka_unit_test(test_spare_not_taken) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
