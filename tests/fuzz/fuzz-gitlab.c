/* See plan.h for what must hold. Each plan is a job of its own, and secrets are only where secrets may be. */

#include "pipeline/gitlab.h"
#include "plan.h"

static void check_plans(Plan **plans, size_t n_plans, const Source *source) {
        _cleanup_map_ Map names = MAP_INIT(NULL);

        for (size_t i = 0; i < n_plans; i++) {
                Plan *plan = plans[i];

                require(!map_has(&names, plan->workflow) && map_put_take(&names, plan->workflow, plan) == 0);
                require((plan->n_steps == 0) == (plan->why_left_out != NULL));
                require(plan->n_steps == 0 || plan->n_steps == plan->n_services + 1);
                require(str_starts_with(plan->workspace, "/builds/"));
                for (size_t k = 0; k < plan->n_depends_on; k++)
                        check_mark(source, &plan->depends_on[k].mark);
                check_plan(plan, source);
        }
        check_workflows(plans, n_plans);
}

static void check_lint(const Source *source, const Map *variables) {
        DiagList diags = { 0 };

        require(gitlab_lint(source, variables, NULL, &diags) == 0);
        check_diags(&diags, source);
        diag_list_done(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_map_ Map variables = STRMAP_INIT, secrets = STRMAP_INIT;
        Metadata metadata = { .repo.name = (char *) "a b:c", .repo.owner = (char *) "../x" };
        GitlabContext context = { .metadata = &metadata, .variables = &variables, .secrets = &secrets };
        _cleanup_(source_freep) Source *source = NULL;
        DiagList diags = { 0 };
        size_t n_plans = 0;
        Plan **plans = NULL;
        int r;

        require(strmap_put(&variables, "GIVEN", "$GIVEN") == 0);
        require(strmap_put(&secrets, "token", "s3cr3t") == 0);
        if (source_new_take(".gitlab-ci.yml", fuzz_text(data, size), size, &source, NULL) < 0)
                return 0;
        r = gitlab_compile_all(source, &context, &diags, &plans, &n_plans);
        require(r == 0 || r == -EBADMSG);
        require((r < 0) == (diags.n_errors > 0) && (r < 0) == !plans);
        check_diags(&diags, source);
        if (plans && !memmem(data, size, "s3cr3t", strlen("s3cr3t")))
                check_plans(plans, n_plans, source);
        plans_free(plans, n_plans);
        diag_list_done(&diags);
        check_lint(source, &variables);
        return 0;
}
