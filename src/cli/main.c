/* podstep: see src/cli/verbs.c for what it can do, docs/architecture.rst for how. */

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "cli/verbs.h"
#include "version.h"

/* A closed standard descriptor would be given to the next file that is opened, and then be written to. */
static void open_standard_descriptors(void) {
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0)
                        (void) open("/dev/null", O_RDWR); /* gets the lowest number that is free: this one */
}

int main(int argc, char **argv) {
        static const Program program = {
                .name = "podstep", .version = PODSTEP_VERSION, .summary = PODSTEP_SUMMARY, .verbs = podstep_verbs
        };

        open_standard_descriptors();
        (void) signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error of write(), not our end */
        return verb_main(&program, argv);
}
