#include "base/log.h"
#include "cli/configure.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "job/event.h"

int verb_run(const Verb *verb, char *const *args, void *values) {
        const RunOptions *options = values;
        _cleanup_(error_freep) Error *error = NULL;
        int r;

        r = run_options_check(options, &error);
        if (r < 0) {
                log_error("%s", error_message(error, r));
                return EXIT_USAGE;
        }
        r = configure(values);
        return r != 0 ? r : session_run(options, args);
}
