#include "test.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "config/config.h"
#include "config/key.h"

#define FILES_MAX 4

static char root[] = "/tmp/test-config-XXXXXX";

static void put_file(const char *name, const char *text) {
        _cleanup_free_ char *path = path_join(root, name), *parent = path_parent(path);

        assert_int_equal(file_mkdir_p(parent, 0700), 0);
        assert_int_equal(file_write(path, text, strlen(text), 0600), 0);
}

static int load(const char *const *files, const char *const *environment, const char *file, Config *config,
                Str *faults) {
        _cleanup_free_ char *vendor = path_join(root, "v"), *system = path_join(root, "s"),
                            *only = file ? path_join(root, file) : NULL, *home = str_printf("HOME=%s", root);
        char *all[8] = { home };
        ConfigSpec spec = { .vendor_directory = vendor, .system_directory = system, .file = only, .environment = all };

        for (size_t i = 0; environment && environment[i]; i++)
                all[i + 1] = (char *) environment[i];
        for (size_t i = 0; i + 1 < FILES_MAX * 2 && files[i]; i += 2)
                put_file(files[i], files[i + 1]);
        assert_int_equal(config_init(config), 0);
        return config_load(&spec, config, faults);
}

#define USER ".config/podstep/podstep.yaml"

static void test_layers(void **state) {
        static const struct {
                const char *name;
                const char *files[FILES_MAX * 2];
                const char *environment[4];
                const char *only;
                const char *want, *want_origin; /* of steps.user; want NULL: an error, with the text of want_origin */
        } rows[] = {
                { "nothing", { NULL }, { NULL }, NULL, "", "" },
                { "vendor", { "v/podstep.yaml", "steps: {user: v}" }, { NULL }, NULL, "v", "v/podstep.yaml" },
                { "system over vendor",
                  { "v/podstep.yaml", "steps: {user: v}", "s/podstep.yaml", "steps: {user: s}" },
                  { NULL },
                  NULL,
                  "s",
                  "s/podstep.yaml" },
                { "user over system",
                  { "s/podstep.yaml", "steps: {user: s}", USER, "steps: {user: u}" },
                  { NULL },
                  NULL,
                  "u",
                  USER },
                { "drop-ins in order",
                  { "s/podstep.yaml.d/b.yaml", "steps: {user: b}", "s/podstep.yaml.d/a.yaml", "steps: {user: a}",
                    "s/podstep.yaml", "steps: {user: s}" },
                  { NULL },
                  NULL,
                  "b",
                  "s/podstep.yaml.d/b.yaml" },
                { "not a drop-in",
                  { "s/podstep.yaml.d/b.yaml~", "steps: {user: b}", "s/podstep.yaml.d/.c.yaml", "x: [" },
                  { NULL },
                  NULL,
                  "",
                  "" },
                { "user's file over system's drop-in",
                  { "s/podstep.yaml.d/b.yaml", "steps: {user: b}", USER, "steps: {user: u}" },
                  { NULL },
                  NULL,
                  "u",
                  USER },
                { "variable",
                  { USER, "steps: {user: u}" },
                  { "PODSTEP_STEPS_USER=e", NULL },
                  NULL,
                  "e",
                  "PODSTEP_STEPS_USER" },
                { "empty variable", { USER, "steps: {user: u}" }, { "PODSTEP_STEPS_USER=", NULL }, NULL, "u", USER },
                { "back to the default",
                  { "s/podstep.yaml", "steps: {user: s}", USER, "steps:\n  user:" },
                  { NULL },
                  NULL,
                  "",
                  USER },
                { "only one",
                  { "s/podstep.yaml", "steps: {user: s}", USER, "steps: {user: u}", "x.yaml", "trusted: all" },
                  { NULL },
                  "x.yaml",
                  "",
                  "" },
                { "only one that is locked",
                  { "s/podstep.yaml", "steps: {user: s}\nlocked: steps.user", "x.yaml", "trusted: all" },
                  { NULL },
                  "x.yaml",
                  "s",
                  "s/podstep.yaml" },
                { "only one breaks a lock",
                  { "s/podstep.yaml", "locked: steps", "x.yaml", "steps: {user: x}" },
                  { NULL },
                  "x.yaml",
                  NULL,
                  "steps.user is locked by" },
                { "only one is not there", { NULL }, { NULL }, "none.yaml", NULL, "none.yaml" },
                { "locked, system's drop-in",
                  { "v/podstep.yaml", "locked: all", "s/podstep.yaml.d/b.yaml", "steps: {user: b}" },
                  { NULL },
                  NULL,
                  "b",
                  "s/podstep.yaml.d/b.yaml" },
                { "locked, user's file",
                  { "v/podstep.yaml", "locked: [steps.user]", USER, "steps: {user: u}" },
                  { NULL },
                  NULL,
                  NULL,
                  "steps.user is locked by" },
                { "locked, variable",
                  { "v/podstep.yaml", "locked: [steps.user]" },
                  { "PODSTEP_STEPS_USER=e", NULL },
                  NULL,
                  NULL,
                  "PODSTEP_STEPS_USER:1:1: error: steps.user is locked" },
                { "user locks", { USER, "locked: [steps.user]" }, { NULL }, NULL, NULL, "can lock keys" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT);
                const char *user, *origin;
                Config config;
                int r;

                print_message("case '%s'\n", row->name);
                r = load(row->files, row->environment, row->only, &config, &faults);
                if (row->want) {
                        assert_string_equal(str_get(&faults), "");
                        user = config.policy.steps.user;
                        origin = config_origin(&config, "steps.user")->name;
                        assert_string_equal(user ? user : "", row->want);
                        assert_true(str_ends_with(origin ? origin : "", row->want_origin));
                        assert_int_equal(config_is_set(&config, "steps.user"), *row->want_origin != '\0');
                } else if (!strstr(str_get(&faults), row->want_origin))
                        assert_string_equal(str_get(&faults), row->want_origin);
                assert_int_equal(r, row->want ? 0 : -EINVAL);
                config_done(&config);
                assert_int_equal(file_remove_tree(root), 0);
                assert_int_equal(file_mkdir_p(root, 0700), 0);
        }
}

