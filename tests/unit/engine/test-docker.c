/* Docker's words: what is sent, and what its answers mean. */

#include "fake-server.h"

#include "base/array.h"
#include "base/strv.h"
#include "engine/docker-internal.h"
#include "engine/service.h"

#define P "/v1.41/"
#define DONE seen_done, &scene->seen, &scene->task
#define PING                                                                                                           \
        { "GET /_ping", 200, "OK", .docker = "1.41" }, {                                                               \
                "GET " P "info", 200, "{\"ServerVersion\":\"20.10\",\"PidsLimit\":true}"                               \
        }

typedef struct Scene {
        sd_event *event;
        FakeServer *server;
        Engine *engine;
        Seen seen;
        Task *task;
} Scene;

static int finish(Scene *scene, int r) {
        assert_int_equal(r, 0);
        turn_until(scene->event, &scene->seen.n, 1);
        scene->task = task_free(scene->task);
        r = scene->seen.r;
        if (r < 0)
                print_message("     %s\n", scene->seen.text);
        scene->seen.n = 0;
        return r;
}

static int setup(void **state) {
        static const FakeAnswer answers[] = { PING };
        Scene *scene = calloc(1, sizeof(*scene));
        ServiceSpec spec;

        scene->event = test_event();
        scene->server = fake_new(scene->event);
        FAKE_PLAY(scene->server, answers);
        spec = (ServiceSpec) { .url = scene->server->url, .times = SERVICE_TIMES_DEFAULT };
        assert_int_equal(finish(scene, service_open(scene->event, &spec, &scene->engine, DONE)), 0);
        assert_int_equal(scene->engine->info.controllers, CONTROLLER_PIDS);
        *state = scene;
        return 0;
}

static int teardown(void **state) {
        Scene *scene = *state;

        engine_free(scene->engine);
        fake_free(scene->server);
        sd_event_unref(scene->event);
        free(scene);
        return 0;
}

static char *body_of(const ContainerSpec *spec) {
        char *text = NULL;

        assert_int_equal(docker_spec_to_json(spec, &text), 0);
        return text;
}

static void expect_part(const ContainerSpec *spec, const char *part) {
        _cleanup_free_ char *body = body_of(spec);

        if (!strstr(body, part))
                print_message("no %s in\n%s\n", part, body);
        assert_non_null(strstr(body, part));
}

