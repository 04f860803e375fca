#include "engine/monitor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"

#define PID_FILE_MAX 32
#define CHILDREN_BYTES_MAX 4096
#define COMMAND_LINE_MAX (128U * 1024) /* conmon's grows with the number of its --exit-command-arg */

/* The first of what may be several. */
static int read_pid(const char *path, size_t max, pid_t *ret) {
        _cleanup_free_ char *text = NULL;
        uint64_t pid;
        int r;

        r = file_read(path, max, &text, NULL);
        if (r < 0)
                return r;
        text[strcspn(text, " \n")] = '\0';
        if (parse_u64(text, &pid) < 0 || pid == 0 || pid > INT32_MAX)
                return -EBADMSG;
        *ret = (pid_t) pid;
        return 0;
}

/* Whether the process is the one meant; asked after its pidfd was opened, so that it cannot be another one by then. */
static bool has_argument(pid_t pid, const char *id) {
        _cleanup_free_ char *path = str_printf("/proc/%d/cmdline", (int) pid), *line = NULL;
        size_t n = 0;

        return path && file_read(path, COMMAND_LINE_MAX, &line, &n) >= 0 && memmem(line, n, id, strlen(id));
}

int monitor_open(const char *pid_path, const char *id, int *ret_fd) {
        _cleanup_close_ int fd = -1;
        pid_t pid;
        int r;

        r = read_pid(pid_path, PID_FILE_MAX, &pid);
        if (r < 0)
                return r;
        fd = (int) syscall(SYS_pidfd_open, pid, 0);
        if (fd < 0)
                return errno == ESRCH ? 0 : -errno;
        if (id && !has_argument(pid, id))
                return 0;
        *ret_fd = TAKE_FD(fd);
        return 1;
}

static int open_child(pid_t monitor, pid_t *ret, int *ret_fd) {
        char path[64];
        int r, fd;

        (void) snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int) monitor, (int) monitor);
        r = read_pid(path, CHILDREN_BYTES_MAX, ret);
        if (r < 0)
                return r;
        fd = (int) syscall(SYS_pidfd_open, *ret, 0);
        if (fd < 0)
                return -errno;
        *ret_fd = fd;
        return 0;
}

/*
 * Only what a container runs has process ids of its own; what the monitor runs when that has ended is the engine's, in
 * the midst of its locks.
 */
static bool is_contained(pid_t pid) {
        struct stat own, other;
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int) pid);
        return stat("/proc/self/ns/pid", &own) == 0 && stat(path, &other) == 0 &&
               (own.st_dev != other.st_dev || own.st_ino != other.st_ino);
}

int monitor_kill(const char *pid_path, const char *id) {
        _cleanup_close_ int monitor_fd = -1, fd = -1;
        pid_t monitor, first;
        int r;

        r = monitor_open(pid_path, id, &monitor_fd);
        if (r > 0)
                r = read_pid(pid_path, PID_FILE_MAX, &monitor);
        if (r >= 0 && monitor_fd >= 0)
                r = open_child(monitor, &first, &fd);
        if (fd < 0 || !is_contained(first))
                return r == -ENOENT || r == -ESRCH ? 0 : MIN(r, 0);
        return syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0 ? -errno : 1;
}
