#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/vfork.h"

typedef struct Seen {
        pid_t pid;
        int fd;
        int r;
        ino_t namespace;
} Seen;

static ino_t user_namespace(void) {
        struct stat st;

        return stat("/proc/self/ns/user", &st) == 0 ? st.st_ino : 0;
}

static int change(void *userdata) {
        Seen *seen = userdata;

        seen->pid = getpid();
        seen->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        seen->r = unshare(CLONE_NEWUSER) < 0 ? -errno : 0;
        seen->namespace = user_namespace();
        return 7;
}

/* What it wrote and opened is here; what it became is not. */
static void test_shares(void **state) {
        ino_t before = user_namespace();
        sigset_t mask;
        Seen seen = { 0 };

        assert_int_equal(vfork_call(change, &seen), 7);
        assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &mask), 0);
        assert_false(sigismember(&mask, SIGUSR1));
        assert_int_not_equal(seen.pid, getpid());
        assert_true(fcntl(seen.fd, F_GETFD) >= 0);
        close(seen.fd);
        assert_int_equal(user_namespace(), before);
        if (seen.r == 0) /* some kernels let nobody make one */
                assert_int_not_equal(seen.namespace, before);
        assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1); /* nothing is left to wait for */
        assert_int_equal(errno, ECHILD);
}

static int be_killed(void *userdata) {
        return kill(getpid(), SIGKILL);
}

static void test_killed(void **state) {
        assert_int_equal(vfork_call(be_killed, NULL), -ECANCELED);
}

/* As where a job has used up the user's processes. Root may always have one more. */
static void test_no_child(void **state) {
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                struct rlimit none = { 0, 0 };

                if (geteuid() == 0 && setuid(65534) < 0)
                        _exit(1);
                _exit(setrlimit(RLIMIT_NPROC, &none) < 0 ? 2 : vfork_call(be_killed, NULL) == -EAGAIN ? 0 : 3);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_shares),
                cmocka_unit_test(test_killed),
                cmocka_unit_test(test_no_child),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