static void test_create_body(void **state) {
        _cleanup_map_ Map env = STRMAP_INIT;
        const char *argv[] = { "sh", "-c", "true", NULL }, *ro[] = { "rbind", "ro", "z", NULL },
                   *nocopy[] = { "nocopy", NULL }, *aliases[] = { "db", NULL },
                   *devices[] = { "/dev/fuse:/dev/fuse:rw", "nvidia.com/gpu=all", NULL },
                   *caps[] = { "SYS_PTRACE", NULL }, *all[] = { "ALL", NULL },
                   *size[] = { "size=1m", "mode=1777", NULL };
        MountSpec mounts[] = {
                { MOUNT_BIND, "/src", "/dst", (char *const *) ro },
                { MOUNT_VOLUME, "v", "/v", (char *const *) nocopy },
                { MOUNT_VOLUME, NULL, "/anonymous", NULL },
                { MOUNT_BIND, "/a:b", "/c", NULL },
                { MOUNT_TMPFS, NULL, "/t", (char *const *) size },
        };
        UlimitSpec ulimit = { "nofile", 10, -1 };
        DeviceRuleSpec rule = { 'c', 10, -1, "rwm" };
        HealthSpec health = { .interval_usec = 1000000 };
        ContainerSpec spec = { .image = "sha256:1",
                               .entrypoint = (char *const *) argv,
                               .environment = &env,
                               .mounts = mounts,
                               .n_mounts = ELEMENTSOF(mounts),
                               .network = { NETWORK_NAMED, "net", (char *const *) aliases },
                               .devices = (char *const *) devices,
                               .device_rules = &rule,
                               .n_device_rules = 1,
                               .security = { .no_new_privileges = true,
                                             .cap_add = (char *const *) caps,
                                             .cap_drop = (char *const *) all,
                                             .apparmor = "unconfined",
                                             .unmask = (char *const *) all },
                               .limits = { .memory_bytes = 1 << 20, .cpu_quota_usec = 50000, .pids_max = 7 },
                               .ulimits = &ulimit,
                               .n_ulimits = 1,
                               .stop_signal = 2,
                               .health = &health,
                               .init = true };

        assert_int_equal(strmap_put(&env, "A", "b=c"), 0);
        expect_part(&spec, "\"Image\":\"sha256:1\"");
        expect_part(&spec, "\"Entrypoint\":[\"sh\",\"-c\",\"true\"]");
        expect_part(&spec, "\"Env\":[\"A=b=c\"]");
        expect_part(&spec, "\"StopSignal\":\"2\"");
        expect_part(&spec, "\"Binds\":[\"/src:/dst:ro,z\",\"v:/v:nocopy\"]");
        expect_part(&spec, "\"Mounts\":[{\"Type\":\"volume\",\"Target\":\"/"
                           "anonymous\"},{\"Type\":\"bind\",\"Source\":\"/a:b\",\"Target\":\"/c\"}]");
        expect_part(&spec, "\"Tmpfs\":{\"/t\":\"size=1m,mode=1777\"}");
        expect_part(&spec, "\"NetworkMode\":\"net\"");
        expect_part(&spec, "\"NetworkingConfig\":{\"EndpointsConfig\":{\"net\":{\"Aliases\":[\"db\"]}}}");
        expect_part(&spec, "\"Devices\":[{\"PathOnHost\":\"/dev/fuse\",\"PathInContainer\":\"/dev/"
                           "fuse\",\"CgroupPermissions\":\"rw\"}]");
        expect_part(&spec, "\"DeviceRequests\":[{\"Driver\":\"cdi\",\"DeviceIDs\":[\"nvidia.com/gpu=all\"]}]");
        expect_part(&spec, "\"DeviceCgroupRules\":[\"c 10:* rwm\"]");
        expect_part(&spec, "\"CapAdd\":[\"SYS_PTRACE\"],\"CapDrop\":[\"ALL\"],\"MaskedPaths\":[],\"ReadonlyPaths\":[]");
        expect_part(&spec, "\"SecurityOpt\":[\"no-new-privileges\",\"apparmor=unconfined\"]");
        expect_part(&spec, "\"Memory\":1048576,\"CpuQuota\":50000,\"CpuPeriod\":100000,\"PidsLimit\":7");
        expect_part(&spec, "\"Ulimits\":[{\"Name\":\"nofile\",\"Soft\":10,\"Hard\":-1}]");
        expect_part(&spec, "\"Healthcheck\":{\"Interval\":1000000000,\"Timeout\":0,\"StartPeriod\":0,\"Retries\":0}");
        expect_part(&spec, "\"Init\":true");
        expect_part(&spec, "\"LogConfig\":{\"Type\":\"json-file\"}");
}

/* A path that must be there is no text, of which Docker would make a directory; only texts relabel. */
static void test_mounts(void **state) {
        const char *ro[] = { "ro", "rslave", NULL }, *relabel[] = { "z", NULL };
        const struct {
                MountSpec mount;
                const char *part;
        } rows[] = {
                { { MOUNT_BIND, "/src", "/dst", NULL, false }, "\"Binds\":[\"/src:/dst\"],\"Mounts\":[]" },
                { { MOUNT_BIND, "/src", "/dst", NULL, true },
                  "\"Binds\":[],\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/src\",\"Target\":\"/dst\"}]" },
                { { MOUNT_BIND, "/src", "/dst", (char *const *) ro, true },
                  "\"Target\":\"/dst\",\"ReadOnly\":true,\"BindOptions\":{\"Propagation\":\"rslave\"}}]" },
                { { MOUNT_BIND, "/src", "/dst", (char *const *) relabel, true },
                  "\"Binds\":[\"/src:/dst:z\"],\"Mounts\":[]" },
        };

        FOREACH_ROW(row, rows)
                expect_part(&(ContainerSpec) { .image = "i", .mounts = &row->mount, .n_mounts = 1 }, row->part);
}

