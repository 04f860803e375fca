#include "base/copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/file.h"

#define COPY_CHUNK (1U << 20)

static int copy_by_hand(int from, int to) {
        char chunk[64 * 1024];
        ssize_t n;
        int r = 0;

        while (r >= 0 && (n = read(from, chunk, sizeof(chunk))) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                r = n < 0 ? -errno : file_write_fd(to, chunk, (size_t) n);
        }
        return r;
}

static int copy_content(int from, int to) {
        bool is_first = true;

        if (ioctl(to, FICLONE, from) == 0)
                return 0;
        for (;;) {
                ssize_t n = copy_file_range(from, NULL, to, NULL, COPY_CHUNK, 0);

                if (n == 0)
                        return 0;
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && is_first &&
                    (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP || errno == EBADF))
                        return copy_by_hand(from, to);
                if (n < 0)
                        return -errno;
                is_first = false;
        }
}

static int copy_file(int from_fd, int to_fd, const char *name, const struct stat *st) {
        const struct timespec times[2] = { st->st_atim, st->st_mtim };
        _cleanup_close_ int from = openat(from_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY),
                            to = -1;
        int r;

        if (from < 0)
                return -errno;
        (void) unlinkat(to_fd, name, 0); /* never write into a file that may be linked elsewhere */
        to = openat(to_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (to < 0)
                return -errno;
        r = copy_content(from, to);
        if (r >= 0 && (fchmod(to, st->st_mode & 0777) < 0 || futimens(to, times) < 0))
                r = -errno;
        return r;
}

static int copy_link(int from_fd, int to_fd, const char *name) {
        char target[PATH_MAX];
        ssize_t n = readlinkat(from_fd, name, target, sizeof(target) - 1);

        if (n < 0)
                return -errno;
        target[n] = '\0';
        (void) unlinkat(to_fd, name, 0);
        return symlinkat(target, to_fd, name) < 0 ? -errno : 0;
}

static int open_directory(int fd, const char *name) {
        int directory = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

        return directory < 0 ? -errno : directory;
}

/*
 * Opens, and makes if missing. A link in its place is an error: it might lead anywhere. @ret_is_new: NULL or whether it
 * was.
 */
static int open_target_directory(int fd, const char *name, bool *ret_is_new) {
        bool is_new = mkdirat(fd, name, 0777) >= 0;

        if (!is_new && errno != EEXIST)
                return -errno;
        if (ret_is_new)
                *ret_is_new = is_new;
        return open_directory(fd, name);
}

static int copy_any(int from_fd, int to_fd, const char *name, unsigned depth, uint64_t *counts, Error **reterr);

static int copy_directory(int from_fd, int to_fd, unsigned depth, uint64_t *counts, Error **reterr) {
        int fd = fcntl(from_fd, F_DUPFD_CLOEXEC, 3);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;
        int r = 0;

        if (!dir) {
                (void) fd_close(fd);
                return error_set(reterr, errno, "cannot list a directory: %s", strerror(errno));
        }
        while (r >= 0 && (entry = readdir(dir)))
                if (file_is_entry(entry))
                        r = copy_any(from_fd, to_fd, entry->d_name, depth + 1, counts, reterr);
        closedir(dir);
        return r;
}

static int copy_subdirectory(int from_fd, int to_fd, const char *name, mode_t mode, unsigned depth, uint64_t *counts,
                             Error **reterr) {
        _cleanup_close_ int from = open_directory(from_fd, name), to = -1;
        bool is_new = false;
        int r;

        if (depth > COPY_DEPTH_MAX)
                return error_set(reterr, ELOOP, "'%s' lies deeper than %u directories", name, COPY_DEPTH_MAX);
        if (from < 0)
                return error_set(reterr, -from, "cannot open directory '%s': %s", name, strerror(-from));
        to = open_target_directory(to_fd, name, &is_new);
        if (to < 0)
                return error_set(reterr, -to, "cannot make directory '%s': %s", name, strerror(-to));
        r = copy_directory(from, to, depth, counts, reterr);
        if (r < 0)
                return error_wrap(reterr, r, "in '%s'", name);
        return is_new && fchmod(to, mode & 0777) < 0 ? error_set(reterr, errno, "cannot set the mode of '%s'", name)
                                                     : 0;
}

static int copy_any(int from_fd, int to_fd, const char *name, unsigned depth, uint64_t *counts, Error **reterr) {
        struct stat st;
        int r = 0;

        if (fstatat(from_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : error_set(reterr, errno, "cannot look at '%s': %s", name, strerror(errno));
        if (S_ISDIR(st.st_mode))
                return copy_subdirectory(from_fd, to_fd, name, st.st_mode, depth, counts, reterr);
        if (S_ISREG(st.st_mode))
                r = copy_file(from_fd, to_fd, name, &st);
        else if (S_ISLNK(st.st_mode))
                r = copy_link(from_fd, to_fd, name);
        if (r < 0)
                return error_set(reterr, -r, "cannot copy '%s': %s", name, strerror(-r));
        if (counts && S_ISREG(st.st_mode))
                *counts += (uint64_t) st.st_size;
        return 0;
}

int copy_entry(int from_fd, int to_fd, const char *name, uint64_t *counts, Error **reterr) {
        return copy_any(from_fd, to_fd, name, 0, counts, reterr);
}

int copy_path(int from_fd, int to_fd, const char *path, uint64_t *counts, Error **reterr) {
        const char *slash = strchr(path, '/');
        _cleanup_free_ char *name = slash ? strndup(path, (size_t) (slash - path)) : NULL;
        _cleanup_close_ int from = -1, to = -1;

        if (!slash)
                return copy_entry(from_fd, to_fd, path, counts, reterr);
        if (!name)
                return error_oom(reterr);
        from = open_directory(from_fd, name);
        if (from < 0)
                return error_set(reterr, -from, "cannot open directory '%s': %s", name, strerror(-from));
        to = open_target_directory(to_fd, name, NULL);
        if (to < 0)
                return error_set(reterr, -to, "cannot make directory '%s': %s", name, strerror(-to));
        return copy_path(from, to, slash + 1, counts, reterr);
}

int copy_tree(const char *from, const char *to, uint64_t *counts, Error **reterr) {
        _cleanup_close_ int from_fd = open_directory(AT_FDCWD, from), to_fd = -1;

        if (from_fd < 0)
                return error_set(reterr, -from_fd, "cannot open directory '%s': %s", from, strerror(-from_fd));
        to_fd = open_target_directory(AT_FDCWD, to, NULL);
        if (to_fd < 0)
                return error_set(reterr, -to_fd, "cannot make directory '%s': %s", to, strerror(-to_fd));
        return copy_directory(from_fd, to_fd, 0, counts, reterr);
}
