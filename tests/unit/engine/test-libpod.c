#include "fake-server.h"

#include "base/base64.h"
#include "engine/service.h"
#include "loop/timer.h"

/* Short, so that what never answers is given up soon. */
#define TEST_TIMES                                                                                                     \
        ((ServiceTimes) { .call_usec = 100 * USEC_PER_MSEC,                                                            \
                        .slow_usec = 400 * USEC_PER_MSEC,                                                              \
                        .away_usec = 300 * USEC_PER_MSEC,                                                              \
                        .pull_idle_usec = 100 * USEC_PER_MSEC })

typedef struct Scene {
        sd_event *event;
        FakeServer *server;
        Engine *engine;
        Seen seen;
        Task *task;
} Scene;

static int setup(void **state) {
        Scene *scene = calloc(1, sizeof(*scene));
        ServiceSpec spec = { .times = TEST_TIMES };

        assert_non_null(scene);
        scene->event = test_event();
        scene->server = fake_new(scene->event);
        spec.url = scene->server->url;
        assert_int_equal(service_open(scene->event, &spec, &scene->engine, seen_done, &scene->seen, &scene->task), 0);
        turn_until(scene->event, &scene->seen.n, 1);
        assert_int_equal(scene->seen.r, 0);
        scene->task = task_free(scene->task);
        *state = scene;
        return 0;
}

static int teardown(void **state) {
        Scene *scene = *state;

        task_free(scene->task);
        engine_free(scene->engine);
        fake_free(scene->server);
        sd_event_unref(scene->event);
        free(scene);
        return 0;
}

/* Turns until the call is done; its result. */
static int finish(Scene *scene, int started) {
        assert_int_equal(started, 0);
        scene->seen.n = 0;
        turn_until(scene->event, &scene->seen.n, 1);
        scene->task = task_free(scene->task);
        return scene->seen.r;
}
#define DONE seen_done, &scene->seen, &scene->task

static void assert_text(const Scene *scene, const char *part) {
        if (!strstr(scene->seen.text, part))
                fail_msg("'%s' is not in '%s'", part, scene->seen.text);
}

static void assert_requests(const Scene *scene, const char *const *want, size_t n) {
        assert_int_equal(strv_length(scene->server->requests), n);
        for (size_t i = 0; i < n; i++)
                assert_string_equal(scene->server->requests[i], want[i]);
}
#define ASSERT_REQUESTS(scene, ...)                                                                                    \
        assert_requests((scene), (const char *const[]) { __VA_ARGS__ },                                                \
                        ELEMENTSOF(((const char *const[]) { __VA_ARGS__ })))

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define P FAKE_PREFIX

/* What an engine may say, and what is made of it; tried with starting a container. */
static void test_refusals(void **state) {
        static const struct {
                FakeAnswer answer;
                int want_r;
                const char *want;
        } rows[] = {
                { { "POST", 204, "" }, 0, "" },
                { { "POST", 304, "" }, 0, "" },
                { { "POST", 404,
                    "{\"cause\":\"no such container\",\"message\":\"no container with name "
                    "\\\"x\\\"\",\"response\":404}" },
                  -ENOENT,
                  "podman: starting container: no container with name \"x\"" },
                { { "POST", 500,
                    "{\"cause\":\"OCI runtime attempted to invoke a command that was not found\",\"message\":\"crun: "
                    "executable "
                    "file `x` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command "
                    "that was "
                    "not found\",\"response\":500}" },
                  -EREMOTEIO,
                  "podman: starting container: executable file `x` not found in $PATH: No such file or directory" },
                { { "POST", 500, "{\"cause\":\"OCI runtime error\",\"message\":\"OCI runtime error\"}" },
                  -EREMOTEIO,
                  "podman: starting container: OCI runtime error" },
                { { "POST", 500, "{\"cause\":\"b\",\"message\":\"first: b\\nsecond\"}" },
                  -EREMOTEIO,
                  "podman: starting container: first: b" },
                { { "POST", 500, "{\"message\":\"a\\u001b[31mb\"}" },
                  -EREMOTEIO,
                  "podman: starting container: a\\x1b[31mb" },
                { { "POST", 500, "{\"message\":7}" }, -EREMOTEIO, "podman: starting container: HTTP status 500" },
                { { "POST", 500, "" }, -EREMOTEIO, "podman: starting container: HTTP status 500" },
                { { "POST", 502, "Bad Gateway\n<html>" }, -EREMOTEIO, "podman: starting container: Bad Gateway" },
                { { "POST", 409, "[]" }, -EREMOTEIO, "podman: starting container: HTTP status 409" },
                { { "POST", 400, "\xff\xfe" }, -EREMOTEIO, "podman: starting container: \\xff\\xfe" },
        };
        Scene *scene = *state;

        FOREACH_ROW(row, rows) {
                fake_play(scene->server, &row->answer, 1);
                assert_int_equal(finish(scene, engine_container_start(scene->engine, "x", DONE)), row->want_r);
                assert_string_equal(scene->seen.text, row->want);
        }
}

