#include "golden.h"

#include <errno.h>
#include <unistd.h>

#include "config/config.h"

/* File names in the output are relative, so that they are the same everywhere. */
static ConfigSpec spec_of(const char *name, const char *const *variables, const char *const *options) {
        static char directories[3][100];
        static const char *const layers[] = { "vendor", "system", "user" };

        for (size_t i = 0; i < ELEMENTSOF(layers); i++)
                (void) snprintf(directories[i], sizeof(directories[i]), "config/%s/%s", name, layers[i]);
        assert_int_equal(chdir(GOLDEN_DIRECTORY), 0);
        return (ConfigSpec) { .vendor_directory = directories[0], .system_directory = directories[1],
                              .user_directory = directories[2], .environment = (char *const *) variables,
                              .settings = (char *const *) options };
}

static const char *const environment[] = {
        "PATH=/usr/bin", "DOCKER_HOST=unix:///run/user/1000/podman/podman.sock", "PODSTEP_JOBS_GRACE=5s",
        "WOODPECKER_BACKEND_DOCKER_LIMIT_CPU_QUOTA=50000", "PODSTEP_STEPS_CPU_QUOTA=100000", "PODSTEP_COLOR=",
        "WOODPECKER_BACKEND_DOCKER_APPARMOR_PROFILE=ci", "WOODPECKER_BACKEND_DOCKER_NETWORK=ci-net",
        "REGISTRY_AUTH_FILE=/home/user/auth.json", "WOODPECKER_BACKEND_DOCKER_LIMIT_MEM=1000", NULL,
};
static const char *const settings[] = { "jobs.log_size=10m", "steps.cap_add=SYS_PTRACE,NET_ADMIN", NULL };

static void load(const char *name, Config *config) {
        ConfigSpec spec = spec_of(name, environment, settings);
        _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT);
        int r;

        assert_int_equal(config_init(config), 0);
        r = config_load(&spec, config, &faults);
        assert_string_equal(str_get(&faults), "");
        assert_int_equal(r, 0);
}

static void test_show(void **state) {
        static const struct {
                unsigned flags;
                const char *golden;
        } rows[] = {
                { 0, "config/layers.txt" },
                { CONFIG_SHOW_JSON, "config/layers.json" },
                { CONFIG_SHOW_DEFAULTS, "config/layers-defaults.txt" },
        };
        Config config;

        load("layers", &config);
        FOREACH_ROW(row, rows) {
                _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);

                assert_int_equal(config_show(&config, row->flags, &out), 0);
                golden_check(row->golden, str_get(&out));
        }
        config_done(&config);
}

/* What is shown can be read again, and is the same then. */
static void test_round_trip(void **state) {
        char directory[] = "/tmp/test-config-XXXXXX";
        static const unsigned flags[] = { 0, CONFIG_SHOW_DEFAULTS };
        Config config;

        assert_non_null(mkdtemp(directory));
        load("layers", &config);
        FOREACH_ROW(flag, flags) {
                _cleanup_free_ char *file = path_join(directory, "podstep.yaml");
                _cleanup_str_ Str first = STR_INIT(STR_MAX_DEFAULT), second = STR_INIT(STR_MAX_DEFAULT),
                                  faults = STR_INIT(STR_MAX_DEFAULT);
                ConfigSpec spec = { "/nonexistent", "/nonexistent", .file = file };
                Config again;

                assert_int_equal(config_show(&config, *flag, &first), 0);
                assert_int_equal(file_write(file, str_get(&first), first.n, 0600), 0);
                assert_int_equal(config_init(&again), 0);
                assert_int_equal(config_load(&spec, &again, &faults), 0);
                assert_string_equal(str_get(&faults), "");
                assert_int_equal(again.policy.steps.limits.memory_bytes, 2147483648);
                assert_int_equal(again.policy.steps.limits.cpu_quota_usec, 100000);
                assert_int_equal(again.policy.service_wait_usec, UINT64_MAX);
                assert_string_equal(again.policy.volumes.mounts[2], "cache");
                assert_string_equal(map_get(&again.policy.environment, "ANSWER"), "42");
                assert_int_equal(config_show(&again, 0, &second), 0);
                config_done(&again);
        }
        config_done(&config);
        assert_int_equal(file_remove_tree(directory), 0);
}

static void test_key(void **state) {
        static const struct {
                const char *key;
                unsigned flags;
                const char *want;
        } rows[] = {
                { "steps.memory", 0, "2g\n" },
                { "steps.memory", CONFIG_SHOW_JSON, "\"2g\"\n" },
                { "images.pull", 0, "always\nmissing\n" },
                { "images.pull", CONFIG_SHOW_JSON, "[\"always\",\"missing\"]\n" },
                { "jobs.timeout", 0, "2h\n" },
                { "jobs.shell", 0, "" },
                { "jobs.shell", CONFIG_SHOW_JSON, "null\n" },
                { "network.kind", 0, "auto\n" },
                { "services.tmpfs", 0, "/run=rw,size=64m\n" },
                { "engine", 0, "engine:\n  url: unix:///run/user/1000/podman/podman.sock  # $DOCKER_HOST\n" },
                { "steps.memroy", 0, "there is no key 'steps.memroy'; did you mean 'steps.memory'?" },
                { "zzz", 0, "there is no key 'zzz'" },
        };
        Config config;

        load("layers", &config);
        FOREACH_ROW(row, rows) {
                _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);
                _cleanup_(error_freep) Error *error = NULL;
                int r = config_show_key(&config, row->key, row->flags, &out, &error);

                print_message("case '%s'\n", row->key);
                assert_string_equal(r < 0 ? error_message(error, r) : str_get(&out), row->want);
        }
        config_done(&config);
}

/* All keys are in it; tests/check-schemas.py holds it against files. */
static void test_schema(void **state) {
        _cleanup_free_ char *schema = NULL;

        assert_int_equal(config_schema(&schema), 0);
        golden_check("config/schema.json", schema);
}

static void test_bad(void **state) {
        static const char *const bad_environment[] = { "PODSTEP_STEPS_MEMORY=1g", "PODSTEP_NETWORK_MTU=big",
                                                       "PODSTEP_JOBS_LABELS={", NULL };
        ConfigSpec spec = spec_of("bad", bad_environment, NULL);
        _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT);
        Config config;

        assert_int_equal(config_init(&config), 0);
        assert_int_equal(config_load(&spec, &config, &faults), -EINVAL);
        golden_check("config/bad.txt", str_get(&faults));
        config_done(&config);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_show),
                cmocka_unit_test(test_schema),
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_key),
                cmocka_unit_test(test_bad),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
