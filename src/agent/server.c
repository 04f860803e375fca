/*
 * HTTP/1.1 on a unix socket: libmicrohttpd, driven from the loop by its one epoll descriptor, without threads. Only our
 * own user is served; bodies are bounded, and a client that is slow or gone holds up nobody.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "agent/server-internal.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "base/parse.h"

#define CONNECTIONS_MAX 1024U
#define CONNECTION_TIMEOUT_SEC 60U /* of one that says nothing; followers are let alone */
#define CONNECTION_BYTES (32U * 1024)

static const Route *const tables[] = { job_routes, log_routes, other_routes, source_routes };

/* ---- routes ---- */

/* Compares part by part; the one in braces fits anything and is handed out. */
static bool path_fits(const char *pattern, const char *path, const char **ret_argument, size_t *ret_length) {
        while (*pattern && *path) {
                if (*pattern == '{') {
                        *ret_argument = path;
                        *ret_length = strcspn(path, "/");
                        if (*ret_length == 0)
                                return false;
                        path += *ret_length;
                        pattern += strcspn(pattern, "}") + 1;
                } else if (*pattern++ != *path++)
                        return false;
        }
        return !*pattern && !*path;
}

static int find_route(Call *call, const char *method) {
        bool knows_path = false;

        FOREACH_ROW(table, tables)
                for (const Route *route = *table; route->method; route++) {
                        const char *argument = NULL;
                        size_t n = 0;

                        if (!path_fits(route->path, call->path, &argument, &n))
                                continue;
                        knows_path = true;
                        if (!str_equal(route->method, method) &&
                            !(str_equal(method, "HEAD") && str_equal(route->method, "GET")))
                                continue;
                        call->route = route;
                        if (argument) {
                                char *end = (char *) argument + n;

                                *end = '\0'; /* call->path is ours, and was compared already */
                                call->argument = argument;
                        }
                        return 0;
                }
        return knows_path ? MHD_HTTP_METHOD_NOT_ALLOWED : MHD_HTTP_NOT_FOUND;
}

/* ---- requests ---- */

static bool is_our_user(struct MHD_Connection *connection) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        struct ucred peer;
        socklen_t n = sizeof(peer);

        return info && getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && peer.uid == geteuid();
}

/* Answered once the headers are read, without a look at the body. */
static void refuse(Call *call, int status, const char *text) {
        call->is_refused = true;
        call->status = status;
        call->refusal = strdup(text);
}

/*
 * Uploads that come at the same time share a bound. What one says of its length counts from its beginning, so that it
 * is told before it is sent; without that, what has come counts.
 */
static bool take_room(Call *call, uint64_t n_bytes) {
        Agent *agent = call->agent;
        uint64_t max = agent->options->uploads_max, more = n_bytes > call->n_room ? n_bytes - call->n_room : 0;
        _cleanup_free_ char *text = NULL;

        if (more <= max && agent->upload_bytes <= max - more) {
                agent->upload_bytes += more;
                call->n_room += more;
                return true;
        }
        if (n_bytes > max) {
                text = str_printf("the upload is larger than %llu bytes, which the agent's '--uploads' allows",
                                  (unsigned long long) max);
                refuse(call, MHD_HTTP_CONTENT_TOO_LARGE, text ? text : "");
        } else {
                text = str_printf("uploads of %llu bytes are on their way already, and the agent's '--uploads' allows "
                                  "%llu: try again a little later",
                                  (unsigned long long) (agent->upload_bytes - call->n_room), (unsigned long long) max);
                refuse(call, MHD_HTTP_SERVICE_UNAVAILABLE, text ? text : "");
        }
        return false;
}

static void give_room(Call *call) {
        call->agent->upload_bytes -= call->n_room;
        call->n_room = 0;
}

static int begin_upload(Call *call) {
        int r;

        id_new(call->upload);
        call->upload_path = path_join(call->agent->sources_directory, call->upload);
        r = call->upload_path ? file_mkdir_p(call->upload_path, 0700) : -ENOMEM;
        return r < 0 ? r : untar_new(call->upload_path, &call->untar, NULL);
}

