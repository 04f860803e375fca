#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/strv.h"
#include "cli/completion.h"
#include "cli/output.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "job/event.h"

/* The names of all steps of the workflows here: for the scripts, which ask for them while somebody types. */
static int print_steps(void) {
        Plan **plans = NULL;
        size_t n_plans = 0;
        RunOptions options;
        int code;

        run_options_init(&options);
        code = session_load(&options, NULL, &plans, &n_plans);
        for (size_t i = 0; i < n_plans && code == 0; i++)
                for (size_t j = 0; j < plans[i]->n_steps; j++)
                        puts(plans[i]->steps[j]->name);
        plans_free(plans, n_plans);
        run_options_done(&options);
        return code;
}

static int print(const Str *text) {
        int r;

        fputs(str_get(text), stdout);
        r = output_stdout();
        if (r < 0)
                log_error("cannot write the completion: %s", strerror(-r));
        return r < 0 ? EXIT_ENGINE : EXIT_SUCCESS;
}

int verb_completion(const Verb *verb, char *const *args, void *values) {
        static const struct {
                const char *shell;
                void (*make)(const Program *program, Str *out);
        } rows[] = {
                { "bash", completion_bash },
                { "zsh", completion_zsh },
                { "fish", completion_fish },
        };
        const Program program = { .name = "podstep", .verbs = podstep_verbs };
        _cleanup_str_ Str text = STR_INIT(COMPLETION_BYTES_MAX);

        if (strv_length(args) == 1 && str_equal(args[0], "steps"))
                return print_steps();
        FOREACH_ROW(row, rows)
                if (strv_length(args) == 1 && str_equal(args[0], row->shell)) {
                        row->make(&program, &text);
                        return text.error < 0 ? EXIT_ENGINE : print(&text);
                }
        log_error("expected one of bash, zsh, fish or steps behind 'podstep completion'");
        return EXIT_USAGE;
}
