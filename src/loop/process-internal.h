#pragma once

/* The two halves of a process: process-spawn.c makes the child, process.c looks after it. */

#include <sys/types.h>

#include "base/error.h"
#include "loop/process.h"

typedef struct Child {
        pid_t pid; /* 0: none */
        int pid_fd;
        int out_fd, err_fd; /* what it prints; not blocking */
        int failure_fd;     /* a ChildFailure if it could not execute the program, else empty */
} Child;

#define CHILD_NONE ((Child) { .pid_fd = -1, .out_fd = -1, .err_fd = -1, .failure_fd = -1 })

typedef struct ChildFailure {
        enum { CHILD_FAILED_DIRECTORY, CHILD_FAILED_EXECUTE } where;
        int errnum;
} ChildFailure;

/** child_spawn() - returns as soon as the child exists; whether it could execute the program is told by failure_fd */
int child_spawn(const ProcessSpec *spec, Child *ret, Error **reterr);
/** child_done() - closes the descriptors; the child itself must have been reaped or handed on */
void child_done(Child *child);
