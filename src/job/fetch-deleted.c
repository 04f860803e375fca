/* What the job deleted: what was sent and has not come back. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/copy.h"
#include "base/file.h"
#include "base/strv.h"
#include "job/fetch-internal.h"

/* Changed, moved or made since the checkout was sent. */
bool fetch_is_newer(const Fetch *fetch, const struct stat *st) {
        if (fetch->sent.tv_sec == 0)
                return false;
        return st->st_ctim.tv_sec > fetch->sent.tv_sec ||
               (st->st_ctim.tv_sec == fetch->sent.tv_sec && st->st_ctim.tv_nsec > fetch->sent.tv_nsec);
}

static int compare_paths(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static bool has_seen(const Fetch *fetch, const char *path) {
        return fetch->n_seen > 0 && bsearch(&path, fetch->seen, fetch->n_seen, sizeof(*fetch->seen), compare_paths);
}

static int find_below(Fetch *fetch, int fd_take, const char *path, unsigned depth);

static int open_below(int fd, const char *name) {
        return openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Of a directory: with all that is below it. */
static bool was_sent(const Fetch *fetch, int fd, const char *name, const struct stat *st, unsigned depth) {
        struct dirent **entries = NULL;
        _cleanup_close_ int below = -1;
        bool is_sent = true;
        int n;

        if (fetch_is_newer(fetch, st))
                return false;
        if (!S_ISDIR(st->st_mode))
                return S_ISREG(st->st_mode) || S_ISLNK(st->st_mode);
        below = open_below(fd, name);
        n = below < 0 || depth > COPY_DEPTH_MAX ? -1 : scandirat(below, ".", &entries, file_is_entry, alphasort);
        for (int i = 0; i < n; i++) {
                struct stat inner;

                is_sent = is_sent && fstatat(below, entries[i]->d_name, &inner, AT_SYMLINK_NOFOLLOW) == 0 &&
                          was_sent(fetch, below, entries[i]->d_name, &inner, depth + 1);
                free(entries[i]);
        }
        free(entries);
        return n >= 0 && is_sent;
}

int fetch_note_replaced(Fetch *fetch, int parent, const char *name, const char *path, bool is_directory) {
        struct stat st;

        if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode) == is_directory)
                return 0;
        return was_sent(fetch, parent, name, &st, (unsigned) path_depth(path)) ? strv_append(&fetch->replaced, path)
                                                                              : 0;
}

/* One of the checkout. What was never sent is not the job's to delete: new files, and sockets and the like. */
static int check_deleted(Fetch *fetch, int fd, const char *name, const char *path, unsigned depth) {
        bool is_missing = !has_seen(fetch, path);
        struct stat st;

        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;
        if (is_missing && was_sent(fetch, fd, name, &st, depth))
                return strv_append(&fetch->deleted, path);
        if (!S_ISDIR(st.st_mode) || (is_missing && fetch_is_newer(fetch, &st)))
                return 0;
        return find_below(fetch, open_below(fd, name), path, depth + 1);
}

static int find_below(Fetch *fetch, int fd_take, const char *path, unsigned depth) {
        _cleanup_close_ int fd = fd_take;
        struct dirent **entries = NULL;
        int n = fd < 0 || depth > COPY_DEPTH_MAX ? 0 : scandirat(fd, ".", &entries, file_is_entry, alphasort), r = 0;

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

int fetch_find_deleted(Fetch *fetch) {
        if (fetch->n_seen > 0)
                qsort(fetch->seen, fetch->n_seen, sizeof(*fetch->seen), compare_paths);
        fetch->deleted = strv_free(fetch->deleted);
        return find_below(fetch, fcntl(fetch->checkout_fd, F_DUPFD_CLOEXEC, 3), "", 0);
}