/* Variables that other programs have: the first of a row that is set counts, after ours. */
static void test_variables(void **state) {
        static const struct {
                const char *environment[4];
                const char *want, *want_origin;
        } rows[] = {
                { { "DOCKER_HOST=tcp://d:1", NULL }, "tcp://d:1", "DOCKER_HOST" },
                { { "DOCKER_HOST=tcp://d:1", "CONTAINER_HOST=unix:///c", NULL }, "unix:///c", "CONTAINER_HOST" },
                { { "DOCKER_HOST=tcp://d:1", "WOODPECKER_BACKEND_DOCKER_HOST=tcp://w:1", NULL },
                  "tcp://d:1",
                  "DOCKER_HOST" },
                { { "WOODPECKER_BACKEND_DOCKER_HOST=tcp://w:1", "DOCKER_HOSTX=tcp://x:1", NULL },
                  "tcp://w:1",
                  "WOODPECKER_BACKEND_DOCKER_HOST" },
                { { "CONTAINER_HOST=unix:///c", "PODSTEP_ENGINE_URL=unix:///p", NULL },
                  "unix:///p",
                  "PODSTEP_ENGINE_URL" },
                { { "DOCKER_SOCK=/run/d.sock", NULL }, "/run/d.sock", "DOCKER_SOCK" },
        };
        static const char *const no_files[] = { NULL };

        FOREACH_ROW(row, rows) {
                _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT);
                Config config;

                print_message("case '%s'\n", row->want);
                assert_int_equal(load(no_files, row->environment, NULL, &config, &faults), 0);
                assert_string_equal(config.engine.url, row->want);
                assert_string_equal(config_origin(&config, "engine.url")->name, row->want_origin);
                assert_int_equal(config_origin(&config, "engine.url")->layer, CONFIG_VARIABLE);
                config_done(&config);
        }
}

/* A slip of the pen is told; what is of somebody else is not. */
static void test_unknown_variables(void **state) {
        static const struct {
                const char *variable, *want;
        } rows[] = {
                { "PODSTEP_STEPS_MEMROY=1g",
                  "warning: the variable PODSTEP_STEPS_MEMROY sets nothing; did you mean PODSTEP_STEPS_MEMORY?\n" },
                { "PODSTEP_JOBS_X\x1b=1", "warning: the variable PODSTEP_JOBS_X\\x1b sets nothing" },
                { "PODSTEP_STEPS_MEMORY=1g", "" },
                { "PODSTEP_STEPS_MEMORY=", "" },
                { "PODSTEP_CONFIG=", "" },
                { "PODSTEP_GOLDEN=update", "" },
                { "PODSTEP_STEPSX=1", "" },
        };
        static const char *const no_files[] = { NULL };

        FOREACH_ROW(row, rows) {
                _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT);
                Config config;

                print_message("case '%s'\n", row->variable);
                assert_int_equal(load(no_files, (const char *[]) { row->variable, NULL }, NULL, &config, &faults), 0);
                assert_true(str_starts_with(str_get(&faults), row->want));
                assert_int_equal(faults.n > 0, *row->want != '\0');
                config_done(&config);
        }
}

