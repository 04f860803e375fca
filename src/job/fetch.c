#include "job/fetch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/copy.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "engine/tar.h"

#define SEEN_MAX 10000000U /* entries of an archive */
#define PIECE_BYTES (64U * 1024)

struct Fetch {
        int checkout_fd, target_fd;
        char *target;
        struct timespec sent;
        TarReader *reader;
        char **seen; /* all paths of the archive */
        size_t n_seen;
        char **deleted;
        /* The file that is coming: */
        char *path;
        TarEntry entry;  /* without its strings */
        int old_fd;      /* the same so far as this one; -1: it is not */
        int new_fd;      /* where it is kept; -1: not yet */
        uint64_t n_same; /* bytes that were the same */
        Error *error;
};

static void leave_file(Fetch *fetch) {
        closep(&fetch->old_fd);
        closep(&fetch->new_fd);
        free(TAKE_PTR(fetch->path));
}

static void forget_list(char ***list, size_t *n) {
        for (size_t i = 0; i < *n; i++)
                free((*list)[i]);
        free(TAKE_PTR(*list));
        *n = 0;
}

static int take_entry(const TarEntry *entry, void *userdata);
static int take_bytes(const char *bytes, size_t n, void *userdata);
static int take_end(void *userdata);

static const TarReaderClass reader_class = { .entry = take_entry, .bytes = take_bytes, .end = take_end };

int fetch_new(const char *checkout, const char *target, struct timespec sent, Fetch **ret, Error **reterr) {
        _cleanup_(fetch_freep) Fetch *fetch = calloc(1, sizeof(*fetch));
        int r;

        if (!fetch)
                return error_oom(reterr);
        fetch->checkout_fd = fetch->target_fd = fetch->old_fd = fetch->new_fd = -1;
        fetch->sent = sent;
        fetch->target = strdup(target);
        r = file_mkdir_p(target, 0700);
        if (r < 0)
                return error_set(reterr, -r, "cannot make '%s': %s", target, strerror(-r));
        fetch->checkout_fd = open(checkout, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fetch->target_fd = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fetch->checkout_fd < 0 || fetch->target_fd < 0)
                return error_set(reterr, errno, "cannot open '%s': %s", fetch->checkout_fd < 0 ? checkout : target, strerror(errno));
        if (!fetch->target || tar_reader_new(&reader_class, fetch, &fetch->reader) < 0)
                return error_oom(reterr);
        *ret = TAKE_PTR(fetch);
        return 0;
}

Fetch *fetch_free(Fetch *fetch) {
        if (!fetch)
                return NULL;
        leave_file(fetch);
        forget_list(&fetch->seen, &fetch->n_seen);
        strv_free(fetch->deleted);
        tar_reader_free(fetch->reader);
        closep(&fetch->checkout_fd);
        closep(&fetch->target_fd);
        free(fetch->target);
        error_free(fetch->error);
        free(fetch);
        return NULL;
}

const Error *fetch_error(const Fetch *fetch) {
        return fetch->error;
}

char *const *fetch_deleted(const Fetch *fetch) {
        return fetch->deleted;
}

static int fail(Fetch *fetch, int errnum, const char *path) {
        return error_set(&fetch->error, errnum, "cannot write '%s/%s': %s", fetch->target, path, strerror(errnum));
}

/*
 * The directory that holds @path, opened part by part: links lead nowhere. *ret_name: the last part. With @makes missing
 * directories are made.
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

/* Changed, moved or made since the checkout was sent. */
static bool is_newer(const Fetch *fetch, const struct stat *st) {
        if (fetch->sent.tv_sec == 0)
                return false;
        return st->st_ctim.tv_sec > fetch->sent.tv_sec ||
               (st->st_ctim.tv_sec == fetch->sent.tv_sec && st->st_ctim.tv_nsec > fetch->sent.tv_nsec);
}

/*
 * Somebody worked on it meanwhile, and the job did not. Engines round times to whole seconds: one that is hardly later
 * than the sending may be from before it.
 */
