/* What the archive holds, compared with the checkout: what is the same there is not kept. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "job/fetch-internal.h"

#define PIECE_BYTES (64U * 1024)

int fetch_fail(Fetch *fetch, int errnum, const char *path) {
        return error_set(&fetch->error, errnum, "cannot write '%s/%s': %s", fetch->target, path, strerror(errnum));
}

void fetch_leave_file(Fetch *fetch) {
        closep(&fetch->old_fd);
        closep(&fetch->new_fd);
        free(TAKE_PTR(fetch->path));
}

/*
 * The directory that holds @path, opened part by part: links lead nowhere. *ret_name: the last part. With @makes
 * missing directories are made.
 */
static int open_parent(int top_fd, const char *path, bool makes, const char **ret_name) {
        int fd = fcntl(top_fd, F_DUPFD_CLOEXEC, 3);
        const char *slash;

        for (; fd >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
                _cleanup_free_ char *name = strndup(path, (size_t) (slash - path));
                int below;

                if (!name) {
                        (void) fd_close(fd);
                        return -ENOMEM;
                }
                if (makes)
                        (void) mkdirat(fd, name, 0755);
                below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (below < 0) {
                        int r = -errno;

                        (void) fd_close(fd);
                        return r;
                }
                (void) fd_close(fd);
                fd = below;
        }
        *ret_name = path;
        return fd < 0 ? -errno : fd;
}

/*
 * Somebody worked on it meanwhile, and the job did not. Engines round times to whole seconds: one that is hardly later
 * than the sending may be from before it.
 */
static bool is_outdated(const Fetch *fetch, const char *path, const TarEntry *entry) {
        const char *name;
        _cleanup_close_ int parent = open_parent(fetch->checkout_fd, path, false, &name);
        struct stat st;

        return parent >= 0 && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && fetch_is_newer(fetch, &st) &&
               entry->mtime_sec <= fetch->sent.tv_sec + 1;
}

static int open_old(const Fetch *fetch, const char *path, struct stat *ret) {
        const char *name;
        _cleanup_close_ int parent = open_parent(fetch->checkout_fd, path, false, &name);
        int fd;

        if (parent < 0 || fstatat(parent, name, ret, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(ret->st_mode))
                return -1;
        fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        return fd;
}

static int note_replaced_by_file(Fetch *fetch) {
        const char *name;
        _cleanup_close_ int old = open_parent(fetch->checkout_fd, fetch->path, false, &name);

        return old < 0 ? 0 : fetch_note_replaced(fetch, old, name, fetch->path, false);
}

/* From here on it differs: what was the same so far comes from the checkout. */
static int begin_new(Fetch *fetch) {
        const char *name;
        _cleanup_close_ int parent = open_parent(fetch->target_fd, fetch->path, true, &name);
        char piece[PIECE_BYTES];
        int r = 0;

        if (parent < 0)
                return fetch_fail(fetch, -parent, fetch->path);
        (void) unlinkat(parent, name, 0);
        fetch->new_fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fetch->new_fd < 0)
                return fetch_fail(fetch, errno, fetch->path);
        for (uint64_t at = 0; r >= 0 && at < fetch->n_same;) {
                ssize_t k = pread(fetch->old_fd, piece, (size_t) MIN(fetch->n_same - at, (uint64_t) sizeof(piece)),
                                  (off_t) at);

                if (k <= 0)
                        return fetch_fail(fetch, k < 0 ? errno : EIO, fetch->path);
                r = file_write_fd(fetch->new_fd, piece, (size_t) k);
                at += (uint64_t) k;
        }
        closep(&fetch->old_fd);
        return r < 0 ? fetch_fail(fetch, -r, fetch->path) : 0;
}

int fetch_take_file(Fetch *fetch, const char *path, const TarEntry *entry) {
        struct stat old;

        if (is_outdated(fetch, path, entry))
                return 0;
        fetch->path = strdup(path);
        if (!fetch->path)
                return error_oom(&fetch->error);
        fetch->entry = *entry;
        fetch->entry.path = fetch->entry.link = NULL;
        fetch->n_same = 0;
        fetch->old_fd = open_old(fetch, path, &old);
        if (fetch->old_fd >= 0 && (uint64_t) old.st_size == entry->size && ((old.st_mode ^ entry->mode) & 0777) == 0)
                return 0;
        closep(&fetch->old_fd);
        return note_replaced_by_file(fetch) < 0 ? error_oom(&fetch->error) : begin_new(fetch);
}

