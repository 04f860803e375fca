#include "test.h"

#include <string.h>

#include "config/key.h"

/* What a file with one key becomes: the value as 'podstep config KEY' shows it, or the first fault. */
static char *read_one(const char *setting, bool *ret_is_fault) {
        const ConfigSpec spec = { .vendor_directory = "/nonexistent", .system_directory = "/nonexistent",
                                  .user_directory = "/nonexistent", .settings = (char *[]) { (char *) setting, NULL } };
        _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT), out = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_free_ char *key = strndup(setting, strcspn(setting, "="));
        Config config;

        assert_int_equal(config_init(&config), 0);
        *ret_is_fault = config_load(&spec, &config, &faults) < 0;
        if (!*ret_is_fault)
                assert_int_equal(config_show_key(&config, key, 0, &out, NULL), 0);
        config_done(&config);
        return str_take(*ret_is_fault ? &faults : &out);
}

static void test_values(void **state) {
        static const struct {
                const char *setting, *want;
        } rows[] = {
                { "steps.user=1000:1000", "1000:1000\n" },
                { "steps.user=", "" },
                { "steps.memory=512m", "512m\n" },
                { "steps.memory=1024", "1k\n" },
                { "steps.memory=1025", "1025\n" },
                { "steps.memory=0", "0\n" },
                { "steps.memory_swap=-1", "unlimited\n" },
                { "steps.memory_swap=unlimited", "unlimited\n" },
                { "services.memory_swap=1g", "1g\n" },
                { "steps.cpus=1.5", "1.5\n" },
                { "steps.cpus=2", "2\n" },
                { "steps.cpus=.25", "0.25\n" },
                { "steps.cpus=1/4", "0.25\n" },
                { "steps.cpu_quota=50000", "50ms\n" },
                { "steps.cpu_quota=1s500ms", "1s500ms\n" },
                { "steps.pids=100", "100\n" },
                { "steps.pids=unlimited", "unlimited\n" },
                { "steps.oom_score_adjust=-500", "-500\n" },
                { "steps.privileged=yes", "true\n" },
                { "steps.no_new_privileges=off", "false\n" },
                { "steps.ulimits=nofile=1024:2048, core=-1", "nofile=1024:2048\ncore=-1\n" },
                { "steps.ulimits=['nofile=1', nproc=unlimited]", "nofile=1\nnproc=unlimited\n" },
                { "steps.cap_drop=[]", "" },
                { "steps.tmpfs={/run: 'rw,size=1m', /tmp: ''}", "/run=rw,size=1m\n/tmp=\n" },
                { "steps.sysctls=net.core.somaxconn=1024", "net.core.somaxconn=1024\n" },
                { "services.image_devices={'pg:*': [/dev/kvm], x: /dev/fuse}",
                  "pg:*=[ \"\\/dev\\/kvm\" ]\nx=[ \"\\/dev\\/fuse\" ]\n" },
                { "services.always=redis:7", "{ \"image\": \"redis:7\" }\n" },
                { "services.always=[{image: pg, alias: db, entrypoint: [''], environment: [A=b]}, x]",
                  "{ \"image\": \"pg\", \"alias\": \"db\", \"entrypoint\": [ \"\" ], \"environment\": { \"A\": \"b\" } "
                  "}\n{ \"image\": \"x\" }\n" },
                { "services.max=0", "0\n" },
                { "services.max=unlimited", "unlimited\n" },
                { "services.timeout=off", "off\n" },
                { "services.timeout=-1", "off\n" },
                { "jobs.timeout=90", "1min30s\n" },
                { "jobs.environment=A=1,B,C=x=y", "A=1\nB=\nC=x=y\n" },
                { "images.pull=if-not-present, always", "missing\nalways\n" },
                { "trusted=network,security", "network\nsecurity\n" },
                { "trusted=all", "network\nvolumes\nsecurity\n" },
                { "trusted=none", "" },
                { "volumes.allowed=/srv//data/,/opt/.", "/srv/data\n/opt\n" },
                { "volumes.mounts=/cache, /a:/b:ro,z", "/cache\n/a:/b:ro\nz\n" },
                { "network.kind=bridge", "bridge\n" },
                { "network.mtu=1400", "1400\n" },
                { "network.dns=1.1.1.1,fd00::1", "1.1.1.1\nfd00::1\n" },
                { "network.extra_hosts=db:10.0.0.5,h:host-gateway,v6:fd00::1",
                  "db:10.0.0.5\nh:host-gateway\nv6:fd00::1\n" },
                { "engine.url=/run/podman.sock", "/run/podman.sock\n" },
                { "engine.api_version=1.41", "1.41\n" },
                { "images.platform=linux/arm64", "linux/arm64\n" },
        };

        FOREACH_ROW(row, rows) {
                bool is_fault;
                _cleanup_free_ char *shown = read_one(row->setting, &is_fault);

                print_message("case '%s'\n", row->setting);
                assert_string_equal(shown ? shown : "", row->want);
                assert_false(is_fault);
        }
}

