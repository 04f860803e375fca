#pragma once

/*
 * A child of our own: ssh(1), git(1). Never a shell, never podman. Started with pidfd, its output bounded, killed with its
 * process group when the Task is dropped.
 */

#include <stddef.h>

#include "loop/task.h"

typedef struct ProcessSpec {
        char *const *argv;      /* argv[0] is looked up in PATH */
        char *const *env;       /* additions "K=V" to our own environment; NULL: none */
        const char *directory;  /* NULL: ours */
        size_t output_max;      /* bytes of standard output kept; more is -E2BIG */
} ProcessSpec;

typedef struct ProcessOutput {
        char *out, *err; /* ended by NUL; owned by who gave the struct: free() both */
        size_t n_out, n_err;
} ProcessOutput;

/**
 * process_run() - runs a child to its end
 * @ret_output: may be NULL; filled also when the child failed, so that its stderr can be told
 *
 * Done with the exit status (0..255; 128+N for a signal), or -ENOENT if there is no such program, -E2BIG.
 */
int process_run(sd_event *event, const ProcessSpec *spec, ProcessOutput *ret_output, TaskDone done, void *userdata, Task **ret_task);
void process_output_done(ProcessOutput *output);
