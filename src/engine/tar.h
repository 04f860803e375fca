#pragma once

/* As much of tar(5) as it takes to read one file out of an archive that an engine gives. */

#include <stddef.h>

/**
 * tar_first_file() - the first regular file of an archive in memory
 * @ret_link: where it points to when the first entry is a symbolic link; on the heap
 *
 * Return: 0 and the content, borrowed from the archive; 1 and *ret_link; -EISDIR; -ENOENT: nothing is in it; -EBADMSG;
 * -ENOMEM.
 */
int tar_first_file(const char *archive, size_t n, const char **ret, size_t *ret_n, char **ret_link);
