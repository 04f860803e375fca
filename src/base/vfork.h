#pragma once

/**
 * vfork_call() - runs a function in a child that shares our memory and descriptors, while we wait
 *
 * For what would change ourselves for good, such as entering another's namespaces: only the child is there then, and
 * what it opened, or wrote into our memory, is ours. As with vfork(2) nothing is copied, so that it costs a tenth of a
 * fork; but we wait, so @call may do only what the kernel does by itself, at most behind a lock of its own (that of the
 * network is held for long where namespaces come and go). It may not allocate, nor end the process.
 *
 * Return: what @call returned (0 or positive); -errno if there was no child; -ECANCELED if it was killed.
 */
int vfork_call(int (*call)(void *userdata), void *userdata);