/* What 4.3 and 5.4 tell of themselves, cut to what is read; one image's user is a number, one is asked for in vain. */
static void test_describe(void **state) {
        static const FakeAnswer old[] = {
                { "GET " P "info", 200,
                  "{\"host\":{\"kernel\":\"6.1.0\",\"cgroupManager\":\"cgroupfs\",\"cgroupVersion\":\"v2\","
                  "\"cgroupControllers\":[],"
                  "\"conmon\":{\"version\":\"conmon version 2.1.6, commit: unknown\"},\"networkBackend\":\"netavark\","
                  "\"distribution\":{\"distribution\":\"debian\",\"version\":\"12\"},"
                  "\"ociRuntime\":{\"name\":\"crun\",\"version\":\"crun version 1.8.1\\ncommit: f8\\nspec: 1.0.0\"},"
                  "\"slirp4netns\":{\"executable\":\"/usr/bin/"
                  "slirp4netns\"},\"security\":{\"rootless\":true,\"seccompEnabled\":true},"
                  "\"idMappings\":{\"uidmap\":[{\"container_id\":0,\"host_id\":1000,\"size\":1},"
                  "{\"container_id\":1,\"host_id\":165536,\"size\":65536}],\"gidmap\":[7,{\"container_id\":-1}]}},"
                  "\"store\":{\"graphDriverName\":\"overlay\",\"graphRoot\":\"/"
                  "s\",\"graphOptions\":{\"overlay.mount_program\":"
                  "{\"Executable\":\"/usr/bin/fuse-overlayfs\"}},\"graphStatus\":{\"Backing Filesystem\":\"extfs\"},"
                  "\"containerStore\":{\"number\":3},\"imageStore\":{\"number\":2}},\"registries\":{},\"version\":{"
                  "\"Version\":\"4.3.1\"}}" },
                { "GET " P "images/json", 200,
                  "[{\"Id\":\"a1\",\"RepoTags\":[\"x/a:1\"]},{\"Id\":\"b2\",\"RepoTags\":null},{\"Id\":7}]" },
                { "GET " P "images/x%2Fa%3A1/json", 200, "{\"Config\":{\"User\":\"1001:5\"}}" },
                { "GET " P "images/b2/json", 404, "{\"message\":\"gone\"}" },
        };
        static const FakeAnswer new[] = {
                { "GET " P "info", 200,
                  "{\"host\":{\"cgroupControllers\":[\"cpu\",\"pids\"],\"networkBackendInfo\":{\"version\":\"netavark "
                  "1.14.0\","
                  "\"dns\":{\"version\":\"aardvark-dns "
                  "1.14.0\"}},\"rootlessNetworkCmd\":\"pasta\",\"pasta\":{\"executable\":\"\"},"
                  "\"security\":{\"selinuxEnabled\":true}},\"registries\":{\"search\":[\"docker.io\"]},\"version\":{"
                  "\"Version\":\"5.4.2\"}}" },
                { "GET " P "images/json", 500, "{\"message\":\"no\"}" },
        };
        static const FakeAnswer odd[] = { { "GET " P "info", 200, "[]" } };
        EngineDetails details = { 0 };
        Scene *scene = *state;

        FAKE_PLAY(scene->server, old);
        assert_int_equal(finish(scene, engine_describe(scene->engine, &details, DONE)), 0);
        assert_string_equal(details.version, "4.3.1");
        assert_string_equal(details.runtime_version, "1.8.1");
        assert_string_equal(details.monitor_version, "2.1.6");
        assert_string_equal(details.distribution, "debian 12");
        assert_string_equal(details.mount_program, "/usr/bin/fuse-overlayfs");
        assert_string_equal(details.backing_filesystem, "extfs");
        assert_string_equal(details.slirp4netns, "/usr/bin/slirp4netns");
        assert_true(details.is_rootless && details.has_seccomp && details.tells_controllers && !details.has_selinux);
        assert_null(details.cgroup_controllers);
        assert_null(details.network_command);
        assert_int_equal(details.n_uid_map, 2);
        assert_int_equal(details.uid_map[1].size, 65536);
        assert_int_equal(details.n_gid_map, 0);
        assert_int_equal(details.n_containers, 3);
        assert_int_equal(details.n_image_users, 1);
        assert_string_equal(details.image_users[0].image, "x/a:1");
        assert_int_equal(details.image_users[0].uid, 1001);
        assert_int_equal(details.image_users[0].gid, 5);
        engine_details_done(&details);

        FAKE_PLAY(scene->server, new);
        assert_int_equal(finish(scene, engine_describe(scene->engine, &details, DONE)), 0);
        assert_string_equal(details.network_version, "1.14.0");
        assert_string_equal(details.dns_version, "1.14.0");
        assert_string_equal(details.network_command, "pasta");
        assert_string_equal(details.pasta, "");
        assert_int_equal(strv_length(details.cgroup_controllers), 2);
        assert_int_equal(strv_length(details.search_registries), 1);
        assert_true(details.has_selinux);
        engine_details_done(&details);

        FAKE_PLAY(scene->server, odd);
        assert_int_equal(finish(scene, engine_describe(scene->engine, &details, DONE)), -EPROTO);
}

static void test_create(void **state) {
        static const FakeAnswer answers[] = { { "POST " P "containers/create", 201,
                                                "{\"Id\":\"" ID "\",\"Warnings\":[]}\n" } };
        Scene *scene = *state;
        char *id = NULL;

        FAKE_PLAY(scene->server, answers);
        assert_int_equal(
                finish(scene, engine_container_create(scene->engine, &(ContainerSpec) { .name = "c", .image = "i" },
                                                      &id, DONE)),
                0);
        assert_string_equal(id, ID);
        free(id);
        ASSERT_REQUESTS(scene, "POST " P "containers/create");
        assert_string_equal(scene->server->bodies[0], "{\"name\":\"c\",\"image\":\"i\"}");
}

/* The answer is cut off; the request is repeated, the name is taken: by ourselves. */
static void test_create_lost_answer(void **state) {
        static const FakeAnswer answers[] = {
                { "POST " P "containers/create", 201, "{\"Id\":", .count = 1, .is_cut = true },
                { "POST " P "containers/create", 500,
                  "{\"cause\":\"that name is already in use\",\"message\":\"in use\",\"response\":500}" },
                { "GET " P "containers/c/json", 200, "{\"Id\":\"" ID "\"}" },
        };
        Scene *scene = *state;
        char *id = NULL;

        FAKE_PLAY(scene->server, answers);
        assert_int_equal(
                finish(scene, engine_container_create(scene->engine, &(ContainerSpec) { .name = "c", .image = "i" },
                                                      &id, DONE)),
                0);
        assert_string_equal(id, ID);
        free(id);
        ASSERT_REQUESTS(scene, "POST " P "containers/create", "POST " P "containers/create",
                        "GET " P "containers/c/json");
        assert_string_equal(scene->server->bodies[1], "{\"name\":\"c\",\"image\":\"i\"}");
        assert_string_equal(scene->server->bodies[2], "");
}