static void test_networks(void **state) {
        static const struct {
                NetworkSpec network;
                const char *part;
        } rows[] = {
                { { NETWORK_DEFAULT }, "\"NetworkMode\":\"default\"" },
                { { NETWORK_NONE }, "\"NetworkMode\":\"none\"" },
                { { NETWORK_HOST }, "\"NetworkMode\":\"host\"" },
                { { NETWORK_BRIDGE }, "\"NetworkMode\":\"bridge\"" },
                { { NETWORK_CONTAINER, "c" }, "\"NetworkMode\":\"container:c\"" },
        };

        FOREACH_ROW(row, rows)
                expect_part(&(ContainerSpec) { .image = "i", .network = row->network }, row->part);
        expect_part(&(ContainerSpec) { .image = "i", .read_only = true },
                    "\"Tmpfs\":{\"/run\":\"rw\",\"/tmp\":\"rw\",\"/var/tmp\":\"rw\"}");
}

static void expect_network(Scene *scene, const EngineNetworkSpec *spec, const char *part) {
        static const FakeAnswer answers[] = { { "POST " P "networks/create", 201, "{\"Id\":\"1\"}" } };
        const char *request;

        FAKE_PLAY(scene->server, answers);
        assert_int_equal(finish(scene, engine_network_create(scene->engine, spec, DONE)), 0);
        request = scene->server->bodies[strv_length(scene->server->bodies) - 1];
        if (!strstr(request, part))
                print_message("no %s in\n%s\n", part, request);
        assert_non_null(strstr(request, part));
}

/* Another request is about to make it. */
static void test_network_again(void **state) {
        static const FakeAnswer answers[] = { { "POST " P "networks/create", 403,
                                                "{\"message\":\"networks have same bridge name\"}", .count = 2 },
                                              { "POST " P "networks/create", 409, "{\"message\":\"already exists\"}" },
                                              { "GET " P "networks/n", 200, "{}" } };
        Scene *scene = *state;

        FAKE_PLAY(scene->server, answers);
        assert_int_equal(
                finish(scene, engine_network_create(scene->engine, &(EngineNetworkSpec) { .name = "n" }, DONE)), 0);
}

static void test_network_body(void **state) {
        Scene *scene = *state;

        expect_network(scene, &(EngineNetworkSpec) { .name = "n", .mtu = 1280 },
                       "\"Options\":{\"com.docker.network.bridge.name\":\"ps-e34c8601f871\",\"com.docker.network."
                       "driver.mtu\":\"1280\"}");
        /* unique local, the same for the same name */
        expect_network(scene, &(EngineNetworkSpec) { .name = "n", .ipv6 = true },
                       "\"EnableIPv6\":true,\"IPAM\":{\"Config\":[{\"Subnet\":\"fd71:1f8:4c86:63e3::/64\"}]}");
        expect_network(scene,
                       &(EngineNetworkSpec) {
                               .name = "n", .subnet = "169.254.0.0/16", .range = "169.254.0.0/17", .is_void = true },
                       "\"Internal\":true,\"IPAM\":{\"Config\":[{\"Subnet\":\"169.254.0.0/"
                       "16\",\"IPRange\":\"169.254.0.0/17\"}]},"
                       "\"Options\":{\"com.docker.network.bridge.name\":\"ps-e34c8601f871\",\"com.docker.network."
                       "bridge.inhibit_ipv4\":\"true\",\"com.docker.network.bridge.enable_icc\":\"false\"}");
}

