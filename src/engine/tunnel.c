#include "engine/tunnel.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strv.h"
#include "loop/process.h"
#include "loop/timer.h"
#include "loop/watch.h"

#define TUNNEL_SOCKET "engine.sock"
#define TUNNEL_WORDS_MAX 1000
#define TUNNEL_AGAIN_FIRST_USEC USEC_PER_SEC
#define TUNNEL_AGAIN_MAX_USEC (30 * USEC_PER_SEC)

struct Tunnel {
        sd_event *event;
        char *directory, *socket, *host;
        char **argv;
        Watch *watch;
        Task *process; /* ssh, or the pause before it is started again */
        ProcessOutput output;
        Backoff again;
        struct Opening *opening; /* who waits for it; NULL once it stands */
};

typedef struct Opening {
        Task task;
        Tunnel *tunnel;
        Task *deadline;
} Opening;

static Task *opening_free(Task *task) {
        Opening *opening = container_of(task, Opening, task);

        if (opening->tunnel)
                opening->tunnel->opening = NULL;
        task_free(opening->deadline);
        free(opening);
        return NULL;
}

static const TaskClass opening_class = { "tunnel", opening_free };

static void opening_finish(Tunnel *tunnel, int r, const Error *error) {
        Opening *opening = TAKE_PTR(tunnel->opening);

        opening->tunnel = NULL;
        opening->deadline = task_free(opening->deadline);
        task_finish(&opening->task, r, error);
}

Tunnel *tunnel_free(Tunnel *tunnel) {
        if (!tunnel)
                return NULL;
        if (tunnel->opening)
                tunnel->opening->tunnel = NULL;
        task_free(tunnel->process);
        watch_free(tunnel->watch);
        process_output_done(&tunnel->output);
        if (tunnel->directory)
                (void) file_remove_tree(tunnel->directory);
        free(tunnel->directory);
        free(tunnel->socket);
        free(tunnel->host);
        strv_free(tunnel->argv);
        sd_event_unref(tunnel->event);
        free(tunnel);
        return NULL;
}

const char *tunnel_socket(const Tunnel *tunnel) {
        return tunnel->socket;
}

static void on_entry(Watch *watch, const char *name, uint32_t mask, void *userdata) {
        Tunnel *tunnel = userdata;

        if (!file_exists(tunnel->socket))
                return;
        backoff_reset(&tunnel->again);
        if (tunnel->opening)
                opening_finish(tunnel, 0, NULL);
}

static int tunnel_run(Tunnel *tunnel);

static void on_pause(Task *task, int r, const Error *error, void *userdata) {
        Tunnel *tunnel = userdata;

        tunnel->process = task_free(tunnel->process);
        if (tunnel_run(tunnel) < 0)
                log_warning("the ssh connection to '%s' cannot be made again: out of memory", tunnel->host);
}

/* The last line is what ssh gives as the reason; those before are banners and warnings. */
static char *last_words(const ProcessOutput *output) {
        const char *text = output->err ? output->err : "", *begin;
        size_t n = strlen(text);

        while (n > 0 && strchr("\r\n ", text[n - 1]))
                n--;
        begin = n > 0 ? memrchr(text, '\n', n) : NULL;
        begin = begin ? begin + 1 : text;
        return str_escape(begin, (size_t) (text + n - begin), TUNNEL_WORDS_MAX);
}

static void on_ssh_end(Task *task, int r, const Error *error, void *userdata) {
        Tunnel *tunnel = userdata;
        _cleanup_free_ char *words = last_words(&tunnel->output);
        _cleanup_(error_freep) Error *mine = error_copy(error);

        tunnel->process = task_free(tunnel->process);
        process_output_done(&tunnel->output);
        if (r >= 0)
                r = error_set(&mine, ECONNREFUSED, "ssh to '%s' ended with status %d%s%s", tunnel->host, r,
                              str_is_empty(words) ? "" : ": ", words ? words : "");
        if (tunnel->opening) {
                opening_finish(tunnel, r, mine);
                return;
        }
        log_warning("%s, connecting again", error_message(mine, r));
        (void) timer_start(tunnel->event, backoff_next(&tunnel->again), on_pause, tunnel, &tunnel->process);
}

static int tunnel_run(Tunnel *tunnel) {
        ProcessSpec spec = { .argv = tunnel->argv };

        return process_run(tunnel->event, &spec, &tunnel->output, on_ssh_end, tunnel, &tunnel->process);
}

static int add_words(char ***argv, const char *const *words, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (strv_append(argv, words[i]) < 0)
                        return -ENOMEM;
        return 0;
}