/* 500 for another reason: nothing has that name, so the refusal is what counts. */
static void test_create_refused(void **state) {
        static const FakeAnswer answers[] = {
                { "POST " P "containers/create", 500,
                  "{\"cause\":\"image not known\",\"message\":\"x:1: image not known\",\"response\":500}" },
                { "GET " P "containers/c/json", 404,
                  "{\"cause\":\"no such container\",\"message\":\"none\",\"response\":404}" },
        };
        Scene *scene = *state;
        char *id = NULL;

        FAKE_PLAY(scene->server, answers);
        assert_int_equal(
                finish(scene, engine_container_create(scene->engine, &(ContainerSpec) { .name = "c", .image = "x:1" },
                                                      &id, DONE)),
                -EREMOTEIO);
        assert_string_equal(scene->seen.text, "podman: creating container: x:1: image not known");
        assert_null(id);
}

/* The others that are made: a taken name is ours, with whatever code it is told. */
static void test_adopted(void **state) {
        static const FakeAnswer taken[] = {
                { "POST " P "pods/create", 409, "{}" },
                { "GET " P "pods/n/exists", 204, "" },
                { "POST " P "volumes/create", 500, "{}" },
                { "GET " P "volumes/n/json", 200, "{\"Mountpoint\":\"/m\"}" },
                { "POST " P "networks/create", 409, "{}" },
                { "GET " P "networks/n/json", 200, "{}" },
                { "POST " P "secrets/create", 500, "{}" },
                { "GET " P "secrets/n/json", 200, "{}" },
        };
        static const FakeAnswer refused[] = {
                { "POST", 500, "{\"cause\":\"why\",\"message\":\"that is why\"}" },
                { "GET", 404, "{\"message\":\"not there\"}" },
        };
        _cleanup_free_ char *mountpoint = NULL;
        Scene *scene = *state;

        for (unsigned i = 0; i < 2; i++) {
                int want = i == 0 ? 0 : -EREMOTEIO;

                if (i == 0)
                        FAKE_PLAY(scene->server, taken);
                else
                        FAKE_PLAY(scene->server, refused);
                assert_int_equal(finish(scene, engine_pod_create(scene->engine, &(PodSpec) { .name = "n" }, DONE)),
                                 want);
                assert_string_equal(scene->seen.text, i == 0 ? "" : "podman: creating pod: that is why");
                assert_int_equal(finish(scene, engine_volume_create(scene->engine, &(VolumeSpec) { .name = "n" },
                                                                    &mountpoint, DONE)),
                                 want);
                assert_string_equal(mountpoint, "/m");
                assert_string_equal(scene->seen.text, i == 0 ? "" : "podman: creating volume: that is why");
                assert_int_equal(
                        finish(scene, engine_network_create(scene->engine, &(EngineNetworkSpec) { .name = "n" }, DONE)),
                        want);
                assert_int_equal(finish(scene, engine_secret_create(scene->engine, "n", NULL, "s", DONE)), want);
        }
}

static void test_bodies(void **state) {
        static const FakeAnswer answers[] = {
                { "POST " P "pods/create", 201, "{\"Id\":\"1\"}" },
                { "POST " P "volumes/create", 201, "{\"Mountpoint\":\"/m\"}" },
                { "POST " P "networks/create", 200, "{}" },
                { "POST " P "secrets/create?name=s%20x&driver=file&labels=%7B%22a%22%3A%22b%22%7D", 200,
                  "{\"ID\":\"1\"}" },
        };
        _cleanup_map_ Map labels = STRMAP_INIT, options = STRMAP_INIT;
        Scene *scene = *state;
        char **bodies;

        assert_int_equal(strmap_put(&labels, "a", "b"), 0);
        assert_int_equal(strmap_put(&options, "type", "overlay"), 0);
        FAKE_PLAY(scene->server, answers);
        assert_int_equal(finish(scene, engine_pod_create(scene->engine, &(PodSpec) { "p", &labels }, DONE)), 0);
        assert_int_equal(
                finish(scene, engine_volume_create(scene->engine, &(VolumeSpec) { "v", &labels, NULL, &options },
                                                   NULL, DONE)),
                0);
        assert_int_equal(
                finish(scene, engine_network_create(scene->engine,
                                                    &(EngineNetworkSpec) { "n", &labels, true, true, 1400 }, DONE)),
                0);
        assert_int_equal(finish(scene, engine_secret_create(scene->engine, "s x", &labels, "geheim", DONE)), 0);
        bodies = scene->server->bodies;
        assert_string_equal(bodies[0], "{\"name\":\"p\",\"labels\":{\"a\":\"b\"},\"no_infra\":true}");
        assert_string_equal(
                bodies[1],
                "{\"Name\":\"v\",\"Driver\":\"local\",\"Labels\":{\"a\":\"b\"},\"Options\":{\"type\":\"overlay\"}}");
        assert_string_equal(bodies[2],
                            "{\"name\":\"n\",\"driver\":\"bridge\",\"dns_enabled\":true,\"ipv6_enabled\":true,"
                            "\"internal\":true,\"options\":{\"mtu\":\"1400\"},\"labels\":{\"a\":\"b\"}}");
        assert_string_equal(bodies[3], "geheim");
}

static void test_nonsense(void **state) {
        static const char *const bodies[] = { "",           "garbage",       "[]",          "{}", "null",
                                              "{\"Id\":7}", "{\"Id\":\"x\"", "[[[[[[[[[[[[" };
        Scene *scene = *state;

        FOREACH_ROW(body, bodies) {
                const FakeAnswer answer = { "", 200, *body };
                ContainerStatus status;
                EngineObjects objects;
                HealthStatus health;
                EngineDisk disk;
                ImageInfo image;
                PullResult pulled;
                char *text = NULL;
                int r;

                fake_play(scene->server, &answer, 1);
                assert_int_equal(finish(scene, engine_container_create(scene->engine, &(ContainerSpec) { .name = "c" },
                                                                       &text, DONE)),
                                 -EPROTO);
                assert_text(scene, "podman: creating container: odd answer: ");
                assert_int_equal(finish(scene, engine_container_inspect(scene->engine, "c", &status, DONE)), -EPROTO);
                assert_int_equal(finish(scene, engine_container_check_health(scene->engine, "c", &health, DONE)),
                                 -EPROTO);
                assert_int_equal(finish(scene, engine_image_inspect(scene->engine, "i", &image, DONE)), -EPROTO);
                assert_int_equal(finish(scene, engine_disk_usage(scene->engine, &disk, DONE)), -EPROTO);
                assert_int_equal(
                        finish(scene, engine_volume_create(scene->engine, &(VolumeSpec) { .name = "v" }, &text, DONE)),
                        -EPROTO);
                assert_int_equal(
                        finish(scene, engine_image_pull(scene->engine, &(PullSpec) { "i" }, NULL, &pulled, DONE)),
                        -EPROTO);
                r = finish(scene, engine_object_list(scene->engine, OBJECT_CONTAINER, "a", &objects, DONE));
                if (r == 0)
                        assert_int_equal(objects.n_objects, 0); /* "[]" and "null" */
                else
                        assert_int_equal(r, -EPROTO);
                assert_null(text);
        }
}

