#include "compile.h"

#include "base/strv.h"
#include "pipeline/policy.h"

static void test_trust(void **state) {
        static const struct {
                const char *in;
                int want_r;
                unsigned want;
        } rows[] = {
                { "network", 0, TRUST_NETWORK },
                { "volumes,security", 0, TRUST_VOLUMES | TRUST_SECURITY },
                { "all", 0, TRUST_ALL },
                { "network,network", 0, TRUST_NETWORK },
                { "", -EINVAL, 0 },
                { "network,", -EINVAL, 0 },
                { "Network", -EINVAL, 0 },
                { "privileged", -EINVAL, 0 },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                unsigned got = 0;

                print_message("case '%s'\n", row->in);
                assert_int_equal(trust_parse(row->in, &got, &error), row->want_r);
                assert_int_equal(got, row->want);
                assert_int_equal(error != NULL, row->want_r < 0);
        }
}

static void test_check(void **state) {
        static const struct {
                const char *key;
                unsigned trusted;
                const char *allowed;   /* a directory; NULL: any */
                const char *want;      /* NULL: allowed */
        } rows[] = {
                { "pull: true", 0, NULL, NULL },
                { "network_mode: none", 0, NULL, NULL },
                { "privileged: false", 0, NULL, NULL },
                { "privileged: true", 0, NULL, "privileged mode" },
                { "privileged: true", TRUST_ALL & ~TRUST_SECURITY, NULL, "privileged mode" },
                { "privileged: true", TRUST_SECURITY, NULL, NULL },
                { "network_mode: host", TRUST_ALL & ~TRUST_NETWORK, NULL, "network mode" },
                { "network_mode: host", TRUST_NETWORK, NULL, NULL },
                { "dns: 1.1.1.1", 0, NULL, "DNS servers" },
                { "dns_search: [a]", 0, NULL, "search domains" },
                { "extra_hosts: ['a:1.1.1.1']", 0, NULL, "host names" },
                { "devices: [/dev/fuse]", TRUST_ALL & ~TRUST_VOLUMES, NULL, "devices" },
                { "tmpfs: [/tmp]", 0, NULL, "in memory" },
                { "volumes: ['data:/data']", 0, NULL, "volumes" },
                { "volumes: ['/x:/data']", TRUST_VOLUMES, NULL, NULL },
                { "volumes: ['/srv/a:/data']", TRUST_VOLUMES, "/srv", NULL },
                { "volumes: ['/srv:/data']", TRUST_VOLUMES, "/srv", NULL },
                { "volumes: ['data:/data', /anonymous]", TRUST_VOLUMES, "/srv", NULL },
                { "volumes: ['/srv2:/data']", TRUST_VOLUMES, "/srv", "'/srv2'" },
                { "volumes: ['/srv/../etc:/data']", TRUST_VOLUMES, "/srv", "'/etc'" },
                { "volumes: ['/:/data']", TRUST_VOLUMES, "/srv", "'/'" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = str_printf("steps: {a: {image: alpine, commands: x,\n  %s}}\n", row->key);
                _cleanup_(plan_freep) Plan *plan = compile_fine(text);
                _cleanup_(policy_done) Policy policy = { .trusted = row->trusted };
                DiagList diags = { 0 };

                print_message("case '%s'\n", row->key);
                if (row->allowed)
                        assert_int_equal(strv_append(&policy.allowed_volumes, row->allowed), 0);
                assert_int_equal(policy_check(&policy, plan, &diags), row->want ? 1 : 0);
                assert_int_equal(diags.n_errors, row->want ? 1 : 0);
                if (row->want) {
                        assert_non_null(strstr(diags.diags[0].message, row->want));
                        assert_non_null(diags.diags[0].hint);
                        assert_int_equal(diags.diags[0].mark.line, 2);
                }
                diag_list_done(&diags);
        }
}

/* What no trust gives: the things of others. */
static void test_others(void **state) {
        static const struct {
                const char *key, *want; /* NULL: allowed */
        } rows[] = {
                { "network_mode: podstep-x", "network mode" },
                { "network_mode: ci", NULL },
                { "volumes: ['podstep-x-data:/d']", "another job" },
                { "volumes: ['runner-podstep-project-1-concurrent-0-cache-x:/d']", "another job" },
                { "volumes: ['mine:/d']", NULL },
                { "volumes: ['/x:/certs']", "the operator mounts" },
                { "volumes: ['/x:/cache']", "the operator mounts" },
                { "volumes: ['/x:/certs/mine']", NULL },
                { "devices: ['/dev/fuse:/dev/fuse']", NULL },
                { "devices: ['/dev/sda:/dev/fuse']", "'/dev/sda'" },
                { "devices: ['/dev/fuse/../sda:/dev/sda']", "/dev/" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = str_printf("steps: {a: {image: alpine, commands: x,\n  %s}}\n", row->key);
                _cleanup_(plan_freep) Plan *plan = compile_fine(text);
                _cleanup_(policy_done) Policy policy;
                DiagList diags = { 0 };

                print_message("case '%s'\n", row->key);
                policy_init(&policy);
                policy.trusted = TRUST_ALL;
                assert_int_equal(strv_append(&policy.volumes.mounts, "/srv/ca:/certs:ro"), 0);
                assert_int_equal(strv_append(&policy.volumes.mounts, "/cache"), 0);
                assert_int_equal(strv_append(&policy.steps.allowed_devices, "/dev/fuse"), 0);
                assert_int_equal(policy_check(&policy, plan, &diags), row->want ? 1 : 0);
                if (row->want) {
                        assert_non_null(strstr(diags.diags[0].message, row->want));
                        assert_non_null(diags.diags[0].hint);
                        assert_int_equal(diags.diags[0].mark.line, 2);
                }
                diag_list_done(&diags);
        }
}

/* Dialects know no such modes; a plan may come from elsewhere. */
static void test_foreign_namespaces(void **state) {
        static const char *const modes[] = { "container:podstep-x.holder", "ns:/proc/1/ns/net", "path:/x",
                                             "podstep-x" };

        FOREACH_ROW(mode, modes) {
                _cleanup_(plan_freep) Plan *plan = compile_fine("steps: {a: {image: alpine, commands: x}}\n");
                Policy policy = { .trusted = TRUST_ALL };
                DiagList diags = { 0 };

                plan->steps[0]->network_mode = strdup(*mode);
                assert_int_equal(policy_check(&policy, plan, &diags), 1);
                diag_list_done(&diags);
        }
}

/* GitLab Runner's vectors. */
static void test_users(void **state) {
        static const struct {
                const char *operators, *allowed, *jobs;
                bool want;
        } rows[] = {
                { NULL, NULL, NULL, true },
                { "baba", NULL, NULL, true },
                { NULL, NULL, "baba", true },
                { "baba", NULL, "yaga", false },
                { "baba", NULL, "baba", true },
                { NULL, "baba", NULL, true },
                { "yaga", "baba", NULL, true },
                { "yaga", "baba", "baba", true },
                { "yaga", "baba", "yaga", false },
                { NULL, "baba", "0", false },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = row->jobs ? str_printf("steps: {a: {image: alpine, commands: x, "
                                                                   "backend_options: {docker: {user: '%s'}}}}\n",
                                                                   row->jobs)
                                                      : strdup("steps: {a: {image: alpine, commands: x}}\n");
                _cleanup_(plan_freep) Plan *plan = compile_fine(text);
                _cleanup_(policy_done) Policy policy;
                DiagList diags = { 0 };

                policy_init(&policy);
                policy.steps.user = row->operators ? strdup(row->operators) : NULL;
                if (row->allowed)
                        assert_int_equal(strv_append(&policy.steps.allowed_users, row->allowed), 0);
                assert_int_equal(policy_check(&policy, plan, &diags), row->want ? 0 : 1);
                diag_list_done(&diags);
        }
}

static void test_services_limit(void **state) {
        static const char text[] = "services:\n  - {name: a, image: x}\n  - {name: b, image: x}\nsteps: [{name: s, "
                                   "image: x, commands: x}]\n";

        for (unsigned max = 0; max < 3; max++) {
                _cleanup_(plan_freep) Plan *plan = compile_fine(text);
                Policy policy = { .limit_services = true, .services_max = max };
                DiagList diags = { 0 };

                assert_int_equal(policy_check(&policy, plan, &diags), max < 2);
                if (max < 2)
                        assert_int_equal(diags.diags[0].mark.line, 2 + max);
                diag_list_done(&diags);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_trust),  cmocka_unit_test(test_check),
                                            cmocka_unit_test(test_others), cmocka_unit_test(test_foreign_namespaces),
                                            cmocka_unit_test(test_users),  cmocka_unit_test(test_services_limit) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