/* What others set for other programs is no fault where the administrator has locked the key; it has no effect. */
static void test_foreign_and_locked(void **state) {
        static const char *const files[FILES_MAX * 2] = { "s/podstep.yaml",
                                                          "engine: {url: 'unix:///s'}\nlocked: engine" };
        _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT);
        Config config;

        assert_int_equal(load(files, (const char *[]) { "DOCKER_HOST=tcp://d:1", NULL }, NULL, &config, &faults), 0);
        assert_string_equal(config.engine.url, "unix:///s");
        config_done(&config);
}

/* The limits of Woodpecker's agent hold for services as well. */
static void test_both_kinds(void **state) {
        static const char *const no_files[] = { NULL };
        _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT);
        Config config;

        assert_int_equal(
                load(no_files, (const char *[]){ "WOODPECKER_LIMIT_MEM=1073741824", NULL }, NULL, &config, &faults), 0);
        assert_int_equal(config.policy.steps.limits.memory_bytes, 1 << 30);
        assert_int_equal(config.policy.services.limits.memory_bytes, 1 << 30);
        config_done(&config);
}

static int setup(void **state) {
        return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state) {
        return file_remove_tree(root);
}

/* What the parts that know of no configuration find in the environment; what nobody set is not there. */
static void test_export(void **state) {
        static const struct {
                const char *text, *name, *want;
        } rows[] = {
                { "engine: {cert_directory: /certs}", "DOCKER_CERT_PATH", "/certs" },
                { "engine: {tls_verify: true}", "DOCKER_TLS_VERIFY", "1" },
                { "engine: {tls_verify: false}", "DOCKER_TLS_VERIFY", "0" },
                { "engine: {api_version: '1.40'}", "DOCKER_API_VERSION", "1.40" },
                { "images: {auth_file: /auth.json}", "REGISTRY_AUTH_FILE", "/auth.json" },
        };

        FOREACH_ROW(row, rows) {
                const char *const set[] = { USER, row->text, NULL }, *const unset[] = { USER, "{}", NULL };

                for (int i = 0; i <= 1; i++) {
                        _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT);
                        const char *value;
                        Config config;

                        assert_int_equal(load(i == 0 ? set : unset, NULL, NULL, &config, &faults), 0);
                        assert_int_equal(config_export(&config), 0);
                        value = getenv(row->name);
                        if (i == 0)
                                assert_string_equal(value ? value : "", row->want);
                        else
                                assert_null(value);
                        config_done(&config);
                }
        }
}