/* A create whose answer was lost is found again by its name. */
static void test_create(void **state) {
        static const struct {
                int status, inspect;
                const char *body, *inspected;
                int want_r;
                const char *text;
        } rows[] = {
                { 201, 0, "{\"Id\":\"abc\"}", NULL, 0, NULL },
                { 409, 200, "{\"message\":\"Conflict. The name is in use\"}", "{\"Id\":\"abc\"}", 0, NULL },
                { 409, 404, "{\"message\":\"Conflict. The name is in use\"}", "{\"message\":\"no such\"}", -EREMOTEIO,
                  "The name is in use" },
                { 404, 0, "{\"message\":\"No such image: x\"}", NULL, -ENOENT,
                  "docker: creating container: No such image: x" },
                { 400, 0, "{\"message\":\"bad parameter\"}", NULL, -EREMOTEIO, "bad parameter" },
                { 201, 0, "{}", NULL, -EPROTO, "odd answer" },
        };
        Scene *scene = *state;

        FOREACH_ROW(row, rows) {
                const FakeAnswer answers[] = { { "POST " P "containers/create?name=n", row->status, row->body },
                                               { "GET " P "containers/n/json", row->inspect, row->inspected } };
                _cleanup_free_ char *id = NULL;

                FAKE_PLAY(scene->server, answers);
                assert_int_equal(finish(scene, engine_container_create(scene->engine,
                                                                       &(ContainerSpec) { .name = "n", .image = "i" },
                                                                       &id, DONE)),
                                 row->want_r);
                if (row->want_r == 0)
                        assert_string_equal(id, "abc");
                else
                        assert_non_null(strstr(scene->seen.text, row->text));
        }
}

#define CREATED "POST " P "containers/create?name=n", 201, "{\"Id\":\"abc\"}"
#define IN_NETWORKS(networks) "GET " P "containers/n/json", 200, "{\"NetworkSettings\":{\"Networks\":" networks "}}"
#define B_ID "22222222222222222222222222222222222222222222222222222222222222bb"

/* Rows end with the first that says nothing. */
static void play(Scene *scene, const FakeAnswer *answers, size_t max) {
        size_t n = 0;

        while (n < max && answers[n].request)
                n++;
        fake_play(scene->server, answers, n);
}

/* Whether a refusal means that it is there already, only the container's own networks say. */
static void test_create_joins(void **state) {
        static const struct {
                const char *network;
                FakeAnswer answers[4];
                int want_r;
                const char *text;
        } rows[] = {
                { "b", { { "POST " P "networks/b/connect", 200 } }, 0, NULL },
                { "b", { { "POST " P "networks/b/connect", 404, "{\"message\":\"network b not found\"}" } }, -ENOENT,
                  "docker: creating container: joining network 'b': network b not found" },
                { "b", { { "POST " P "networks/b/connect", 403, "{\"message\":\"denied by a plugin\"}" },
                         { IN_NETWORKS("{\"b\":{\"NetworkID\":\"" B_ID "\"}}") } }, 0, NULL },
                { B_ID, { { "POST " P "networks/" B_ID "/connect", 403, "{\"message\":\"already exists\"}" },
                          { IN_NETWORKS("{\"b\":{\"NetworkID\":\"" B_ID "\"}}") } }, 0, NULL },
                { "b", { { "POST " P "networks/b/connect", 403,
                           "{\"message\":\"endpoint with name n already exists in network b\"}" },
                         { IN_NETWORKS("{\"a\":{\"NetworkID\":\"b1\"},\"c\":null}") } }, -EREMOTEIO,
                  "joining network 'b': endpoint with name n already exists" },
                { "b", { { "POST " P "networks/b/connect", 403, "{\"message\":\"denied by a plugin\"}" },
                         { "GET " P "containers/n/json", 200, "{}" } }, -EREMOTEIO,
                  "joining network 'b': denied by a plugin" },
                { "b", { { "POST " P "networks/b/connect", 409, "{\"message\":\"marked for removal\"}" },
                         { "GET " P "containers/n/json", 404, "{\"message\":\"no such container\"}" } }, -EREMOTEIO,
                  "joining network 'b': marked for removal" },
                { "b", { { "POST " P "networks/b/connect", 403, "{\"message\":\"denied\"}" },
                         { "GET " P "containers/n/json", 200, "nonsense" } }, -EPROTO, "joining network 'b': " },
        };
        Scene *scene = *state;

        FOREACH_ROW(row, rows) {
                const char *also[] = { "a", row->network, NULL };
                ContainerSpec spec = { .name = "n",
                                       .image = "i",
                                       .network = { NETWORK_NAMED, "net", NULL, (char *const *) also } };
                const FakeAnswer answers[] = { { CREATED }, { "POST " P "networks/a/connect", 200 }, row->answers[0],
                                               row->answers[1] };
                _cleanup_free_ char *id = NULL;

                play(scene, answers, ELEMENTSOF(answers));
                assert_int_equal(finish(scene, engine_container_create(scene->engine, &spec, &id, DONE)), row->want_r);
                if (row->text)
                        assert_non_null(strstr(scene->seen.text, row->text));
        }
        assert_string_equal(scene->server->bodies[1], "{\"Container\":\"n\"}");
}

