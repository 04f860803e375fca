#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"

#define READ_CHUNK (4U * 1024) /* of what does not tell its size */

/* What a regular file says its size is; 0 for all else. */
static int find_size(int fd, size_t max_bytes, size_t *ret) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        *ret = 0;
        if (!S_ISREG(st.st_mode))
                return 0;
        if ((unsigned long long) st.st_size > max_bytes)
                return -EFBIG;
        *ret = (size_t) st.st_size;
        return 0;
}

int file_read_fd(int fd, size_t max_bytes, char **ret, size_t *ret_n) {
        _cleanup_free_ char *text = NULL;
        size_t size = 0, capacity, n = 0;
        int r = find_size(fd, max_bytes, &size);

        if (r < 0)
                return r;
        capacity = size > 0 ? size + 1 : READ_CHUNK;
        text = malloc(capacity);
        if (!text)
                return -ENOMEM;
        for (;;) {
                ssize_t k = read(fd, text + n, capacity - n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                n += (size_t) k;
                if (n > max_bytes)
                        return -EFBIG;
                if (k == 0 || (n == size && n < capacity)) /* there was room for more than the size, and no more came */
                        break;
                if (n == capacity) {
                        char *larger = realloc(text, capacity * 2);

                        if (!larger)
                                return -ENOMEM;
                        text = larger;
                        capacity *= 2;
                }
        }
        text[n] = '\0';
        if (ret_n)
                *ret_n = n;
        *ret = TAKE_PTR(text);
        return 0;
}

static int read_at(int dir_fd, const char *path, size_t max_bytes, char **ret, size_t *ret_n) {
        _cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

        return fd < 0 ? -errno : file_read_fd(fd, max_bytes, ret, ret_n);
}

int file_read(const char *path, size_t max_bytes, char **ret, size_t *ret_n) {
        return read_at(AT_FDCWD, path, max_bytes, ret, ret_n);
}

int file_write_fd(int fd, const void *bytes, size_t n) {
        const char *p = bytes;

        while (n > 0) {
                ssize_t k = write(fd, p, n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                p += k;
                n -= (size_t) k;
        }
        return 0;
}

/* Bits of @mask only. Asking first costs a tenth of a change that changes nothing, which file systems write down. */
static int set_mode(int fd, mode_t mode, mode_t mask) {
        struct stat st;

        if (fstat(fd, &st) == 0 && (st.st_mode & mask) == mode)
                return 0;
        return fchmod(fd, mode) < 0 ? -errno : 0;
}

static int write_to(const char *path, int flags, const void *bytes, size_t n, mode_t mode) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags, mode);
        int r = fd < 0 ? -errno : file_write_fd(fd, bytes, n);

        if (r < 0)
                return r;
        /* The mode shall not depend on the umask: containers read these files as other users. */
        return set_mode(fd, mode, 07777);
}

int file_write(const char *path, const void *bytes, size_t n, mode_t mode) {
        return write_to(path, O_CREAT | O_TRUNC, bytes, n, mode);
}

int file_fill(const char *path, const void *bytes, size_t n, mode_t mode) {
        return write_to(path, 0, bytes, n, mode);
}

int file_replace(const char *path, const void *bytes, size_t n, mode_t mode) {
        _cleanup_free_ char *temporary = str_printf("%s.new", path);
        int r;

        if (!temporary)
                return -ENOMEM;
        (void) unlink(temporary); /* of one that was killed; its mode may forbid to write to it */
        r = file_write(temporary, bytes, n, mode);
        if (r >= 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0)
                (void) unlink(temporary);
        return r;
}

int file_mkdir_p(const char *path, mode_t mode) {
        _cleanup_free_ char *parent = NULL;
        int r;

        if (mkdir(path, mode) == 0)
                return 0;
        if (errno == EEXIST)
                return file_is_directory(path) ? 0 : -ENOTDIR;
        if (errno != ENOENT)
                return -errno;
        parent = path_parent(path);
        if (!parent)
                return -ENOMEM;
        if (str_equal(parent, path) || str_equal(parent, "."))
                return -ENOENT;
        r = file_mkdir_p(parent, mode);
        if (r < 0)
                return r;
        return mkdir(path, mode) < 0 && errno != EEXIST ? -errno : 0;
}

