#pragma once

/*
 * A child of our own: ssh(1), git(1). Never a shell, never podman. It runs in a session of its own (so it cannot ask on
 * our terminal), reads what it is given, ends with us, and is watched by pidfd: SIGCHLD needs no blocking. Its output
 * is bounded. When it is over or the Task is dropped, whatever is left of its process group is killed; dropping reaps
 * without waiting.
 */

#include <stddef.h>
#include <stdint.h>

#include "loop/task.h"

#define PROCESS_OUTPUT_MAX (1024U * 1024)
#define PROCESS_ERROR_MAX (64U * 1024) /* of standard error the beginning is kept, the rest is thrown away */

typedef struct ProcessSpec {
        char *const *argv;     /* argv[0] is looked up in PATH */
        /*
         * What runs in the child instead of a program, with the whole argv; what it returns is the exit status. For
         * what is short and may hang: a fork costs less than half of a program. NULL: the program.
         */
        int (*call)(char *const *argv);
        /* additions "K=V" to our own environment (without that of a git around us); NULL: none */
        char *const *env;
        const char *directory; /* NULL: ours */
        const char *input;     /* what it reads from standard input; NULL: nothing; copied */
        size_t output_max;     /* bytes of standard output kept; more is -E2BIG; 0: PROCESS_OUTPUT_MAX */
        uint64_t timeout_usec; /* 0: no limit */
} ProcessSpec;

typedef struct ProcessOutput {
        char *out, *err; /* ended by NUL; owned by who gave the struct: process_output_done() */
        size_t n_out, n_err;
} ProcessOutput;

/**
 * process_run() - runs a child to its end
 * @ret_output: may be NULL; filled whenever the child ran to its end, so that its stderr can be told
 *
 * Done with the exit status (0..255; 128+N for a signal), or -ENOENT if there is no such program, -E2BIG, -ETIMEDOUT,
 * or another negative errno if it could not be started. A program that exits with 127 is not -ENOENT.
 */
int process_run(sd_event *event, const ProcessSpec *spec, ProcessOutput *ret_output, TaskDone done, void *userdata,
                Task **ret_task);
void process_output_done(ProcessOutput *output);
