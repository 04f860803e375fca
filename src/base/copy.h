#pragma once

/*
 * Copies of files and trees: shared blocks where the file system can, else in the kernel, else by hand. Links are
 * copied as links and never followed, on either side; devices, sockets and fifos are left out; modes and times are
 * kept, owners are not. A directory that is there already keeps its own mode.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define COPY_DEPTH_MAX 200

/**
 * copy_entry() - a file, link or whole directory @name below two open directories; parents must be there. @counts: NULL
 * or bytes added
 */
int copy_entry(int from_fd, int to_fd, const char *name, uint64_t *counts, Error **reterr);

/** copy_path() - the same for a path of several parts; makes the missing directories of it in the target */
int copy_path(int from_fd, int to_fd, const char *path, uint64_t *counts, Error **reterr);

/** copy_tree() - the content of directory @from into directory @to, which is made */
int copy_tree(const char *from, const char *to, uint64_t *counts, Error **reterr);
