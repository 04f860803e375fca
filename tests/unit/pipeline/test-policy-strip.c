/* What the operator lays onto a plan comes off and on again; what only looks like it does not come off. */

#include "again.h"
#include "base/array.h"
#include "base/strv.h"
#include "compile.h"
#include "pipeline/policy.h"

static const PolicyProject project = { .name = "acme/app" };

static void fill(Policy *policy) {
        PolicyService service = { .image = strdup("redis:7"), .environment = STRMAP_INIT };

        policy_init(policy);
        assert_int_equal(strmap_put(&service.environment, "MODE", "fast"), 0);
        assert_int_equal(ARRAY_APPEND(policy->always, policy->n_always, service), 0);
        policy->steps.privileged = true;
        policy->steps.user = strdup("1000");
        policy->network.mode = strdup("host");
        policy->images.registry = strdup("r.example");
        assert_int_equal(strv_append(&policy->steps.devices, "/dev/fuse"), 0);
        assert_int_equal(strv_append(&policy->volumes.mounts, "/srv/cache:/cache:ro"), 0);
        assert_int_equal(strv_append(&policy->volumes.mounts, "/root/.m2"), 0);
        assert_int_equal(strv_append(&policy->network.dns, "192.0.2.1"), 0);
        assert_int_equal(strv_append(&policy->network.dns_search, "example"), 0);
        assert_int_equal(strv_append(&policy->network.extra_hosts, "mirror:192.0.2.2"), 0);
        assert_int_equal(strmap_put(&policy->steps.tmpfs, "/run", "size=64m"), 0);
        assert_int_equal(strmap_put(&policy->environment, "OPERATOR", "yes"), 0);
}

static void judge(const Policy *policy, Plan *plan) {
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        size_t n = policy_check(policy, plan, &diags);

        for (size_t i = 0; i < diags.n_diags; i++)
                print_message("%s\n", diags.diags[i].message);
        assert_int_equal(n, 0);
        assert_int_equal(policy_apply(policy, &project, plan, &diags, NULL), 0);
}

/* A plan as 'podstep plan --json' prints it, with all of the operator's on it, runs where the same rules hold. */
static void test_round(void **state) {
        static const char *const files[] = {
                "steps: {a: {image: alpine, commands: x}}\n",
                "services: {db: {image: pg, environment: {A: b}}}\n"
                "steps: {a: {image: alpine, commands: x}, b: {image: alpine, commands: x, depends_on: a}}\n",
        };
        _cleanup_(policy_done) Policy policy;

        fill(&policy);
        FOREACH_ROW(file, files) {
                _cleanup_(plan_freep) Plan *plan = compile_fine(*file), *again = NULL;
                _cleanup_free_ char *first = NULL, *second = NULL;
                _cleanup_(json_unrefp) Json *json = NULL;
                PlanReading reading = { .registry = "r.example" };

                judge(&policy, plan);
                assert_int_equal(plan_to_json(plan, false, &first), 0);
                assert_int_equal(json_parse(first, strlen(first), &json, NULL), 0);
                assert_int_equal(plan_from_json(json, &reading, &again, NULL), 0);
                assert_int_equal(policy_strip(&policy, &project, again, NULL), 0);
                for (size_t i = 0; i < again->n_steps; i++) {
                        assert_false(again->steps[i]->privileged);
                        assert_int_equal(again->steps[i]->n_volumes + again->steps[i]->n_devices, 0);
                }
                judge(&policy, again);
                assert_int_equal(plan_to_json(again, false, &second), 0);
                assert_string_equal(second, first);
        }
}

/* Hand-written: what is not just the operator's stays, and is refused. */
static void test_no_more(void **state) {
        static const struct {
                const char *step;
                bool is_refused;
        } rows[] = {
                { "volumes: ['/srv/cache:/cache:ro']", false },
                { "volumes: ['/srv/cache:/cache:rw']", true },
                { "volumes: ['/srv/cache:/other:ro']", true },
                { "volumes: ['/srv:/cache:ro']", true },
                { "volumes: ['runner-podstep-project-other-concurrent-0-cache-00:/root/.m2']", true },
                { "devices: ['/dev/fuse']", false },
                { "devices: ['/dev/fuse:/dev/fuse:rw']", true },
                { "devices: ['/dev/kvm']", true },
                { "network_mode: host", false },
                { "network_mode: other", true },
                { "dns: [192.0.2.1]", false },
                { "dns: [192.0.2.1, 192.0.2.9]", true },
                { "extra_hosts: ['mirror:192.0.2.9']", true },
                { "tmpfs: ['/run:size=65m']", true },
                { "backend_options: {docker: {user: '0'}}", true },
        };
        _cleanup_(policy_done) Policy policy;

        fill(&policy);
        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text =
                        str_printf("steps:\n  a:\n    image: alpine\n    commands: x\n    %s\n", row->step);
                _cleanup_(plan_freep) Plan *plan = compile_fine(text);
                _cleanup_(diag_list_done) DiagList diags = { 0 };

                print_message("%s\n", row->step);
                assert_int_equal(policy_strip(&policy, &project, plan, NULL), 0);
                (void) policy_check(&policy, plan, &diags);
                for (size_t i = 0; i < diags.n_diags; i++)
                        print_message("   %s\n", diags.diags[i].message);
                assert_int_equal(diags.n_errors > 0, row->is_refused);
        }
}

/* A privilege that the list of images keeps from a step is not won by asking for it. */
static void test_privileged(void **state) {
        _cleanup_(policy_done) Policy policy;
        _cleanup_(plan_freep) Plan *plan = compile_fine("steps: {a: {image: evil, commands: x, privileged: true}}\n");
        _cleanup_(diag_list_done) DiagList diags = { 0 };

        fill(&policy);
        assert_int_equal(strv_append(&policy.images.allowed_privileged, "builder"), 0);
        assert_int_equal(policy_strip(&policy, &project, plan, NULL), 0);
        assert_true(policy_check(&policy, plan, &diags) > 0);
        assert_non_null(strstr(diags.diags[0].message, "privileged mode"));
}

/* A service of the file that only has the operator's image is the file's. */
static void test_services(void **state) {
        _cleanup_(policy_done) Policy policy;
        _cleanup_(plan_freep) Plan *plan =
                compile_fine("services: {redis: {image: 'redis:7', environment: {MODE: slow}}}\n"
                             "steps: {a: {image: alpine, commands: x}}\n");

        fill(&policy);
        assert_int_equal(policy_strip(&policy, &project, plan, NULL), 0);
        assert_int_equal(plan->n_services, 1);
        assert_string_equal(strmap_get(&plan->steps[0]->environment, "MODE"), "slow");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round),
                cmocka_unit_test(test_no_more),
                cmocka_unit_test(test_privileged),
                cmocka_unit_test(test_services),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
