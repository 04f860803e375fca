/* From what was submitted to plans that may run. */

#include <errno.h>
#include <string.h>

#include "agent/request.h"
#include "base/array.h"
#include "base/strv.h"
#include "pipeline/gitlab.h"
#include "pipeline/selection.h"
#include "pipeline/woodpecker.h"
#include "pipeline/workflows.h"

typedef struct Compiled {
        Plan **plans;
        size_t n_plans;
        size_t n_refused;
        Selection steps, from; /* both, where what had chosen steps is begun anew from one of them */
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

static int choose(Compiled *compiled, Plan **plans, size_t *n_plans, Error **reterr) {
        int r = selection_apply(&compiled->steps, plans, n_plans, reterr);

        return r < 0 ? r : selection_apply(&compiled->from, plans, n_plans, reterr);
}

/* What was chosen is to be somewhere. Jobs of GitLab are chosen as they are read. */
static int check_choice(const Compiled *compiled, Error **reterr) {
        int r = compiled->steps.n_plans > 0 ? selection_check(&compiled->steps, reterr) : 0;

        return r >= 0 && compiled->from.n_plans > 0 ? selection_check(&compiled->from, reterr) : r;
}

static int judge(const Request *request, const Policy *policy, Plan *plan, DiagList *diags, size_t *n_refused,
                 Error **reterr) {
        PolicyProject project = policy_project(policy, &request->environment);
        DiagList own = { 0 };
        size_t n = 0;
        int r = 0;

        if (plan_check_secrets(plan, &own) > 0)
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
        if (r >= 0 && !is_gitlab)
                r = choose(compiled, plans, &n_plans, reterr);
        for (size_t i = 0; i < n_plans && r >= 0; i++)
                r = judge(request, policy, plans[i], &diags, &compiled->n_refused, reterr);
        diag_sort(&diags);
        if (diags.n_diags > 0 && source)
                diag_print(&diags, source, false, faults);
        kept = append_take(compiled, plans, n_plans);
        return r < 0 ? r : kept;
}

/* ---- plans that were made elsewhere ---- */

static bool has_kind(const Plan *plan, StepKind kind) {
        for (size_t i = 0; i < plan->n_steps; i++)
                if (plan->steps[i]->kind == kind)
                        return true;
        return false;
}

/*
 * What fetches the repository does so with this machine's git. It fetches what the submission says and nothing else,
 * whatever the plan has put there: as it would if the plan had been made here.
 */
static int settle_clone(const Request *request, const Plan *plan, const char *path, Error **reterr) {
        bool clones = request->workspace == WORKSPACE_CLONE && request->source != SOURCE_NONE;
        PlanStep *step = plan->n_steps > plan->n_services ? plan->steps[plan->n_services] : NULL;
        const char *commit = strmap_get(&request->environment, "CI_COMMIT_SHA"), *planned;

        if (clones && step && !plan->skip_clone && !has_kind(plan, STEP_CLONE))
                return error_set(reterr, EINVAL,
                                 "%s: the workspace is a clone, and the plan has no step that fetches it: it must be "
                                 "made with 'podstep plan --clone'",
                                 path);
        if (!step || !step->is_default_clone)
                return 0;
        if (!clones)
                return error_set(reterr, EINVAL,
                                 "%s.steps[0]: it fetches the repository, which needs the workspace 'clone': submit it "
                                 "with '--clone'",
                                 path);
        planned = strmap_get(&step->environment, "CI_COMMIT_SHA");
        if (!commit || !str_equal(commit, planned))
                return error_set(reterr, EINVAL,
                                 "%s.steps[0].environment.CI_COMMIT_SHA: the plan is for another commit than the "
                                 "source: %s",
                                 path, commit ? commit : "which names none");
        map_done(&step->environment);
        step->environment = STRMAP_INIT;
        if (strmap_update(&step->environment, &request->environment) < 0 ||
            strmap_put(&step->environment, "CI_WORKSPACE", plan->workspace) < 0)
                return error_oom(reterr);
        return 0;
}

/* There is no file to show a line of. */
static void print_faults(const DiagList *diags, const Plan *plan, const char *path, Str *faults) {
        for (size_t i = 0; i < diags->n_diags; i++) {
                const Diag *diag = &diags->diags[i];
                _cleanup_free_ char *shown = str_escape(diag->message, strlen(diag->message), STR_MAX_DEFAULT);

                (void) str_appendf(faults, "%s (%s", path, plan->source_name);
                if (diag->mark.line > 0)
                        (void) str_appendf(faults, ":%u", diag->mark.line);
                (void) str_appendf(faults, "): %s: %s\n", diag->severity == DIAG_ERROR ? "error" : "warning",
                                   shown ? shown : "");
                if (diag->hint)
                        (void) str_appendf(faults, "   hint: %s\n", diag->hint);
        }
}

static int take_plan(const Request *request, const Policy *policy, Json *json, size_t index, Compiled *compiled,
                     Str *faults, Error **reterr) {
        PolicyProject project = policy_project(policy, &request->environment);
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_free_ char *path = str_printf(".plans[%zu]", index);
        PlanReading reading = { &request->secrets, policy->images.registry, path };
        size_t n_left = 1;
        int r;

        if (!path)
                return error_oom(reterr);
        r = plan_from_json(json, &reading, &plan, reterr);
        if (r >= 0)
                r = settle_clone(request, plan, path, reterr);
        if (r >= 0)
                r = policy_strip(policy, &project, plan, reterr);
        if (r >= 0)
                r = choose(compiled, &plan, &n_left, reterr);
        if (n_left == 0) { /* it is freed */
                plan = NULL;
                return r;
        }
        if (r >= 0)
                r = judge(request, policy, plan, &diags, &compiled->n_refused, reterr);
        if (plan)
                print_faults(&diags, plan, path, faults);
        if (r >= 0 && ARRAY_APPEND(compiled->plans, compiled->n_plans, plan) < 0)
                r = error_oom(reterr);
        if (r >= 0)
                plan = NULL;
        return r;
}

static int compile_all(const Request *request, const Policy *policy, Compiled *compiled, Str *faults, Error **reterr) {
        Json *list = NULL;
        int r = json_get_array(request->json, request->has_plans ? "plans" : "workflows", &list, reterr);

        if (r >= 0 && (selection_init(&compiled->steps, request->steps, NULL) < 0 ||
                       selection_init(&compiled->from, NULL, request->from) < 0))
                r = error_oom(reterr);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) {
                Json *item = json_object_array_get_idx(list, i);

                r = request->has_plans ? take_plan(request, policy, item, i, compiled, faults, reterr)
                                       : compile_one(request, policy, item, compiled, faults, reterr);
        }
        return r;
}

