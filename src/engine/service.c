#include "engine/service-internal.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/strv.h"

/* While it is looked for, an engine that refuses is not waited for as long as later: there may be another. */
#define PROBE_AWAY_USEC USEC_PER_SEC

Engine *service_free(Engine *engine) {
        Service *service = service_of(engine);

        transport_free(service->transport);
        tunnel_free(service->tunnel);
        listeners_free(service->listeners);
        sd_event_unref(engine->event);
        free(service->address);
        free(service->version);
        free(service->socket);
        free(service->exits_directory);
        map_done(&service->networks);
        free(service);
        return NULL;
}

/* Podman has Go's names of machines, Docker the kernel's. */
bool service_is_foreign(const char *machine) {
        static const char *const names[][2] = {
                { "amd64", "x86_64" }, { "arm64", "aarch64" }, { "386", "i686" }, { "arm", "armv7l" }
        };
        struct utsname own;

        if (!machine || uname(&own) < 0)
                return false;
        FOREACH_ROW(row, names)
                if (str_equal(machine, (*row)[0]))
                        machine = (*row)[1];
        return !str_equal(machine, own.machine);
}

/* Until it is known who answers. */
static const EngineClass unknown_class = { .free = service_free };
static const ServiceKind unknown_kind = { .class = &unknown_class, .name = "engine" };

typedef struct Open {
        Task task;
        Service *service;
        Url url;
        char *ca_file, *cert_file, *key_file;
        bool skips_verify;
        ServiceTimes times;
        Task *pending;
        Engine **ret;
} Open;

static Task *open_free(Task *task) {
        Open *open = container_of(task, Open, task);

        task_free(open->pending);
        if (open->service)
                engine_free(&open->service->engine);
        url_done(&open->url);
        free(open->ca_file);
        free(open->cert_file);
        free(open->key_file);
        free(open);
        return NULL;
}

static const TaskClass open_class = { "service-open", open_free };

static void open_succeed(Open *open) {
        Service *service = TAKE_PTR(open->service);

        service->times = open->times;
        *open->ret = &service->engine;
        task_finish(&open->task, 0, NULL);
}

static void open_fail(Open *open, int r, Error *error) {
        task_finish(&open->task, r, error);
        error_free(error);
}

static int answer_info(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        int r;

        r = call_json(reply, &json, reterr);
        return r < 0 ? r : call->service->kind->take_info(call->service, json, reterr);
}

int service_probe(Engine *engine, TaskDone done, void *userdata, Task **ret_task) {
        CallSpec spec = { .doing = "asking what the engine can do",
                          .method = "GET",
                          .path = { "info" },
                          .answer = answer_info };

        return call_start(engine, &spec, done, userdata, ret_task);
}

static void on_info(Task *task, int r, const Error *error, void *userdata) {
        Open *open = userdata;

        if (r == -EPROTONOSUPPORT)
                open_fail(open, r, error_copy(error));
        else
                open_succeed(open); /* what it could not tell stays at its default */
}

static int open_ask_info(Open *open) {
        CallSpec spec = { .method = "GET", .path = { "info" }, .answer = answer_info };

        return call_start(&open->service->engine, &spec, on_info, open, &open->pending);
}

/* 1: all that is to be known is known. */
static int answer_ping(Call *call, Reply *reply, Error **reterr) {
        Service *service = call->service;
        const char *server = strmap_get(&reply->headers, "server");
        int r;

        if (strmap_get(&reply->headers, "libpod-api-version"))
                service->kind = &libpod_kind;
        else if (server && str_starts_with(server, "Docker/"))
                service->kind = &docker_kind;
        else {
                r = call_check(reply, reterr);
                return r < 0 ? r
                             : error_set(reterr, EPROTONOSUPPORT,
                                         "something else answers there, neither Podman nor Docker");
        }
        service->engine.class = service->kind->class;
        service->engine.info.kind = service->kind->name;
        return service->kind->take_ping(service, &reply->headers, reterr);
}

static void on_ping(Task *task, int r, const Error *error, void *userdata) {
        Open *open = userdata;
        Error *mine = error_copy(error);

        open->pending = task_free(open->pending);
        if (r > 0) {
                open_succeed(open);
                return;
        }
        if (r == 0)
                r = open_ask_info(open);
        if (r < 0)
                open_fail(open, r, mine);
}

static int open_ping(Open *open) {
        CallSpec spec = { .method = "GET", .answer = answer_ping };
        Call *call = NULL;
        int r;

        r = call_new(&open->service->engine, &spec, on_ping, open, &call);
        if (r < 0)
                return r;
        str_clear(&call->path);
        (void) str_append(&call->path, "/_ping");
        return call_start_take(call, &open->pending);
}

static int open_transport(Open *open, Error **reterr) {
        Service *service = open->service;
        const char *socket = open->url.scheme == URL_UNIX ? open->url.path
                             : service->tunnel             ? tunnel_socket(service->tunnel)
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
        if (open->url.scheme == URL_UNIX) {
                service->socket = strdup(socket);
                if (!service->socket)
                        return error_oom(reterr);
        }
        r = transport_new(service->engine.event, &spec, &service->transport, reterr);
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

static int open_new(sd_event *event, const ServiceSpec *spec, Open **ret) {
        Service *service;
        Open *open;

        open = calloc(1, sizeof(*open));
        if (!open)
                return -ENOMEM;
        *ret = open;
        open->times = spec->times;
        open->skips_verify = spec->skips_verify;
        service = open->service = calloc(1, sizeof(*service));
        if (!service)
                return -ENOMEM;
        service->kind = &unknown_kind;
        service->networks = STRMAP_INIT;
        service->engine = (Engine) { .class = &unknown_class,
                                    .event = sd_event_ref(event),
                                    .info = { .kind = unknown_kind.name } };
        service->times = spec->times;
        service->times.away_usec = MIN(spec->times.away_usec, PROBE_AWAY_USEC);
        if (copy_string(spec->url, &service->address) < 0 || copy_string(spec->ca_file, &open->ca_file) < 0 ||
            copy_string(spec->cert_file, &open->cert_file) < 0 || copy_string(spec->key_file, &open->key_file) < 0)
                return -ENOMEM;
        service->engine.info.address = service->address;
        return listeners_new(event, &service->listeners);
}

int service_open(sd_event *event, const ServiceSpec *spec, Engine **ret, TaskDone done, void *userdata,
                 Task **ret_task) {
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
        /* as Docker has it; Podman always names a path */
        if (r >= 0 && open->url.scheme == URL_SSH && !open->url.path) {
                open->url.path = strdup("/var/run/docker.sock");
                r = open->url.path ? 0 : -ENOMEM;
        }
        if (r >= 0 && open->url.scheme == URL_SSH)
                r = tunnel_start(event, &open->url, spec->identity, &open->service->tunnel, on_tunnel, open,
                                 &open->pending);
        else if (r >= 0)
                r = open_transport(open, &error);
        if (r < 0)
                return r == -ENOMEM ? r : task_defer(event, r, error, done, userdata, ret_task);
        *ret_task = TAKE_PTR(task);
        return 0;
}