/* The same bytes as in the checkout? */
static bool goes_on_same(const Fetch *fetch, const char *bytes, size_t n) {
        char piece[PIECE_BYTES];

        for (size_t at = 0; at < n;) {
                ssize_t k = pread(fetch->old_fd, piece, MIN(n - at, sizeof(piece)), (off_t) (fetch->n_same + at));

                if (k <= 0 || memcmp(piece, bytes + at, (size_t) k) != 0)
                        return false;
                at += (size_t) k;
        }
        return true;
}

int fetch_take_bytes(const char *bytes, size_t n, void *userdata) {
        Fetch *fetch = userdata;
        int r = 0;

        if (!fetch->path)
                return 0;
        if (fetch->new_fd < 0 && goes_on_same(fetch, bytes, n)) {
                fetch->n_same += n;
                return 0;
        }
        if (fetch->new_fd < 0)
                r = begin_new(fetch);
        if (r < 0)
                return r;
        r = file_write_fd(fetch->new_fd, bytes, n);
        return r < 0 ? fetch_fail(fetch, -r, fetch->path) : 0;
}

int fetch_take_end(void *userdata) {
        Fetch *fetch = userdata;
        struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                                     { .tv_sec = fetch->entry.mtime_sec, .tv_nsec = (long) fetch->entry.mtime_nsec } };

        if (fetch->path && fetch->new_fd >= 0) {
                if (fchmod(fetch->new_fd, fetch->entry.mode & 0777) < 0)
                        return fetch_fail(fetch, errno, fetch->path);
                (void) futimens(fetch->new_fd, times); /* a time of a hostile engine's may be none */
        }
        fetch_leave_file(fetch);
        return 0;
}

/* A second name of a file that has come already: as if its bytes came again. */
int fetch_take_hard_link(Fetch *fetch, const char *path, const char *link) {
        _cleanup_free_ char *first = path_clean(link);
        const char *name;
        _cleanup_close_ int parent = first && *first != '/' ? open_parent(fetch->target_fd, first, false, &name) : -1;
        _cleanup_close_ int fd =
                parent >= 0 ? openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
        char piece[PIECE_BYTES];
        struct stat st;
        ssize_t n = 0;
        int r;

        if (!first)
                return error_oom(&fetch->error);
        if (fd < 0 && *first != '/')
                fd = open_old(fetch, first, &st);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return 0;
        r = fetch_take_file(fetch, path,
                            &(TarEntry) { .mode = st.st_mode & 0777,
                                         .size = (uint64_t) st.st_size,
                                         .mtime_sec = st.st_mtim.tv_sec,
                                         .mtime_nsec = (uint32_t) st.st_mtim.tv_nsec });
        while (r >= 0 && (n = read(fd, piece, sizeof(piece))) > 0)
                r = fetch_take_bytes(piece, (size_t) n, fetch);
        return n < 0 ? fetch_fail(fetch, errno, path) : r;
}

int fetch_take_link(Fetch *fetch, const char *path, const TarEntry *entry) {
        const char *link = entry->link;
        const char *name;
        _cleanup_close_ int old = open_parent(fetch->checkout_fd, path, false, &name), parent = -1;
        char target[PATH_MAX];
        ssize_t n = old >= 0 ? readlinkat(old, name, target, sizeof(target)) : -1;

        if (n >= 0 && (size_t) n == strlen(link) && memcmp(target, link, (size_t) n) == 0)
                return 0;
        if (is_outdated(fetch, path, entry))
                return 0;
        if (old >= 0 && fetch_note_replaced(fetch, old, name, path, false) < 0)
                return error_oom(&fetch->error);
        parent = open_parent(fetch->target_fd, path, true, &name);
        if (parent < 0)
                return fetch_fail(fetch, -parent, path);
        (void) unlinkat(parent, name, 0);
        return symlinkat(link, parent, name) < 0 ? fetch_fail(fetch, errno, path) : 0;
}

int fetch_take_directory(Fetch *fetch, const char *path) {
        const char *name;
        _cleanup_close_ int old = open_parent(fetch->checkout_fd, path, false, &name), parent = -1;
        struct stat st;

        if (old >= 0 && fstatat(old, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
                return 0;
        if (old >= 0 && fetch_note_replaced(fetch, old, name, path, true) < 0)
                return error_oom(&fetch->error);
        parent = open_parent(fetch->target_fd, path, true, &name);
        if (parent < 0)
                return fetch_fail(fetch, -parent, path);
        return mkdirat(parent, name, 0755) < 0 && errno != EEXIST ? fetch_fail(fetch, errno, path) : 0;
}