static int remove_at(int dir_fd, const char *name, unsigned char type);

static int remove_content(int fd, const char *except) {
        DIR *dir = fdopendir(fd);
        struct dirent *entry;
        int r = 0;

        if (!dir) {
                r = -errno;
                close(fd);
                return r;
        }
        while ((entry = readdir(dir))) {
                int k;

                if (!file_is_entry(entry) || (except && strcmp(entry->d_name, except) == 0))
                        continue;
                k = remove_at(dirfd(dir), entry->d_name, entry->d_type);
                if (k < 0 && r == 0)
                        r = k;
        }
        closedir(dir);
        return r;
}

static int open_directory(int dir_fd, const char *name) {
        int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

        if (fd < 0 && errno == EACCES && fchmodat(dir_fd, name, 0700, 0) == 0)
                fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        return fd < 0 ? -errno : fd;
}

/* @type: what it is probably; a wrong one costs a call. */
static int remove_at(int dir_fd, const char *name, unsigned char type) {
        int fd = type == DT_DIR ? open_directory(dir_fd, name) : -ENOTDIR, r;

        if (fd == -ENOTDIR || fd == -ELOOP) { /* a link is not followed */
                if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
                        return 0;
                if (errno != EISDIR && errno != EPERM)
                        return -errno;
                fd = open_directory(dir_fd, name);
        }
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        (void) set_mode(fd, 0700, 0700);
        r = remove_content(fd, NULL);
        if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT && r == 0)
                r = -errno;
        return r;
}

int file_remove_tree(const char *path) {
        return remove_at(AT_FDCWD, path, DT_DIR);
}

int file_empty_directory(const char *path, const char *except) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

        return fd < 0 ? -errno : remove_content(fd, except);
}

int file_is_entry(const struct dirent *entry) {
        return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

bool file_exists(const char *path) {
        struct stat st;

        return lstat(path, &st) == 0;
}

bool file_is_directory(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool file_is_stream(const char *path) {
        struct stat st;

        return stat(path, &st) >= 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

char *path_join(const char *directory, const char *name) {
        size_t n = strlen(directory), n_name = strlen(name);
        char *path;

        if (name[0] == '/' || n == 0)
                return strdup(name);
        path = malloc(n + n_name + 2);
        if (!path)
                return NULL;
        memcpy(path, directory, n);
        if (path[n - 1] != '/')
                path[n++] = '/';
        memcpy(path + n, name, n_name + 1);
        return path;
}

size_t path_depth(const char *path) {
        size_t n = 0;

        for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/'))
                n++;
        return n;
}

char *path_clean(const char *path) {
        bool absolute = path[0] == '/';
        char *out = malloc(strlen(path) + 2);
        size_t n = 0, floor;

        if (!out)
                return NULL;
        if (absolute)
                out[n++] = '/';
        floor = n; /* below this ".." cannot climb */
        while (*path) {
                const char *end = strchrnul(path, '/');
                size_t k = (size_t) (end - path);

                if (k == 2 && path[0] == '.' && path[1] == '.') {
                        if (n > floor) {
                                while (n > floor && out[n - 1] != '/')
                                        n--;
                                if (n > floor)
                                        n--;
                        } else if (!absolute) {
                                if (n > 0)
                                        out[n++] = '/';
                                out[n++] = '.', out[n++] = '.';
                                floor = n;
                        }
                } else if (k > 0 && !(k == 1 && path[0] == '.')) {
                        if (n > 0 && out[n - 1] != '/')
                                out[n++] = '/';
                        memcpy(out + n, path, k);
                        n += k;
                }
                path = *end ? end + 1 : end;
        }
        if (n == 0)
                out[n++] = '.';
        out[n] = '\0';
        return out;
}

bool path_is_below(const char *path, const char *directory) {
        size_t n = strlen(directory);

        if (strcmp(directory, "/") == 0)
                return path[0] == '/';
        return strncmp(path, directory, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

const char *path_base(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

char *path_parent(const char *path) {
        const char *slash = strrchr(path, '/');

        if (!slash)
                return strdup(".");
        while (slash > path && slash[-1] == '/')
                slash--;
        return strndup(path, slash == path ? 1 : (size_t) (slash - path));
}