static Call *call_free(Call *call) {
        if (!call)
                return NULL;
        if (call->waits)
                news_forget(call);
        untar_free(call->untar);
        give_room(call);
        if (call->upload_path && !call->keeps_upload)
                (void) file_remove_tree(call->upload_path);
        free(call->upload_path);
        free(call->path);
        free(call->refusal);
        if (call->body.bytes)
                explicit_bzero(call->body.bytes, call->body.n);
        str_done(&call->body);
        free(call);
        return NULL;
}

static Call *call_begin(Server *server, struct MHD_Connection *connection, const char *url, const char *method) {
        const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
        Call *call = calloc(1, sizeof(*call));
        uint64_t n = 0;
        int status;

        if (!call)
                return NULL;
        *call = (Call) { .server = server, .agent = server->agent, .connection = connection, .path = strdup(url) };
        server->n_requests++;
        if (!call->path)
                return call_free(call);
        status = find_route(call, method);
        if (!is_our_user(connection))
                refuse(call, MHD_HTTP_FORBIDDEN, "this agent serves its own user only");
        else if (status != 0)
                refuse(call, status,
                       status == MHD_HTTP_NOT_FOUND ? "there is no such path; see /v1/info and the API's description"
                                                    : "this path does not take that method");
        else if (length && parse_u64(length, &n) >= 0 && n > call->route->body_max)
                refuse(call, MHD_HTTP_CONTENT_TOO_LARGE, "the request is too large");
        else if (call->route->unpacks && take_room(call, n) && begin_upload(call) < 0)
                refuse(call, MHD_HTTP_INSUFFICIENT_STORAGE, "the upload cannot be kept");
        call->body = STR_INIT(call->route && !call->route->unpacks ? call->route->body_max + 1 : 1);
        return call;
}

static void take_body(Call *call, const char *bytes, size_t n) {
        _cleanup_(error_freep) Error *error = NULL;
        int r;

        if (call->is_refused)
                return;
        call->n_body += n;
        if (call->n_body > call->route->body_max)
                refuse(call, MHD_HTTP_CONTENT_TOO_LARGE, "the request is too large");
        else if (call->untar && take_room(call, call->n_body)) {
                r = untar_feed(call->untar, bytes, n, &error);
                if (r < 0)
                        refuse(call,
                               r == -ENOSPC  ? MHD_HTTP_INSUFFICIENT_STORAGE
                               : r == -EFBIG ? MHD_HTTP_CONTENT_TOO_LARGE
                                             : MHD_HTTP_BAD_REQUEST,
                               error_message(error, r));
        } else if (!call->untar && str_append_n(&call->body, bytes, n) < 0)
                refuse(call, MHD_HTTP_CONTENT_TOO_LARGE, "the request is too large");
}

static bool is_too_much(int status) {
        return status == MHD_HTTP_CONTENT_TOO_LARGE || status == MHD_HTTP_SERVICE_UNAVAILABLE;
}

static enum MHD_Result on_request(void *userdata, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload, size_t *n_upload,
                                  void **context) {
        Server *server = userdata;
        Call *call = *context;

        if (!call) {
                call = *context = call_begin(server, connection, url, method);
                if (call && call->is_refused && is_too_much(call->status)) /* before it is sent */
                        return (enum MHD_Result) call_reply_error_text(call, call->status,
                                                                  call->refusal ? call->refusal : "");
                return call ? MHD_YES : MHD_NO;
        }
        if (*n_upload > 0) {
                take_body(call, upload, *n_upload);
                *n_upload = 0;
                return MHD_YES;
        }
        if (call->is_gone)
                return MHD_NO;
        if (call->is_refused)
                return (enum MHD_Result) call_reply_error_text(call, call->status, call->refusal ? call->refusal : "");
        return (enum MHD_Result) call->route->run(call);
}