static void test_probe(void **state) {
        enum { ALL = CONTROLLER_MEMORY | CONTROLLER_CPU | CONTROLLER_CPUSET | CONTROLLER_PIDS };
        static const struct {
                const char *info;
                unsigned want;
                bool is_rootless, has_selinux, has_apparmor;
        } rows[] = {
                { "{\"host\":{\"cgroupControllers\":[\"memory\",\"pids\",\"io\"]}}",
                  CONTROLLER_MEMORY | CONTROLLER_PIDS, true },
                { "{\"host\":{\"cgroupControllers\":[\"cpuset\",\"cpu\",3],\"security\":{\"selinuxEnabled\":true}}}",
                  CONTROLLER_CPU | CONTROLLER_CPUSET, true, true },
                { "{\"host\":{\"cgroupControllers\":[],\"security\":{\"apparmorEnabled\":true}}}", 0, true, false,
                  true },
                { "{\"host\":{\"cgroupControllers\":null,\"cgroupVersion\":\"v1\"}}", 0, true },
                { "{\"host\":{\"cgroupControllers\":null,\"cgroupVersion\":\"v1\"}}", ALL, false },
                { "{}", 0, true },
        };
        Scene *scene = *state;

        assert_false(scene->engine->info.is_probed);
        FOREACH_ROW(row, rows) {
                const FakeAnswer answers[] = { { "GET " P "info", 200, row->info } };
                EngineInfo *info = &scene->engine->info;

                print_message("case %s\n", row->info);
                FAKE_PLAY(scene->server, answers);
                info->is_rootless = row->is_rootless;
                info->is_probed = info->has_selinux = info->has_apparmor = false;
                assert_int_equal(finish(scene, engine_probe(scene->engine, DONE)), 0);
                assert_true(info->is_probed);
                assert_int_equal(info->controllers, row->want);
                assert_int_equal(info->has_selinux, row->has_selinux);
                assert_int_equal(info->has_apparmor, row->has_apparmor);
        }
}

static void test_inspect(void **state) {
        static const struct {
                const char *body;
                ContainerState state;
                int exit_code;
                bool oom_killed;
                uint64_t monitor;
        } rows[] = {
                { "{\"Id\":\"i\",\"State\":{\"Status\":\"created\",\"ExitCode\":0}}", CONTAINER_CREATED, 0, false, 0 },
                { "{\"Id\":\"i\",\"State\":{\"Status\":\"initialized\",\"ExitCode\":0,\"ConmonPid\":7}}",
                  CONTAINER_INITIALIZED, 0, false, 7 },
                { "{\"Id\":\"i\",\"State\":{\"Status\":\"running\",\"ExitCode\":0}}", CONTAINER_RUNNING, 0, false, 0 },
                { "{\"Id\":\"i\",\"State\":{\"Status\":\"stopped\",\"ExitCode\":3}}", CONTAINER_EXITED, 3, false, 0 },
                { "{\"Id\":\"i\",\"State\":{\"Status\":\"exited\",\"ExitCode\":137,\"OOMKilled\":true}}",
                  CONTAINER_EXITED, 137, true, 0 },
                { "{\"Id\":\"i\",\"State\":{\"Status\":\"exited\",\"ExitCode\":-1}}", CONTAINER_EXITED, -1, false, 0 },
                { "{\"Id\":\"i\",\"State\":{\"Status\":\"exited\",\"ExitCode\":99999999999}}", CONTAINER_EXITED, 255,
                  false, 0 },
                { "{\"Id\":\"i\",\"State\":{\"Status\":\"paused\",\"ExitCode\":0,\"ConmonPid\":-1}}", CONTAINER_OTHER,
                  0, false, 0 },
        };
        Scene *scene = *state;

        FOREACH_ROW(row, rows) {
                const FakeAnswer answer = { "GET " P "containers/a%2Fb/json", 200, row->body };
                ContainerStatus status;

                fake_play(scene->server, &answer, 1);
                assert_int_equal(finish(scene, engine_container_inspect(scene->engine, "a/b", &status, DONE)), 0);
                assert_int_equal(status.state, row->state);
                assert_int_equal(status.exit_code, row->exit_code);
                assert_int_equal(status.oom_killed, row->oom_killed);
                assert_int_equal(status.monitor_pid, row->monitor);
                assert_string_equal(status.id, "i");
                assert_string_equal(status.error, "");
                container_status_done(&status);
        }
}

