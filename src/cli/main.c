/* podstep: see src/cli/verbs.c for what it can do, docs/architecture.rst for how. */

#include <locale.h>
#include <signal.h>

#include "cli/verbs.h"
#include "version.h"

int main(int argc, char **argv) {
        static const Program program = { .name = "podstep", .version = PODSTEP_VERSION, .summary = PODSTEP_SUMMARY, .verbs = podstep_verbs };

        (void) setlocale(LC_CTYPE, "");
        (void) signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error of write(), not our end */
        return verb_main(&program, argv);
}
