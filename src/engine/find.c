#include "engine/find.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "engine/find-config.h"
#include "engine/service.h"
#include "http/url.h"

#define TRIED_MAX (16U * 1024) /* bytes of what is told */

/* A place to look at. */
typedef struct Candidate {
        const char *origin; /* who named it: "CONTAINER_HOST"; NULL: a well-known place */
        Connection connection;
        bool skips_verify;
        bool may_fail; /* then the next one is tried */
} Candidate;

typedef struct Find {
        Task task;
        sd_event *event;
        Candidate *candidates;
        size_t n_candidates, next;
        Str tried;
        bool wants_docker_sockets; /* where there are some, and nothing of Podman */
        bool had_unfit;            /* something answered, but no Podman of use */
        Task *pending;
        Engine *found;    /* by the candidate that is being tried */
        Engine *fallback; /* the first Docker among those that may fail: taken if there is no Podman */
        Engine **ret;
} Find;

static Task *find_free(Task *task) {
        Find *find = container_of(task, Find, task);

        task_free(find->pending);
        engine_free(find->found);
        engine_free(find->fallback);
        for (size_t i = 0; i < find->n_candidates; i++)
                connection_done(&find->candidates[i].connection);
        free(find->candidates);
        str_done(&find->tried);
        sd_event_unref(find->event);
        free(find);
        return NULL;
}

static const TaskClass find_class = { "engine-open", find_free };

static bool is_installed(const char *program) {
        const char *path = getenv("PATH");
        _cleanup_strv_ char **directories = NULL;

        if (strv_split(path ? path : "/usr/bin", ':', &directories) < 0)
                return true;
        STRV_FOREACH(directory, directories) {
                _cleanup_free_ char *file = path_join(*directory, program);

                if (file && access(file, X_OK) == 0)
                        return true;
        }
        return false;
}

/* The way out, as a command where there is one. */
static const char *hint(const Find *find) {
        bool is_root = geteuid() == 0;

        if (find->had_unfit)
                return "use Podman 4.3 or later, or Docker, and name its socket with --engine";
        if (!is_installed("podman"))
                return "install Podman 4.3 or later ('apt install podman' or 'dnf install podman')";
        if (!is_root && str_is_empty(getenv("XDG_RUNTIME_DIR")))
                return "XDG_RUNTIME_DIR is not set: log in as this user instead of changing to it with su or sudo";
        if (!file_is_directory("/run/systemd/system"))
                return is_root ? "start it: 'podman system service --time=0 &'"
                               : "start it: 'podman system service --time=0 unix://$XDG_RUNTIME_DIR/podman/podman.sock "
                                 "&'";
        return is_root ? "start it: 'systemctl enable --now podman.socket'"
                       : "start it: 'systemctl --user enable --now podman.socket'";
}

static int find_try(Find *find);

static void find_give_up(Find *find) {
        _cleanup_(error_freep) Error *error = NULL;
        int r;

        r = error_set(&error, ECONNREFUSED, "no Podman engine found; tried %s; %s", str_get(&find->tried), hint(find));
        task_finish(&find->task, r, error);
}

static void find_fail(Find *find, const Candidate *candidate, int r, const Error *error) {
        _cleanup_free_ char *shown = url_show(candidate->connection.url);
        _cleanup_(error_freep) Error *mine = NULL;

        (void) error_set(&mine, -r, "engine '%s' (%s): %s%s%s", shown ? shown : "", candidate->origin,
                         error_message(error, r),
                         r == -ECONNREFUSED && str_starts_with(candidate->connection.url, "unix:") ? "; " : "",
                         r == -ECONNREFUSED && str_starts_with(candidate->connection.url, "unix:") ? hint(find) : "");
        task_finish(&find->task, r, mine);
}

static void find_succeed(Find *find, Engine *engine) {
        *find->ret = engine;
        task_finish(&find->task, 0, NULL);
}

