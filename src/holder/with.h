#pragma once

/**
 * with() - podstep-holder with FILE PROGRAM [ARG...]: becomes PROGRAM with further variables
 *
 * FILE holds NAME=VALUE, each ended by a NUL: for engines that cannot keep a secret, so that none stands in what they
 * tell of a container.
 *
 * Where FILE.stay exists it stays instead, see enter.h: the container was kept, and is started again for somebody to
 * look around.
 *
 * Return: an exit status, if it could not become it: 126 or 127, as shells have it.
 */
int with(char **argv);

/** read_variables() - adds those of a FILE; negative, and errno: it cannot be read */
int read_variables(const char *path);

#define STATUS_CANNOT_RUN 126
#define STATUS_NOT_FOUND 127
/** become() - the program, found as shells find it; an exit status if that fails, the reason on standard error */
int become(char **argv);