static void on_completed(void *userdata, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code) {
        *context = call_free(*context);
}

static void on_connection(void *userdata, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code) {
        Server *server = userdata;

        server->n_connections += code == MHD_CONNECTION_NOTIFY_STARTED ? 1 : -1;
        if (server->n_connections == 0)
                agent_consider_idle(server->agent);
}

static void on_message(void *userdata, const char *format, va_list ap) {
        _cleanup_free_ char *text = NULL;

        if (log_is_enabled(LOG_DEBUG) && vasprintf(&text, format, ap) >= 0)
                log_debug("http: %s", text);
}

/* ---- the loop ---- */

static int on_turn(sd_event_source *source, void *userdata) {
        Server *server = userdata;
        MHD_UNSIGNED_LONG_LONG msec = 0;

        (void) MHD_run(server->daemon);
        if (MHD_get_timeout(server->daemon, &msec) != MHD_YES) {
                (void) sd_event_source_set_enabled(server->timer, SD_EVENT_OFF);
                return 0;
        }
        if (msec == 0)
                news_wake(server);
        (void) sd_event_source_set_time_relative(server->timer, msec * USEC_PER_MSEC);
        (void) sd_event_source_set_enabled(server->timer, SD_EVENT_ONESHOT);
        return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        return on_turn(source, userdata);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        return on_turn(source, userdata);
}

/* ---- begin and end ---- */

static int start_daemon(Server *server, Error **reterr) {
        const union MHD_DaemonInfo *info;
        int flags = fcntl(server->fd, F_GETFL), r;

        (void) fcntl(server->fd, F_SETFL, flags | O_NONBLOCK);
        server->daemon = MHD_start_daemon(
                MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, server,
                MHD_OPTION_EXTERNAL_LOGGER, on_message, NULL, MHD_OPTION_LISTEN_SOCKET, server->fd,
                MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_TIMEOUT_SEC,
                MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) CONNECTION_BYTES, MHD_OPTION_NOTIFY_COMPLETED,
                on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_END);
        if (!server->daemon)
                return error_set(reterr, EIO, "the HTTP server cannot be started");
        info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
        if (!info)
                return error_set(reterr, EIO, "the HTTP server has no descriptor to wait for");
        r = sd_event_add_io(server->agent->event, &server->io, info->epoll_fd, EPOLLIN, on_io, server);
        if (r >= 0)
                r = sd_event_add_defer(server->agent->event, &server->turn, on_turn, server);
        if (r >= 0)
                r = sd_event_add_time_relative(server->agent->event, &server->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC,
                                               on_timer, server);
        if (r >= 0)
                r = news_begin(server);
        return r < 0 ? error_set(reterr, -r, "the HTTP server cannot be waited for: %s", strerror(-r)) : 0;
}

int server_new(Agent *agent, Server **ret, Error **reterr) {
        Server *server = calloc(1, sizeof(*server));
        int r;

        if (!server)
                return error_oom(reterr);
        *server = (Server) { .agent = agent, .fd = -1 };
        r = agent->options->socket ? server_make_socket(server, agent->options->socket, reterr)
                                   : server_take_socket(server, reterr);
        if (r >= 0)
                r = start_daemon(server, reterr);
        if (r < 0) {
                server_free(server);
                return r;
        }
        *ret = server;
        return 0;
}

Server *server_free(Server *server) {
        if (!server)
                return NULL;
        server->io = sd_event_source_disable_unref(server->io);
        server->turn = sd_event_source_disable_unref(server->turn);
        server->timer = sd_event_source_disable_unref(server->timer);
        news_end(server);
        if (server->daemon)
                MHD_stop_daemon(server->daemon); /* closes the socket, too */
        else
                (void) fd_close(server->fd);
        if (server->path)
                (void) unlink(server->path);
        free(server->path);
        free(server);
        return NULL;
}

size_t server_count_connections(const Server *server) {
        return server->n_connections;
}

uint64_t server_count_requests(const Server *server) {
        return server->n_requests;
}
