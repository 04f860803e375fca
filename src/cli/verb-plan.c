#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "job/event.h"

static void print_dot(Plan *const *plans, size_t n_plans) {
        _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);

        plans_to_dot(plans, n_plans, &text);
        fputs(str_get(&text), stdout);
}

static int print_plan(const Plan *plan, bool json) {
        _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_free_ char *document = NULL;

        if (!json) {
                plan_print(plan, &text);
                fputs(str_get(&text), stdout);
                return 0;
        }
        if (plan_to_json(plan, true, &document) < 0)
                return -ENOMEM;
        puts(document);
        return 0;
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
        code = session_load(options, args, &plans, &n_plans);
        if (code == 0 && options->dot)
                print_dot(plans, n_plans);
        for (size_t i = 0; i < n_plans && code == 0 && !options->dot; i++)
                if (print_plan(plans[i], options->json) < 0)
                        code = EXIT_ENGINE;
        plans_free(plans, n_plans);
        return code;
}