/* Podman is looked for first, wherever it may be; Docker is kept in hand meanwhile. */
static void take_found(Find *find, const Candidate *candidate) {
        int r;

        if (!candidate->may_fail || !str_equal(find->found->info.kind, "docker"))
                return find_succeed(find, TAKE_PTR(find->found));
        if (!find->fallback)
                find->fallback = TAKE_PTR(find->found);
        find->found = engine_free(find->found);
        r = find_try(find);
        if (r < 0)
                task_finish(&find->task, r, NULL);
}

static void on_open(Task *task, int r, const Error *error, void *userdata) {
        Find *find = userdata;
        const Candidate *candidate = &find->candidates[find->next - 1];
        _cleanup_(error_freep) Error *mine = error_copy(error);
        _cleanup_free_ char *shown = NULL;

        find->pending = task_free(find->pending);
        if (r >= 0)
                return take_found(find, candidate);
        if (!candidate->may_fail) {
                find_fail(find, candidate, r, mine);
                return;
        }
        find->had_unfit |= r == -EPROTONOSUPPORT;
        shown = url_show(candidate->connection.url);
        (void) str_appendf(&find->tried, "%s%s (%s)", find->tried.n > 0 ? ", " : "", shown ? shown : "",
                           error_message(mine, r));
        r = find_try(find);
        if (r < 0)
                task_finish(&find->task, r, NULL);
}

static int put(char **place, char *value) {
        if (!value)
                return -ENOMEM;
        free(*place);
        *place = value;
        return 0;
}

/*
 * TLS from the environment: CONTAINER_TLS_* are Podman's names for the files. Docker has a directory with fixed names
 * and, as Woodpecker reads it, DOCKER_TLS_VERIFY=0 for not checking the peer.
 */
static int add_tls(Candidate *candidate) {
        static const struct {
                const char *variable, *file;
                size_t offset;
        } rows[] = {
                { "CONTAINER_TLS_CA", "ca.pem", offsetof(Connection, ca_file) },
                { "CONTAINER_TLS_CERT", "cert.pem", offsetof(Connection, cert_file) },
                { "CONTAINER_TLS_KEY", "key.pem", offsetof(Connection, key_file) },
        };
        const char *directory = getenv("DOCKER_CERT_PATH"), *verify = getenv("DOCKER_TLS_VERIFY");
        bool verifies;

        FOREACH_ROW(row, rows) {
                char **place = (char **) ((char *) &candidate->connection + row->offset);
                const char *path = getenv(row->variable);

                if (!*place && !str_is_empty(path) && put(place, strdup(path)) < 0)
                        return -ENOMEM;
                if (!*place && !str_is_empty(directory) && put(place, path_join(directory, row->file)) < 0)
                        return -ENOMEM;
        }
        candidate->skips_verify = !str_is_empty(verify) && parse_bool(verify, &verifies) >= 0 && !verifies;
        return 0;
}

static int add_candidate_take(Find *find, Candidate *candidate) {
        int r = 0;

        if (!candidate->connection.url)
                r = -ENOMEM;
        else if (!str_starts_with(candidate->connection.url, "unix:") &&
                 !str_starts_with(candidate->connection.url, "ssh:"))
                r = add_tls(candidate);
        if (r >= 0)
                r = ARRAY_APPEND(find->candidates, find->n_candidates, *candidate);
        if (r < 0)
                connection_done(&candidate->connection);
        return r;
}

static int add_url(Find *find, const char *origin, const char *url, bool may_fail) {
        const char *identity = getenv("CONTAINER_SSHKEY");
        Candidate candidate = { .origin = origin, .may_fail = may_fail };

        candidate.connection.url = str_printf("%s%s", *url == '/' ? "unix://" : "", url);
        if (!str_is_empty(identity) && put(&candidate.connection.identity, strdup(identity)) < 0) {
                connection_done(&candidate.connection);
                return -ENOMEM;
        }
        return add_candidate_take(find, &candidate);
}

/* What the user named: the first that is set counts, but of Docker's only if Podman answers there, or nowhere else. */
static const struct {
        const char *variable;
        bool is_docker;
} variables[] = {
        { "CONTAINER_HOST", false },
        { "DOCKER_HOST", true },
        { "DOCKER_SOCK", true },
};

