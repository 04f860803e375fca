#include "../test.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "job/options.h"

enum { ALL = CONTROLLER_MEMORY | CONTROLLER_CPU | CONTROLLER_CPUSET | CONTROLLER_PIDS };
static const EngineInfo able = { .is_probed = true, .controllers = ALL }, unable = { .is_probed = true },
                        unknown = { 0 };

static char **list(const char *text) {
        char **words = NULL;

        if (text)
                assert_int_equal(strv_split(text, ' ', &words), 0);
        return words;
}

static void init(ContainerOptions *options, const PolicyContainer *policy) {
        _cleanup_(error_freep) Error *error = NULL;
        int r = container_options_init(options, policy, &error);

        if (r < 0)
                print_message("%s\n", error_message(error, r));
        assert_int_equal(r, 0);
}

/* Which of a few capabilities a container of an engine is left with: 'given' is what the engine gives by itself. */
static bool is_left(const SecuritySpec *security, const char *name, bool given) {
        STRV_FOREACH(added, security->cap_add)
                if (str_equal(*added, name) || str_equal(*added, "all"))
                        return true;
        return given && !strv_contains(security->cap_drop, name) && !strv_contains(security->cap_drop, "ALL");
}

static void test_capabilities(void **state) {
        static const struct {
                const char *start, *add, *drop;
                bool chown, net_raw, sys_ptrace; /* engines give the first two */
        } rows[] = {
                { NULL, NULL, NULL, true, false, false },
                { NULL, "NET_RAW", NULL, true, true, false },
                { NULL, "SYS_PTRACE", NULL, true, false, true },
                { NULL, NULL, "CHOWN", false, false, false },
                { NULL, NULL, "cap_chown", false, false, false },
                { NULL, NULL, "all", false, false, false },
                { NULL, "CHOWN", "ALL", true, false, false },
                { NULL, "all", NULL, true, true, true },
                { "NET_RAW SYS_PTRACE", NULL, NULL, false, true, true },
                { "NET_RAW SYS_PTRACE", NULL, "SYS_PTRACE", false, true, false },
                { "CHOWN", "CHOWN", "CHOWN", true, false, false },
        };

        FOREACH_ROW(row, rows) {
                PolicyContainer policy = { .capabilities = list(row->start),
                                           .cap_add = list(row->add),
                                           .cap_drop = list(row->drop) };
                ContainerOptions options;
                ContainerSpec spec = { 0 };

                print_message("case %s +%s -%s\n", row->start ? row->start : "", row->add ? row->add : "",
                              row->drop ? row->drop : "");
                init(&options, &policy);
                container_options_put(&options, &able, false, &spec);
                assert_int_equal(is_left(&spec.security, "CHOWN", true), row->chown);
                assert_int_equal(is_left(&spec.security, "NET_RAW", true), row->net_raw);
                assert_int_equal(is_left(&spec.security, "SYS_PTRACE", false), row->sys_ptrace);
                container_options_done(&options);
                strv_free(policy.capabilities);
                strv_free(policy.cap_add);
                strv_free(policy.cap_drop);
        }
}

/* For other users than root a capability that is added is one that they have: without the operator's word none is. */
static void test_adds_nothing(void **state) {
        PolicyContainer policy = { 0 };
        ContainerOptions options;
        ContainerSpec spec = { 0 };

        init(&options, &policy);
        container_options_put(&options, &able, false, &spec);
        assert_int_equal(strv_length(spec.security.cap_add), 0);
        assert_true(spec.security.no_new_privileges);
        assert_true(strv_contains(spec.security.cap_drop, "SYS_ADMIN"));
        assert_false(strv_contains(spec.security.cap_drop, "SETUID"));
        container_options_put(&options, &able, true, &spec);
        assert_true(spec.security.privileged);
        assert_false(spec.security.no_new_privileges);
        assert_int_equal(strv_length(spec.security.cap_drop), 0);
        container_options_done(&options);
}

static void test_security(void **state) {
        PolicyContainer policy = {
                .security_opts = list(
                        "apparmor=ours seccomp=/s.json label=disable mask=/a:/b unmask=/c no-new-privileges=false"),
        };
        ContainerOptions options;
        ContainerSpec spec = { 0 };

        init(&options, &policy);
        container_options_put(&options, &able, false, &spec);
        assert_string_equal(spec.security.apparmor, "ours");
        assert_string_equal(spec.security.seccomp, "/s.json");
        assert_string_equal(spec.security.labels[0], "disable");
        assert_string_equal(spec.security.mask[1], "/b");
        assert_string_equal(spec.security.unmask[0], "/c");
        assert_false(spec.security.no_new_privileges);
        container_options_done(&options);
        strv_free(policy.security_opts);
}

static void test_no_new_privileges(void **state) {
        static const struct {
                PolicyChoice choice;
                bool want;
        } rows[] = { { POLICY_UNSET, true }, { POLICY_YES, true }, { POLICY_NO, false } };

        FOREACH_ROW(row, rows) {
                PolicyContainer policy = { .no_new_privileges = row->choice };
                ContainerOptions options;

                init(&options, &policy);
                assert_int_equal(options.security.no_new_privileges, row->want);
                container_options_done(&options);
        }
}

