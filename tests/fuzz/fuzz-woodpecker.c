/* See plan.h for what must hold. All plans of a file are combinations of one workflow. */

#include "pipeline/woodpecker.h"
#include "plan.h"

static void check_plans(Plan **plans, size_t n_plans, const Source *source) {
        require(n_plans > 0);
        for (size_t i = 0; i < n_plans; i++) {
                require(strcmp(plans[i]->workflow, plans[0]->workflow) == 0);
                for (size_t k = 0; k < plans[i]->n_depends_on; k++)
                        check_mark(source, &plans[i]->depends_on[k].mark);
                check_plan(plans[i], source);
        }
        check_workflows(plans, n_plans);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_map_ Map environment = STRMAP_INIT, secrets = STRMAP_INIT;
        WoodpeckerContext context = { .environment = &environment, .secrets = &secrets };
        _cleanup_(source_freep) Source *source = NULL;
        DiagList diags = { 0 };
        size_t n_plans = 0, n_errors, n_refused = 0;
        Plan **plans = NULL;
        int r;

        require(strmap_put(&environment, "CI_COMMIT_BRANCH", "main") == 0);
        require(strmap_put(&environment, "CI_PIPELINE_EVENT", "push") == 0);
        require(strmap_put(&environment, "CI_COMMIT_MESSAGE", "one\n\ntwo: \"three\" é") == 0);
        require(strmap_put(&secrets, "token", "s3cr3t") == 0);
        if (source_new_take("ci.yml", fuzz_text(data, size), size, &source, NULL) < 0)
                return 0;
        r = woodpecker_compile_all(source, &context, &diags, &plans, &n_plans);
        require(r == 0 || r == -EBADMSG);
        require((r < 0) == (diags.n_errors > 0) && (r < 0) == !plans);
        n_errors = diags.n_errors;
        for (size_t i = 0; i < n_plans; i++)
                n_refused += policy_check(&(Policy) { 0 }, plans[i], &diags);
        require(diags.n_errors == n_errors + n_refused);
        check_diags(&diags, source);
        if (plans && !memmem(data, size, "s3cr3t", strlen("s3cr3t")))
                check_plans(plans, n_plans, source);
        plans_free(plans, n_plans);
        diag_list_done(&diags);
        return 0;
}
