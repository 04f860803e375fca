/*
 * fork() and exec(). Everything the child needs is made before the fork, as it may only use what is safe in a signal
 * handler. Not posix_spawn(): it cannot ask for the parent-death signal, and an ssh tunnel that outlives a killed
 * podstep is a left-over.
 */

#include "loop/process-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"

#define PATH_FALLBACK "/usr/local/bin:/usr/bin:/bin"
#define FD_FIRST 3 /* below: standard input, output, error */

void child_done(Child *child) {
        child->pid_fd = fd_close(child->pid_fd);
        child->out_fd = fd_close(child->out_fd);
        child->err_fd = fd_close(child->err_fd);
        child->failure_fd = fd_close(child->failure_fd);
        child->pid = 0;
}

/* The paths that argv[0] may mean, in order. */
static int list_candidates(const char *program, char ***ret) {
        _cleanup_strv_ char **directories = NULL, **candidates = NULL;
        const char *path = getenv("PATH");
        int r;

        if (strchr(program, '/')) {
                r = strv_append(&candidates, program);
        } else {
                r = strv_split(str_is_empty(path) ? PATH_FALLBACK : path, ':', &directories);
                STRV_FOREACH(directory, directories)
                        if (r >= 0 && **directory)
                                r = strv_append_take(&candidates, path_join(*directory, program));
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(candidates);
        return 0;
}

static bool is_set_by(const char *variable, char *const *env) {
        size_t n = strcspn(variable, "=");

        STRV_FOREACH(item, env)
                if (strncmp(*item, variable, n) == 0 && (*item)[n] == '=')
                        return true;
        return false;
}

/*
 * Where podstep is run by a hook of git's or by 'git rebase --exec', these are about the repository of that, whatever
 * the directory: a git of ours would work on it, and on its index. Source: 'git rev-parse --local-env-vars',
 * git-receive-pack(1). Settings (GIT_CONFIG_...) are not among them: a safe.directory may be the user's.
 */
static const char *const git_variables[] = {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
};

static bool is_of_outer_git(const char *variable) {
        size_t n = strcspn(variable, "=");

        FOREACH_ROW(name, git_variables)
                if (strlen(*name) == n && strncmp(*name, variable, n) == 0)
                        return true;
        return false;
}

static int make_environment(char *const *additions, char ***ret) {
        _cleanup_strv_ char **env = NULL;
        int r = 0;

        STRV_FOREACH(variable, environ)
                if (r >= 0 && !is_set_by(*variable, additions) && !is_of_outer_git(*variable))
                        r = strv_append(&env, *variable);
        STRV_FOREACH(variable, additions)
                if (r >= 0)
                        r = strv_append(&env, *variable);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(env);
        return 0;
}

/* A pipe above the standard descriptors, even if podstep was started with some of those closed. */
static int make_pipe(int *ret_read, int *ret_write, bool nonblocking) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        for (int i = 0; i < 2; i++)
                if (fds[i] < FD_FIRST) {
                        int moved = fcntl(fds[i], F_DUPFD_CLOEXEC, FD_FIRST), r = -errno;

                        close(fds[i]);
                        fds[i] = moved;
                        if (moved < 0) {
                                (void) fd_close(fds[1 - i]);
                                return r;
                        }
                }
        if (nonblocking)
                (void) fcntl(fds[0], F_SETFL, O_NONBLOCK);
        *ret_read = fds[0];
        *ret_write = fds[1];
        return 0;
}

static _Noreturn void child_fail(int failure_fd, int where, int errnum) {
        ChildFailure failure = { .where = where, .errnum = errnum };

        (void) !write(failure_fd, &failure, sizeof(failure)); /* less than PIPE_BUF: whole or not at all */
        _exit(127);
}

static void reset_signals(void) {
        sigset_t none;

        for (int signal_number = 1; signal_number < NSIG; signal_number++)
                (void) signal(signal_number, SIG_DFL);
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child. */
static _Noreturn void child_execute(const ProcessSpec *spec, char *const *candidates, char *const *env,
                                    const int fds[static 3], int failure_fd, pid_t parent) {
        int errnum = ENOENT;

        (void) setsid();
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) /* it died before the line above */
                _exit(127);
        for (int i = 0; i < FD_FIRST; i++)
                if (dup2(fds[i], i) < 0)
                        child_fail(failure_fd, CHILD_FAILED_EXECUTE, errno);
        if (spec->directory && chdir(spec->directory) < 0)
                child_fail(failure_fd, CHILD_FAILED_DIRECTORY, errno);
        if (spec->call)
                _exit(spec->call(spec->argv)); /* with all signals blocked */
        reset_signals();
        STRV_FOREACH(candidate, candidates) {
                (void) execve(*candidate, spec->argv, env);
                if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
                        child_fail(failure_fd, CHILD_FAILED_EXECUTE, errno);
                if (errno == EACCES)
                        errnum = EACCES; /* as the shell does it: look on, but remember that there was something */
        }
        child_fail(failure_fd, CHILD_FAILED_EXECUTE, errnum);
}

/* All signals wait while there are two of us: a handler of ours must not run in the child. */
static pid_t fork_quietly(void) {
        sigset_t all, before;
        pid_t pid;
        int e;

        (void) sigfillset(&all);
        (void) sigprocmask(SIG_SETMASK, &all, &before);
        pid = fork();
        if (pid == 0)
                return 0;
        e = errno;
        (void) sigprocmask(SIG_SETMASK, &before, NULL);
        return pid < 0 ? -e : pid;
}

/* A file in memory, so that nobody has to write while the child reads. */
static int open_input(const char *input) {
        _cleanup_close_ int fd = -1;
        size_t n;

        if (!input) {
                fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
                return fd < 0 ? -errno : TAKE_FD(fd);
        }
        n = strlen(input);
        fd = memfd_create("podstep-input", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (write(fd, input, n) != (ssize_t) n || lseek(fd, 0, SEEK_SET) < 0)
                return errno > 0 ? -errno : -EIO;
        return TAKE_FD(fd);
}

int child_spawn(const ProcessSpec *spec, Child *ret, Error **reterr) {
        _cleanup_strv_ char **candidates = NULL, **env = NULL;
        _cleanup_close_ int in_fd = -1, out_fd = -1, err_fd = -1, failure_fd = -1;
        _cleanup_(child_done) Child child = CHILD_NONE;
        const char *program = spec->argv[0];
        pid_t parent = getpid();
        int r;

        r = spec->call ? 0 : list_candidates(program, &candidates);
        if (r >= 0 && !spec->call)
                r = make_environment(spec->env, &env);
        if (r >= 0)
                r = make_pipe(&child.out_fd, &out_fd, true);
        if (r >= 0)
                r = make_pipe(&child.err_fd, &err_fd, true);
        if (r >= 0)
                r = make_pipe(&child.failure_fd, &failure_fd, true);
        if (r >= 0)
                r = (in_fd = open_input(spec->input)) < 0 ? in_fd : 0;
        if (r < 0)
                return error_set(reterr, -r, "starting '%s': %s", program, strerror(-r));

        child.pid = fork_quietly();
        if (child.pid == 0)
                child_execute(spec, candidates, env, (const int[]) { in_fd, out_fd, err_fd }, failure_fd, parent);
        if (child.pid < 0)
                return error_set(reterr, -child.pid, "starting '%s': %s", program, strerror(-child.pid));
        *ret = child;
        child = CHILD_NONE;
        return 0;
}