static void test_faults(void **state) {
        static const struct {
                const char *setting, *want;
        } rows[] = {
                { "steps.memory=lots", "steps.memory: expected a size such as 512m or 2g, found 'lots'" },
                { "steps.memory=-1", "expected a size" },
                { "steps.memory=99999999999999999999g", "expected a size" },
                { "steps.memory_swap=9223372036854775808", "expected a size" },
                { "steps.cpus=x", "expected a number of CPUs" },
                { "steps.cpus=1.", "expected a number of CPUs" },
                { "steps.cpus=1.5x", "expected a number of CPUs" },
                { "steps.cpus=1/0", "expected a number of CPUs" },
                { "steps.cpus=9999999", "expected a number of CPUs" },
                { "steps.pids=-2", "expected a whole number, or unlimited" },
                { "steps.oom_score_adjust=1001", "expected a whole number from -1000 to 1000" },
                { "steps.privileged=perhaps", "expected true or false, found 'perhaps'" },
                { "steps.ulimits=nofile", "expected NAME=SOFT" },
                { "steps.ulimits=nofile=a", "expected NAME=SOFT" },
                { "steps.ulimits=nofile=1:", "expected NAME=SOFT" },
                { "steps.ulimits=nofile=1:2:3", "expected NAME=SOFT" },
                { "steps.ulimits=nofile=-2", "expected NAME=SOFT" },
                { "steps.cpuset_cpus=0-", "expected numbers and ranges" },
                { "steps.cpuset_cpus=a", "expected numbers and ranges" },
                { "steps.cap_add=NET ADMIN", "expected the name of a capability" },
                { "steps.devices=kvm", "expected a device" },
                { "steps.devices=/dev/x:/y:rq", "expected a device" },
                { "steps.device_cgroup_rules=x", "expected a rule" },
                { "steps.device_cgroup_rules=c 1:2", "expected a rule" },
                { "steps.device_cgroup_rules=c 1:2 q", "expected a rule" },
                { "steps.tmpfs={run: x}", "expected an absolute path without '..', found 'run'" },
                { "steps.tmpfs={/run: [x]}", "expected a text, found a list" },
                { "steps.tmpfs=[[x]]", "expected NAME=VALUE, found a list" },
                { "steps.sysctls={x: 1}", "expected the name of a setting" },
                { "services.image_devices={'*': kvm}", "expected a device" },
                { "services.image_devices=[x]", "expected a map from patterns" },
                { "services.always=[[x]]", "expected an image, or a map, found a list" },
                { "services.always=[{alias: x}]", "expected a map with an image" },
                { "services.always=[{image: [x]}]", "expected a text, found a list" },
                { "services.always=[{image: x, command: y}]", "expected a list of texts, found 'y'" },
                { "services.always=[{imge: x}]",
                  "expected image, alias, command, entrypoint or environment, found 'imge'" },
                { "services.timeout=soon", "expected a duration such as 90s, 10min or 1h30m, or off" },
                { "services.timeout=-5", "or off" },
                { "images.pull=sometimes",
                  "expected always, missing, if-not-present, newer or never, found 'sometimes'" },
                { "images.pull=always,always,always,always,always,always,always,always,always", "at most 8" },
                { "trusted=everyone", "expected network, volumes, security, several of them, all, or none" },
                { "volumes.allowed=srv", "expected an absolute path" },
                { "volumes.allowed=/srv/../etc", "expected an absolute path" },
                { "volumes.mounts=:/x", "expected SOURCE:TARGET" },
                { "volumes.mounts=a:b", "expected SOURCE:TARGET" },
                { "volumes.mounts=/a:/b:c:d:e:f", "expected SOURCE:TARGET" },
                { "network.kind=brigde", "expected one of auto, pod, bridge, found 'brigde'" },
                { "network.kind=brigde", "did you mean 'bridge'?" },
                { "network.mtu=-1", "expected a whole number up to 1000000" },
                { "network.dns=ns.example.com", "expected an IP address" },
                { "network.extra_hosts=db", "expected NAME:ADDRESS" },
                { "network.extra_hosts=db:nowhere", "expected NAME:ADDRESS" },
                { "engine.url=podman", "expected an address such as" },
                { "engine.api_version=new", "expected a version such as 1.41" },
                { "images.platform=arm64", "expected a platform" },
                { "jobs.environment={A B: 1}", "expected a name without" },
                { "jobs.labels=io.podstep.job=7", "io.podstep.* are podstep's own" },
                { "jobs.shell=\x1b[2J", "expected a text without control characters" },
                { "jobs.shell", "'--set jobs.shell' needs a value: KEY=VALUE" },
                { "stesp.memory=1", "'--set stesp.memory': there is no such key; did you mean 'steps.memory'?" },
                { "memory=1", "did you mean 'steps.memory'?" },
                { "steps.cap_drop=[", "--set:1:" },
        };

        FOREACH_ROW(row, rows) {
                bool is_fault;
                _cleanup_free_ char *shown = read_one(row->setting, &is_fault);

                print_message("case '%s'\n", row->setting);
                assert_true(is_fault);
                if (!strstr(shown, row->want))
                        assert_string_equal(shown, row->want);
        }
}

/* Every row has what the manual needs; names and variables are not given twice; each starts at its default. */
static void test_rows(void **state) {
        ConfigSlot slot = { 0 };
        size_t n = 0;
        Config config;

        assert_int_equal(config_init(&config), 0);
        while (config_slot_next(&slot)) {
                char name[CONFIG_NAME_MAX], variable[CONFIG_NAME_MAX];
                ConfigSlot found;

                print_message("key '%s'\n", config_slot_name(&slot, name));
                assert_true(config_slot_find(name, strlen(name), &found));
                assert_int_equal(found.index, slot.index);
                assert_ptr_equal(found.key, slot.key);
                assert_int_equal(slot.index, n++);
                assert_non_null(slot.key->doc);
                assert_true(slot.key->type != CONFIG_WORD || slot.key->words);
                assert_true(strncmp(config_slot_variable(&slot, variable), "PODSTEP_", 8) == 0);
                assert_int_equal(config.origins[slot.index].layer, CONFIG_DEFAULT);
        }
        assert_true(n < CONFIG_KEYS_MAX);
        config_done(&config);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_faults),
                cmocka_unit_test(test_rows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
