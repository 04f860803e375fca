#include "test.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/strv.h"
#include "cli/configure.h"
#include "job/event.h"

static char root[] = "/tmp/test-configure-XXXXXX";

/* A run with these options, and this as the user's file; the options are the caller's to end. */
static int run(const char *const *args, const char *text, RunOptions *options) {
        _cleanup_free_ char *file = path_join(root, "podstep/podstep.yaml"), *parent = path_parent(file);
        _cleanup_strv_ char **rest = NULL;

        assert_int_equal(file_mkdir_p(parent, 0700), 0);
        assert_int_equal(file_write(file, text, strlen(text), 0600), 0);
        run_options_init(options);
        assert_int_equal(options_parse(run_option_rows, (char *const *) args, options, &rest, NULL), OPTIONS_PARSED);
        return configure(options);
}

/* The command line, then the file, then the default. */
static void test_options(void **state) {
        static const char file[] = "trusted: volumes\ncolor: never\nengine: {url: 'unix:///f'}\n"
                                   "jobs: {timeout: 5min, grace: 1s, keep_failed: true}\nservices: {timeout: "
                                   "2min}\nnetwork: {kind: bridge}\n"
                                   "steps: {memory: 1g}\n";
        static const char *const none[] = { NULL };
        static const char *const all[] = { "--trusted",         "network",   "--color",   "auto",    "--engine",
                                           "unix:///o",         "--timeout", "7s",        "--grace", "3s",
                                           "--service-timeout", "4s",        "--network", "auto",    "--set",
                                           "steps.memory=2g",   NULL };
        static const struct {
                const char *const *args;
                const char *file;
                RunOptions want;
                const char *want_url;
        } rows[] = {
                { none, "", { .color = COLOR_AUTO, .network = NETWORK_CHOICE_AUTO }, NULL },
                { none,
                  file,
                  { .timeout_usec = 300 * USEC_PER_SEC,
                    .grace_usec = USEC_PER_SEC,
                    .service_timeout_usec = 120 * USEC_PER_SEC,
                    .keep = true,
                    .color = COLOR_NEVER,
                    .network = NETWORK_CHOICE_BRIDGE,
                    .policy = { .trusted = TRUST_VOLUMES, .steps.limits.memory_bytes = 1U << 30 } },
                  "unix:///f" },
                { all,
                  file,
                  { .timeout_usec = 7 * USEC_PER_SEC,
                    .grace_usec = 3 * USEC_PER_SEC,
                    .service_timeout_usec = 4 * USEC_PER_SEC,
                    .keep = true,
                    .color = COLOR_AUTO,
                    .network = NETWORK_CHOICE_AUTO,
                    .policy = { .trusted = TRUST_NETWORK, .steps.limits.memory_bytes = 2U << 30 } },
                  "unix:///o" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(run_options_done) RunOptions got;

                assert_int_equal(run(row->args, row->file, &got), 0);
                assert_int_equal(got.timeout_usec, row->want.timeout_usec);
                assert_int_equal(got.grace_usec, row->want.grace_usec);
                assert_int_equal(got.service_timeout_usec, row->want.service_timeout_usec);
                assert_int_equal(got.policy.service_wait_usec, row->want.service_timeout_usec);
                assert_int_equal(got.keep, row->want.keep);
                assert_int_equal(got.color, row->want.color);
                assert_int_equal(got.network, row->want.network);
                assert_int_equal(got.policy.trusted, row->want.policy.trusted);
                assert_int_equal(got.policy.steps.limits.memory_bytes, row->want.policy.steps.limits.memory_bytes);
                assert_string_equal(got.engine_url ? got.engine_url : "", row->want_url ? row->want_url : "");
        }
}

/* Where the engine is: variables that engine_open() knows are left to it, unless podstep's own says more. */
static void test_engine(void **state) {
        static const struct {
                const char *file, *name, *value, *want;
        } rows[] = {
                { "engine: {url: 'unix:///f'}", "DOCKER_HOST", "tcp://d:1", "" },
                { "engine: {url: 'unix:///f'}", "CONTAINER_HOST", "unix:///c", "" },
                { "engine: {url: 'unix:///f'}", "DOCKER_SOCK", "/d.sock", "" },
                { "engine: {url: 'unix:///f'}", "CONTAINER_CONNECTION", "mine", "" },
                { "engine: {url: 'unix:///f'}", "PODSTEP_ENGINE_URL", "unix:///p", "unix:///p" },
                { "", "WOODPECKER_BACKEND_DOCKER_HOST", "unix:///w", "unix:///w" },
                { "", "DOCKER_HOST", "tcp://d:1", "" },
        };
        static const char *const none[] = { NULL };

        FOREACH_ROW(row, rows) {
                _cleanup_(run_options_done) RunOptions got;

                print_message("case '%s'\n", row->name);
                setenv(row->name, row->value, 1);
                assert_int_equal(run(none, row->file, &got), 0);
                assert_string_equal(got.engine_url ? got.engine_url : "", row->want);
                unsetenv(row->name);
        }
}

static const char *variable(const char *name) {
        const char *value = getenv(name);

        return value ? value : "";
}

/*
 * The parts that look into the environment find there what the files say, and what variables say where those count
 * more.
 */
static void test_variables(void **state) {
        static const char file[] =
                "engine: {cert_directory: /f, tls_verify: false, api_version: '1.40'}\nimages: {auth_file: /a.json}\n";
        static const char *const none[] = { NULL };
        _cleanup_(run_options_done) RunOptions first, second;

        assert_int_equal(run(none, file, &first), 0);
        assert_string_equal(variable("DOCKER_CERT_PATH"), "/f");
        assert_string_equal(variable("DOCKER_TLS_VERIFY"), "0");
        assert_string_equal(variable("DOCKER_API_VERSION"), "1.40");
        assert_string_equal(variable("REGISTRY_AUTH_FILE"), "/a.json");
        setenv("PODSTEP_ENGINE_CERT_DIRECTORY", "/p", 1);
        assert_int_equal(run(none, file, &second), 0);
        assert_string_equal(variable("DOCKER_CERT_PATH"), "/p");
        unsetenv("PODSTEP_ENGINE_CERT_DIRECTORY");
        unsetenv("DOCKER_CERT_PATH");
        unsetenv("DOCKER_TLS_VERIFY");
        unsetenv("DOCKER_API_VERSION");
        unsetenv("REGISTRY_AUTH_FILE");
}

/*
 * The file of logins: each of these counts more than those before it, and what is told here reaches who reads logins.
 */
static void test_auth_file(void **state) {
        static const char *const names[] = { "WOODPECKER_DOCKER_CONFIG", "REGISTRY_AUTH_FILE",
                                             "PODSTEP_IMAGES_AUTH_FILE" };
        static const char *const none[] = { NULL }, file[] = "images: {auth_file: /file.json}\n";

        FOREACH_ROW(name, names) {
                _cleanup_(run_options_done) RunOptions got;
                _cleanup_free_ char *path = str_printf("/%s.json", *name);

                assert_int_equal(setenv(*name, path, 1), 0);
                assert_int_equal(run(none, file, &got), 0);
                assert_string_equal(variable("REGISTRY_AUTH_FILE"), path);
                unsetenv("REGISTRY_AUTH_FILE");
                if (str_equal(*name, "REGISTRY_AUTH_FILE"))
                        setenv(*name, path, 1);
        }
        FOREACH_ROW(name, names)
                unsetenv(*name);
}

static void test_broken(void **state) {
        static const struct {
                const char *args[3], *file;
                int want;
        } rows[] = {
                { { NULL }, "stesp: {}", EXIT_USAGE },
                { { "--set", "steps.memory=lots" }, "", EXIT_USAGE },
                { { "--config", "/nonexistent" }, "", EXIT_USAGE },
                { { "--config", "/dev/null" }, "stesp: {}", 0 },
                { { "--pull", "never" }, "images: {allowed_pull: [always, missing]}", EXIT_REFUSED },
                { { "--pull", "always,never" }, "images: {allowed_pull: [always, missing]}", EXIT_REFUSED },
                { { "--pull", "missing" }, "images: {allowed_pull: [always, missing]}", 0 },
                { { NULL }, "images: {allowed_pull: [always, missing]}", 0 },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(run_options_done) RunOptions got;

                assert_int_equal(run(row->args, row->file, &got), row->want);
        }
}

static int setup(void **state) {
        static const char *const names[] = { "CONTAINER_HOST",       "DOCKER_HOST",        "DOCKER_SOCK",
                                             "CONTAINER_CONNECTION", "DOCKER_CERT_PATH",   "DOCKER_TLS_VERIFY",
                                             "DOCKER_API_VERSION",   "REGISTRY_AUTH_FILE", "WOODPECKER_DOCKER_CONFIG",
                                             "PODSTEP_CONFIG" };

        FOREACH_ROW(name, names)
                unsetenv(*name);
        return mkdtemp(root) ? setenv("XDG_CONFIG_HOME", root, 1) : -1;
}

static int teardown(void **state) {
        return file_remove_tree(root);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_options),
                cmocka_unit_test(test_engine),
                cmocka_unit_test(test_variables),
                cmocka_unit_test(test_auth_file),
                cmocka_unit_test(test_broken),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