/* As podman does it: no shell, no terminal, no questions; the remote end must be there when the local one is. */
static int tunnel_argv(const Tunnel *tunnel, const Url *url, const char *identity, char ***ret) {
        _cleanup_strv_ char **argv = NULL;
        _cleanup_free_ char *forward = str_printf("%s:%s", tunnel->socket, url->path),
                            *port = str_printf("%u", url->port);
        const char *const fixed[] = { "ssh",
                                      "-N",
                                      "-T",
                                      "-o",
                                      "BatchMode=yes",
                                      "-o",
                                      "ExitOnForwardFailure=yes",
                                      "-o",
                                      "StreamLocalBindUnlink=yes",
                                      "-o",
                                      "ServerAliveInterval=15",
                                      "-L",
                                      forward };

        if (!forward || !port || add_words(&argv, fixed, ELEMENTSOF(fixed)) < 0)
                return -ENOMEM;
        if (identity && add_words(&argv, (const char *const[]) { "-i", identity }, 2) < 0)
                return -ENOMEM;
        if (url->port && add_words(&argv, (const char *const[]) { "-p", port }, 2) < 0)
                return -ENOMEM;
        if (url->user && add_words(&argv, (const char *const[]) { "-l", url->user }, 2) < 0)
                return -ENOMEM;
        if (add_words(&argv, (const char *const[]) { "--", url->host }, 2) < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(argv);
        return 0;
}

static int make_directory(char **ret) {
        const char *runtime = getenv("XDG_RUNTIME_DIR");
        _cleanup_free_ char *path = str_printf("%s/podstep-ssh-XXXXXX", str_is_empty(runtime) ? "/tmp" : runtime);

        if (!path)
                return -ENOMEM;
        if (!mkdtemp(path))
                return -errno;
        *ret = TAKE_PTR(path);
        return 0;
}

static int check_url(const Url *url, Error **reterr) {
        if (str_is_empty(url->host) || url->host[0] == '-' || (url->user && url->user[0] == '-'))
                return error_set(reterr, EINVAL, "an ssh:// address needs the name of a host");
        if (str_is_empty(url->path) || str_equal(url->path, "/"))
                return error_set(reterr, EINVAL,
                                 "an ssh:// address needs the path of the engine's socket, e.g. "
                                 "ssh://%s/run/user/1000/podman/podman.sock",
                                 url->host);
        return 0;
}

static int tunnel_new(sd_event *event, const Url *url, const char *identity, Tunnel **ret, Error **reterr) {
        _cleanup_(tunnel_freep) Tunnel *tunnel = NULL;
        int r;

        r = check_url(url, reterr);
        if (r < 0)
                return r;
        tunnel = calloc(1, sizeof(*tunnel));
        if (!tunnel)
                return error_oom(reterr);
        tunnel->event = sd_event_ref(event);
        tunnel->again = (Backoff) { .first_usec = TUNNEL_AGAIN_FIRST_USEC, .max_usec = TUNNEL_AGAIN_MAX_USEC };
        r = make_directory(&tunnel->directory);
        if (r < 0)
                return error_wrap(reterr, r, "making a directory for the socket of ssh");
        tunnel->socket = path_join(tunnel->directory, TUNNEL_SOCKET);
        tunnel->host = strdup(url->host);
        if (!tunnel->socket || !tunnel->host || tunnel_argv(tunnel, url, identity, &tunnel->argv) < 0)
                return error_oom(reterr);
        r = watch_new(event, tunnel->directory, IN_CREATE | IN_MOVED_TO, on_entry, tunnel, &tunnel->watch, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(tunnel);
        return 0;
}

static void on_deadline(Task *task, int r, const Error *error, void *userdata) {
        Tunnel *tunnel = userdata;
        _cleanup_(error_freep) Error *mine = NULL;

        r = error_set(&mine, ETIMEDOUT, "ssh to '%s' did not connect within %llu s", tunnel->host,
                      (unsigned long long) (TUNNEL_DEADLINE_USEC / USEC_PER_SEC));
        opening_finish(tunnel, r, mine);
}

int tunnel_start(sd_event *event, const Url *url, const char *identity, Tunnel **ret, TaskDone done, void *userdata,
                 Task **ret_task) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_(tunnel_freep) Tunnel *tunnel = NULL;
        _cleanup_(task_freep) Task *task = NULL;
        Opening *opening;
        int r;

        r = tunnel_new(event, url, identity, &tunnel, &error);
        if (r < 0)
                return r == -ENOMEM ? r : task_defer(event, r, error, done, userdata, ret_task);
        opening = calloc(1, sizeof(*opening));
        if (!opening)
                return -ENOMEM;
        task = &opening->task;
        task_init(task, &opening_class, done, userdata);
        opening->tunnel = tunnel;
        tunnel->opening = opening;
        if (timer_start(event, TUNNEL_DEADLINE_USEC, on_deadline, tunnel, &opening->deadline) < 0 ||
            tunnel_run(tunnel) < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(tunnel);
        *ret_task = TAKE_PTR(task);
        return 0;
}
