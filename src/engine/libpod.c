#include "engine/libpod-internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/strv.h"
#include "engine/exits.h"

/* While it is looked for, an engine that refuses is not waited for as long as later: there may be another. */
#define PROBE_AWAY_USEC USEC_PER_SEC

static Engine *libpod_free(Engine *engine) {
        Libpod *libpod = libpod_of(engine);

        transport_free(libpod->transport);
        tunnel_free(libpod->tunnel);
        listeners_free(libpod->listeners);
        sd_event_unref(engine->event);
        free(libpod->address);
        free(libpod->version);
        free(libpod->exits_directory);
        free(libpod);
        return NULL;
}

static int libpod_probe(Engine *engine, TaskDone done, void *userdata, Task **ret_task);

static const EngineClass libpod_class = {
        .free = libpod_free,
        .probe = libpod_probe,
        .image_inspect = libpod_image_inspect,
        .image_pull = libpod_image_pull,
        .image_remove = libpod_image_remove,
        .disk_usage = libpod_disk_usage,
        .pod_create = libpod_pod_create,
        .volume_create = libpod_volume_create,
        .network_create = libpod_network_create,
        .secret_create = libpod_secret_create,
        .container_create = libpod_container_create,
        .container_init = libpod_container_init,
        .container_start = libpod_container_start,
        .container_follow = libpod_container_follow,
        .container_stop = libpod_container_stop,
        .container_inspect = libpod_container_inspect,
        .container_check_health = libpod_container_check_health,
        .container_read_file = libpod_container_read_file,
        .container_has_path = libpod_container_has_path,
        .object_list = libpod_object_list,
        .object_remove = libpod_object_remove,
};

/*
 * Local is an engine whose socket belongs to our user and whose run-time directory is there: it sees our files under
 * the same paths, and we see its exit files. Another user's socket (root looking at someone's), a socket mounted into a
 * container or a forwarded one without that directory, ssh and tcp are not.
 */
static bool is_local(const char *socket) {
        const char *runtime = geteuid() == 0 ? "/run" : getenv("XDG_RUNTIME_DIR");
        _cleanup_free_ char *libpod = str_is_empty(runtime) ? NULL : path_join(runtime, "libpod");
        struct stat st;

        return libpod && file_is_directory(libpod) && stat(socket, &st) >= 0 && S_ISSOCK(st.st_mode) &&
               st.st_uid == geteuid();
}

typedef struct Open {
        Task task;
        Libpod *libpod;
        Url url;
        char *ca_file, *cert_file, *key_file;
        bool skips_verify;
        LibpodTimes times;
        Task *pending;
        Engine **ret;
} Open;

static Task *open_free(Task *task) {
        Open *open = container_of(task, Open, task);

        task_free(open->pending);
        if (open->libpod)
                engine_free(&open->libpod->engine);
        url_done(&open->url);
        free(open->ca_file);
        free(open->cert_file);
        free(open->key_file);
        free(open);
        return NULL;
}

static const TaskClass open_class = { "libpod-open", open_free };

static void open_succeed(Open *open) {
        Libpod *libpod = TAKE_PTR(open->libpod);

        libpod->times = open->times;
        *open->ret = &libpod->engine;
        task_finish(&open->task, 0, NULL);
}

/* An engine behind tcp or ssh may still be ours on this machine: its storage is here, and belongs to our user. */
static bool is_this_machine(Json *json) {
        const char *host = json_find_string(json, "host.hostname"), *root = json_find_string(json, "store.graphRoot");
        struct utsname name;
        struct stat st;

        return host && root && uname(&name) >= 0 && str_equal(host, name.nodename) && stat(root, &st) >= 0 && S_ISDIR(st.st_mode) &&
               st.st_uid == geteuid();
}

/* Rootful Podman on cgroup v1 names none, and enforces all. */
static int read_abilities(Json *json, EngineInfo *info) {
        _cleanup_strv_ char **names = NULL;
        Json *list = NULL;

        if (json_get_array(json, "host.cgroupControllers", &list, NULL) >= 0)
                for (size_t i = 0; i < json_object_array_length(list); i++) {
                        Json *name = json_object_array_get_idx(list, i);

                        if (json_object_is_type(name, json_type_string) &&
                            strv_append(&names, json_object_get_string(name)) < 0)
                                return -ENOMEM;
                }
        info->controllers = controllers_from_names(names);
        if (!info->is_rootless && str_equal(json_find_string(json, "host.cgroupVersion"), "v1"))
                info->controllers = CONTROLLER_MEMORY | CONTROLLER_CPU | CONTROLLER_CPUSET | CONTROLLER_PIDS;
        (void) json_get_bool(json, "host.security.selinuxEnabled", &info->has_selinux, NULL);
        (void) json_get_bool(json, "host.security.apparmorEnabled", &info->has_apparmor, NULL);
        info->is_probed = true;
        return 0;
}

