#pragma once

/**
 * with() - podstep-holder with FILE PROGRAM [ARG...]: becomes PROGRAM with further variables
 *
 * FILE holds NAME=VALUE, each ended by a NUL: for engines that cannot keep a secret, so that none stands in what they
 * tell of a container.
 *
 * Return: an exit status, if it could not become it: 126 or 127, as shells have it.
 */
int with(char **argv);
