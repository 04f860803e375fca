/* What an operator sets for containers comes to both engines: from the file to the body of the request. */

#include "../test.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "config/config.h"
#include "config/key.h"
#include "engine/docker-internal.h"
#include "engine/libpod-internal.h"
#include "job/options.h"

typedef struct Row {
        const char *key, *value; /* as in the file */
        const char *libpod, *docker; /* what is in the body, and only then */
        bool is_absent;              /* what it takes away */
} Row;

static const Row rows[] = {
        { "memory", "64m", "\"memory\":{\"limit\":67108864", "\"Memory\":67108864" },
        { "memory_reservation", "32m", "\"reservation\":33554432", "\"MemoryReservation\":33554432" },
        { "memory_swap", "128m", "\"swap\":134217728", "\"MemorySwap\":134217728" },
        { "shm_size", "48m", "\"shm_size\":50331648", "\"ShmSize\":50331648" },
        { "cpus", "1.5", "\"quota\":150000,\"period\":100000", "\"CpuQuota\":150000,\"CpuPeriod\":100000" },
        { "cpu_shares", "77", "\"shares\":77", "\"CpuShares\":77" },
        { "cpu_quota", "33000", "\"quota\":33000", "\"CpuQuota\":33000" },
        { "cpu_period", "50000, cpu_quota: 20000", "\"period\":50000", "\"CpuPeriod\":50000" },
        { "cpuset_cpus", "'0-1'", "\"cpus\":\"0-1\"", "\"CpusetCpus\":\"0-1\"" },
        { "cpuset_mems", "'0'", "\"mems\":\"0\"", "\"CpusetMems\":\"0\"" },
        { "cgroup_parent", "ci.slice", "\"cgroup_parent\":\"ci.slice\"", "\"CgroupParent\":\"ci.slice\"" },
        { "pids", "99", "\"pids\":{\"limit\":99}", "\"PidsLimit\":99" },
        { "ulimits", "nofile=10:20", "{\"type\":\"nofile\",\"hard\":20,\"soft\":10}",
          "{\"Name\":\"nofile\",\"Soft\":10,\"Hard\":20}" },
        { "oom_score_adjust", "55", "\"oom_score_adj\":55", "\"OomScoreAdj\":55" },
        { "oom_kill_disable", "true", "\"disableOOMKiller\":true", "\"OomKillDisable\":true" },
        { "no_new_privileges", "false", "\"no_new_privileges\":true", "\"no-new-privileges\"", true },
        { "capabilities", "[NET_RAW]", "\"cap_add\":[\"CAP_NET_RAW\"]", "\"CapAdd\":[\"NET_RAW\"]" },
        { "cap_add", "SYS_PTRACE", "\"cap_add\":[\"CAP_SYS_PTRACE\"]", "\"CapAdd\":[\"SYS_PTRACE\"]" },
        { "cap_drop", "KILL", "\"CAP_KILL\"", "\"KILL\"" },
        { "security_opt", "apparmor=ours", "\"apparmor_profile\":\"ours\"", "\"apparmor=ours\"" },
        { "device_cgroup_rules", "'c 188:* rwm'", "\"type\":\"c\",\"major\":188,\"access\":\"rwm\"",
          "\"DeviceCgroupRules\":[\"c 188:* rwm\"]" },
        { "group_add", "'44'", "\"groups\":[\"44\"]", "\"GroupAdd\":[\"44\"]" },
        { "ipc_mode", "host", "\"ipcns\":{\"nsmode\":\"host\"}", "\"IpcMode\":\"host\"" },
        { "pid_mode", "host", "\"pidns\":{\"nsmode\":\"host\"}", "\"PidMode\":\"host\"" },
        { "userns", "host", "\"userns\":{\"nsmode\":\"host\"}", "\"UsernsMode\":\"host\"" },
        { "runtime", "runsc", "\"oci_runtime\":\"runsc\"", "\"Runtime\":\"runsc\"" },
        { "sysctls", "{net.core.somaxconn: 9}", "\"sysctl\":{\"net.core.somaxconn\":\"9\"}",
          "\"Sysctls\":{\"net.core.somaxconn\":\"9\"}" },
        { "read_only", "true", "\"read_only_filesystem\":true", "\"ReadonlyRootfs\":true" },
        { "init", "true", "\"init\":true", "\"Init\":true" },
};

