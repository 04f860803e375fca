#pragma once

/*
 * The exit files of conmon(8): $XDG_RUNTIME_DIR/libpod/tmp/exits/ID holds the decimal exit code as soon as the
 * container has ended and its log is on disk. They are made by rename, and removed by Podman's clean-up 65 to 350 ms
 * later.
 */

#include <stdbool.h>

/**
 * exits_directory_find() - that of Podman as run by our user, with its default tmp_dir; NULL if there is none. On the
 * heap.
 */
char *exits_directory_find(void);

/**
 * exits_read() - 1 and the code if the container has ended; 0 if there is no such file (not yet or not any more);
 * -EBADMSG
 */
int exits_read(const char *path, int *ret_code);

/**
 * exits_code() - what podman calls an exit code, as a shell's: a negative one stands for conmon's own time limit,
 * which kills
 */
int exits_code(long long code);