static int add_connection(Find *find, const char *origin, const char *name, Error **reterr) {
        Candidate candidate = { .origin = origin };
        int r;

        r = connection_find(name, &candidate.connection, reterr);
        if (r <= 0)
                return r;
        r = add_candidate_take(find, &candidate);
        return r < 0 ? error_oom(reterr) : 1;
}

static int add_sockets(Find *find) {
        const char *runtime = getenv("XDG_RUNTIME_DIR");
        _cleanup_free_ char *user = NULL;

        if (!str_is_empty(runtime)) {
                user = str_printf("unix://%s/podman/podman.sock", runtime);
                if (!user || add_url(find, NULL, user, true) < 0)
                        return -ENOMEM;
        }
        return add_url(find, NULL, "unix:///run/podman/podman.sock", true);
}

/* Not told of where there is none: most machines with Podman have no Docker. */
static int add_docker_sockets(Find *find) {
        const char *runtime = getenv("XDG_RUNTIME_DIR");
        _cleanup_free_ char *user = str_is_empty(runtime) ? NULL : str_printf("%s/docker.sock", runtime);
        const char *const places[] = { user, "/run/docker.sock", "/var/run/docker.sock" };

        find->wants_docker_sockets = false;
        FOREACH_ROW(place, places)
                if (*place && file_exists(*place))
                        return add_url(find, NULL, *place, true);
        return 0;
}

static int add_candidates(Find *find, const char *url, Error **reterr) {
        const char *name = getenv("CONTAINER_CONNECTION");
        int r;

        if (url)
                return add_url(find, "--engine", url, false) < 0 ? error_oom(reterr) : 0;
        FOREACH_ROW(row, variables) {
                const char *value = getenv(row->variable);

                if (str_is_empty(value))
                        continue;
                if (add_url(find, row->variable, value, row->is_docker) < 0)
                        return error_oom(reterr);
                if (!row->is_docker)
                        return 0;
        }
        if (!str_is_empty(name))
                return add_connection(find, "CONTAINER_CONNECTION", name, reterr);
        r = add_connection(find, "Podman's default connection", NULL, reterr);
        if (r != 0)
                return r;
        find->wants_docker_sockets = true;
        return add_sockets(find) < 0 ? error_oom(reterr) : 0;
}

static int find_try(Find *find) {
        const Candidate *candidate;
        ServiceSpec spec;
        int r = 0;

        if (find->next == find->n_candidates && find->wants_docker_sockets)
                r = add_docker_sockets(find);
        if (r < 0)
                return r;
        if (find->next == find->n_candidates) {
                if (find->fallback)
                        find_succeed(find, TAKE_PTR(find->fallback));
                else
                        find_give_up(find);
                return 0;
        }
        candidate = &find->candidates[find->next++];
        spec = (ServiceSpec) { .url = candidate->connection.url,
                             .identity = candidate->connection.identity,
                             .ca_file = candidate->connection.ca_file,
                             .cert_file = candidate->connection.cert_file,
                             .key_file = candidate->connection.key_file,
                             .skips_verify = candidate->skips_verify,
                             .times = SERVICE_TIMES_DEFAULT };
        return service_open(find->event, &spec, &find->found, on_open, find, &find->pending);
}

int engine_open(sd_event *event, const char *url, Engine **ret, TaskDone done, void *userdata, Task **ret_task) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_(task_freep) Task *task = NULL;
        Find *find;
        int r;

        find = calloc(1, sizeof(*find));
        if (!find)
                return -ENOMEM;
        task = &find->task;
        task_init(task, &find_class, done, userdata);
        find->event = sd_event_ref(event);
        find->tried = STR_INIT(TRIED_MAX);
        find->ret = ret;
        r = add_candidates(find, url, &error);
        if (r >= 0)
                r = find_try(find);
        if (r < 0)
                return r == -ENOMEM ? r : task_defer(event, r, error, done, userdata, ret_task);
        *ret_task = TAKE_PTR(task);
        return 0;
}
