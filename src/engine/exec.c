#include "engine/exec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strv.h"
#include "engine/frames.h"
#include "engine/service-internal.h"
#include "http/upgrade.h"

#define PIECE_BYTES (32U * 1024)
#define READS_MAX 16 /* of the output, before others have their turn */
/* The connection ends some milliseconds before the engine knows the exit: so often it is asked again. */
#define EXIT_FIRST_USEC (5 * USEC_PER_MSEC)
#define EXIT_MAX_USEC (500 * USEC_PER_MSEC)
#define EXIT_TRIES 20
/*
 * Keys that leave a program behind are wanted by nobody here, and the usual ones, ctrl-p first, are taken from shells.
 * Podman knows none when it is given none; Docker takes its own then, so it gets some that nobody types.
 */
#define DOCKER_DETACH_KEYS "ctrl-^,ctrl-_,ctrl-^,ctrl-_,ctrl-^,ctrl-_"

typedef struct Exec {
        Task task;
        Service *service;
        char *id;
        Task *pending;
        Upgraded connection;
        bool has_terminal;
        TerminalSize size, told; /* told: what the engine knows */
        Task *resizing;

        sd_event_source *socket, *input;
        int input_fd;
        char bytes[PIECE_BYTES]; /* of the input, on their way */
        size_t n_bytes, n_sent;
        bool input_ended;

        FrameParser frames;
        EngineOutput output;
        void *output_userdata;
        Backoff again;
        bool is_running;
        int64_t exit_code;
} Exec;

static void stop_streams(Exec *exec) {
        exec->socket = sd_event_source_disable_unref(exec->socket);
        exec->input = sd_event_source_disable_unref(exec->input);
        exec->connection.fd = fd_close(exec->connection.fd);
        explicit_bzero(exec->bytes, sizeof(exec->bytes)); /* what was typed may be a password */
}

static Task *exec_free(Task *task) {
        Exec *exec = container_of(task, Exec, task);

        task_free(exec->pending);
        task_free(exec->resizing);
        stop_streams(exec);
        upgraded_done(&exec->connection);
        free(exec->id);
        free(exec);
        return NULL;
}

static const TaskClass exec_class = { "exec", exec_free };

static void exec_finish(Exec *exec, int r, const Error *error) {
        _cleanup_(error_freep) Error *mine = error_copy(error);

        exec->pending = task_free(exec->pending);
        exec->resizing = task_free(exec->resizing);
        stop_streams(exec);
        task_finish(&exec->task, r, mine);
}

/* ---- its end ---- */

static int ask_exit(Exec *exec);

static void on_pause(Task *task, int r, const Error *error, void *userdata) {
        Exec *exec = userdata;

        exec->pending = task_free(exec->pending);
        r = ask_exit(exec);
        if (r < 0)
                exec_finish(exec, r, NULL);
}

static void on_exit_code(Task *task, int r, const Error *error, void *userdata) {
        Exec *exec = userdata;
        _cleanup_(error_freep) Error *why = error_copy(error);

        exec->pending = task_free(exec->pending);
        if (r >= 0 && exec->is_running && exec->again.n_tries < EXIT_TRIES) {
                r = timer_start(exec->service->engine.event, backoff_next(&exec->again), on_pause, exec,
                                &exec->pending);
                if (r >= 0)
                        return;
        } else if (r >= 0)
                r = exec->is_running ? error_set(&why, ECONNRESET,
                                                 "the connection to the program was cut while it ran")
                                     : (int) exec->exit_code;
        exec_finish(exec, r, why);
}

typedef struct ExitCall {
        Call call;
        Exec *exec;
} ExitCall;

static int answer_exit(Call *call, Reply *reply, Error **reterr) {
        Exec *exec = container_of(call, ExitCall, call)->exec;
        _cleanup_(json_unrefp) Json *json = NULL;
        int r = call_json(reply, &json, reterr);

        if (r < 0)
                return r;
        r = json_get_bool(json, "Running", &exec->is_running, reterr);
        if (r >= 0 && !exec->is_running)
                r = json_get_int(json, "ExitCode", &exec->exit_code, reterr);
        if (r >= 0 && !exec->is_running && (exec->exit_code < 0 || exec->exit_code > 255))
                exec->exit_code = 255;
        return r < 0 ? call_bad(r, reterr) : 0;
}

static Call *exit_call_free(Call *call) {
        free(container_of(call, ExitCall, call));
        return NULL;
}

