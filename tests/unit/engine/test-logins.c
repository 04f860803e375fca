#include "../test-loop.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "engine/logins.h"

#define ENTRY(name, auth) "\"" name "\":{\"auth\":\"" auth "\"}"
#define A_B "YTpi"    /* a:b */
#define C_D "YzpkOmU=" /* c:d:e */

/* A home with helpers in PATH, and none of our own variables. */
typedef struct Scene {
        char *directory, *log;
        sd_event *event;
        Logins *logins;
} Scene;

static void put(const Scene *scene, const char *path, const char *text, mode_t mode) {
        _cleanup_free_ char *whole = path_join(scene->directory, path), *parent = path_parent(whole);

        assert_int_equal(file_mkdir_p(parent, 0700), 0);
        assert_int_equal(file_write(whole, text, strlen(text), mode), 0);
}

/* Writes down how it was called, then does @body with the registry in $server. */
static void put_helper(const Scene *scene, const char *name, const char *body) {
        _cleanup_free_ char *path = str_printf("bin/docker-credential-%s", name),
                            *text = str_printf("#!/bin/sh\nread -r server || :\necho \"%s $* $server\" >>'%s'\n%s\n",
                                               name, scene->log, body);

        put(scene, path, text, 0755);
}

static int setup(void **state) {
        static const char *const variables[] = { "REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_CONFIG_HOME" };
        char directory[] = "/tmp/podstep-test-XXXXXX";
        Scene *scene = calloc(1, sizeof(*scene));
        _cleanup_free_ char *path = NULL, *runtime = NULL;

        assert_non_null(mkdtemp(directory));
        *scene = (Scene) { .directory = strdup(directory), .log = path_join(directory, "log"), .event = test_event() };
        path = str_printf("%s/bin:/usr/bin:/bin", directory);
        runtime = path_join(directory, "run");
        FOREACH_ROW(name, variables)
                assert_int_equal(unsetenv(*name), 0);
        assert_int_equal(setenv("HOME", directory, true), 0);
        assert_int_equal(setenv("XDG_RUNTIME_DIR", runtime, true), 0);
        assert_int_equal(setenv("PATH", path, true), 0);
        assert_int_equal(logins_new(&scene->logins), 0);
        *state = scene;
        return 0;
}

static int teardown(void **state) {
        Scene *scene = *state;

        logins_free(scene->logins);
        sd_event_unref(scene->event);
        assert_int_equal(file_remove_tree(scene->directory), 0);
        free(scene->directory);
        free(scene->log);
        free(scene);
        return 0;
}

/* What is found: "user:password of SOURCE", "none", or the Error. */
static char *find(const Scene *scene, const Logins *logins, const char *repository) {
        _cleanup_(login_found_done) LoginFound found = { 0 };
        _cleanup_(task_freep) Task *task = NULL;
        const char *source;
        Seen seen = { 0 };

        assert_int_equal(logins_find_start(logins, scene->event, repository, &found, seen_done, &seen, &task), 0);
        assert_int_equal(seen.n, 0);
        turn_until(scene->event, &seen.n, 1);
        if (seen.r < 0)
                return strdup(seen.text);
        if (seen.r > 0)
                return strdup("none");
        source = str_starts_with(found.source, scene->directory) ? found.source + strlen(scene->directory) + 1
                                                                 : found.source;
        return found.login.identity_token
                       ? str_printf("<%s> of %s", found.login.identity_token, source)
                       : str_printf("%s:%s of %s", found.login.username, found.login.password, source);
}

static void assert_found(const Scene *scene, const char *repository, const char *want) {
        _cleanup_free_ char *got = find(scene, scene->logins, repository);

        assert_string_equal(got, want);
}

/* Podman's order; each registry is found where it stands first. */
static void test_order(void **state) {
        static const struct {
                const char *path, *entry;
        } files[] = {
                { "run/containers/auth.json", ENTRY("all", A_B) "," ENTRY("one", A_B) },
                { ".config/containers/auth.json", ENTRY("all", C_D) "," ENTRY("two", A_B) },
                { ".docker/config.json", ENTRY("all", C_D) "," ENTRY("three", A_B) },
        };
        Scene *scene = *state;

        FOREACH_ROW(file, files) {
                _cleanup_free_ char *text = str_printf("{\"auths\":{%s}}", file->entry);

                put(scene, file->path, text, 0600);
        }
        put(scene, ".dockercfg", "{" ENTRY("four", A_B) "}", 0600);
        assert_int_equal(logins_add_files(scene->logins, NULL, NULL), 0);
        assert_found(scene, "all/x", "a:b of run/containers/auth.json");
        assert_found(scene, "one/x", "a:b of run/containers/auth.json");
        assert_found(scene, "two/x", "a:b of .config/containers/auth.json");
        assert_found(scene, "three/x", "a:b of .docker/config.json");
        assert_found(scene, "four/x", "a:b of .dockercfg");
        assert_found(scene, "five/x", "none");
}

