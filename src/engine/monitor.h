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

/**
 * monitor_kill() - kills what runs in its container, without asking the engine
 *
 * A container that shares the process ids of this machine is left to the engine. The arguments are those of
 * monitor_open().
 *
 * Return: 1; 0: nothing runs there, or nothing that is known to be the container's; or a negative errno.
 */
int monitor_kill(const char *pid_path, const char *id);
