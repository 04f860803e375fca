/*
 * HTTP/1.1 over a unix socket. Each request has a connection to itself for as long as it lasts; afterwards the
 * connection is kept for the next one. A kept connection on which anything happens is closed: nothing but its end can
 * come there.
 */

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/str.h"
#include "http/transport-unix-internal.h"

#define REQUEST_HEAD_MAX (64U * 1024)
#define PIECE_BYTES (32U * 1024)
/* A full backlog of the server is no event that could be waited for: connect() just says EAGAIN. */
#define BACKLOG_RETRY_USEC (10 * USEC_PER_MSEC)

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata);

/* Connections */

static void connection_free(Connection *c) {
        UnixTransport *t = c->t;
        bool was_connected = c->io; /* else the socket's queue was full: the timer tries again, not the Turn */

        sd_event_source_disable_unref(c->io);
        closep(&c->fd);
        parser_done(&c->parser);
        free(c);
        t->n_connections--;
        if (t->first && was_connected)
                turn_post(&t->turn);
}
static void connection_freep(Connection **c) {
        if (*c)
                connection_free(*c);
}

static void unlink_idle(Connection *c) {
        Connection **p = &c->t->idle;

        while (*p != c)
                p = &(*p)->next;
        *p = c->next;
        c->t->n_idle--;
}

static void keep(Connection *c) {
        UnixTransport *t = c->t;

        c->was_used = true;
        c->idle_since_usec = clock_monotonic_usec();
        if (t->n_idle >= TRANSPORT_IDLE_MAX || sd_event_source_set_io_events(c->io, EPOLLIN) < 0) {
                connection_free(c);
                return;
        }
        c->next = t->idle;
        t->idle = c;
        t->n_idle++;
        if (t->first)
                turn_post(&t->turn);
}

/* The newest kept one that the server surely still keeps too; older ones behind it are closed. */
static Connection *take_kept(UnixTransport *t) {
        uint64_t now = clock_monotonic_usec();
        Connection *c = NULL;

        if (t->idle && now - t->idle->idle_since_usec <= TRANSPORT_IDLE_SEC * USEC_PER_SEC) {
                c = t->idle;
                unlink_idle(c);
                return c;
        }
        while (t->idle) {
                c = t->idle;
                unlink_idle(c);
                connection_free(c);
        }
        return NULL;
}

static int connect_socket(const UnixTransport *t, int *ret) {
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0 || connect(fd, (const struct sockaddr *) &t->address, sizeof(t->address)) < 0)
                return -errno;
        *ret = TAKE_FD(fd);
        return 0;
}