/* A file by name is the only one, and must be there. */
static void test_named(void **state) {
        static const struct {
                const char *option, *variable, *want;
        } rows[] = {
                { "mine.json", "env.json", "a:b of mine.json" },
                { NULL, "env.json", "a:b of env.json" },
                { NULL, NULL, "c:d:e of .docker/config.json" },
                { NULL, "", "c:d:e of .docker/config.json" },
                { "missing.json", NULL, NULL },
                { NULL, "missing.json", NULL },
        };
        Scene *scene = *state;

        put(scene, "mine.json", "{\"auths\":{" ENTRY("r", A_B) "}}", 0600);
        put(scene, "env.json", "{\"auths\":{" ENTRY("r", A_B) "}}", 0600);
        put(scene, ".docker/config.json", "{\"auths\":{" ENTRY("r", C_D) "," ENTRY("s", C_D) "}}", 0600);
        assert_int_equal(chdir(scene->directory), 0);
        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_(logins_freep) Logins *logins = NULL;
                _cleanup_free_ char *got = NULL, *other = NULL;
                int r;

                assert_int_equal(row->variable ? setenv("REGISTRY_AUTH_FILE", row->variable, true)
                                               : unsetenv("REGISTRY_AUTH_FILE"),
                                 0);
                assert_int_equal(logins_new(&logins), 0);
                r = logins_add_files(logins, row->option, &error);
                assert_int_equal(r, row->want ? 0 : -ENOENT);
                if (!row->want) {
                        assert_string_equal(error_message(error, r),
                                            "cannot read the logins of 'missing.json': No such file or directory");
                        continue;
                }
                got = find(scene, logins, "r/x");
                assert_string_equal(got, row->want);
                other = find(scene, logins, "s/x");
                assert_int_equal(str_equal(other, "none"), row->option || !str_is_empty(row->variable));
        }
        assert_int_equal(chdir("/"), 0);
}

/* A usual file that is broken spoils neither the others nor the run. */
static void test_broken(void **state) {
        _cleanup_(error_freep) Error *error = NULL;
        Scene *scene = *state;

        put(scene, "run/containers/auth.json", "{", 0600);
        put(scene, ".config/containers/auth.json", "", 0600);
        put(scene, ".docker/config.json", "{\"auths\":{" ENTRY("r", A_B) "}}", 0600);
        assert_int_equal(logins_add_files(scene->logins, NULL, &error), 1);
        assert_non_null(strstr(error_message(error, 0), "run/containers/auth.json': "));
        assert_found(scene, "r/x", "a:b of .docker/config.json");
}

static void test_helpers(void **state) {
        static const struct {
                const char *repository, *want;
        } rows[] = {
                { "r:5000/a", "u:r:5000 of ./auth.json" }, /* its own helper, before the entry */
                { "entry/a", "a:b of ./auth.json" },       /* an entry, before the store */
                { "other/a", "u:store-other of ./auth.json" },
                { "docker.io/library/a", "u:store-https://index.docker.io/v1/ of ./auth.json" },
                { "token/a", "<t> of ./auth.json" },
                { "none/a", "none" },
                { "fails/a", "login for 'fails' as './auth.json' says: 'docker-credential-fails' failed (exit code 3): "
                             "no keyring" },
                { "nonsense/a", "login for 'nonsense' as './auth.json' says: the answer of "
                                "'docker-credential-nonsense': it holds no user name and secret" },
                { "missing/a", "login for 'missing' as './auth.json' says: there is no program "
                               "'docker-credential-missing' in PATH" },
                { "large/a", "login for 'large' as './auth.json' says: 'docker-credential-large': "
                             "'docker-credential-large' printed more than 131072 bytes" },
        };
        Scene *scene = *state;

        put_helper(scene, "own", "echo \"{\\\"Username\\\":\\\"u\\\",\\\"Secret\\\":\\\"$server\\\"}\"");
        put_helper(scene, "store",
                   "[ \"$server\" != none ] || { echo 'credentials not found in native keychain'; exit 1; }\n"
                   "echo \"{\\\"Username\\\":\\\"u\\\",\\\"Secret\\\":\\\"store-$server\\\"}\"");
        put_helper(scene, "token", "echo '{\"Username\":\"<token>\",\"Secret\":\"t\"}'");
        put_helper(scene, "fails", "echo 'no keyring' >&2; exit 3");
        put_helper(scene, "nonsense", "echo '{}'");
        put_helper(scene, "large", "exec yes");
        put(scene, "auth.json",
            "{\"credHelpers\":{\"r:5000\":\"own\",\"token\":\"token\",\"fails\":\"fails\",\"nonsense\":\"nonsense\","
            "\"missing\":\"missing\","
            "\"large\":\"large\"},\"auths\":{" ENTRY("r:5000", A_B) "," ENTRY("entry",
                                                                              A_B) "},\"credsStore\":\"store\"}",
            0600);
        assert_int_equal(chdir(scene->directory), 0);
        assert_int_equal(logins_add_files(scene->logins, "./auth.json", NULL), 0);
        FOREACH_ROW(row, rows) {
                print_message("case '%s'\n", row->repository);
                assert_found(scene, row->repository, row->want);
        }
        assert_int_equal(chdir("/"), 0);
}

