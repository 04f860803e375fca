/* From what was submitted to plans that may run. */

#include <errno.h>
#include <string.h>

#include "agent/request.h"
#include "base/array.h"
#include "base/strv.h"
#include "pipeline/gitlab.h"
#include "pipeline/select.h"
#include "pipeline/woodpecker.h"
#include "pipeline/workflows.h"

typedef struct Compiled {
        Plan **plans;
        size_t n_plans;
        size_t n_refused;
} Compiled;

static unsigned count_running(const Compiled *compiled) {
        unsigned n = 0;

        for (size_t i = 0; i < compiled->n_plans; i++)
                n += compiled->plans[i]->n_steps > 0;
        return n;
}

static int append_take(Compiled *compiled, Plan **plans, size_t n_plans) {
        int r = 0;

        for (size_t i = 0; i < n_plans; i++) {
                r = r == 0 ? ARRAY_APPEND(compiled->plans, compiled->n_plans, plans[i]) : r;
                if (r < 0)
                        plan_free(plans[i]);
        }
        free(plans);
        return r;
}

static int judge(const Request *request, const Policy *policy, Plan *plan, bool is_chosen, DiagList *diags,
                 size_t *n_refused, Error **reterr) {
        PolicyProject project = policy_project(policy, &request->environment);
        DiagList own = { 0 };
        size_t n = 0;
        int r = 0;

        if (request->steps && !is_chosen)
                r = plan_keep_steps(plan, request->steps, reterr);
        if (r >= 0 && request->from && !is_chosen)
                r = plan_keep_from(plan, request->from, reterr);
        if (r >= 0 && plan_check_secrets(plan, &own) > 0)
                r = -EBADMSG;
        if (r >= 0)
                n = policy_check(policy, plan, &own);
        if (r >= 0 && n == 0)
                r = policy_apply(policy, &project, plan, &own, reterr);
        *n_refused += n;
        diag_list_merge(diags, &own);
        diag_list_done(&own);
        return r;
}

static int compile_woodpecker(const Request *request, const Source *source, unsigned number, DiagList *diags,
                              Plan ***ret, size_t *ret_n) {
        WoodpeckerContext context = {
                .environment = &request->environment,
                .secrets = &request->secrets,
                .cron = request->cron,
                .changed_files = request->changed_files,
                .clones = request->workspace == WORKSPACE_CLONE && request->source != SOURCE_NONE,
                .workflow_number = number,
        };

        return woodpecker_compile_all(source, &context, diags, ret, ret_n);
}

/* What is known of the commit stands in the environment, as Woodpecker has it. A step that is chosen is a job. */
static int compile_gitlab(const Request *request, const Policy *policy, const Source *source, DiagList *diags,
                          Plan ***ret, size_t *ret_n) {
        bool clones = request->workspace == WORKSPACE_CLONE && request->source != SOURCE_NONE;
        Metadata metadata;
        GitlabContext context = {
                .metadata = &metadata,
                .variables = &request->variables,
                .secrets = &request->secrets,
                .job_names = request->steps,
                .from = request->from,
                .default_image = policy->images.default_image,
                .clone_environment = clones ? &request->environment : NULL,
        };
        int r;

        metadata_init(&metadata);
        r = metadata_from_environment(&request->environment, &metadata);
        if (r >= 0)
                r = gitlab_compile_all(source, &context, diags, ret, ret_n);
        metadata_done(&metadata);
        return r;
}

static int compile_one(const Request *request, const Policy *policy, Json *workflow, Compiled *compiled, Str *faults,
                       Error **reterr) {
        const char *file = json_find_string(workflow, "file"), *text = json_find_string(workflow, "text");
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(source_freep) Source *source = NULL;
        bool is_gitlab = gitlab_is_file_name(file);
        char *copy = strdup(text);
        size_t n_plans = 0;
        Plan **plans = NULL;
        int r, kept;

        if (!copy)
                return error_oom(reterr);
        r = source_new_take(file, copy, strlen(copy), &source, reterr);
        if (r >= 0)
                r = is_gitlab ? compile_gitlab(request, policy, source, &diags, &plans, &n_plans)
                              : compile_woodpecker(request, source, count_running(compiled) + 1, &diags, &plans,
                                                   &n_plans);
        for (size_t i = 0; i < n_plans && r >= 0; i++)
                r = judge(request, policy, plans[i], is_gitlab, &diags, &compiled->n_refused, reterr);
        diag_sort(&diags);
        if (diags.n_diags > 0 && source)
                diag_print(&diags, source, false, faults);
        kept = append_take(compiled, plans, n_plans);
        return r < 0 ? r : kept;
}

int request_compile(const Request *request, const Policy *operator, Plan *** ret, size_t *ret_n, Str *faults,
                    bool *ret_refused, Error **reterr) {
        Policy policy = *operator; /* shallow: only its one number is changed */
        _cleanup_strv_ char **notes = NULL;
        Compiled compiled = { 0 };
        Json *list = NULL;
        int r;

        policy.trusted |= request->trusted;
        r = json_get_array(request->json, "workflows", &list, reterr);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++)
                r = compile_one(request, &policy, json_object_array_get_idx(list, i), &compiled, faults, reterr);
        *ret_refused = compiled.n_refused > 0;
        if (r >= 0 && compiled.n_refused > 0)
                r = error_set(reterr, EINVAL, "refused by policy");
        if (r >= 0)
                r = workflows_order(compiled.plans, compiled.n_plans, true, &notes, reterr);
        STRV_FOREACH(note, notes)
                (void) str_appendf(faults, "%s\n", *note);
        if (r < 0) {
                plans_free(compiled.plans, compiled.n_plans);
                return r == -ENOMEM ? r : -EINVAL;
        }
        *ret = compiled.plans;
        *ret_n = compiled.n_plans;
        return 0;
}