static int answer_probe(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        int r;

        r = call_json(reply, &json, reterr);
        if (r >= 0 && read_abilities(json, &call->libpod->engine.info) < 0)
                r = error_oom(reterr);
        return r;
}

static int libpod_probe(Engine *engine, TaskDone done, void *userdata, Task **ret_task) {
        CallSpec spec = { .doing = "asking what the engine can do", .method = "GET", .path = { "info" }, .answer = answer_probe };
        Call *call = NULL;
        int r;

        r = call_new(engine, &spec, done, userdata, &call);
        return r < 0 ? r : call_start_take(call, ret_task);
}

static int answer_info(Call *call, Reply *reply, Error **reterr) {
        EngineInfo *info = &call->libpod->engine.info;
        _cleanup_(json_unrefp) Json *json = NULL;
        int r;

        r = call_json(reply, &json, reterr);
        if (r < 0)
                return r;
        (void) json_get_bool(json, "host.security.rootless", &info->is_rootless, NULL);
        if (read_abilities(json, info) < 0)
                return error_oom(reterr);
        info->is_local = is_this_machine(json);
        if (info->is_local)
                call->libpod->exits_directory = exits_directory_find();
        return 0;
}

static void on_info(Task *task, int r, const Error *error, void *userdata) {
        open_succeed(userdata); /* what it could not tell stays at its default */
}

/* "4.3.1", "5.0.0-dev"; false if it is no version at all. */
static bool version_parse(const char *text, unsigned long *ret_major, unsigned long *ret_minor) {
        _cleanup_strv_ char **parts = NULL;
        uint64_t major, minor;

        if (strv_split(text, '.', &parts) < 0 || strv_length(parts) < 2)
                return false;
        if (parse_u64(parts[0], &major) < 0 || parse_u64(parts[1], &minor) < 0)
                return false;
        *ret_major = (unsigned long) major;
        *ret_minor = (unsigned long) minor;
        return true;
}

static bool version_is_enough(const char *text) {
        unsigned long major, minor;

        if (!version_parse(text, &major, &minor))
                return false;
        return major > LIBPOD_VERSION_MAJOR_MIN ||
               (major == LIBPOD_VERSION_MAJOR_MIN && minor >= LIBPOD_VERSION_MINOR_MIN);
}

/* Docker answers too, without Podman's header. */
static int answer_ping(Call *call, Reply *reply, Error **reterr) {
        const char *version = strmap_get(&reply->headers, "libpod-api-version"),
                   *server = strmap_get(&reply->headers, "server");
        _cleanup_free_ char *shown = NULL;
        int r;

        if (!version) {
                r = call_check(reply, reterr);
                if (r < 0)
                        return r;
                return error_set(reterr, EPROTONOSUPPORT,
                                 "%s answers there, not Podman; podstep needs Podman's own interface",
                                 server && str_starts_with(server, "Docker/") ? "Docker" : "something else");
        }
        shown = str_escape(version, strlen(version), 32);
        if (!shown)
                return error_oom(reterr);
        if (!version_is_enough(version))
                return error_set(reterr, EPROTONOSUPPORT, "Podman %s is too old; podstep needs %d.%d or later", shown,
                                 LIBPOD_VERSION_MAJOR_MIN, LIBPOD_VERSION_MINOR_MIN);
        call->libpod->version = TAKE_PTR(shown);
        call->libpod->engine.info.version = call->libpod->version;
        return 0;
}

static void open_fail(Open *open, int r, Error *error) {
        task_finish(&open->task, r, error);
        error_free(error);
}

static int open_ask_info(Open *open) {
        CallSpec spec = { .method = "GET", .path = { "info" }, .answer = answer_info };
        Call *call = NULL;
        int r;

        r = call_new(&open->libpod->engine, &spec, on_info, open, &call);
        return r < 0 ? r : call_start_take(call, &open->pending);
}

static void on_ping(Task *task, int r, const Error *error, void *userdata) {
        Open *open = userdata;
        Libpod *libpod = open->libpod;
        Error *mine = error_copy(error);

        open->pending = task_free(open->pending);
        if (r >= 0 && libpod->engine.info.is_local) {
                libpod->engine.info.is_rootless = geteuid() != 0;
                libpod->exits_directory = exits_directory_find();
                open_succeed(open);
                return;
        }
        if (r >= 0)
                r = open_ask_info(open);
        if (r < 0)
                open_fail(open, r, mine);
}