static unsigned count_requests(const Scene *scene, const char *request) {
        unsigned n = 0;

        STRV_FOREACH(one, scene->server->requests)
                n += str_starts_with(*one, request);
        return n;
}

#define START "POST " P "containers/n/start"
#define GONE "{\"message\":\"network net not found\"}"

/* A network that nobody is on is removed by anybody's "prune", and Docker misses it at the start. */
static void test_start_renews_networks(void **state) {
        static const struct {
                FakeAnswer answers[7];
                int want_r;
                const char *text;
                unsigned n_made, n_started;
        } rows[] = {
                { { { START, 204 } }, 0, NULL, 0, 1 },
                { { { START, 304 } }, 0, NULL, 0, 1 },
                { { { START, 404, GONE, 1 },
                    { IN_NETWORKS("{\"theirs\":{},\"net\":{}}") },
                    { "POST " P "networks/create", 201, "{\"Id\":\"2\"}" },
                    { START, 204 } }, 0, NULL, 1, 2 },
                /* both of ours; one of them stands, or somebody else makes it */
                { { { START, 404, GONE, 1 },
                    { IN_NETWORKS("{\"net\":{},\"void\":{}}") },
                    { "POST " P "networks/create", 403, "{\"message\":\"same bridge name\"}", 1 },
                    { "POST " P "networks/create", 409, "{\"message\":\"already exists\"}", 1 },
                    { "POST " P "networks/create", 201, "{\"Id\":\"2\"}" },
                    { START, 204 } }, 0, NULL, 3, 2 },
                /* once */
                { { { START, 404, GONE },
                    { IN_NETWORKS("{\"net\":{}}") },
                    { "POST " P "networks/create", 201, "{\"Id\":\"2\"}" } }, -EREMOTEIO,
                  "docker: starting container: network net not found", 1, 2 },
                { { { START, 404, GONE }, { IN_NETWORKS("{\"theirs\":{}}") } }, -EREMOTEIO, "network net not found", 0,
                  1 },
                { { { START, 404, "{\"message\":\"no such container\"}" },
                    { "GET " P "containers/n/json", 404, "{\"message\":\"no such container: n\"}" } }, -EREMOTEIO,
                  "starting container: no such container", 0, 1 },
                { { { START, 404, GONE },
                    { IN_NETWORKS("{\"net\":{}}") },
                    { "POST " P "networks/create", 500, "{\"message\":\"no room\"}" } }, -EREMOTEIO,
                  "making network 'net' again, which somebody removed: no room", 1, 1 },
        };
        static const FakeAnswer made[] = { { "POST " P "networks/create", 201, "{\"Id\":\"1\"}" } };
        Scene *scene = *state;

        FAKE_PLAY(scene->server, made);
        assert_int_equal(
                finish(scene, engine_network_create(scene->engine, &(EngineNetworkSpec) { .name = "net" }, DONE)), 0);
        assert_int_equal(
                finish(scene, engine_network_create(scene->engine, &(EngineNetworkSpec) { .name = "void" }, DONE)), 0);
        FOREACH_ROW(row, rows) {
                play(scene, row->answers, ELEMENTSOF(row->answers));
                assert_int_equal(finish(scene, engine_container_start(scene->engine, "n", DONE)), row->want_r);
                if (row->text)
                        assert_non_null(strstr(scene->seen.text, row->text));
                assert_int_equal(count_requests(scene, "POST " P "networks/create"), row->n_made);
                assert_int_equal(count_requests(scene, START), row->n_started);
        }
}

