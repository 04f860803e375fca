#pragma once

/* The process that looks after a container, known by the pid file it wrote. */

/**
 * monitor_open() - a pidfd of it, readable when it has ended
 * @id: the container's id, which stands among conmon's arguments: so a pid that went to another process is not taken
 * for it
 *
 * Return: 1 and the pidfd; 0: it has ended; -ENOENT: there is no pid file (yet); -EBADMSG; another negative errno.
 */
int monitor_open(const char *pid_path, const char *id, int *ret_fd);
