#include "enter.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "with.h"

static void on_term(int signal_number) {
        _exit(0); /* the first process of a pid namespace gets no default action */
}

int stay(char **argv) {
        (void) signal(SIGTERM, on_term);
        (void) signal(SIGINT, on_term);
        (void) signal(SIGCHLD, SIG_IGN);
        for (;;)
                pause();
}

static int no_shell(void) {
        fprintf(stderr, "this image has no shell; give a program of it: podstep enter JOB STEP -- PROGRAM\n");
        return STATUS_NOT_FOUND;
}

int enter(char **argv) {
        static const char *const shells[] = { "/bin/bash",   "/usr/bin/bash", "/usr/local/bin/bash", "/bin/sh",
                                              "/usr/bin/sh", "/bin/ash",      "/busybox/sh" };

        if (!argv[0] || !argv[1])
                return EXIT_FAILURE;
        if (chdir(argv[0]) < 0) /* it may be what the step did not come to make */
                fprintf(stderr, "cannot go to '%s': %s\n", argv[0], strerror(errno));
        if (read_variables(argv[1]) < 0 && errno != ENOENT) {
                fprintf(stderr, "cannot read '%s': %s\n", argv[1], strerror(errno));
                return STATUS_CANNOT_RUN;
        }
        if (argv[2])
                return become(argv + 2);
        for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
                (void) setenv("SHELL", shells[i], 1);
                execl(shells[i], shells[i], (char *) NULL);
        }
        return no_shell();
}