static void test_image(void **state) {
        static const FakeAnswer answers[] = {
                { "GET " P "images/reg.example%3A5000%2Fa%2Fb%3A1/json", 200,
                  "{\"Id\":\"1\",\"Digest\":\"sha256:2\",\"Config\":{\"User\":\"7\",\"Entrypoint\":[\"/"
                  "e\"],\"Cmd\":[\"a\",\"b\"],"
                  "\"Env\":[\"PATH=/bin\",\"A=\"],\"ExposedPorts\":{\"80/tcp\":{},\"81/"
                  "udp\":{}},\"Labels\":{\"k\":\"v\"}},"
                  "\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"],\"Interval\":2000000000,\"StartPeriod\":1000,"
                  "\"Retries\":5}}" },
                { "GET " P "images/bare/json", 200,
                  "{\"Id\":\"1\",\"Config\":{},\"Healthcheck\":{\"Test\":[\"NONE\"]}}" },
                { "GET " P "images/odd/json", 200,
                  "{\"Id\":\"1\",\"Config\":{\"Entrypoint\":\"x\",\"Cmd\":[7,\"a\"],\"ExposedPorts\":[],\"Labels\":[]},"
                  "\"Healthcheck\":{\"Test\":[[]],\"Interval\":-5,\"Retries\":-1}}" },
                { "GET " P "images/none/json", 404, "{}" },
        };
        Scene *scene = *state;
        ImageInfo image;

        FAKE_PLAY(scene->server, answers);
        assert_int_equal(finish(scene, engine_image_inspect(scene->engine, "reg.example:5000/a/b:1", &image, DONE)), 0);
        assert_string_equal(image.id, "1");
        assert_string_equal(image.digest, "sha256:2");
        assert_string_equal(image.user, "7");
        assert_string_equal(image.entrypoint[0], "/e");
        assert_string_equal(image.command[1], "b");
        assert_int_equal(strv_length(image.exposed), 2);
        assert_int_equal(strv_length(image.environment), 2);
        assert_string_equal(image.environment[0], "PATH=/bin");
        assert_string_equal(strmap_get(&image.labels, "k"), "v");
        assert_true(image.has_health_check);
        assert_int_equal(image.health_interval_usec, 2 * USEC_PER_SEC);
        assert_int_equal(image.health_start_period_usec, 1);
        assert_int_equal(image.health_retries, 5);
        image_info_done(&image);

        assert_int_equal(finish(scene, engine_image_inspect(scene->engine, "bare", &image, DONE)), 0);
        assert_string_equal(image.user, "");
        assert_null(image.entrypoint);
        assert_false(image.has_health_check);
        image_info_done(&image);

        assert_int_equal(finish(scene, engine_image_inspect(scene->engine, "odd", &image, DONE)), 0);
        assert_string_equal(image.command[0], "a");
        assert_int_equal(image.health_interval_usec, 0);
        assert_int_equal(image.health_retries, 0);
        image_info_done(&image);

        assert_int_equal(finish(scene, engine_image_inspect(scene->engine, "none", &image, DONE)), 1);
}

static Str progress = STR_INIT(1000);

static void hear_progress(const char *text, void *userdata) {
        (void) str_appendf(&progress, "[%s]", text);
}

static void test_pull(void **state) {
        static const struct {
                const char *body;
                int want_r;
                const char *want;
                PullFault want_fault;
        } rows[] = {
                { "{\"stream\":\"Trying\\n\"}\n{\"images\":[\"7\"],\"id\":\"7\"}\n", 0, "7" },
                { "{\"images\":[\"7\"],\"id\":\"7\"}", 0, "7" },
                { "{\"stream\":\"Trying\\n\"}\n{\"error\":\"no such host\"}\n", -EREMOTEIO,
                  "podman: pulling image: no such host", PULL_FAULT_NO_HOST },
                { "{\"error\":\"bad\"}\n{\"images\":[],\"id\":\"\"}\n", -EREMOTEIO, "podman: pulling image: bad" },
                { "{\"stream\":\"Trying\\n\"}\n", -EPROTO,
                  "podman: pulling image: odd answer: the stream ended with neither an image nor an error" },
                { "", -EPROTO,
                  "podman: pulling image: odd answer: the stream ended with neither an image nor an error" },
        };
        Scene *scene = *state;

        str_clear(&progress);
        FOREACH_ROW(row, rows) {
                const FakeAnswer answer = { "POST " P "images/pull?reference=a%2Fb%3A1&policy=newer", 200, row->body };
                _cleanup_(pull_result_done) PullResult pulled = { 0 };

                fake_play(scene->server, &answer, 1);
                assert_int_equal(finish(scene, engine_image_pull(scene->engine, &(PullSpec) { "a/b:1", "newer" },
                                                                 hear_progress, &pulled, DONE)),
                                 row->want_r);
                assert_string_equal(row->want_r == 0 ? pulled.id : scene->seen.text, row->want);
                assert_int_equal(pulled.fault, row->want_fault);
        }
        assert_string_equal(str_get(&progress), "[Trying][Trying][Trying]");
        str_done(&progress);
}

/* Cut off in the middle: asked again from the start, what came before forgotten. */
static void test_pull_cut(void **state) {
        static const FakeAnswer answers[] = {
                { "POST", 200, "{\"error\":\"old\"}\n{\"str", .count = 1, .is_cut = true },
                { "POST", 200, "{\"id\":\"7\"}\n" },
        };
        _cleanup_(pull_result_done) PullResult pulled = { 0 };
        Scene *scene = *state;

        FAKE_PLAY(scene->server, answers);
        assert_int_equal(finish(scene, engine_image_pull(scene->engine, &(PullSpec) { "i" }, NULL, &pulled, DONE)), 0);
        assert_string_equal(pulled.id, "7");
}

#define NOBODY "{}"

/* The login goes into a header, and "nobody" does, too; the platform into the query. */
static void test_pull_login(void **state) {
        static const FakeAnswer answers[] = { { "POST", 200, "{\"id\":\"7\"}\n" } };
        RegistryLogin named = { .username = (char *) "ci", .password = (char *) "s3cret>?" },
                      token = { .username = (char *) "ci", .password = (char *) "", .identity_token = (char *) "t0k" },
                      empty = { 0 };
        const struct {
                PullSpec spec;
                const char *want_request, *want;
        } rows[] = {
                { { "r:5000/a/b:1", "always" }, "policy=always", NOBODY },
                { { "r:5000/a/b:1", "always", .login = &empty }, "policy=always", NOBODY },
                { { "r:5000/a/b:1", "always", .login = &named },
                  "policy=always",
                  "{\"r:5000\":{\"username\":\"ci\",\"password\":\"s3cret>?\"}}" },
                { { "r:5000/a/b:1", "always", .login = &token },
                  "policy=always",
                  "{\"r:5000\":{\"identitytoken\":\"t0k\"}}" },
                { { "r/b:1", "always", "linux/arm64/v8" }, "policy=always&OS=linux&Arch=arm64&Variant=v8", NOBODY },
                { { "r/b:1", "always", "linux/s390x" }, "policy=always&OS=linux&Arch=s390x", NOBODY },
        };
        Scene *scene = *state;

        FAKE_PLAY(scene->server, answers);
        FOREACH_ROW(row, rows) {
                _cleanup_(pull_result_done) PullResult pulled = { 0 };
                _cleanup_free_ char *header = base64_encode(row->want, strlen(row->want), BASE64_URL);
                size_t i = strv_length(scene->server->requests);

                assert_int_equal(finish(scene, engine_image_pull(scene->engine, &row->spec, NULL, &pulled, DONE)), 0);
                assert_true(str_ends_with(scene->server->requests[i], row->want_request));
                assert_non_null(strstr(scene->server->headers[i], header));
        }
}

