/*
 * What somebody says is a plan: a plan with an order, unique names and clean paths, or a fault with its path. What it
 * is printed as reads the same, and who is not trusted gets nothing of the host.
 */

#include <errno.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "fuzz.h"
#include "pipeline/name.h"
#include "pipeline/policy.h"

static Plan *read_plan(const char *text, size_t n, const Map *secrets) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_(json_unrefp) Json *json = NULL;
        PlanReading reading = { .secrets = secrets, .path = ".plans[0]" };
        Plan *plan = NULL;
        int r;

        if (json_parse(text, n, &json, NULL) < 0)
                return NULL;
        r = plan_from_json(json, &reading, &plan, &error);
        require((r < 0) == (error != NULL) && (r < 0) == (plan == NULL));
        require(r == 0 || (r == -EINVAL && str_starts_with(error_message(error, r), ".plans[0]")));
        return plan;
}

static void check_path(const char *path) {
        _cleanup_free_ char *clean = path_clean(path);

        require(path[0] == '/' && str_equal(clean, path));
}

static void check_step(const Plan *plan, const PlanStep *step, size_t index) {
        require(!step_name_fault(step->name, strlen(step->name)));
        require((step->kind == STEP_SERVICE) == (index < plan->n_services));
        require(step->is_default_clone == !step->image && (!step->image || step->image_reference));
        require(!step->is_default_clone || index == plan->n_services);
        require(!step->is_operators);
        check_path(step->directory);
        check_path(step->workspace_base);
        STRV_FOREACH(name, step->host_names)
                require(step_host_name_is_valid(*name));
        for (size_t i = 0; i < step->n_needs; i++)
                require(step->needs[i] >= plan->n_services && step->needs[i] < plan->n_steps);
        for (size_t i = 0; i < step->n_volumes; i++) {
                check_path(step->volumes[i].target);
                require(!step->volumes[i].is_operators && !step->volumes[i].is_cache);
                if (step->volumes[i].source && step->volumes[i].source[0] == '/')
                        check_path(step->volumes[i].source);
        }
        MAP_FOREACH(entry, &step->environment)
                require(*entry->key && !strchr(entry->key, '=') && !map_has(&step->secret_environment, entry->key));
}

/* Nothing of the host where nobody is trusted. */
static void check_policy(Plan *plan) {
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(policy_done) Policy policy;
        PolicyProject project = { 0 };

        policy_init(&policy);
        require(policy_strip(&policy, &project, plan, NULL) == 0);
        if (policy_check(&policy, plan, &diags) > 0)
                return;
        for (size_t i = 0; i < plan->n_steps; i++) {
                const PlanStep *step = plan->steps[i];

                require(!step->privileged && step->n_volumes + step->n_tmpfs + step->n_devices == 0);
                require(!step->network_mode || str_equal(step->network_mode, "none"));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text(data, size), *first = NULL, *second = NULL;
        _cleanup_(plan_freep) Plan *plan = NULL, *again = NULL;
        _cleanup_map_ Map secrets = STRMAP_INIT;
        _cleanup_free_ size_t *levels = NULL;

        require(strmap_put(&secrets, "token", "s3cr3t") == 0);
        require(strmap_put(&secrets, "db_password", "geh\"eim") == 0);
        plan = read_plan(text, size, &secrets);
        if (!plan)
                return 0;
        require(plan->n_steps <= PLAN_STEPS_MAX && plan->n_services <= plan->n_steps);
        for (size_t i = 0; i < plan->n_steps; i++)
                check_step(plan, plan->steps[i], i);
        levels = plan_levels(plan); /* would not end where they wait for each other */
        require(levels && plan_to_json(plan, false, &first) == 0);
        again = read_plan(first, strlen(first), &secrets);
        if (again) { /* a text of eight stars is taken for a secret that was hidden */
                require(plan_to_json(again, false, &second) == 0);
                require(str_equal(first, second));
        }
        check_policy(plan);
        return 0;
}