static int connection_new(UnixTransport *t, Connection **ret) {
        _cleanup_(connection_freep) Connection *c = NULL;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        t->n_connections++;
        *c = (Connection) { .t = t, .fd = -1 };
        r = connect_socket(t, &c->fd);
        if (r < 0)
                return r;
        r = sd_event_add_io(t->transport.event, &c->io, c->fd, EPOLLIN, on_io, c);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

/* Exchanges */

static void unlink_waiting(UnixTransport *t, UnixExchange *x) {
        UnixExchange **p = &t->first, *before = NULL;

        for (; *p != x; p = &(*p)->next)
                before = *p;
        *p = x->next;
        if (t->last == x)
                t->last = before;
        x->is_waiting = false;
}

static void exchange_destroy(UnixExchange *x) {
        Transport *transport = x->exchange.transport;

        if (x->head.bytes)
                explicit_bzero(x->head.bytes, x->head.n); /* there may be credentials in it */
        str_done(&x->head);
        str_done(&x->piece);
        free(x);
        transport_unref(transport);
}

static void unix_drop(Exchange *exchange) {
        UnixExchange *x = container_of(exchange, UnixExchange, exchange);
        Connection *c = x->connection;

        if (x->is_waiting)
                unlink_waiting(container_of(exchange->transport, UnixTransport, transport), x);
        if (c) {
                c->x = NULL;
                if (!c->is_parsing) /* else who parses frees it */
                        connection_free(c);
        }
        exchange_destroy(x);
}

static void end_exchange(UnixExchange *x, int r, bool was_kept, const Error *error) {
        x->connection = NULL;
        x->spec.on_end(r, was_kept, error, x->spec.userdata);
}

/* Ends the exchange of a connection that is of no use any more. */
static void fail_connection(Connection *c, int r, const Error *error) {
        UnixExchange *x = c->x;
        bool was_kept = c->was_used;

        connection_free(c);
        end_exchange(x, r, was_kept, error);
}

static void send_more(Connection *c) {
        int r;

        r = unix_send_some(c->x, c->fd);
        /* A server that has read enough may have answered before it hung up: that answer is what counts. */
        if (r < 0)
                c->is_broken = true;
        if (c->x->source_r < 0) /* half a body must not be taken for a whole one */
                (void) shutdown(c->fd, SHUT_RDWR);
        (void) sd_event_source_set_io_events(c->io, r == 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static int on_header(const char *line, size_t n, void *userdata) {
        Connection *c = userdata;
        int r;

        r = c->x->spec.on_header(line, n, c->x->spec.userdata);
        return c->x ? r : -ECANCELED;
}

static int on_body(const char *bytes, size_t n, void *userdata) {
        Connection *c = userdata;
        int r;

        r = c->x->spec.on_body(bytes, n, c->x->spec.userdata);
        return c->x ? r : -ECANCELED;
}

static int receive(Connection *c, bool *ret_is_dirty, Error **reterr) {
        char piece[PIECE_BYTES];
        ssize_t n = recv(c->fd, piece, sizeof(piece), MSG_DONTWAIT);
        size_t used = 0;
        int r;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n <= 0)
                return n < 0 && c->parser.state == PARSER_UNTIL_END
                               ? error_set(reterr, ECONNRESET, "the connection was cut in the middle of the answer")
                               : parser_end(&c->parser, reterr);
        c->is_parsing = true;
        r = parser_feed(&c->parser, piece, (size_t) n, &used, reterr);
        c->is_parsing = false;
        *ret_is_dirty = used < (size_t) n; /* more than was asked for */
        return r;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Connection *c = userdata;
        UnixTransport *t = c->t;
        _cleanup_(transport_unrefp) Transport *held = transport_ref(&t->transport);
        _cleanup_(error_freep) Error *error = NULL;
        bool is_dirty = false, was_kept = c->was_used;
        UnixExchange *x = c->x;
        int r = 0;

        if (!x) {
                unlink_idle(c);
                connection_free(c);
                return 0;
        }
        if ((events & EPOLLOUT) && !c->is_broken)
                send_more(c);
        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                r = receive(c, &is_dirty, &error);
        if (!c->x) { /* dropped while its answer was read */
                connection_free(c);
                return 0;
        }
        if (x->source_r < 0) {
                fail_connection(c, x->source_r, NULL);
                return 0;
        }
        if (r < 0) {
                if (error)
                        r = error_wrap(&error, r, "%s", t->transport.address);
                fail_connection(c, r, error);
        } else if (r > 0) {
                bool is_sent = unix_is_all_sent(x);

                c->x = NULL;
                if (is_sent && c->parser.keeps_open && !is_dirty && !c->is_broken)
                        keep(c);
                else
                        connection_free(c);
                end_exchange(x, 0, was_kept, NULL);
        }
        return 0;
}

static void begin(UnixExchange *x, Connection *c) {
        x->connection = c;
        c->x = x;
        parser_init(&c->parser, strcmp(x->spec.method, "HEAD") == 0, on_header, on_body, c);
        send_more(c);
}

/* Returns false if it must go on waiting. */
static bool try_begin(UnixTransport *t, UnixExchange *x) {
        _cleanup_(error_freep) Error *error = NULL;
        Connection *c = x->spec.is_fresh ? NULL : take_kept(t);
        int r = 0;

        if (!c) {
                if (t->n_connections - t->n_idle >= TRANSPORT_CONNECTIONS_MAX)
                        return false;
                r = connection_new(t, &c);
        }
        if (r == -EAGAIN) {
                uint64_t now = clock_monotonic_usec();

                if (now - x->began_usec < TRANSPORT_CONNECT_USEC) {
                        (void) sd_event_source_set_time(t->retry, now + BACKLOG_RETRY_USEC);
                        (void) sd_event_source_set_enabled(t->retry, SD_EVENT_ONESHOT);
                        return false;
                }
        }
        unlink_waiting(t, x);
        if (r < 0) {
                r = transport_explain_connect(&t->transport, -r, &error);
                end_exchange(x, r, false, error);
        } else {
                begin(x, c);
        }
        return true;
}

static void serve_waiting(UnixTransport *t) {
        _cleanup_(transport_unrefp) Transport *held = transport_ref(&t->transport);

        while (t->first && try_begin(t, t->first))
                ;
}

static void on_turn(void *userdata) {
        serve_waiting(userdata);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        serve_waiting(userdata);
        return 0;
}

static int unix_start(Transport *transport, const ExchangeSpec *spec, Exchange **ret) {
        UnixTransport *t = container_of(transport, UnixTransport, transport);
        UnixExchange *x;
        int r;

        x = calloc(1, sizeof(*x));
        if (!x)
                return -ENOMEM;
        *x = (UnixExchange) { .exchange.transport = transport_ref(transport),
                             .spec = *spec,
                             .head = STR_INIT(REQUEST_HEAD_MAX),
                             .piece = STR_INIT(SOURCE_BYTES + 64),
                             .began_usec = clock_monotonic_usec() };
        r = unix_write_head(t, x);
        if (r < 0) {
                exchange_destroy(x);
                return r;
        }
        if (t->last)
                t->last->next = x;
        else
                t->first = x;
        t->last = x;
        x->is_waiting = true;
        turn_post(&t->turn);
        *ret = &x->exchange;
        return 0;
}

static void unix_destroy(Transport *transport) {
        UnixTransport *t = container_of(transport, UnixTransport, transport);

        while (t->idle) {
                Connection *c = t->idle;

                unlink_idle(c);
                connection_free(c);
        }
        turn_done(&t->turn);
        sd_event_source_disable_unref(t->retry);
        free(t->host);
        free(t->prefix);
        free(t);
}

static int unix_connect(Transport *transport, int *ret_fd) {
        return connect_socket(container_of(transport, UnixTransport, transport), ret_fd);
}

static void unix_server(const Transport *transport, const char **ret_host, const char **ret_prefix) {
        const UnixTransport *t = container_of(transport, const UnixTransport, transport);

        *ret_host = t->host;
        *ret_prefix = t->prefix;
}

static const TransportClass unix_class = {
        .start = unix_start, .drop = unix_drop, .destroy = unix_destroy, .connect = unix_connect, .server = unix_server
};

static int add_sources(UnixTransport *t, sd_event *event, Error **reterr) {
        int r;

        r = turn_init(&t->turn, event, on_turn, t);
        if (r >= 0)
                r = sd_event_add_time(event, &t->retry, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_retry, t);
        if (r < 0)
                return error_set(reterr, -r, "adding to the event loop: %s", strerror(-r));
        (void) sd_event_source_set_enabled(t->retry, SD_EVENT_OFF);
        return 0;
}

int transport_unix_new(sd_event *event, const TransportSpec *spec, Transport **ret, Error **reterr) {
        _cleanup_(transport_unrefp) Transport *transport = NULL;
        const char *host = spec->base_url;
        UnixTransport *t;
        int r;

        if (!str_starts_with(host, "http://"))
                return error_set(reterr, EINVAL, "'%s' is no http:// address, as a unix socket needs it",
                                 spec->base_url);
        host += strlen("http://");
        t = calloc(1, sizeof(*t));
        if (!t)
                return error_oom(reterr);
        transport = &t->transport;
        t->address.sun_family = AF_UNIX;
        t->host = strndup(host, strcspn(host, "/"));
        t->prefix = strdup(host + strcspn(host, "/"));
        if (transport_init(transport, &unix_class, event, spec->unix_socket) < 0 || !t->host || !t->prefix)
                return error_oom(reterr);
        if (strlen(spec->unix_socket) >= sizeof(t->address.sun_path))
                return error_set(reterr, ENAMETOOLONG, "the path of socket '%s' is longer than %zu bytes",
                                 spec->unix_socket, sizeof(t->address.sun_path) - 1);
        memcpy(t->address.sun_path, spec->unix_socket, strlen(spec->unix_socket) + 1);
        r = add_sources(t, event, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(transport);
        return 0;
}