static bool is_outdated(const Fetch *fetch, const char *path, const TarEntry *entry) {
        const char *name;
        _cleanup_close_ int parent = open_parent(fetch->checkout_fd, path, false, &name);
        struct stat st;

        return parent >= 0 && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_newer(fetch, &st) &&
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

static int write_all(int fd, const char *bytes, size_t n) {
        while (n > 0) {
                ssize_t k = write(fd, bytes, n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                bytes += k;
                n -= (size_t) k;
        }
        return 0;
}

/* From here on it differs: what was the same so far comes from the checkout. */
static int begin_new(Fetch *fetch) {
        const char *name;
        _cleanup_close_ int parent = open_parent(fetch->target_fd, fetch->path, true, &name);
        char piece[PIECE_BYTES];
        int r = 0;

        if (parent < 0)
                return fail(fetch, -parent, fetch->path);
        (void) unlinkat(parent, name, 0);
        fetch->new_fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fetch->new_fd < 0)
                return fail(fetch, errno, fetch->path);
        for (uint64_t at = 0; r >= 0 && at < fetch->n_same;) {
                ssize_t k = pread(fetch->old_fd, piece, (size_t) MIN(fetch->n_same - at, (uint64_t) sizeof(piece)), (off_t) at);

                if (k <= 0)
                        return fail(fetch, k < 0 ? errno : EIO, fetch->path);
                r = write_all(fetch->new_fd, piece, (size_t) k);
                at += (uint64_t) k;
        }
        closep(&fetch->old_fd);
        return r < 0 ? fail(fetch, -r, fetch->path) : 0;
}

static int begin_file(Fetch *fetch, const char *path, const TarEntry *entry) {
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
        return begin_new(fetch);
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

static int take_bytes(const char *bytes, size_t n, void *userdata) {
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
        r = write_all(fetch->new_fd, bytes, n);
        return r < 0 ? fail(fetch, -r, fetch->path) : 0;
}

static int take_end(void *userdata) {
        Fetch *fetch = userdata;
        struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                                     { .tv_sec = fetch->entry.mtime_sec, .tv_nsec = (long) fetch->entry.mtime_nsec } };

        if (fetch->path && fetch->new_fd >= 0) {
                if (fchmod(fetch->new_fd, fetch->entry.mode & 0777) < 0)
                        return fail(fetch, errno, fetch->path);
                (void) futimens(fetch->new_fd, times); /* a time of a hostile engine's may be none */
        }
        leave_file(fetch);
        return 0;
}

static int take_link(Fetch *fetch, const char *path, const TarEntry *entry) {
        const char *link = entry->link;
        const char *name;
        _cleanup_close_ int old = open_parent(fetch->checkout_fd, path, false, &name), parent = -1;
        char target[PATH_MAX];
        ssize_t n = old >= 0 ? readlinkat(old, name, target, sizeof(target)) : -1;

        if (n >= 0 && (size_t) n == strlen(link) && memcmp(target, link, (size_t) n) == 0)
                return 0;
        if (is_outdated(fetch, path, entry))
                return 0;
        parent = open_parent(fetch->target_fd, path, true, &name);
        if (parent < 0)
                return fail(fetch, -parent, path);
        (void) unlinkat(parent, name, 0);
        return symlinkat(link, parent, name) < 0 ? fail(fetch, errno, path) : 0;
}

static int take_directory(Fetch *fetch, const char *path) {
        const char *name;
        _cleanup_close_ int old = open_parent(fetch->checkout_fd, path, false, &name), parent = -1;
        struct stat st;

        if (old >= 0 && fstatat(old, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
                return 0;
        parent = open_parent(fetch->target_fd, path, true, &name);
        if (parent < 0)
                return fail(fetch, -parent, path);
        return mkdirat(parent, name, 0755) < 0 && errno != EEXIST ? fail(fetch, errno, path) : 0;
}

/* A second name of a file that has come already: as if its bytes came again. */
static int take_hard_link(Fetch *fetch, const char *path, const char *link) {
        _cleanup_free_ char *first = path_clean(link);
        const char *name;
        _cleanup_close_ int parent = first && *first != '/' ? open_parent(fetch->target_fd, first, false, &name) : -1;
        _cleanup_close_ int fd = parent >= 0 ? openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
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
        r = begin_file(fetch, path, &(TarEntry) { .mode = st.st_mode & 0777, .size = (uint64_t) st.st_size,
                                                 .mtime_sec = st.st_mtim.tv_sec, .mtime_nsec = (uint32_t) st.st_mtim.tv_nsec });
        while (r >= 0 && (n = read(fd, piece, sizeof(piece))) > 0)
                r = take_bytes(piece, (size_t) n, fetch);
        return n < 0 ? fail(fetch, errno, path) : r;
}

static bool leads_out(const char *path) {
        return *path == '/' || str_equal(path, "..") || str_starts_with(path, "../");
}

static int take_entry(const TarEntry *entry, void *userdata) {
        Fetch *fetch = userdata;
        _cleanup_free_ char *path = path_clean(entry->path);
        char *seen;

        if (!path)
                return error_oom(&fetch->error);
        if (leads_out(path) || fetch->n_seen >= SEEN_MAX)
                return error_set(&fetch->error, EBADMSG, "odd answer: the archive of the workspace holds '%.200s'", path);
        if (path_depth(path) > COPY_DEPTH_MAX)
                return error_set(&fetch->error, EBADMSG, "the archive of the workspace holds '%.200s', which lies deeper than %u directories", path,
                                 COPY_DEPTH_MAX);
        if (str_equal(path, "."))
                return 0;
        seen = strdup(path);
        if (!seen || ARRAY_APPEND(fetch->seen, fetch->n_seen, seen) < 0) {
                free(seen);
                return error_oom(&fetch->error);
        }
        switch (entry->type) {
        case TAR_FILE:
                return begin_file(fetch, path, entry);
        case TAR_DIRECTORY:
                return take_directory(fetch, path);
        case TAR_LINK:
                return take_link(fetch, path, entry);
        case TAR_HARD_LINK:
                return take_hard_link(fetch, path, entry->link);
        case TAR_OTHER: /* devices, fifos: nothing that could be exported */
                return 0;
        }
        return 0;
}

int fetch_write(const char *bytes, size_t n, void *userdata) {
        Fetch *fetch = userdata;
        int r = tar_reader_feed(fetch->reader, bytes, n);

        if (r < 0 && !fetch->error)
                (void) error_set(&fetch->error, -r, "odd answer: the archive of the workspace is damaged");
        return r;
}

void fetch_rewind(void *userdata) {
        Fetch *fetch = userdata;
        TarReader *reader = NULL;

        leave_file(fetch);
        if (fetch->n_seen == 0)
                return; /* nothing has come yet */
        forget_list(&fetch->seen, &fetch->n_seen);
        closep(&fetch->target_fd);
        if (file_remove_tree(fetch->target) >= 0 && file_mkdir_p(fetch->target, 0700) >= 0)
                fetch->target_fd = open(fetch->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (tar_reader_new(&reader_class, fetch, &reader) < 0)
                return; /* the old one finds the new beginning odd, and says so */
        tar_reader_free(fetch->reader);
        fetch->reader = reader;
}

static int compare_paths(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static bool has_seen(const Fetch *fetch, const char *path) {
        return fetch->n_seen > 0 && bsearch(&path, fetch->seen, fetch->n_seen, sizeof(*fetch->seen), compare_paths);
}

static int is_real_entry(const struct dirent *entry) {
        return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int find_deleted(Fetch *fetch, int fd_take, const char *path, unsigned depth);

static int open_below(int fd, const char *name) {
        return openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Of a directory: with all that is below it. */
static bool was_sent(const Fetch *fetch, int fd, const char *name, const struct stat *st, unsigned depth) {
        struct dirent **entries = NULL;
        _cleanup_close_ int below = -1;
        bool is_sent = true;
        int n;

        if (is_newer(fetch, st))
                return false;
        if (!S_ISDIR(st->st_mode))
                return S_ISREG(st->st_mode) || S_ISLNK(st->st_mode);
        below = open_below(fd, name);
        n = below < 0 || depth > COPY_DEPTH_MAX ? -1 : scandirat(below, ".", &entries, is_real_entry, alphasort);
        for (int i = 0; i < n; i++) {
                struct stat inner;

                is_sent = is_sent && fstatat(below, entries[i]->d_name, &inner, AT_SYMLINK_NOFOLLOW) == 0 &&
                          was_sent(fetch, below, entries[i]->d_name, &inner, depth + 1);
                free(entries[i]);
        }
        free(entries);
        return n >= 0 && is_sent;
}

/* One of the checkout. What was never sent is not the job's to delete: new files, and sockets and the like. */
static int check_deleted(Fetch *fetch, int fd, const char *name, const char *path, unsigned depth) {
        bool is_missing = !has_seen(fetch, path);
        struct stat st;

        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;
        if (is_missing && was_sent(fetch, fd, name, &st, depth))
                return strv_append(&fetch->deleted, path);
        if (!S_ISDIR(st.st_mode) || (is_missing && is_newer(fetch, &st)))
                return 0;
        return find_deleted(fetch, open_below(fd, name), path, depth + 1);
}

static int find_deleted(Fetch *fetch, int fd_take, const char *path, unsigned depth) {
        _cleanup_close_ int fd = fd_take;
        struct dirent **entries = NULL;
        int n = fd < 0 || depth > COPY_DEPTH_MAX ? 0 : scandirat(fd, ".", &entries, is_real_entry, alphasort), r = 0;

        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *below = *path ? path_join(path, entries[i]->d_name) : strdup(entries[i]->d_name);

                if (!below)
                        r = -ENOMEM;
                else if (r >= 0)
                        r = check_deleted(fetch, fd, entries[i]->d_name, below, depth);
                free(entries[i]);
        }
        free(entries);
        return r;
}

int fetch_finish(Fetch *fetch, Error **reterr) {
        if (!tar_reader_is_whole(fetch->reader))
                return error_set(reterr, EBADMSG, "the archive of the workspace was cut");
        if (fetch->n_seen > 0)
                qsort(fetch->seen, fetch->n_seen, sizeof(*fetch->seen), compare_paths);
        fetch->deleted = strv_free(fetch->deleted);
        return find_deleted(fetch, fcntl(fetch->checkout_fd, F_DUPFD_CLOEXEC, 3), "", 0) < 0 ? error_oom(reterr) : 0;
}