static void test_limits(void **state) {
        static const struct {
                PolicyLimits limits;
                const char *unenforced;
        } rows[] = {
                { { 0 }, "" },
                { { .memory_bytes = 1 }, "memory" },
                { { .nano_cpus = 500000000 }, "cpu" },
                { { .cpuset_cpus = (char *) "0", .pids_max = 5, .memory_swap_bytes = -1 }, "memory, cpuset, pids" },
                { { .pids_max = -1 }, "" },
                { { .shm_size_bytes = 1, .oom_score_adjust = 5 }, "" },
        };

        FOREACH_ROW(row, rows) {
                PolicyContainer policy = { .limits = row->limits };
                ContainerOptions options;
                ContainerSpec spec = { 0 };
                _cleanup_free_ char *none = NULL, *all = NULL;

                init(&options, &policy);
                all = container_options_unenforced(&options, &able);
                none = container_options_unenforced(&options, &unable);
                assert_string_equal(all, "");
                assert_string_equal(none, row->unenforced);
                assert_int_equal(container_options_need_probe(&options), *row->unenforced != '\0');
                container_options_put(&options, &able, false, &spec);
                assert_int_equal(spec.limits.memory_bytes, row->limits.memory_bytes);
                assert_int_equal(spec.limits.pids_max, row->limits.pids_max);
                assert_int_equal(spec.shm_size_bytes, row->limits.shm_size_bytes);
                container_options_put(&options, &unable, false, &spec);
                assert_int_equal(limit_spec_controllers(&spec.limits), 0);
                assert_int_equal(spec.limits.pids_max, 0);
                container_options_put(&options, &unknown, false, &spec);
                assert_int_equal(spec.limits.memory_swap_bytes, row->limits.memory_swap_bytes);
                container_options_done(&options);
        }
}

static void test_cpus(void **state) {
        static const struct {
                uint64_t nano, period;
                int64_t quota, want;
        } rows[] = {
                { 500000000, 0, 0, 50000 },
                { 1000000000, 0, 0, 100000 },
                { 2500000000, 200000, 0, 500000 },
                { 500000000, 0, 7, 7 },
                { 0, 0, 0, 0 },
                { UINT64_C(1024000000000), 0, 0, 102400000 },
        };

        FOREACH_ROW(row, rows) {
                PolicyContainer policy = { .limits = { .nano_cpus = row->nano,
                                                       .cpu_period_usec = row->period,
                                                       .cpu_quota_usec = row->quota } };
                ContainerOptions options;

                init(&options, &policy);
                assert_int_equal(options.limits.cpu_quota_usec, row->want);
                container_options_done(&options);
        }
}

static void test_lists(void **state) {
        PolicyContainer policy = {
                .limits.ulimits = list("nofile=5:6 core=-1"),
                .groups = list("video"),
                .ipc_mode = (char *) "private",
                .runtime = (char *) "crun",
                .hostname = (char *) "h",
                .read_only = true,
                .init = true,
        };
        ContainerOptions options;
        ContainerSpec spec = { .hostname = "step" };
        char *rules[] = { (char *) "c 1:2 r", NULL };

        policy.device_cgroup_rules = rules;
        init(&options, &policy);
        container_options_put(&options, &able, false, &spec);
        assert_int_equal(spec.n_ulimits, 2);
        assert_string_equal(spec.ulimits[0].name, "nofile");
        assert_int_equal(spec.ulimits[0].hard, 6);
        assert_int_equal(spec.n_device_rules, 1);
        assert_int_equal(spec.device_rules[0].minor, 2);
        assert_string_equal(spec.groups[0], "video");
        assert_string_equal(spec.hostname, "h");
        assert_true(spec.read_only && spec.init);
        container_options_done(&options);
        strv_free(policy.limits.ulimits);
        strv_free(policy.groups);
}

static void test_bad(void **state) {
        static const struct {
                const char *ulimit, *security, *want;
        } rows[] = { { "nofile", NULL, "ulimit 'nofile'" }, { NULL, "selinux=no", "security option 'selinux=no'" } };

        FOREACH_ROW(row, rows) {
                PolicyContainer policy = { .limits.ulimits = list(row->ulimit), .security_opts = list(row->security) };
                _cleanup_(error_freep) Error *error = NULL;
                ContainerOptions options;

                assert_int_equal(container_options_init(&options, &policy, &error), -EINVAL);
                assert_non_null(strstr(error_message(error, 0), row->want));
                container_options_done(&options);
                strv_free(policy.limits.ulimits);
                strv_free(policy.security_opts);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_capabilities), cmocka_unit_test(test_adds_nothing),
                cmocka_unit_test(test_security),     cmocka_unit_test(test_no_new_privileges),
                cmocka_unit_test(test_limits),       cmocka_unit_test(test_cpus),
                cmocka_unit_test(test_lists),        cmocka_unit_test(test_bad),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
