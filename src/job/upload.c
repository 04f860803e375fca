#include "job/upload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/file.h"
#include "base/str.h"
#include "engine/tar.h"

#define ADDED_BYTES_MAX (64U * 1024 * 1024)  /* of files in memory */
#define PIECE_BYTES_MAX (512U * 1024)        /* of headers not sent yet: a pax header with two long names */

/* A directory that we are in. */
typedef struct Level {
        int fd;
        char *path; /* relative; "": the top */
        struct dirent **entries;
        int n_entries, next;
} Level;

struct Upload {
        char *directory; /* NULL: no tree */
        Str added;
        size_t n_added_sent;
        Str piece;
        size_t n_piece_sent;
        Level levels[COPY_DEPTH_MAX + 1];
        size_t n_levels;
        bool has_begun, has_ended;
        int file_fd; /* the file whose bytes are being sent; -1: none */
        char *file_path;
        uint64_t n_file_left;
        size_t n_padding;
        Error *error;
};

static int upload_new(const char *directory, Upload **ret) {
        _cleanup_(upload_freep) Upload *upload = calloc(1, sizeof(*upload));

        if (!upload)
                return -ENOMEM;
        upload->file_fd = -1;
        upload->added = STR_INIT(ADDED_BYTES_MAX);
        upload->piece = STR_INIT(PIECE_BYTES_MAX);
        upload->directory = directory ? strdup(directory) : NULL;
        if (directory && !upload->directory)
                return -ENOMEM;
        *ret = TAKE_PTR(upload);
        return 0;
}

int upload_new_tree(const char *directory, Upload **ret) {
        return upload_new(directory, ret);
}

int upload_new_empty(Upload **ret) {
        return upload_new(NULL, ret);
}

static void leave_level(Upload *upload) {
        Level *level = &upload->levels[--upload->n_levels];

        for (int i = 0; i < level->n_entries; i++)
                free(level->entries[i]);
        free(level->entries);
        free(level->path);
        (void) fd_close(level->fd);
}

static void leave_file(Upload *upload) {
        closep(&upload->file_fd);
        upload->file_fd = -1;
        free(TAKE_PTR(upload->file_path));
}

void upload_rewind(void *userdata) {
        Upload *upload = userdata;

        while (upload->n_levels > 0)
                leave_level(upload);
        leave_file(upload);
        str_clear(&upload->piece);
        upload->n_added_sent = upload->n_piece_sent = upload->n_padding = 0;
        upload->n_file_left = 0;
        upload->has_begun = upload->has_ended = false;
}

Upload *upload_free(Upload *upload) {
        if (!upload)
                return NULL;
        upload_rewind(upload);
        if (upload->added.bytes)
                explicit_bzero(upload->added.bytes, upload->added.n); /* scripts hold secrets */
        str_done(&upload->added);
        str_done(&upload->piece);
        free(upload->directory);
        error_free(upload->error);
        free(upload);
        return NULL;
}

const Error *upload_error(const Upload *upload) {
        return upload->error;
}

int upload_add_file(Upload *upload, const char *path, const char *bytes, size_t n, mode_t mode) {
        static const char zeros[TAR_BLOCK];
        int r;

        r = tar_put_entry(&upload->added, &(TarEntry) { .type = TAR_FILE, .path = path, .mode = mode, .size = n });
        if (r >= 0)
                r = str_append_n(&upload->added, bytes, n);
        return r < 0 ? r : str_append_n(&upload->added, zeros, tar_padding(n));
}

static int fail(Upload *upload, int errnum, const char *path) {
        return error_set(&upload->error, errnum, "cannot read '%s%s%s': %s", upload->directory, *path ? "/" : "", path,
                         strerror(errnum));
}

/* Takes descriptor and path. */
static int enter_level(Upload *upload, int fd_take, char *path_take) {
        Level *level = &upload->levels[upload->n_levels];

        *level = (Level) { .fd = fd_take, .path = path_take };
        upload->n_levels++;
        level->n_entries = scandirat(fd_take, ".", &level->entries, file_is_entry, alphasort);
        if (level->n_entries >= 0)
                return 0;
        level->n_entries = 0;
        return fail(upload, errno, path_take);
}

static TarEntry entry_of(const struct stat *st, TarType type, const char *path) {
        return (TarEntry) { .type = type,
                           .path = path,
                           .mode = st->st_mode & 07777,
                           .size = type == TAR_FILE ? (uint64_t) st->st_size : 0,
                           .mtime_sec = st->st_mtim.tv_sec,
                           .mtime_nsec = (uint32_t) st->st_mtim.tv_nsec };
}

static int put_directory(Upload *upload, int parent, const char *name, char *path_take) {
        _cleanup_free_ char *path = path_take;
        TarEntry entry;
        struct stat st;
        int fd, r;

        if (upload->n_levels > COPY_DEPTH_MAX)
                return error_set(&upload->error, ELOOP, "'%s' lies deeper than %u directories", path, COPY_DEPTH_MAX);
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : fail(upload, errno, path);
        if (fstat(fd, &st) < 0) {
                r = -errno;
                (void) fd_close(fd);
                return r;
        }
        entry = entry_of(&st, TAR_DIRECTORY, path);
        r = tar_put_entry(&upload->piece, &entry);
        if (r < 0) {
                (void) fd_close(fd);
                return r;
        }
        return enter_level(upload, fd, TAKE_PTR(path));
}

