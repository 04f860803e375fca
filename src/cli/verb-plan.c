#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/configure.h"
#include "cli/output.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "job/event.h"

static int print_plan(const Plan *plan, const RunOptions *options) {
        _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_free_ char *document = NULL;

        if (options->json) {
                if (plan_to_json(plan, isatty(STDOUT_FILENO), &document) < 0)
                        return -ENOMEM;
                puts(document);
                return 0;
        }
        plan_print(plan, &text);
        fputs(str_get(&text), stdout);
        return text.error;
}

static int print_plans(Plan *const *plans, size_t n_plans, const RunOptions *options) {
        _cleanup_str_ Str dot = STR_INIT(STR_MAX_DEFAULT);
        int r = 0;

        if (options->dot) {
                plans_to_dot(plans, n_plans, &dot);
                fputs(str_get(&dot), stdout);
                r = dot.error;
        }
        for (size_t i = 0; i < n_plans && r == 0 && !options->dot; i++) {
                if (i > 0 && !options->json)
                        putchar('\n');
                r = print_plan(plans[i], options);
        }
        if (r == 0)
                r = output_stdout();
        if (r < 0)
                log_error("cannot write the plan: %s", strerror(-r));
        return r;
}

/* Which was told when they were loaded: 'run' would say no. */
static bool lack_secrets(Plan *const *plans, size_t n_plans) {
        bool lack = false;

        for (size_t i = 0; i < n_plans; i++)
                for (size_t k = 0; k < plans[i]->n_steps; k++)
                        lack |= plans[i]->steps[k]->n_missing_secrets > 0;
        return lack;
}

int verb_plan(const Verb *verb, char *const *args, void *values) {
        const RunOptions *options = values;
        _cleanup_(error_freep) Error *error = NULL;
        Plan **plans = NULL;
        size_t n_plans = 0;
        int r, code;

        r = run_options_check(options, &error);
        if (r < 0) {
                log_error("%s", error_message(error, r));
                return EXIT_USAGE;
        }
        code = configure(values);
        if (code == 0)
                code = session_load(options, args, &plans, &n_plans);
        if (code == 0 && print_plans(plans, n_plans, options) < 0)
                code = EXIT_ENGINE;
        if (code == 0 && lack_secrets(plans, n_plans))
                code = EXIT_USAGE;
        plans_free(plans, n_plans);
        return code;
}