/* These become a part of the plan, or a rule for it: pipeline/test-policy-apply and pipeline/test-policy. */
static const char *const of_plan[] = {
        "user", "allowed_users", "privileged", "devices", "image_devices", "allowed_devices", "gpus", "tmpfs",
};

static void load(const char *root, const char *text, Config *config) {
        _cleanup_free_ char *path = path_join(root, "podstep.yaml"), *nowhere = path_join(root, "none");
        _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT);
        ConfigSpec spec = { .vendor_directory = nowhere,
                            .system_directory = nowhere,
                            .file = path,
                            .environment = (char *[]) { NULL } };
        int r;

        assert_int_equal(file_write(path, text, strlen(text), 0600), 0);
        assert_int_equal(config_init(config), 0);
        r = config_load(&spec, config, &faults);
        if (r < 0)
                print_message("%s: %s\n", text, str_get(&faults));
        assert_int_equal(r, 0);
}

static void make_bodies(const PolicyContainer *policy, char **ret_libpod, char **ret_docker) {
        const EngineInfo info = { .is_probed = true,
                                  .controllers = CONTROLLER_MEMORY | CONTROLLER_CPU | CONTROLLER_CPUSET |
                                                 CONTROLLER_PIDS };
        ContainerSpec spec = { .name = "c", .image = "i" };
        ContainerOptions options;

        assert_int_equal(container_options_init(&options, policy, NULL), 0);
        container_options_put(&options, &info, false, &spec);
        assert_int_equal(libpod_spec_to_json(&spec, ret_libpod), 0);
        assert_int_equal(docker_spec_to_json(&spec, ret_docker), 0);
        container_options_done(&options);
}

static void expect(const char *body, const char *part, bool want) {
        bool is_there = strstr(body, part);

        if (is_there != want)
                print_message("%s %s in\n%s\n", want ? "no" : "there is", part, body);
        assert_true(is_there == want);
}

/* By the steps' key and the services', each of which leaves the others alone. */
static void test_reaches_engines(void **state) {
        char root[] = "/tmp/podstep-test-XXXXXX";

        assert_non_null(mkdtemp(root));
        FOREACH_ROW(row, rows)
                for (int is_service = 0; is_service <= 1; is_service++) {
                        _cleanup_free_ char *text = str_printf("%s: {%s: %s}", is_service ? "services" : "steps",
                                                               row->key, row->value);
                        const PolicyContainer *set, *unset;
                        char *libpod[2], *docker[2];
                        Config config;

                        load(root, text, &config);
                        set = is_service ? &config.policy.services : &config.policy.steps;
                        unset = is_service ? &config.policy.steps : &config.policy.services;
                        make_bodies(set, &libpod[0], &docker[0]);
                        make_bodies(unset, &libpod[1], &docker[1]);
                        for (int i = 0; i <= 1; i++) {
                                expect(libpod[i], row->libpod, (i == 0) != row->is_absent);
                                expect(docker[i], row->docker, (i == 0) != row->is_absent);
                                free(libpod[i]);
                                free(docker[i]);
                        }
                        config_done(&config);
                }
        assert_int_equal(file_remove_tree(root), 0);
}

static void test_has_all_keys(void **state) {
        for (const ConfigKey *key = config_container_rows; key->name; key++) {
                bool is_known = false;

                FOREACH_ROW(row, rows)
                        is_known |= str_equal(row->key, key->name);
                FOREACH_ROW(name, of_plan)
                        is_known |= str_equal(*name, key->name);
                if (!is_known)
                        print_message("'%s' has no row\n", key->name);
                assert_true(is_known);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_reaches_engines),
                cmocka_unit_test(test_has_all_keys),
        };

        return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
