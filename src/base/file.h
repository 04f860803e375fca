#pragma once

/*
 * Files and paths. All descriptors are close-on-exec. Failures are negative errno; who calls adds the path to the
 * Error.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/**
 * file_read() - a whole regular file, at most @max_bytes (-EFBIG); a NUL stands behind the bytes. -EISDIR for a
 * directory.
 */
int file_read(const char *path, size_t max_bytes, char **ret, size_t *ret_n);
/** file_read_fd() - to its end, also of a pipe; the descriptor stays open */
int file_read_fd(int fd, size_t max_bytes, char **ret, size_t *ret_n);

/** file_write_fd() - all of it, however often the kernel takes only a part; for descriptors that block */
int file_write_fd(int fd, const void *bytes, size_t n);
/** file_write() - makes or truncates; not atomic, meant for files that nobody reads yet */
int file_write(const char *path, const void *bytes, size_t n, mode_t mode);
/** file_fill() - of a file that is there and empty; not truncated, which makes ext4 write it out at once */
int file_fill(const char *path, const void *bytes, size_t n, mode_t mode);

/** file_replace() - the same for a file that somebody may be reading: it sees the old or the new one, whole */
int file_replace(const char *path, const void *bytes, size_t n, mode_t mode);

/** file_mkdir_p() - all missing parents too, each with @mode (before the umask) */
int file_mkdir_p(const char *path, mode_t mode);

/**
 * file_remove_tree() - what may be left of it; directories without permission bits are opened first. 0 if it was not
 * there.
 */
int file_remove_tree(const char *path);
/** file_empty_directory() - all that is in it, but the entry @except (NULL: nothing is spared); it itself stays */
int file_empty_directory(const char *path, const char *except);

struct dirent;
/** file_is_entry() - a filter for scandirat(): not the directory itself, nor the one above it */
int file_is_entry(const struct dirent *entry);

bool file_exists(const char *path);
bool file_is_directory(const char *path);
/** file_is_stream() - a pipe or a device: it can be read once only, and lies nowhere */
bool file_is_stream(const char *path);

/** path_join() - "a/b"; @name alone if it is absolute; NULL if memory is out */
char *path_join(const char *directory, const char *name);
/**
 * path_clean() - lexically: no "//", "." or ".."; an empty one becomes "."; ".." above / vanishes. NULL if memory is
 * out.
 */
char *path_clean(const char *path);
/** path_depth() - how many directories a clean, relative path lies below */
size_t path_depth(const char *path);
/** path_is_below() - whether cleaned @path is @directory or lies below it */
bool path_is_below(const char *path, const char *directory);
const char *path_base(const char *path);
/** path_parent() - like dirname(1), on the heap */
char *path_parent(const char *path);