static void test_image_remove(void **state) {
        static const FakeAnswer answers[] = {
                { "DELETE " P "images/r%2Fa%3A1", 200, "{\"Untagged\":[\"r/a:1\"],\"Deleted\":[]}" },
                { "DELETE " P "images/used", 409, "{\"message\":\"image used by 1\"}" },
                { "DELETE " P "images/gone", 404, "{}" },
                { "DELETE " P "images/bad", 500, "{\"message\":\"storage\"}" },
        };
        static const struct {
                const char *image;
                int want;
        } rows[] = { { "r/a:1", 0 }, { "used", 1 }, { "gone", 0 }, { "bad", -EREMOTEIO } };
        Scene *scene = *state;

        FAKE_PLAY(scene->server, answers);
        FOREACH_ROW(row, rows)
                assert_int_equal(finish(scene, engine_image_remove(scene->engine, row->image, DONE)), row->want);
}

static void test_disk(void **state) {
        static const FakeAnswer answers[] = {
                { "GET " P "system/df", 200,
                  "{\"Images\":[{\"ImageID\":\"1\",\"Size\":10,\"UniqueSize\":4,\"Containers\":1},"
                  "{\"ImageID\":\"1\",\"Size\":10},{\"ImageID\":7}],"
                  "\"Containers\":[{\"ContainerID\":\"c\",\"RWSize\":3,\"Status\":\"running\"}],"
                  "\"Volumes\":[{\"VolumeName\":\"v\",\"Size\":-5,\"Links\":0}]}" },
        };
        static const DiskItem wants[] = { { DISK_IMAGE, (char *) "1", 4, 10, true },
                                          { DISK_CONTAINER, (char *) "c", 3, 3, true },
                                          { DISK_VOLUME, (char *) "v", 0, 0, false } };
        _cleanup_(engine_disk_done) EngineDisk disk = { 0 };
        Scene *scene = *state;

        FAKE_PLAY(scene->server, answers);
        assert_int_equal(finish(scene, engine_disk_usage(scene->engine, &disk, DONE)), 0);
        assert_int_equal(disk.n_items, ELEMENTSOF(wants));
        for (size_t i = 0; i < disk.n_items; i++) {
                assert_int_equal(disk.items[i].kind, wants[i].kind);
                assert_string_equal(disk.items[i].name, wants[i].name);
                assert_int_equal(disk.items[i].size_bytes, wants[i].size_bytes);
                assert_int_equal(disk.items[i].total_bytes, wants[i].total_bytes);
                assert_int_equal(disk.items[i].is_used, wants[i].is_used);
        }
}

static void test_stop(void **state) {
        static const FakeAnswer answers[] = {
                { "POST " P "containers/a/stop?timeout=2", 204 },
                { "POST " P "containers/b/stop?timeout=0", 304 },
                { "POST " P "containers/c/stop", 404, "{}" },
                { "POST " P "containers/d/stop", 500, "{\"message\":\"container state improper\"}", .count = 2 },
                { "POST " P "containers/d/stop", 204 },
        };
        Scene *scene = *state;

        FAKE_PLAY(scene->server, answers);
        assert_int_equal(finish(scene, engine_container_stop(scene->engine, "a", 1500 * USEC_PER_MSEC, DONE)), 0);
        assert_int_equal(finish(scene, engine_container_stop(scene->engine, "b", 0, DONE)), 0);
        assert_int_equal(finish(scene, engine_container_stop(scene->engine, "c", 0, DONE)), 0);
        assert_int_equal(finish(scene, engine_container_stop(scene->engine, "d", 0, DONE)), 0);
}

static void test_remove(void **state) {
        static const FakeAnswer answers[] = {
                { "DELETE " P "containers/a?force=true&volumes=true&depend=true&timeout=0", 200,
                  "[{\"Id\":\"1\",\"RawInput\":\"a\"}]" },
                { "DELETE " P "pods/a?force=true&timeout=0", 200, "{\"Err\":null,\"Id\":\"1\"}" },
                { "DELETE " P "volumes/a?force=true", 204 },
                { "DELETE " P "networks/a", 200, "[{\"Name\":\"a\",\"Err\":null}]" },
                { "DELETE " P "secrets/a", 204 },
        };
        static const FakeAnswer stubborn[] = {
                { "DELETE " P "containers/a", 500, "{\"message\":\"container state improper: stopped\"}", .count = 1 },
                { "DELETE " P "containers/a", 404, "{}" },
                { "DELETE " P "pods/a", 500, "{\"message\":\"never\"}" },
                { "DELETE " P "networks/a", 200, "[{\"Name\":\"a\",\"Err\":\"in use\"}]" },
        };
        Scene *scene = *state;

        FAKE_PLAY(scene->server, answers);
        for (ObjectKind kind = 0; kind < _OBJECT_KIND_MAX; kind++)
                assert_int_equal(finish(scene, engine_object_remove(scene->engine, kind, "a", DONE)), 0);

        FAKE_PLAY(scene->server, stubborn);
        assert_int_equal(finish(scene, engine_object_remove(scene->engine, OBJECT_CONTAINER, "a", DONE)), 0);
        assert_int_equal(strv_length(scene->server->requests), 2);
        assert_int_equal(finish(scene, engine_object_remove(scene->engine, OBJECT_POD, "a", DONE)), -EREMOTEIO);
        assert_string_equal(scene->seen.text, "podman: removing pod: never");
        assert_int_equal(strv_length(scene->server->requests), 2 + 7);
        assert_int_equal(finish(scene, engine_object_remove(scene->engine, OBJECT_NETWORK, "a", DONE)), -EREMOTEIO);
        assert_string_equal(scene->seen.text, "podman: removing network: in use");
}