static int open_ping(Open *open) {
        CallSpec spec = { .method = "GET", .answer = answer_ping };
        Call *call = NULL;
        int r;

        r = call_new(&open->libpod->engine, &spec, on_ping, open, &call);
        if (r < 0)
                return r;
        str_clear(&call->path);
        (void) str_append(&call->path, "/_ping");
        return call_start_take(call, &open->pending);
}

static int open_transport(Open *open, Error **reterr) {
        Libpod *libpod = open->libpod;
        const char *socket = open->url.scheme == URL_UNIX ? open->url.path
                             : libpod->tunnel             ? tunnel_socket(libpod->tunnel)
                                                          : NULL;
        bool has_tls = open->ca_file || open->cert_file || open->key_file || open->url.scheme == URL_HTTPS;
        TransportSpec spec = { .unix_socket = socket, .base_url = "http://d" };
        _cleanup_free_ char *base = NULL;
        int r;

        if (!socket) {
                base = str_printf("%s://%s:%u", has_tls ? "https" : "http", open->url.host,
                                  open->url.port ? open->url.port
                                  : has_tls      ? 2376
                                                 : 2375);
                if (!base)
                        return error_oom(reterr);
                spec = (TransportSpec) { .base_url = base,
                                        .ca_file = open->ca_file,
                                        .cert_file = open->cert_file,
                                        .key_file = open->key_file,
                                        .skips_verify = open->skips_verify };
        }
        if (open->url.scheme == URL_UNIX && !file_exists(socket))
                return error_set(reterr, ECONNREFUSED, "there is no such socket");
        libpod->engine.info.is_local = open->url.scheme == URL_UNIX && is_local(socket);
        r = transport_new(libpod->engine.event, &spec, &libpod->transport, reterr);
        return r < 0 ? r : open_ping(open);
}

static void on_tunnel(Task *task, int r, const Error *error, void *userdata) {
        Open *open = userdata;
        Error *mine = error_copy(error);

        open->pending = task_free(open->pending);
        if (r >= 0)
                r = open_transport(open, &mine);
        if (r < 0)
                open_fail(open, r, mine);
}

static int copy_string(const char *text, char **ret) {
        *ret = text ? strdup(text) : NULL;
        return text && !*ret ? -ENOMEM : 0;
}

static int open_new(sd_event *event, const LibpodSpec *spec, Open **ret) {
        Libpod *libpod;
        Open *open;

        open = calloc(1, sizeof(*open));
        if (!open)
                return -ENOMEM;
        *ret = open;
        open->times = spec->times;
        open->skips_verify = spec->skips_verify;
        libpod = open->libpod = calloc(1, sizeof(*libpod));
        if (!libpod)
                return -ENOMEM;
        libpod->engine = (Engine) { .class = &libpod_class,
                                   .event = sd_event_ref(event),
                                   .info = { .kind = "podman", .has_pods = true } };
        libpod->times = spec->times;
        libpod->times.away_usec = MIN(spec->times.away_usec, PROBE_AWAY_USEC);
        if (copy_string(spec->url, &libpod->address) < 0 || copy_string(spec->ca_file, &open->ca_file) < 0 ||
            copy_string(spec->cert_file, &open->cert_file) < 0 || copy_string(spec->key_file, &open->key_file) < 0)
                return -ENOMEM;
        libpod->engine.info.address = libpod->address;
        return listeners_new(event, &libpod->listeners);
}

int libpod_open(sd_event *event, const LibpodSpec *spec, Engine **ret, TaskDone done, void *userdata, Task **ret_task) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_(task_freep) Task *task = NULL;
        Open *open = NULL;
        int r;

        r = open_new(event, spec, &open);
        if (open) {
                task = &open->task;
                task_init(task, &open_class, done, userdata);
                open->ret = ret;
        }
        if (r >= 0)
                r = url_parse(spec->url, &open->url, &error);
        if (r >= 0 && open->url.scheme == URL_SSH)
                r = tunnel_start(event, &open->url, spec->identity, &open->libpod->tunnel, on_tunnel, open,
                                 &open->pending);
        else if (r >= 0)
                r = open_transport(open, &error);
        if (r < 0)
                return r == -ENOMEM ? r : task_defer(event, r, error, done, userdata, ret_task);
        *ret_task = TAKE_PTR(task);
        return 0;
}
