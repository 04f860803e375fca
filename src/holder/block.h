#pragma once

/**
 * block_addresses() - makes addresses unreachable over TCP in the network namespace of a process
 * @argv: the pid, then IPv4 and IPv6 addresses; ended by NULL
 *
 * Runs on the host, as the engine's user: the namespaces of a rootless engine belong to that user, who is therefore
 * root in them, while the containers are not and cannot undo it. Only TCP, since at the same address some clouds
 * answer DNS.
 *
 * Return: an exit status; what went wrong is on standard error.
 */
int block_addresses(char **argv);