static void test_list(void **state) {
        static const FakeAnswer answers[] = {
                { "GET " P "containers/json?all=true&filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D", 200,
                  "[{\"Names\":[\"c1\",\"other\"],\"Labels\":{\"a\":\"b\",\"x\":7}},{\"Names\":[]},{\"Names\":null},7,{"
                  "\"Names\":[\"c2\"],\"Labels\":null}]" },
                { "GET " P "pods/json?filters=", 200, "[{\"Name\":\"p\",\"Labels\":{\"a\":\"b\"}}]" },
                { "GET " P "volumes/json?filters=", 200, "[{\"Name\":\"v\",\"Labels\":{\"a\":\"b\"}}]" },
                { "GET " P "networks/json?filters=", 200, "[{\"name\":\"n\",\"labels\":{\"a\":\"b\"}}]" },
                /* no filter for secrets; Podman 4.3 leaves the labels out of the list */
                { "GET " P "secrets/json", 200,
                  "[{\"Spec\":{\"Name\":\"s1\",\"Labels\":{\"a\":\"b\"}}},{\"Spec\":{\"Name\":\"s2\",\"Labels\":{\"a\":"
                  "\"c\"}}},"
                  "{\"Spec\":{\"Name\":\"s3\",\"Labels\":null}},{\"Spec\":{\"Name\":\"s4\"}},{\"Spec\":{\"Name\":"
                  "\"s5\"}}]" },
                { "GET " P "secrets/s3/json", 200, "{\"Spec\":{\"Name\":\"s3\",\"Labels\":{\"a\":\"b\"}}}" },
                { "GET " P "secrets/s4/json", 404, "{}" },
                { "GET " P "secrets/s5/json", 200, "{\"Spec\":{\"Name\":\"s5\",\"Labels\":null}}" },
        };
        static const char *const want[_OBJECT_KIND_MAX] = { "c1 c2", "p", "v", "n", "s1 s3" };
        Scene *scene = *state;

        FAKE_PLAY(scene->server, answers);
        for (ObjectKind kind = 0; kind < _OBJECT_KIND_MAX; kind++) {
                _cleanup_str_ Str names = STR_INIT(1000);
                EngineObjects objects;

                assert_int_equal(finish(scene, engine_object_list(scene->engine, kind, "a=b", &objects, DONE)), 0);
                for (size_t i = 0; i < objects.n_objects; i++) {
                        (void) str_appendf(&names, "%s%s", i > 0 ? " " : "", objects.objects[i].name);
                        assert_int_equal(objects.objects[i].kind, kind);
                }
                assert_string_equal(str_get(&names), want[kind]);
                if (kind != OBJECT_CONTAINER || objects.n_objects == 1)
                        assert_string_equal(strmap_get(&objects.objects[0].labels, "a"), "b");
                engine_objects_done(&objects);
        }
}

static void test_health(void **state) {
        static const struct {
                const char *body;
                HealthStatus want;
        } rows[] = {
                { "{\"Status\":\"healthy\"}", HEALTH_HEALTHY },
                { "{\"Status\":\"starting\"}", HEALTH_STARTING },
                { "{\"Status\":\"unhealthy\"}", HEALTH_UNHEALTHY },
        };
        Scene *scene = *state;

        FOREACH_ROW(row, rows) {
                const FakeAnswer answer = { "GET " P "containers/c/healthcheck", 200, row->body };
                HealthStatus health = 99;

                fake_play(scene->server, &answer, 1);
                assert_int_equal(finish(scene, engine_container_check_health(scene->engine, "c", &health, DONE)), 0);
                assert_int_equal(health, row->want);
        }
}

static void test_has_path(void **state) {
        static const FakeAnswer answers[] = { { "HEAD " P "containers/c/archive?path=%2Fa%20b", 200 },
                                              { "HEAD", 404 } };
        Scene *scene = *state;

        FAKE_PLAY(scene->server, answers);
        assert_int_equal(finish(scene, engine_container_has_path(scene->engine, "c", "/a b", DONE)), 1);
        assert_int_equal(finish(scene, engine_container_has_path(scene->engine, "c", "/c", DONE)), 0);
}

/* An engine that takes requests and never answers: each call has its end. */
static void test_hung(void **state) {
        static const FakeAnswer answers[] = { { "", 200, .hangs = true } };
        Scene *scene = *state;
        ContainerStatus status;
        PullResult pulled;

        FAKE_PLAY(scene->server, answers);
        assert_int_equal(finish(scene, engine_container_inspect(scene->engine, "c", &status, DONE)), -ETIMEDOUT);
        assert_int_equal(finish(scene, engine_container_start(scene->engine, "c", DONE)), -ETIMEDOUT);
        assert_text(scene, "podman: starting container: ");
        assert_int_equal(finish(scene, engine_image_pull(scene->engine, &(PullSpec) { "i" }, NULL, &pulled, DONE)),
                         -ETIMEDOUT);
}

/* A slow one that still answers pings is waited for, up to a limit: many jobs at once make it slow in all it does. */
static void test_slow(void **state) {
        static const FakeAnswer answers[] = { { "POST", 200, .hangs = true }, { "GET " P "c", 200, .hangs = true } };
        static const VolumeSpec volume = { .name = "v" };
        Scene *scene = *state;
        ContainerStatus status;

        FAKE_PLAY(scene->server, answers);
        for (size_t i = 0; i < 3; i++) {
                uint64_t begin = clock_monotonic_usec();
                unsigned n_pings = scene->server->n_pings;

                assert_int_equal(
                        finish(scene, i == 0   ? engine_container_start(scene->engine, "c", DONE)
                                      : i == 1 ? engine_container_inspect(scene->engine, "c", &status, DONE)
                                               : engine_volume_create(scene->engine, &volume, NULL, DONE)),
                        -ETIMEDOUT);
                assert_true(clock_monotonic_usec() - begin >= 350 * USEC_PER_MSEC);
                assert_true(scene->server->n_pings > n_pings);
        }
}

