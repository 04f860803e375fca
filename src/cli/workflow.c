#include "cli/workflow.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "job/event.h"
#include "pipeline/policy.h"
#include "pipeline/select.h"
#include "pipeline/woodpecker.h"

static void show(const DiagList *diags, const Source *source, bool color) {
        _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);

        if (diags->n_diags == 0)
                return;
        diag_print(diags, source, color, &text);
        fputs(str_get(&text), stderr);
}

static int select_steps(Plan *plan, const RunOptions *options, Error **reterr) {
        int r = 0;

        if (options->step_names)
                r = plan_keep_steps(plan, options->step_names, reterr);
        if (r >= 0 && options->from)
                r = plan_keep_from(plan, options->from, reterr);
        return r;
}

int workflow_load(const char *path, const WorkflowInput *input, Plan **ret) {
        WoodpeckerContext context = {
                .environment = input->environment,
                .secrets = input->secrets,
                .cron = input->cron,
                .changed_files = input->changed_files,
        };
        Policy policy = { .trusted = input->options->trusted };
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_(error_freep) Error *error = NULL;
        size_t n_refused = 0;
        int r;

        r = source_read(path, &source, &error);
        if (r < 0) {
                log_error("%s", error_message(error, r));
                return EXIT_USAGE;
        }
        r = woodpecker_compile(source, &context, &diags, &plan);
        if (r >= 0) {
                n_refused = policy_check(&policy, plan, &diags);
                r = select_steps(plan, input->options, &error);
        }
        diag_sort(&diags);
        show(&diags, source, input->color);
        if (error)
                log_error("%s: %s", path, error_message(error, r));
        if (n_refused > 0)
                return EXIT_REFUSED;
        if (r < 0)
                return EXIT_USAGE;
        *ret = TAKE_PTR(plan);
        return 0;
}
