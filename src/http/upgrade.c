#include "http/upgrade.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/str.h"
#include "http/exchange.h"
#include "http/parser.h"

#define MESSAGE_BYTES_MAX (1024U * 1024)
#define PIECE_BYTES (16U * 1024)
#define BACKLOG_RETRY_USEC (10 * USEC_PER_MSEC)

typedef struct Upgrade {
        Task task;
        Transport *transport; /* a reference */
        Str message;          /* head and body */
        size_t n_sent;
        uint64_t began_usec;
        int fd;
        sd_event_source *io, *turn, *deadline;
        Parser parser;
        Str body; /* of a refusal */
        Error *error;
        Upgraded *ret;
} Upgrade;

void upgraded_done(Upgraded *upgraded) {
        upgraded->fd = fd_close(upgraded->fd);
        free(upgraded->early);
        reply_done(&upgraded->reply);
        *upgraded = UPGRADED_INIT;
}

static Task *upgrade_free(Task *task) {
        Upgrade *upgrade = container_of(task, Upgrade, task);

        sd_event_source_disable_unref(upgrade->io);
        sd_event_source_disable_unref(upgrade->turn);
        sd_event_source_disable_unref(upgrade->deadline);
        closep(&upgrade->fd);
        if (upgrade->message.bytes)
                explicit_bzero(upgrade->message.bytes, upgrade->message.n);
        str_done(&upgrade->message);
        str_done(&upgrade->body);
        parser_done(&upgrade->parser);
        error_free(upgrade->error);
        transport_unref(upgrade->transport);
        free(upgrade);
        return NULL;
}

static const TaskClass upgrade_class = { "upgrade", upgrade_free };

static void finish(Upgrade *upgrade, int r, const Error *error) {
        _cleanup_(error_freep) Error *mine = error_copy(error ? error : upgrade->error);

        upgrade->io = sd_event_source_disable_unref(upgrade->io);
        upgrade->turn = sd_event_source_disable_unref(upgrade->turn);
        upgrade->deadline = sd_event_source_disable_unref(upgrade->deadline);
        if (r < 0 && mine)
                (void) error_wrap(&mine, r, "%s", upgrade->transport->address);
        task_finish(&upgrade->task, r, mine);
}

static int on_header(const char *line, size_t n, void *userdata) {
        return 0;
}

static int on_body(const char *bytes, size_t n, void *userdata) {
        Upgrade *upgrade = userdata;

        return str_append_n(&upgrade->body, bytes, n);
}

/* The answer is whole: what came behind it belongs to the other protocol. */
static int answered(Upgrade *upgrade, const char *rest, size_t n) {
        Upgraded result = { .fd = -1, .reply.status = upgrade->parser.status };

        if (result.reply.status == 101) {
                result.early = malloc(n + 1);
                if (!result.early)
                        return -ENOMEM;
                memcpy(result.early, rest, n);
                result.n_early = n;
                result.fd = TAKE_FD(upgrade->fd);
        } else {
                result.reply.n_body = upgrade->body.n;
                result.reply.body = upgrade->body.n > 0 ? str_take(&upgrade->body) : strdup("");
                if (!result.reply.body)
                        return -ENOMEM;
        }
        *upgrade->ret = result;
        return 0;
}