/* What a job brings counts first, and executes nothing. */
static void test_job(void **state) {
        static const char text[] =
                "{\"credsStore\":\"evil\",\"credHelpers\":{\"r\":\"evil\"},\"auths\":{" ENTRY("r", A_B) "}}";
        Scene *scene = *state;

        put_helper(scene, "evil", "exit 0");
        put(scene, "run/containers/auth.json", "{\"auths\":{" ENTRY("r", C_D) "," ENTRY("s", C_D) "}}", 0600);
        assert_int_equal(logins_add_text(scene->logins, text, strlen(text), "$DOCKER_AUTH_CONFIG", LOGIN_OF_JOB, NULL),
                         0);
        assert_int_equal(logins_add_files(scene->logins, NULL, NULL), 0);
        assert_found(scene, "r/x", "a:b of $DOCKER_AUTH_CONFIG");
        assert_found(scene, "s/x", "c:d:e of run/containers/auth.json");
        assert_false(file_exists(scene->log));
}

/* A search that nobody waits for any more leaves no process. */
static void test_drop(void **state) {
        LoginFound found = { 0 };
        Scene *scene = *state;
        Task *task = NULL;
        Seen seen = { 0 };

        put_helper(scene, "slow", "sleep 100");
        put(scene, "auth.json", "{\"credsStore\":\"slow\"}", 0600);
        assert_int_equal(chdir(scene->directory), 0);
        assert_int_equal(logins_add_files(scene->logins, "auth.json", NULL), 0);
        assert_int_equal(chdir("/"), 0);
        assert_int_equal(logins_find_start(scene->logins, scene->event, "r/x", &found, seen_done, &seen, &task), 0);
        turn_for(scene->event, 20 * USEC_PER_MSEC);
        task = task_free(task);
        turn_for(scene->event, 20 * USEC_PER_MSEC);
        assert_int_equal(seen.n, 0);
}

static void test_secrets(void **state) {
        static const char text[] = "{\"auths\":{" ENTRY("r", C_D) ",\"s\":{\"identitytoken\":\"tok\"}}}";
        _cleanup_map_ Map secrets = STRMAP_INIT;
        Scene *scene = *state;

        assert_int_equal(logins_collect_secrets(NULL, &secrets), 0);
        assert_int_equal(map_size(&secrets), 0);
        assert_int_equal(logins_add_text(scene->logins, text, strlen(text), "x", LOGIN_OF_JOB, NULL), 0);
        assert_int_equal(logins_collect_secrets(scene->logins, &secrets), 0);
        assert_int_equal(map_size(&secrets), 2);
        assert_string_equal(strmap_get(&secrets, "d:e"), "d:e");
        assert_string_equal(strmap_get(&secrets, "tok"), "tok");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_order, setup, teardown),
                cmocka_unit_test_setup_teardown(test_named, setup, teardown),
                cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
                cmocka_unit_test_setup_teardown(test_helpers, setup, teardown),
                cmocka_unit_test_setup_teardown(test_job, setup, teardown),
                cmocka_unit_test_setup_teardown(test_drop, setup, teardown),
                cmocka_unit_test_setup_teardown(test_secrets, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