/* Nor one that was removed here, at the end of a job. */
static void test_start_renews_no_other(void **state) {
        static const FakeAnswer answers[] = { { "POST " P "networks/create", 201, "{\"Id\":\"1\"}" },
                                              { "DELETE " P "networks/net", 204 },
                                              { START, 404, GONE },
                                              { IN_NETWORKS("{\"net\":{}}") } };
        Scene *scene = *state;

        FAKE_PLAY(scene->server, answers);
        assert_int_equal(
                finish(scene, engine_network_create(scene->engine, &(EngineNetworkSpec) { .name = "net" }, DONE)), 0);
        assert_int_equal(finish(scene, engine_object_remove(scene->engine, OBJECT_NETWORK, "net", DONE)), 0);
        assert_int_equal(finish(scene, engine_container_start(scene->engine, "n", DONE)), -EREMOTEIO);
        assert_int_equal(count_requests(scene, "POST " P "networks/create"), 1);
}

static void test_pull(void **state) {
        static const struct {
                const char *reference, *policy, *path, *stream;
                int status, inspect, want_r;
                PullFault fault;
        } rows[] = {
                { "a/b:1", "always", "fromImage=a%2Fb%3A1", "{\"status\":\"Pulling\"}\r\n{\"status\":\"Done\"}\r\n",
                  200, 200, 0, 0 },
                { "a/b", "always", "fromImage=a%2Fb&tag=latest", "{\"status\":\"Done\"}", 200, 200, 0, 0 },
                { "h:5/b", "always", "fromImage=h%3A5%2Fb&tag=latest", "{\"status\":\"Done\"}", 200, 200, 0, 0 },
                { "a:1", "always", "fromImage=a%3A1",
                  "{\"errorDetail\":{\"message\":\"toomanyrequests: slow\"},\"error\":\"toomanyrequests: slow\"}", 200,
                  200, -EREMOTEIO, PULL_FAULT_RATE_LIMITED },
                { "a:1", "newer", "fromImage=a%3A1", "{\"error\":\"connection refused\"}", 200, 200, 0, 0 },
                { "a:1", "newer", "fromImage=a%3A1", "{\"error\":\"connection refused\"}", 200, 404, -EREMOTEIO,
                  PULL_FAULT_AWAY },
                { "a:1", "always", "fromImage=a%3A1", "{\"message\":\"manifest for a:1 not found: manifest unknown\"}",
                  404, 0, -ENOENT, PULL_FAULT_NOT_FOUND },
                { "a:1", "always", "fromImage=a%3A1", "rubbish\n", 200, 200, -EPROTO, 0 },
        };
        Scene *scene = *state;

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *post = str_printf("POST " P "images/create?%s", row->path);
                const FakeAnswer answers[] = { { post, row->status, row->stream },
                                               { "GET " P "images/", row->inspect, "{\"Id\":\"sha256:7\"}" } };
                _cleanup_(pull_result_done) PullResult result = { 0 };

                print_message("case %s\n", row->path);
                FAKE_PLAY(scene->server, answers);
                assert_int_equal(
                        finish(scene, engine_image_pull(scene->engine, &(PullSpec) { row->reference, row->policy },
                                                        NULL, &result, DONE)),
                        row->want_r);
                if (row->want_r == 0)
                        assert_string_equal(result.id, "sha256:7");
                else
                        assert_int_equal(result.fault, row->fault);
        }
}

