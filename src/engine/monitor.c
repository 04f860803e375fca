#include "engine/monitor.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"

#define PID_FILE_MAX 32
#define COMMAND_LINE_MAX (128U * 1024) /* conmon's grows with the number of its --exit-command-arg */

static int read_pid(const char *path, pid_t *ret) {
        _cleanup_free_ char *text = NULL;
        uint64_t pid;
        int r;

        r = file_read(path, PID_FILE_MAX, &text, NULL);
        if (r < 0)
                return r;
        text[strcspn(text, "\n")] = '\0';
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

        r = read_pid(pid_path, &pid);
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