/* Every variable that others have already: the key that it sets, and as what. */
static const struct {
        const char *variable, *key, *want;
} foreign_rows[] = {
        { "CONTAINER_HOST=unix:///c", "engine.url", "unix:///c" },
        { "DOCKER_HOST=tcp://d:1", "engine.url", "tcp://d:1" },
        { "DOCKER_SOCK=/run/d.sock", "engine.url", "/run/d.sock" },
        { "WOODPECKER_BACKEND_DOCKER_HOST=tcp://w:1", "engine.url", "tcp://w:1" },
        { "DOCKER_CERT_PATH=/certs", "engine.cert_directory", "/certs" },
        { "WOODPECKER_BACKEND_DOCKER_CERT_PATH=/certs", "engine.cert_directory", "/certs" },
        { "DOCKER_TLS_VERIFY=0", "engine.tls_verify", "false" },
        { "WOODPECKER_BACKEND_DOCKER_TLS_VERIFY=false", "engine.tls_verify", "false" },
        { "DOCKER_API_VERSION=1.40", "engine.api_version", "1.40" },
        { "WOODPECKER_BACKEND_DOCKER_API_VERSION=1.40", "engine.api_version", "1.40" },
        { "WOODPECKER_BACKEND_DOCKER_STOP_TIMEOUT=7", "jobs.grace", "7s" },
        { "REGISTRY_AUTH_FILE=/auth.json", "images.auth_file", "/auth.json" },
        { "WOODPECKER_DOCKER_CONFIG=/auth.json", "images.auth_file", "/auth.json" },
        { "WOODPECKER_BACKEND_DOCKER_VOLUMES=/a:/a,/b:/b:ro", "volumes.mounts", "/a:/a\n/b:/b:ro" },
        { "WOODPECKER_BACKEND_DOCKER_NETWORK=ours", "network.join", "ours" },
        { "WOODPECKER_BACKEND_DOCKER_ENABLE_IPV6=true", "network.ipv6", "true" },
        { "WOODPECKER_PLUGINS_PRIVILEGED=a,b", "lint.privileged_plugins", "a\nb" },
        { "WOODPECKER_PLUGINS_TRUSTED_CLONE=a", "lint.trusted_clones", "a" },
        { "WOODPECKER_BACKEND_DOCKER_LIMIT_MEM=1048576", "steps.memory", "1m" },
        { "WOODPECKER_LIMIT_MEM=1048576", "steps.memory", "1m" },
        { "WOODPECKER_BACKEND_DOCKER_LIMIT_MEM_SWAP=1048576", "steps.memory_swap", "1m" },
        { "WOODPECKER_LIMIT_MEM_SWAP=1048576", "steps.memory_swap", "1m" },
        { "WOODPECKER_BACKEND_DOCKER_LIMIT_SHM_SIZE=1048576", "steps.shm_size", "1m" },
        { "WOODPECKER_LIMIT_SHM_SIZE=1048576", "steps.shm_size", "1m" },
        { "WOODPECKER_BACKEND_DOCKER_LIMIT_CPU_SHARES=9", "steps.cpu_shares", "9" },
        { "WOODPECKER_LIMIT_CPU_SHARES=9", "steps.cpu_shares", "9" },
        { "WOODPECKER_BACKEND_DOCKER_LIMIT_CPU_QUOTA=5000", "steps.cpu_quota", "5ms" },
        { "WOODPECKER_LIMIT_CPU_QUOTA=5000", "steps.cpu_quota", "5ms" },
        { "WOODPECKER_BACKEND_DOCKER_LIMIT_CPU_SET=0-1", "steps.cpuset_cpus", "0-1" },
        { "WOODPECKER_LIMIT_CPU_SET=0-1", "steps.cpuset_cpus", "0-1" },
        { "WOODPECKER_BACKEND_DOCKER_APPARMOR_PROFILE=ours", "steps.security_opt", "apparmor=ours" },
};

static void test_foreign_variables(void **state) {
        static const char *const no_files[] = { NULL };

        FOREACH_ROW(row, foreign_rows) {
                _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT), shown = STR_INIT(STR_MAX_DEFAULT);
                size_t n_name = strcspn(row->variable, "=");
                const ConfigOrigin *origin;
                Config config;

                print_message("case '%s'\n", row->variable);
                assert_int_equal(load(no_files, (const char *[]) { row->variable, NULL }, NULL, &config, &faults), 0);
                origin = config_origin(&config, row->key);
                assert_int_equal(origin->layer, CONFIG_VARIABLE);
                assert_int_equal(strlen(origin->name), n_name);
                assert_memory_equal(origin->name, row->variable, n_name);
                assert_int_equal(config_show_key(&config, row->key, 0, &shown, NULL), 0);
                assert_true(str_starts_with(str_get(&shown), row->want));
                assert_int_equal(shown.n, strlen(row->want) + 1);
                config_done(&config);
        }
}

/* ... and no other. */
static void test_has_all_variables(void **state) {
        ConfigSlot slot = { 0 };

        while (config_slot_next(&slot))
                for (size_t i = 0; i < CONFIG_VARIABLES_MAX && slot.key->variables[i]; i++) {
                        const char *name = slot.key->variables[i];
                        bool is_known = false;

                        FOREACH_ROW(row, foreign_rows)
                                is_known |= strcspn(row->variable, "=") == strcspn(name, "=") &&
                                            strncmp(row->variable, name, strcspn(name, "=")) == 0;
                        if (!is_known)
                                print_message("'%s' has no row\n", name);
                        assert_true(is_known);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_layers),
                cmocka_unit_test(test_variables),
                cmocka_unit_test(test_export),
                cmocka_unit_test(test_foreign_variables),
                cmocka_unit_test(test_has_all_variables),
                cmocka_unit_test(test_unknown_variables),
                cmocka_unit_test(test_foreign_and_locked),
                cmocka_unit_test(test_both_kinds),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