/*
 * What is here under its digest Docker takes without asking: the registry is asked for it by another call, with the
 * same login.
 */
static void test_pull_digest(void **state) {
        static const struct {
                const char *policy, *asked;
                int status, want_r;
                PullFault fault;
        } rows[] = {
                { "always", "{\"Descriptor\":{}}", 200, 0, 0 },
                { "always", "{\"message\":\"no basic auth credentials\"}", 401, -EREMOTEIO, PULL_FAULT_DENIED },
                { "always", "{\"message\":\"manifest unknown\"}", 404, -ENOENT, PULL_FAULT_NOT_FOUND },
                { "always", "{\"message\":\"dial tcp: connection refused\"}", 500, -EREMOTEIO, PULL_FAULT_AWAY },
                { "newer", "{\"message\":\"dial tcp: connection refused\"}", 500, 0, 0 },
        };
        Scene *scene = *state;

        FOREACH_ROW(row, rows) {
                const FakeAnswer answers[] = {
                        { "POST " P "images/create?fromImage=h%2Fa%40sha256%3A0", 200,
                          "{\"status\":\"Image is up to date\"}" },
                        { "GET " P "distribution/", row->status, row->asked },
                        { "GET " P "images/", 200, "{\"Id\":\"sha256:7\"}" },
                };
                _cleanup_(pull_result_done) PullResult result = { 0 };

                print_message("case %s %d\n", row->policy, row->status);
                FAKE_PLAY(scene->server, answers);
                assert_int_equal(
                        finish(scene, engine_image_pull(scene->engine, &(PullSpec) { "h/a@sha256:0", row->policy },
                                                        NULL, &result, DONE)),
                        row->want_r);
                if (row->want_r == 0)
                        assert_string_equal(result.id, "sha256:7");
                else
                        assert_int_equal(result.fault, row->fault);
        }
}

static void test_lists(void **state) {
        static const FakeAnswer answers[] = {
                { "GET " P "containers/json?all=true&filters=%7B%22label%22%3A%5B%22l%22%5D%7D", 200,
                  "[{\"Names\":[\"/other/link\",\"/mine\"],\"Labels\":{\"l\":\"1\"}},{\"Names\":null}]" },
                { "GET " P "volumes?filters=", 200, "{\"Volumes\":null}" },
                { "GET " P "networks?filters=", 200, "[{\"Name\":\"net\",\"Labels\":{}}]" },
        };
        static const struct {
                ObjectKind kind;
                const char *name;
        } rows[] = { { OBJECT_CONTAINER, "mine" },
                     { OBJECT_VOLUME, NULL },
                     { OBJECT_NETWORK, "net" },
                     { OBJECT_POD, NULL },
                     { OBJECT_SECRET, NULL } };
        Scene *scene = *state;

        FAKE_PLAY(scene->server, answers);
        FOREACH_ROW(row, rows) {
                _cleanup_(engine_objects_done) EngineObjects found = { 0 };

                assert_int_equal(finish(scene, engine_object_list(scene->engine, row->kind, "l", &found, DONE)), 0);
                assert_int_equal(found.n_objects, row->name != NULL);
                if (row->name)
                        assert_string_equal(found.objects[0].name, row->name);
        }
}

static void test_remove(void **state) {
        static const FakeAnswer answers[] = {
                { "DELETE " P "containers/c?force=true&v=true", 409, "{\"message\":\"removal in progress\"}", 2 },
                { "DELETE " P "containers/c?force=true&v=true", 404, "{\"message\":\"no such\"}" },
                { "DELETE " P "networks/n", 403, "{\"message\":\"has active endpoints\"}", 1 },
                { "DELETE " P "networks/n", 204 },
        };
        Scene *scene = *state;

        FAKE_PLAY(scene->server, answers);
        assert_int_equal(finish(scene, engine_object_remove(scene->engine, OBJECT_CONTAINER, "c", DONE)), 0);
        assert_int_equal(finish(scene, engine_object_remove(scene->engine, OBJECT_NETWORK, "n", DONE)), 0);
        assert_int_equal(finish(scene, engine_object_remove(scene->engine, OBJECT_POD, "p", DONE)), 0);
}