static int put_file(Upload *upload, int parent, const char *name, char *path_take) {
        _cleanup_free_ char *path = path_take;
        _cleanup_close_ int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        TarEntry entry;
        struct stat st;
        int r;

        if (fd < 0)
                return errno == ENOENT ? 0 : fail(upload, errno, path); /* ENOENT: removed in this moment */
        if (fstat(fd, &st) < 0)
                return fail(upload, errno, path);
        entry = entry_of(&st, TAR_FILE, path);
        r = tar_put_entry(&upload->piece, &entry);
        if (r < 0)
                return r;
        upload->file_fd = fd;
        fd = -1;
        upload->file_path = TAKE_PTR(path);
        upload->n_file_left = entry.size;
        upload->n_padding = tar_padding(entry.size);
        return 0;
}

static int put_link(Upload *upload, int parent, const char *name, const struct stat *st, const char *path) {
        TarEntry entry = entry_of(st, TAR_LINK, path);
        char target[PATH_MAX];
        ssize_t n = readlinkat(parent, name, target, sizeof(target) - 1);

        if (n < 0)
                return errno == ENOENT ? 0 : fail(upload, errno, path);
        target[n] = '\0';
        entry.link = target;
        return tar_put_entry(&upload->piece, &entry);
}

static int put_entry(Upload *upload, const Level *level, const char *name) {
        _cleanup_free_ char *path = *level->path ? path_join(level->path, name) : strdup(name);
        struct stat st;

        if (!path)
                return -ENOMEM;
        if (fstatat(level->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : fail(upload, errno, path);
        if (S_ISDIR(st.st_mode))
                return put_directory(upload, level->fd, name, TAKE_PTR(path));
        if (S_ISREG(st.st_mode))
                return put_file(upload, level->fd, name, TAKE_PTR(path));
        return S_ISLNK(st.st_mode) ? put_link(upload, level->fd, name, &st, path) : 0;
}

static int begin_tree(Upload *upload) {
        _cleanup_free_ char *top = strdup("");
        int fd = top ? open(upload->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

        if (!top)
                return -ENOMEM;
        return fd < 0 ? fail(upload, errno, "") : enter_level(upload, fd, TAKE_PTR(top));
}

/* Makes the next piece: an entry's header, or the end. */
static int next_piece(Upload *upload) {
        int r = 0;

        str_clear(&upload->piece);
        upload->n_piece_sent = 0;
        if (!upload->has_begun) {
                upload->has_begun = true;
                return upload->directory ? begin_tree(upload) : 0;
        }
        while (r >= 0 && upload->piece.n == 0 && upload->n_levels > 0) {
                Level *level = &upload->levels[upload->n_levels - 1];

                if (level->next == level->n_entries)
                        leave_level(upload);
                else
                        r = put_entry(upload, level, level->entries[level->next++]->d_name);
        }
        if (r < 0 || upload->piece.n > 0)
                return r;
        upload->has_ended = true;
        return tar_put_end(&upload->piece);
}

/* A file that has become shorter meanwhile is filled up, as tar does. */
static ssize_t read_file(Upload *upload, char *buffer, size_t n) {
        size_t want = (size_t) MIN((uint64_t) n, upload->n_file_left);
        ssize_t k = want > 0 ? read(upload->file_fd, buffer, want) : 0;

        if (k < 0)
                return errno == EINTR ? 0 : fail(upload, errno, upload->file_path);
        if (k == 0 && want > 0) {
                memset(buffer, 0, want);
                k = (ssize_t) want;
        }
        upload->n_file_left -= (uint64_t) k;
        if (upload->n_file_left == 0)
                leave_file(upload);
        return k;
}

static size_t copy_from(const Str *from, size_t *at, char *buffer, size_t n) {
        size_t k = MIN(n, from->n - *at);

        if (k > 0)
                memcpy(buffer, from->bytes + *at, k);
        *at += k;
        return k;
}

ssize_t upload_read(char *buffer, size_t n, void *userdata) {
        Upload *upload = userdata;
        size_t done = 0;

        if (upload->added.error)
                return upload->added.error;
        while (done < n) {
                char *at = buffer + done;
                ssize_t k = 0;

                if (upload->n_added_sent < upload->added.n)
                        k = (ssize_t) copy_from(&upload->added, &upload->n_added_sent, at, n - done);
                else if (upload->n_piece_sent < upload->piece.n)
                        k = (ssize_t) copy_from(&upload->piece, &upload->n_piece_sent, at, n - done);
                else if (upload->file_fd >= 0)
                        k = read_file(upload, at, n - done);
                else if (upload->n_padding > 0) {
                        k = (ssize_t) MIN(n - done, upload->n_padding);
                        memset(at, 0, (size_t) k);
                        upload->n_padding -= (size_t) k;
                } else if (upload->has_ended)
                        break;
                else
                        k = next_piece(upload);
                if (k < 0)
                        return k == -ENOMEM ? k : -EIO;
                done += (size_t) k;
        }
        return (ssize_t) done;
}