int request_compile(const Request *request, const Policy *operator, Plan *** ret, size_t *ret_n, Str *faults,
                    bool *ret_refused, Error **reterr) {
        Policy policy = *operator; /* shallow: only its one number is changed */
        _cleanup_strv_ char **notes = NULL;
        Compiled compiled = { 0 };
        int r;

        policy.trusted |= request->trusted;
        r = compile_all(request, &policy, &compiled, faults, reterr);
        *ret_refused = compiled.n_refused > 0;
        if (r >= 0 && compiled.n_refused > 0)
                r = error_set(reterr, EINVAL, "refused by policy");
        if (r >= 0)
                r = check_choice(&compiled, reterr);
        if (r >= 0)
                r = workflows_order(compiled.plans, compiled.n_plans, true, &notes, reterr);
        if (!request->steps && !request->from) /* else they may be in the request, and have no such step */
                STRV_FOREACH(note, notes)
                        (void) str_appendf(faults, "%s\n", *note);
        selection_done(&compiled.steps);
        selection_done(&compiled.from);
        if (r < 0) {
                plans_free(compiled.plans, compiled.n_plans);
                return r == -ENOMEM ? r : -EINVAL;
        }
        *ret = compiled.plans;
        *ret_n = compiled.n_plans;
        return 0;
}
