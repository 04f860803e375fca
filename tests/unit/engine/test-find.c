#include "fake-server.h"

#include <unistd.h>

#include "engine/find-config.h"
#include "engine/find.h"

/* "active name:url:identity:ca:cert:key ..." */
static char *described(const Connections *connections) {
        _cleanup_str_ Str text = STR_INIT(10000);

        (void) str_append(&text, connections->active ? connections->active : "-");
        for (size_t i = 0; i < connections->n_connections; i++) {
                const Connection *c = &connections->connections[i];

                (void) str_appendf(&text, " %s|%s|%s|%s|%s|%s", c->name, c->url ? c->url : "",
                                   c->identity ? c->identity : "", c->ca_file ? c->ca_file : "",
                                   c->cert_file ? c->cert_file : "", c->key_file ? c->key_file : "");
        }
        return str_take(&text);
}

static void test_toml(void **state) {
        static const struct {
                const char *text, *want; /* NULL: -EBADMSG */
        } rows[] = {
                { "", "-" },
                { "[engine]\nactive_service = \"a\"\n", "a" },
                { "[engine]\nactive_service='a' # why\n[engine.service_destinations]\n[engine.service_destinations.a]\n"
                  "uri=\"ssh://u@h/run/s\"\nidentity = \"/k\"\nis_machine = true\n",
                  "a a|ssh://u@h/run/s|/k|||" },
                { "  [ engine . service_destinations . \"b c\" ]  \n\turi = "
                  "'tcp://h:1'\ntls_ca='/ca'\ntls_cert='/c'\ntls_key='/k'\r\n",
                  "- b c|tcp://h:1||/ca|/c|/k" },
                { "[engine.service_destinations.a]\nuri=\"x\\\"y\\\\z\"\n", "- a|x\"y\\z||||" },
                /* not ours: passed over */
                { "active_service = \"a\"\n[containers]\nactive_service=\"b\"\n[engine.runtimes]\ncrun = [\n "
                  "\"/usr/bin/crun\",\n]\n",
                  "-" },
                { "#[engine]\n#active_service=\"a\"\n", "-" },
                { "[engine]\nactive_service = [\"a\", {append=true}]\nservice_destinations = 7\n", "-" },
                { "[engine]\nservice_destinations.a.uri = \"u\"\nservice_destinations.b = {uri = \"v\", identity = "
                  "1}\n",
                  "- a|u|||| b|v||||" },
                { "[engine]\nactive_service = a\n", NULL },
                { "[engine.service_destinations\n", NULL },
                { "[engine]\nservice_timeout = 7\n", "-" },
                { "  # active_service\n[engine.\n", "-" }, /* nothing that we would look for */
                { "service_timeout = 7\n[engine.\n", "-" },
                { "#x\n  \t#active_service\n[engine]\nactive_service = \"a\" # active_service\n", "a" },
                { "[engine.service_destinations.a.b]\nuri=\"u\"\n[service_destinations.a]\nuri=\"u\"\n", "-" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(connections_done) Connections connections = { 0 };
                _cleanup_free_ char *got = NULL;

                print_message("case '%s'\n", row->text);
                assert_int_equal(connections_read_toml(row->text, &connections, NULL), row->want ? 0 : -EBADMSG);
                if (!row->want)
                        continue;
                got = described(&connections);
                assert_string_equal(got, row->want);
        }
}

static void test_json(void **state) {
        static const struct {
                const char *text;
                int want_r;
                const char *want;
        } rows[] = {
                { "{\"Connection\":{\"Default\":\"a\",\"Connections\":{\"a\":{\"URI\":\"ssh://h/s\",\"Identity\":\"/"
                  "k\",\"IsMachine\":true}}},\"Farm\":{}}",
                  0, "a a|ssh://h/s|/k|||" },
                { "{\"Connection\":{\"Connections\":{\"x.y\":{\"URI\":\"tcp://"
                  "h\",\"TLSCA\":\"1\",\"TLSCert\":\"2\",\"TLSKey\":\"3\"},\"z\":{}}}}",
                  0, "- x.y|tcp://h||1|2|3 z|||||" },
                { "{}", 0, "-" },
                { "{\"Connection\":null}", 0, "-" },
                { "{\"Connection\":{\"Default\":7,\"Connections\":[]}}", 0, "-" },
                { "{\"Connection\":{\"Connections\":{\"a\":7,\"b\":{\"URI\":[]}}}}", 0, "- a||||| b|||||" },
                { "", -EBADMSG, "-" },
                { "{", -EBADMSG, "-" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(connections_done) Connections connections = { 0 };
                _cleanup_free_ char *got = NULL;

                assert_int_equal(connections_read_json(row->text, strlen(row->text), &connections, NULL), row->want_r);
                got = described(&connections);
                assert_string_equal(got, row->want);
        }
}

static const char *const variables[] = {
        "CONTAINER_HOST",     "CONTAINER_CONNECTION", "CONTAINER_SSHKEY",
        "DOCKER_HOST",        "DOCKER_SOCK",          "XDG_RUNTIME_DIR",
        "XDG_CONFIG_HOME",    "CONTAINERS_CONF",      "PODMAN_CONNECTIONS_CONF",
        "DOCKER_CERT_PATH",   "DOCKER_TLS_VERIFY",    "CONTAINER_TLS_CA",
        "CONTAINER_TLS_CERT", "CONTAINER_TLS_KEY",
};

typedef struct Scene {
        sd_event *event;
        FakeServer *server, *second;
        char *config; /* a directory of its own as XDG_CONFIG_HOME */
        Engine *engine;
        Seen seen;
        Task *task;
} Scene;

/* An environment in which nothing is set, and neither the user's nor the system's files are seen. */
static void clear_environment(Scene *scene) {
        FOREACH_ROW(name, variables)
                assert_int_equal(unsetenv(*name), 0);
        assert_int_equal(setenv("XDG_CONFIG_HOME", scene->config, 1), 0);
        assert_int_equal(setenv("CONTAINERS_CONF", "/nowhere", 1), 0);
}

static int setup(void **state) {
        Scene *scene = calloc(1, sizeof(*scene));

        assert_non_null(scene);
        scene->event = test_event();
        scene->server = fake_new(scene->event);
        scene->second = fake_new(scene->event);
        scene->config = path_join(scene->server->directory, "config");
        clear_environment(scene);
        *state = scene;
        return 0;
}

static int teardown(void **state) {
        Scene *scene = *state;

        task_free(scene->task);
        engine_free(scene->engine);
        free(scene->config);
        fake_free(scene->server);
        fake_free(scene->second);
        sd_event_unref(scene->event);
        free(scene);
        return 0;
}

static int open_engine(Scene *scene, const char *url) {
        scene->engine = engine_free(scene->engine);
        scene->seen = (Seen) { 0 };
        assert_int_equal(engine_open(scene->event, url, &scene->engine, seen_done, &scene->seen, &scene->task), 0);
        assert_int_equal(scene->seen.n, 0);
        turn_until(scene->event, &scene->seen.n, 1);
        scene->task = task_free(scene->task);
        return scene->seen.r;
}

static void assert_text(const Scene *scene, const char *part) {
        if (!strstr(scene->seen.text, part))
                fail_msg("'%s' is not in '%s'", part, scene->seen.text);
}

static void write_config(Scene *scene, const char *name, const char *text) {
        _cleanup_free_ char *directory = str_printf("%s/containers", scene->config), *path = path_join(directory, name);

        assert_int_equal(file_mkdir_p(directory, 0700), 0);
        assert_int_equal(file_write(path, text, strlen(text), 0600), 0);
}

/* The first that is set counts. */
static void test_order(void **state) {
        Scene *scene = *state;
        _cleanup_free_ char *runtime = str_printf("%s/run", scene->server->directory),
                            *podman = path_join(runtime, "podman"), *link = path_join(podman, "podman.sock"),
                            *well_known = str_printf("unix://%s", link),
                            *json = str_printf("{\"Connection\":{\"Default\":\"d\",\"Connections\":{\"d\":{\"URI\":\"%"
                                               "s\"},\"e\":{\"URI\":\"%s\"}}}}",
                                               scene->second->url, scene->server->url);

        /* from the last to the first */
        assert_int_equal(file_mkdir_p(podman, 0700), 0);
        assert_int_equal(symlink(scene->server->socket, link), 0);
        assert_int_equal(setenv("XDG_RUNTIME_DIR", runtime, 1), 0);
        assert_int_equal(open_engine(scene, NULL), 0);
        assert_string_equal(scene->engine->info.address, well_known);

        write_config(scene, "podman-connections.json", json);
        assert_int_equal(open_engine(scene, NULL), 0);
        assert_string_equal(scene->engine->info.address, scene->second->url);

        assert_int_equal(setenv("CONTAINER_CONNECTION", "e", 1), 0);
        assert_int_equal(open_engine(scene, NULL), 0);
        assert_string_equal(scene->engine->info.address, scene->server->url);

        assert_int_equal(setenv("DOCKER_SOCK", scene->second->socket, 1), 0);
        assert_int_equal(open_engine(scene, NULL), 0);
        assert_string_equal(scene->engine->info.address, scene->second->url);

        assert_int_equal(setenv("DOCKER_HOST", scene->server->url, 1), 0);
        assert_int_equal(open_engine(scene, NULL), 0);
        assert_string_equal(scene->engine->info.address, scene->server->url);

        assert_int_equal(setenv("CONTAINER_HOST", scene->second->url, 1), 0);
        assert_int_equal(open_engine(scene, NULL), 0);
        assert_string_equal(scene->engine->info.address, scene->second->url);

        assert_int_equal(open_engine(scene, scene->server->url), 0);
        assert_string_equal(scene->engine->info.address, scene->server->url);
        /* There is no libpod below our XDG_RUNTIME_DIR; root's is elsewhere, and may have run here. */
        if (geteuid() != 0 || access("/run/libpod", F_OK) < 0)
                assert_false(scene->engine->info.is_local);
}

/* What was named and does not answer is not replaced by something else. */
static void test_named_only(void **state) {
        Scene *scene = *state;

        assert_int_equal(setenv("CONTAINER_HOST", "unix:///nowhere.sock", 1), 0);
        assert_int_equal(setenv("DOCKER_HOST", scene->server->url, 1), 0);
        assert_int_equal(open_engine(scene, NULL), -ECONNREFUSED);
        assert_text(scene, "engine 'unix:///nowhere.sock' (CONTAINER_HOST): there is no such socket");
        assert_int_equal(open_engine(scene, "unix:///nowhere.sock"), -ECONNREFUSED);
        assert_text(scene, "(--engine)");
        assert_int_equal(open_engine(scene, "rubbish"), -EINVAL);
        assert_text(scene, "engine 'rubbish' (--engine): ");
        assert_int_equal(open_engine(scene, "ssh://core:hush@host/x"), -EINVAL);
        assert_text(scene, "engine 'ssh://core:...@host/x' (--engine): ");
}

/*
 * Docker where Docker's variables point: Podman is preferred, wherever it is; what somebody named outright is not
 * replaced.
 */
static void test_docker(void **state) {
        static const FakeAnswer
                docker[] = { { "GET /_ping", 200, "OK", .docker = "1.41" },
                             { "GET /v1.41/info", 200,
                               "{\"ServerVersion\":\"20.10.24\",\"SecurityOptions\":[\"name=rootless\"]}" } },
                old[] = { { "GET /_ping", 200, "OK", .docker = "1.24" } };
        Scene *scene = *state;

        FAKE_PLAY(scene->server, docker);
        assert_int_equal(setenv("DOCKER_HOST", scene->server->url, 1), 0);
        assert_int_equal(setenv("DOCKER_SOCK", scene->second->socket, 1), 0);
        assert_int_equal(open_engine(scene, NULL), 0);
        assert_string_equal(scene->engine->info.address, scene->second->url);

        assert_int_equal(open_engine(scene, scene->server->url), 0);
        assert_string_equal(scene->engine->info.kind, "docker");
        assert_string_equal(scene->engine->info.version, "20.10.24");
        assert_true(scene->engine->info.is_rootless);
        assert_false(scene->engine->info.is_local);

        assert_int_equal(unsetenv("DOCKER_SOCK"), 0);
        if (!file_exists("/run/podman/podman.sock")) {
                assert_int_equal(open_engine(scene, NULL), 0);
                assert_string_equal(scene->engine->info.address, scene->server->url);
                FAKE_PLAY(scene->server, old);
                assert_int_equal(open_engine(scene, scene->server->url), -EPROTONOSUPPORT);
                assert_text(scene, "this Docker is too old; podstep needs version 1.13 or later (API 1.25)");
        }

        assert_int_equal(setenv("DOCKER_SOCK", scene->second->socket, 1), 0);
        FAKE_PLAY(scene->second, docker);
        assert_int_equal(setenv("CONTAINER_CONNECTION", "nothing", 1), 0);
        assert_int_equal(open_engine(scene, NULL), -EINVAL);
        assert_text(scene, "Podman's connection 'nothing' is in none of its files");
}

static void test_none(void **state) {
        static const FakeAnswer old[] = { { "GET /_ping", 200, "OK", .version = "3.4.4" } };
        Scene *scene = *state;

        if (file_exists("/run/podman/podman.sock"))
                skip();
        assert_int_equal(setenv("XDG_RUNTIME_DIR", "/nowhere", 1), 0);
        assert_int_equal(open_engine(scene, NULL), -ECONNREFUSED);
        assert_text(scene,
                    "no Podman engine found; tried unix:///nowhere/podman/podman.sock (there is no such socket), "
                    "unix:///run/podman/podman.sock (there is no such socket); ");
        FAKE_PLAY(scene->server, old);
        assert_int_equal(setenv("DOCKER_HOST", scene->server->url, 1), 0);
        assert_int_equal(open_engine(scene, NULL), -ECONNREFUSED);
        assert_text(scene, "Podman 3.4.4 is too old");
        assert_text(scene, "use Podman 4.3 or later");
}

static void test_bad_files(void **state) {
        Scene *scene = *state;

        write_config(scene, "podman-connections.json", "{\"Connection\":");
        assert_int_equal(open_engine(scene, NULL), -EBADMSG);
        assert_text(scene, "podman-connections.json': not JSON");
        write_config(scene, "podman-connections.json", "{\"Connection\":{\"Default\":\"gone\"}}");
        assert_int_equal(open_engine(scene, NULL), -EINVAL);
        assert_text(scene, "'gone'");
}

/* ssh is a program of the test's own, first in PATH: it links the socket it is told to make to the one it is told to
 * reach. */
static void test_ssh(void **state) {
        static const char script[] = "#!/bin/sh\nfor word; do case $word in *:*) forward=$word;; esac; done\n"
                                     "echo \"$*\" >\"$(dirname \"$0\")/arguments\"\n"
                                     "ln -s \"${forward#*:}\" \"${forward%%:*}\" && exec sleep 1000\n";
        static const char failing[] =
                "#!/bin/sh\necho 'Warning: banner' >&2\necho 'u@h: Permission denied (publickey).' >&2\nexit 255\n";
        Scene *scene = *state;
        const char *path = getenv("PATH");
        _cleanup_free_ char *old_path = strdup(path), *ssh = path_join(scene->server->directory, "ssh"),
                            *new_path = str_printf("%s:%s", scene->server->directory, path),
                            *arguments = path_join(scene->server->directory, "arguments"), *got = NULL,
                            *url = str_printf("ssh://u@h:2222%s", scene->server->socket);

        assert_int_equal(setenv("PATH", new_path, 1), 0);
        assert_int_equal(setenv("CONTAINER_SSHKEY", "/key", 1), 0);
        assert_int_equal(setenv("XDG_RUNTIME_DIR", scene->second->directory, 1), 0);
        assert_int_equal(file_write(ssh, script, strlen(script), 0700), 0);
        assert_int_equal(open_engine(scene, url), 0);
        assert_string_equal(scene->engine->info.address, url);
        assert_false(scene->engine->info.is_local);
        assert_int_equal(file_read(arguments, 10000, &got, NULL), 0);
        assert_non_null(strstr(got, "-o BatchMode=yes"));
        assert_non_null(strstr(got, "-i /key -p 2222 -l u -- h\n"));
        scene->engine = engine_free(scene->engine);

        assert_int_equal(file_write(ssh, failing, strlen(failing), 0700), 0);
        assert_int_equal(open_engine(scene, url), -ECONNREFUSED);
        assert_text(scene, "ssh to 'h' ended with status 255: u@h: Permission denied (publickey).");
        assert_int_equal(setenv("PATH", "/nowhere", 1), 0);
        assert_int_equal(open_engine(scene, url), -ENOENT);
        assert_text(scene, "ssh");
        assert_int_equal(setenv("PATH", old_path, 1), 0);
        turn_for(scene->event, 20 * USEC_PER_MSEC); /* what was killed is reaped */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_toml),
                cmocka_unit_test(test_json),
                cmocka_unit_test_setup_teardown(test_order, setup, teardown),
                cmocka_unit_test_setup_teardown(test_named_only, setup, teardown),
                cmocka_unit_test_setup_teardown(test_docker, setup, teardown),
                cmocka_unit_test_setup_teardown(test_none, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bad_files, setup, teardown),
                cmocka_unit_test_setup_teardown(test_ssh, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