static int ask_exit(Exec *exec) {
        CallSpec spec = { .doing = "asking how a program ended",
                          .method = "GET",
                          .path = { "exec", exec->id, "json" },
                          .answer = answer_exit };
        ExitCall *exit_call = calloc(1, sizeof(*exit_call));
        _cleanup_(call_freep) Call *call = exit_call ? &exit_call->call : NULL;
        int r;

        if (!exit_call)
                return -ENOMEM;
        exit_call->exec = exec;
        call->free_derived = exit_call_free;
        r = call_init(call, &exec->service->engine, &spec, on_exit_code, exec);
        return r < 0 ? r : call_start_take(TAKE_PTR(call), &exec->pending);
}

static void streams_ended(Exec *exec) {
        int r;

        stop_streams(exec);
        r = ask_exit(exec);
        if (r < 0)
                exec_finish(exec, r, NULL);
}

/* ---- input ---- */

static void listen_to(Exec *exec) {
        bool is_full = exec->n_sent < exec->n_bytes;

        (void) sd_event_source_set_io_events(exec->socket, is_full ? EPOLLIN | EPOLLOUT : EPOLLIN);
        if (exec->input)
                (void) sd_event_source_set_enabled(exec->input,
                                                   is_full || exec->input_ended ? SD_EVENT_OFF : SD_EVENT_ON);
}

static void send_input(Exec *exec) {
        while (exec->n_sent < exec->n_bytes) {
                ssize_t n = send(exec->connection.fd, exec->bytes + exec->n_sent, exec->n_bytes - exec->n_sent,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno != EAGAIN)
                        exec->n_sent = exec->n_bytes; /* nobody reads it; its end is seen where the output ends */
                if (n < 0)
                        break;
                exec->n_sent += (size_t) n;
        }
        if (exec->n_sent == exec->n_bytes && exec->input_ended)
                (void) shutdown(exec->connection.fd, SHUT_WR);
        listen_to(exec);
}

static void read_input(Exec *exec) {
        ssize_t n = read(exec->input_fd, exec->bytes, sizeof(exec->bytes));

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        exec->n_sent = 0;
        exec->n_bytes = (size_t) MAX(n, 0);
        exec->input_ended = n <= 0;
        send_input(exec);
}

static int on_input(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        read_input(userdata);
        return 0;
}

/* Of a file, which is always ready. */
static int on_file(sd_event_source *source, void *userdata) {
        read_input(userdata);
        return 0;
}

/* ---- output ---- */

static int hand_on(Exec *exec, const char *bytes, size_t n) {
        if (!exec->has_terminal)
                return frame_parser_feed(&exec->frames, bytes, n, exec->output, exec->output_userdata);
        exec->output(1, bytes, n, exec->output_userdata);
        return 0;
}

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Exec *exec = userdata;
        char piece[PIECE_BYTES];

        if (events & EPOLLOUT)
                send_input(exec);
        for (unsigned i = 0; i < READS_MAX; i++) {
                ssize_t n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
                int r;

                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return 0;
                if (n <= 0) {
                        streams_ended(exec);
                        return 0;
                }
                r = hand_on(exec, piece, (size_t) n);
                if (r < 0) {
                        exec_finish(exec, r, NULL);
                        return 0;
                }
        }
        return 0;
}

static int begin_streams(Exec *exec) {
        sd_event *event = exec->service->engine.event;
        int r = sd_event_add_io(event, &exec->socket, exec->connection.fd, EPOLLIN, on_socket, exec);

        if (r >= 0 && exec->input_fd >= 0) {
                r = sd_event_add_io(event, &exec->input, exec->input_fd, EPOLLIN, on_input, exec);
                if (r == -EPERM)
                        r = sd_event_add_defer(event, &exec->input, on_file, exec);
                if (r >= 0)
                        r = sd_event_source_set_enabled(exec->input, SD_EVENT_ON);
        }
        return r < 0 ? r : hand_on(exec, exec->connection.early, exec->connection.n_early);
}

/* ---- the terminal's size ---- */

static void tell_size(Exec *exec);

static void on_resized(Task *task, int r, const Error *error, void *userdata) {
        Exec *exec = userdata;

        exec->resizing = task_free(exec->resizing); /* a program that ended meanwhile has no size */
        tell_size(exec);
}

static void tell_size(Exec *exec) {
        CallSpec spec = { .doing = "changing the size of a terminal",
                          .method = "POST",
                          .path = { "exec", exec->id, "resize" } };
        Call *call = NULL;
        char text[16];

        if (exec->resizing || exec->connection.fd < 0 ||
            (exec->size.rows == exec->told.rows && exec->size.columns == exec->told.columns))
                return;
        exec->told = exec->size;
        if (call_new(&exec->service->engine, &spec, on_resized, exec, &call) < 0)
                return;
        (void) snprintf(text, sizeof(text), "%u", exec->size.rows);
        call_add_query(call, "h", text);
        (void) snprintf(text, sizeof(text), "%u", exec->size.columns);
        call_add_query(call, "w", text);
        (void) call_start_take(call, &exec->resizing);
}