static void test_health(void **state) {
        static const struct {
                const char *body;
                HealthStatus want;
        } rows[] = {
                { "{\"State\":{\"Health\":{\"Status\":\"healthy\"}}}", HEALTH_HEALTHY },
                { "{\"State\":{\"Health\":{\"Status\":\"unhealthy\"}}}", HEALTH_UNHEALTHY },
                { "{\"State\":{\"Health\":{\"Status\":\"starting\"}}}", HEALTH_STARTING },
                { "{\"State\":{}}", HEALTH_STARTING },
        };
        Scene *scene = *state;

        FOREACH_ROW(row, rows) {
                const FakeAnswer answers[] = { { "GET " P "containers/c/json", 200, row->body } };
                HealthStatus got = -1;

                FAKE_PLAY(scene->server, answers);
                assert_int_equal(finish(scene, engine_container_check_health(scene->engine, "c", &got, DONE)), 0);
                assert_int_equal(got, row->want);
        }
}

/* The newest version that both know, or an older one that the user names. */
static void test_pinned_version(void **state) {
        static const struct {
                const char *pinned, *request;
                int want_r;
        } rows[] = {
                { "", "GET /v1.41/info", 0 },
                { "1.30", "GET /v1.30/info", 0 },
                { "1.99", "GET /v1.41/info", 0 },
                { "1.2", NULL, -EPROTONOSUPPORT },
                { "new", NULL, -EPROTONOSUPPORT },
        };

        FOREACH_ROW(row, rows) {
                const FakeAnswer answers[] = { { "GET /_ping", 200, "OK", .docker = "1.41" },
                                               { row->request, 200,
                                                 "{\"ServerVersion\":\"20.10\",\"PidsLimit\":true}" } };
                Scene scene = { .event = test_event() };
                ServiceSpec spec;

                print_message("case '%s'\n", row->pinned);
                setenv("DOCKER_API_VERSION", row->pinned, 1);
                scene.server = fake_new(scene.event);
                fake_play(scene.server, answers, row->request ? 2 : 1);
                spec = (ServiceSpec) { .url = scene.server->url, .times = SERVICE_TIMES_DEFAULT };
                assert_int_equal(finish(&scene, service_open(scene.event, &spec, &scene.engine, seen_done, &scene.seen,
                                                             &scene.task)),
                                 row->want_r);
                engine_free(scene.engine);
                fake_free(scene.server);
                sd_event_unref(scene.event);
        }
        unsetenv("DOCKER_API_VERSION");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_create_body),
                cmocka_unit_test(test_mounts),
                cmocka_unit_test(test_networks),
                cmocka_unit_test(test_pinned_version),
                cmocka_unit_test_setup_teardown(test_create, setup, teardown),
                cmocka_unit_test_setup_teardown(test_create_joins, setup, teardown),
                cmocka_unit_test_setup_teardown(test_start_renews_networks, setup, teardown),
                cmocka_unit_test_setup_teardown(test_start_renews_no_other, setup, teardown),
                cmocka_unit_test_setup_teardown(test_network_body, setup, teardown),
                cmocka_unit_test_setup_teardown(test_network_again, setup, teardown),
                cmocka_unit_test_setup_teardown(test_pull, setup, teardown),
                cmocka_unit_test_setup_teardown(test_pull_digest, setup, teardown),
                cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
                cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
                cmocka_unit_test_setup_teardown(test_health, setup, teardown),
        };

        return cmocka_run_group_tests_name("docker", tests, NULL, NULL);
}