static void receive(Upgrade *upgrade) {
        char piece[PIECE_BYTES];
        ssize_t n = recv(upgrade->fd, piece, sizeof(piece), MSG_DONTWAIT);
        size_t used = 0;
        int r;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n <= 0)
                r = parser_end(&upgrade->parser, &upgrade->error);
        else
                r = parser_feed(&upgrade->parser, piece, (size_t) n, &used, &upgrade->error);
        if (r == 0)
                return;
        if (r > 0)
                r = answered(upgrade, piece + used, n > 0 ? (size_t) n - used : 0);
        finish(upgrade, r, NULL);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Upgrade *upgrade = userdata;

        if ((events & EPOLLOUT) && upgrade->n_sent < upgrade->message.n) {
                ssize_t n = send(fd, upgrade->message.bytes + upgrade->n_sent, upgrade->message.n - upgrade->n_sent,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);

                upgrade->n_sent += (size_t) MAX(n, 0);
                /* A server that has read enough may have answered before it hung up. */
                if (upgrade->n_sent == upgrade->message.n || (n < 0 && errno != EAGAIN && errno != EINTR))
                        (void) sd_event_source_set_io_events(source, EPOLLIN);
        }
        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                receive(upgrade);
        return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        Upgrade *upgrade = userdata;

        finish(upgrade, error_set(&upgrade->error, ETIMEDOUT, "no answer"), NULL);
        return 0;
}

static int write_message(Upgrade *upgrade, const UpgradeSpec *spec, const char *host, const char *prefix) {
        size_t n_body = spec->body ? strlen(spec->body) : 0;

        (void) str_appendf(&upgrade->message, "%s %s%s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: %s\r\n",
                           spec->method, prefix, spec->path, host, spec->protocol);
        (void) str_appendf(&upgrade->message, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n", n_body);
        return str_append(&upgrade->message, spec->body ? spec->body : "");
}

/* A full queue of the server is no event that could be waited for: connect() just says EAGAIN. */
static int try_connect(Upgrade *upgrade) {
        int r = upgrade->transport->class->connect(upgrade->transport, &upgrade->fd);

        if (r == -EAGAIN && clock_monotonic_usec() - upgrade->began_usec < TRANSPORT_CONNECT_USEC) {
                (void) sd_event_source_set_time(upgrade->turn, clock_monotonic_usec() + BACKLOG_RETRY_USEC);
                return sd_event_source_set_enabled(upgrade->turn, SD_EVENT_ONESHOT);
        }
        if (r < 0)
                return transport_explain_connect(upgrade->transport, -r, &upgrade->error);
        return sd_event_add_io(upgrade->transport->event, &upgrade->io, upgrade->fd, EPOLLIN | EPOLLOUT, on_io,
                               upgrade);
}

static int on_turn(sd_event_source *source, uint64_t usec, void *userdata) {
        Upgrade *upgrade = userdata;
        int r = try_connect(upgrade);

        if (r < 0)
                finish(upgrade, r, NULL);
        return 0;
}

int upgrade_start(Transport *transport, const UpgradeSpec *spec, Upgraded *ret, TaskDone done, void *userdata,
                  Task **ret_task) {
        _cleanup_(task_freep) Task *task = NULL;
        Upgrade *upgrade = calloc(1, sizeof(*upgrade));
        const char *host, *prefix;
        int r;

        if (!upgrade)
                return -ENOMEM;
        task = &upgrade->task;
        task_init(task, &upgrade_class, done, userdata);
        upgrade->transport = transport_ref(transport);
        upgrade->fd = -1;
        upgrade->message = STR_INIT(MESSAGE_BYTES_MAX);
        upgrade->body = STR_INIT(HTTP_REPLY_MAX);
        upgrade->began_usec = clock_monotonic_usec();
        upgrade->ret = ret;
        parser_init(&upgrade->parser, false, on_header, on_body, upgrade);
        upgrade->parser.takes_upgrade = true;
        transport->class->server(transport, &host, &prefix);
        r = write_message(upgrade, spec, host, prefix);
        if (r >= 0)
                r = sd_event_add_time(transport->event, &upgrade->turn, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_turn,
                                      upgrade);
        if (r >= 0 && spec->timeout_usec > 0)
                r = sd_event_add_time_relative(transport->event, &upgrade->deadline, CLOCK_MONOTONIC,
                                               spec->timeout_usec, USEC_PER_MSEC, on_deadline, upgrade);
        if (r < 0)
                return r;
        *ret_task = TAKE_PTR(task);
        return 0;
}