void exec_resize(Task *task, TerminalSize size) {
        Exec *exec = container_of(task, Exec, task);

        exec->size = size;
        tell_size(exec);
}

/* ---- its beginning ---- */

static void on_upgraded(Task *task, int r, const Error *error, void *userdata) {
        Exec *exec = userdata;
        _cleanup_(error_freep) Error *why = error_copy(error);

        exec->pending = task_free(exec->pending);
        if (r >= 0 && exec->connection.fd < 0) {
                r = call_check(&exec->connection.reply, &why);
                if (r >= 0)
                        r = error_set(&why, EPROTO, "it answered with HTTP %d instead of a connection",
                                      exec->connection.reply.status);
        }
        if (r >= 0) {
                r = begin_streams(exec);
                if (r >= 0 && exec->has_terminal) {
                        exec->told = (TerminalSize) { 0 }; /* what came with the start is not heeded by all versions */
                        tell_size(exec);
                }
        }
        if (r >= 0)
                return;
        (void) error_wrap(&why, r, "%s: starting a program", exec->service->kind->name);
        exec_finish(exec, r, why);
}

static int begin_program(Exec *exec) {
        _cleanup_free_ char *path = str_printf("%sexec/%s/start", exec->service->prefix, exec->id), *body = NULL;
        UpgradeSpec spec = {
                .method = "POST", .path = path, .protocol = "tcp", .timeout_usec = exec->service->times.call_usec
        };
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_put_bool(&w, "Detach", false);
        json_put_bool(&w, "Tty", exec->has_terminal);
        if (exec->has_terminal) { /* Podman's words, then Docker's */
                json_put_uint(&w, "h", exec->size.rows);
                json_put_uint(&w, "w", exec->size.columns);
                json_open_array(&w, "ConsoleSize");
                json_put_uint(&w, NULL, exec->size.rows);
                json_put_uint(&w, NULL, exec->size.columns);
                json_close(&w);
        }
        json_close(&w);
        if (json_finish(&w, false, &body) < 0 || !path)
                return -ENOMEM;
        spec.body = body;
        exec->service->engine.n_calls++;
        return upgrade_start(exec->service->transport, &spec, &exec->connection, on_upgraded, exec, &exec->pending);
}

static void on_created(Task *task, int r, const Error *error, void *userdata) {
        Exec *exec = userdata;
        _cleanup_(error_freep) Error *why = error_copy(error);

        exec->pending = task_free(exec->pending);
        /* It becomes part of a path. */
        if (r >= 0 && (str_is_empty(exec->id) || strspn(exec->id, "0123456789abcdef") != strlen(exec->id)))
                r = error_set(&why, EPROTO, "the engine's answer names no program");
        if (r >= 0)
                r = begin_program(exec);
        if (r < 0)
                exec_finish(exec, r, why);
}

static int create(Exec *exec, const ExecSpec *spec) {
        JsonWriter w = { 0 };
        CallSpec call = { .doing = "starting a program in container",
                          .method = "POST",
                          .path = { "containers", spec->container, "exec" },
                          .answer = answer_id,
                          .ret.text = &exec->id,
                          .body = &w,
                          .is_slow = true };

        json_open_object(&w, NULL);
        json_put_bool(&w, "AttachStdin", spec->input_fd >= 0);
        json_put_bool(&w, "AttachStdout", true);
        json_put_bool(&w, "AttachStderr", true);
        json_put_bool(&w, "Tty", spec->has_terminal);
        json_put_string(&w, "DetachKeys", exec->service->kind == &docker_kind ? DOCKER_DETACH_KEYS : "");
        json_put_strv(&w, "Cmd", spec->argv);
        json_put_strv(&w, "Env", spec->environment);
        json_put_string(&w, "WorkingDir", spec->directory);
        json_close(&w);
        return call_start(&exec->service->engine, &call, on_created, exec, &exec->pending);
}

int exec_start(Engine *engine, const ExecSpec *spec, TaskDone done, void *userdata, Task **ret_task) {
        _cleanup_(task_freep) Task *task = NULL;
        Exec *exec = calloc(1, sizeof(*exec));
        int r;

        if (!exec)
                return -ENOMEM;
        task = &exec->task;
        task_init(task, &exec_class, done, userdata);
        exec->service = service_of(engine);
        exec->connection = UPGRADED_INIT;
        exec->has_terminal = spec->has_terminal;
        exec->size = spec->size;
        exec->input_fd = spec->input_fd;
        exec->output = spec->output;
        exec->output_userdata = spec->userdata;
        exec->again = (Backoff) { .first_usec = EXIT_FIRST_USEC, .max_usec = EXIT_MAX_USEC };
        r = create(exec, spec);
        if (r < 0)
                return r;
        *ret_task = TAKE_PTR(task);
        return 0;
}
