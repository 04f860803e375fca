#pragma once

#include <stddef.h>

/*
 * podstep-holder block PID ADDRESS...: makes addresses unreachable over TCP in the network namespace of a process. What
 * went wrong is on standard error.
 *
 * Runs on the host, as the engine's user: the namespaces of a rootless engine belong to that user, who is therefore
 * root in them, while the containers are not and cannot undo it. Only TCP, since at the same address some clouds
 * answer DNS.
 */

#define BLOCK_WHY_BYTES 256 /* enough for each sentence of block_addresses() */

/** block() - the verb; returns an exit status */
int block(char **argv);

/**
 * block_addresses() - the same without a word
 * @addresses: IPv4 and IPv6, ended by NULL
 * @why: what went wrong, as a sentence of at most @size bytes
 *
 * The caller is in those namespaces then, for good. Only the kernel is asked, nothing is allocated: vfork_call() may
 * run it.
 *
 * Return: 0 or a positive errno.
 */
int block_addresses(const char *pid, const char *const *addresses, char *why, size_t size);