/* The service leaves and comes back: nobody sees it. */
static void test_restart(void **state) {
        static const FakeAnswer answers[] = { { "POST", 204 } };
        Scene *scene = *state;
        Seen pause = { 0 };
        Task *timer = NULL;

        FAKE_PLAY(scene->server, answers);
        fake_leave(scene->server);
        scene->seen.n = 0;
        assert_int_equal(engine_container_start(scene->engine, "c", DONE), 0);
        assert_int_equal(timer_start(scene->event, 50 * USEC_PER_MSEC, seen_done, &pause, &timer), 0);
        turn_until(scene->event, &pause.n, 1);
        task_free(timer);
        assert_int_equal(scene->seen.n, 0);
        fake_listen(scene->server);
        turn_until(scene->event, &scene->seen.n, 1);
        assert_int_equal(scene->seen.r, 0);
}

static void test_gone(void **state) {
        Scene *scene = *state;

        fake_leave(scene->server);
        assert_int_equal(finish(scene, engine_container_start(scene->engine, "c", DONE)), -ECONNREFUSED);
        assert_text(scene, "podman: starting container: ");
        assert_true(scene->engine->n_calls > 2); /* it was tried again */
}

/* Dropped at any time: no callback. */
static void test_dropped(void **state) {
        static const FakeAnswer answers[] = { { "POST", 0, .count = 1 },
                                              { "POST", 500, "{}" },
                                              { "GET", 200, .hangs = true } };
        Scene *scene = *state;

        FAKE_PLAY(scene->server, answers);
        for (unsigned i = 0; i < 8; i++) {
                ContainerSpec spec = { .name = "c" };
                char *id = NULL;

                scene->seen.n = 0;
                assert_int_equal(engine_container_create(scene->engine, &spec, &id, DONE), 0);
                for (unsigned turn = 0; turn < i; turn++)
                        assert_true(sd_event_run(scene->event, 20 * USEC_PER_MSEC) >= 0);
                scene->task = task_free(scene->task);
                turn_for(scene->event, 5 * USEC_PER_MSEC);
                assert_int_equal(scene->seen.n, 0);
                assert_null(id);
        }
}

static void test_open(void **state) {
        static const struct {
                FakeAnswer ping;
                int want_r;
                const char *want;
        } rows[] = {
                { { "GET /_ping", 200, "OK", .version = "4.3.0" }, 0, "4.3.0" },
                { { "GET /_ping", 200, "OK", .version = "5.0.0-dev" }, 0, "5.0.0-dev" },
                { { "GET /_ping", 200, "OK", .version = "10.0.0" }, 0, "10.0.0" },
                { { "GET /_ping", 200, "OK", .version = "4.2.9" },
                  -EPROTONOSUPPORT,
                  "Podman 4.2.9 is too old; podstep needs 4.3 or later" },
                { { "GET /_ping", 200, "OK", .version = "3.4.4" },
                  -EPROTONOSUPPORT,
                  "Podman 3.4.4 is too old; podstep needs 4.3 or later" },
                { { "GET /_ping", 200, "OK", .version = "new" },
                  -EPROTONOSUPPORT,
                  "Podman new is too old; podstep needs 4.3 or later" },
                { { "GET /_ping", 200, "OK", .version = "" },
                  -EPROTONOSUPPORT,
                  "something else answers there, neither Podman nor Docker" },
                { { "GET /_ping", 500, "{\"message\":\"broken\"}", .version = "" }, -EREMOTEIO, "broken" },
                { { "GET /_ping", 200, .hangs = true }, -ETIMEDOUT, "" },
                { { "GET /_ping", 0 }, -ECONNRESET, "" },
        };
        Scene *scene = *state;

        FOREACH_ROW(row, rows) {
                ServiceSpec spec = { .url = scene->server->url, .times = TEST_TIMES };
                Engine *engine = NULL;

                print_message("version '%s'\n", row->ping.version ? row->ping.version : "-");
                fake_play(scene->server, &row->ping, 1);
                assert_int_equal(finish(scene, service_open(scene->event, &spec, &engine, DONE)), row->want_r);
                if (row->want_r == 0) {
                        assert_string_equal(engine->info.version, row->want);
                        assert_string_equal(engine->info.kind, "podman");
                        assert_string_equal(engine->info.address, scene->server->url);
                        assert_true(engine->info.has_pods);
                } else
                        assert_text(scene, row->want);
                engine_free(engine);
        }
}

static void test_bad_urls(void **state) {
        static const char *const urls[] = { "",
                                            "x",
                                            "ftp://a",
                                            "unix://",
                                            "unix:///nowhere/podman.sock",
                                            "ssh://host",
                                            "ssh://-oProxyCommand=x/run/s" };
        Scene *scene = *state;

        FOREACH_ROW(url, urls) {
                ServiceSpec spec = { .url = *url, .times = TEST_TIMES };
                Engine *engine = NULL;

                assert_true(finish(scene, service_open(scene->event, &spec, &engine, DONE)) < 0);
                assert_null(engine);
                assert_true(strlen(scene->seen.text) > 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
                cmocka_unit_test_setup_teardown(test_describe, setup, teardown),
                cmocka_unit_test_setup_teardown(test_create, setup, teardown),
                cmocka_unit_test_setup_teardown(test_create_lost_answer, setup, teardown),
                cmocka_unit_test_setup_teardown(test_create_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_adopted, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bodies, setup, teardown),
                cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
                cmocka_unit_test_setup_teardown(test_probe, setup, teardown),
                cmocka_unit_test_setup_teardown(test_inspect, setup, teardown),
                cmocka_unit_test_setup_teardown(test_image, setup, teardown),
                cmocka_unit_test_setup_teardown(test_pull, setup, teardown),
                cmocka_unit_test_setup_teardown(test_pull_cut, setup, teardown),
                cmocka_unit_test_setup_teardown(test_pull_login, setup, teardown),
                cmocka_unit_test_setup_teardown(test_image_remove, setup, teardown),
                cmocka_unit_test_setup_teardown(test_disk, setup, teardown),
                cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
                cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
                cmocka_unit_test_setup_teardown(test_list, setup, teardown),
                cmocka_unit_test_setup_teardown(test_health, setup, teardown),
                cmocka_unit_test_setup_teardown(test_has_path, setup, teardown),
                cmocka_unit_test_setup_teardown(test_hung, setup, teardown),
                cmocka_unit_test_setup_teardown(test_slow, setup, teardown),
                cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
                cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
                cmocka_unit_test_setup_teardown(test_dropped, setup, teardown),
                cmocka_unit_test_setup_teardown(test_open, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bad_urls, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
