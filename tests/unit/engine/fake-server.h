#pragma once

/*
 * An engine that plays a script, on the loop of the test itself: no process, no waiting. The first row that fits a
 * request and is not used up answers it; a request that fits none is answered as Podman answers an unknown route.
 */

#include "../test-loop.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"

typedef struct FakeAnswer {
        const char *request; /* "POST /v4.0.0/libpod/containers/create": the beginning of it is enough */
        int status;          /* 0: close without an answer */
        const char *body;
        unsigned count;      /* 0: always */
        bool hangs;          /* never answers */
        bool is_cut;         /* the body ends in the middle */
        bool is_stream;      /* the body has no length and ends with the connection */
        size_t n_body;       /* of a body that holds NULs */
        const char *version; /* of _ping; NULL: "4.3.1"; "": says nothing */
        const char *docker;  /* likewise: the API version of a Docker; NULL: it is none */
} FakeAnswer;

#define FAKE_PREFIX "/v4.0.0/libpod/"
#define FAKE_REQUEST_MAX (1024U * 1024)
#define FAKE_CONNECTIONS_MAX 64

typedef struct FakeServer FakeServer;

typedef struct FakeConnection {
        FakeServer *server;
        sd_event_source *source;
        int fd;
        Str in;
} FakeConnection;

struct FakeServer {
        sd_event *event;
        sd_event_source *source;
        int fd;
        char *directory, *socket, *url;
        FakeAnswer *answers;
        size_t n_answers;
        unsigned used[64]; /* of each row */
        FakeConnection *connections[FAKE_CONNECTIONS_MAX];
        size_t n_connections;
        unsigned n_pings;
        char **requests; /* "METHOD path", without the pings */
        char **headers, **bodies; /* headers: the request line and all of them */
};

static inline void fake_connection_free(FakeConnection *connection) {
        sd_event_source_disable_unref(connection->source);
        fd_close(connection->fd);
        str_done(&connection->in);
        free(connection);
}

static inline void fake_drop(FakeConnection *connection) {
        FakeServer *server = connection->server;

        for (size_t i = 0; i < server->n_connections; i++)
                if (server->connections[i] == connection)
                        server->connections[i] = server->connections[--server->n_connections];
        fake_connection_free(connection);
}

static inline const FakeAnswer *fake_pick(FakeServer *server, const char *request) {
        static const FakeAnswer ping = { "GET /_ping", 200, "OK" };
        static const FakeAnswer unknown = { "", 404, "Not Found" };

        for (size_t i = 0; i < server->n_answers; i++)
                if (str_starts_with(request, server->answers[i].request) &&
                    (server->answers[i].count == 0 || server->used[i] < server->answers[i].count)) {
                        server->used[i]++;
                        return &server->answers[i];
                }
        return str_starts_with(request, ping.request) ? &ping : &unknown;
}

static inline void fake_answer(FakeConnection *connection, const FakeAnswer *answer) {
        const char *body = answer->body ? answer->body : "", *version = answer->version ? answer->version : "4.3.1";
        _cleanup_str_ Str out = STR_INIT(FAKE_REQUEST_MAX);
        bool has_body = answer->status != 204 && answer->status != 304;
        size_t n_body = answer->n_body ? answer->n_body : strlen(body);

        if (answer->hangs)
                return;
        if (answer->status == 0) {
                fake_drop(connection);
                return;
        }
        (void) str_appendf(&out, "HTTP/1.1 %d Fake\r\n", answer->status);
        if (answer->docker)
                (void) str_appendf(&out, "Server: Docker/27.0 (linux)\r\nApi-Version: %s\r\nOstype: linux\r\n",
                                   answer->docker);
        else if (*version)
                (void) str_appendf(&out, "Libpod-Api-Version: %s\r\n", version);
        if (has_body && !answer->is_stream)
                (void) str_appendf(&out, "Content-Length: %zu\r\n", n_body + (answer->is_cut ? 10 : 0));
        (void) str_append(&out, "\r\n");
        if (has_body)
                (void) str_append_n(&out, body, n_body);
        (void) !send(connection->fd, out.bytes, out.n, MSG_NOSIGNAL); /* who asked may have gone */
        if (answer->is_cut || answer->is_stream)
                fake_drop(connection);
}

/* Takes one whole request from the front of what came. */
static inline void fake_take(FakeConnection *connection) {
        const char *end = strstr(str_get(&connection->in), "\r\n\r\n"), *length, *text = str_get(&connection->in);
        FakeServer *server = connection->server;
        _cleanup_free_ char *request = NULL;
        size_t n_body, n_head;

        if (!end)
                return;
        length = strcasestr(text, "\r\nContent-Length:");
        n_body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
        n_head = (size_t) (end - text) + 4;
        if (connection->in.n < n_head + n_body)
                return;
        request = strndup(text, (size_t) (strstr(text, " HTTP/1.1") - text));
        if (str_equal(request, "GET /_ping"))
                server->n_pings++;
        else {
                assert_true(strv_append(&server->requests, request) >= 0);
                assert_true(strv_append_take(&server->headers, strndup(text, n_head)) >= 0);
                assert_true(strv_append_take(&server->bodies, strndup(text + n_head, n_body)) >= 0);
        }
        str_drop_front(&connection->in, n_head + n_body);
        fake_answer(connection, fake_pick(server, request));
}

static inline int fake_on_bytes(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        FakeConnection *connection = userdata;
        char bytes[16384];
        ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

        if (n <= 0) {
                fake_drop(connection);
                return 0;
        }
        assert_true(str_append_n(&connection->in, bytes, (size_t) n) >= 0);
        fake_take(connection);
        return 0;
}

static inline int fake_on_connect(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        FakeServer *server = userdata;
        FakeConnection *connection = calloc(1, sizeof(*connection));

        assert_non_null(connection);
        assert_true(server->n_connections < FAKE_CONNECTIONS_MAX);
        connection->server = server;
        connection->in = STR_INIT(FAKE_REQUEST_MAX);
        connection->fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        assert_true(connection->fd >= 0);
        assert_true(sd_event_add_io(server->event, &connection->source, connection->fd, EPOLLIN, fake_on_bytes,
                                    connection) >= 0);
        server->connections[server->n_connections++] = connection;
        return 0;
}

static inline void fake_listen(FakeServer *server) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        (void) unlink(server->socket);
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", server->socket);
        server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(server->fd >= 0);
        assert_int_equal(bind(server->fd, (struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(listen(server->fd, 64), 0);
        assert_true(sd_event_add_io(server->event, &server->source, server->fd, EPOLLIN, fake_on_connect, server) >= 0);
}

/* As a service that has gone: the socket stays, nobody listens. */
static inline void fake_leave(FakeServer *server) {
        while (server->n_connections > 0)
                fake_drop(server->connections[0]);
        server->source = sd_event_source_disable_unref(server->source);
        server->fd = fd_close(server->fd);
}

static inline void fake_play(FakeServer *server, const FakeAnswer *answers, size_t n) {
        server->answers = (FakeAnswer *) answers;
        server->n_answers = n;
        memset(server->used, 0, sizeof(server->used));
        server->requests = strv_free(server->requests);
        server->headers = strv_free(server->headers);
        server->bodies = strv_free(server->bodies);
}
#define FAKE_PLAY(server, rows) fake_play((server), (rows), ELEMENTSOF(rows))

static inline FakeServer *fake_new(sd_event *event) {
        FakeServer *server = calloc(1, sizeof(*server));

        assert_non_null(server);
        server->event = event;
        server->directory = strdup("/tmp/podstep-test-XXXXXX");
        assert_non_null(mkdtemp(server->directory));
        server->socket = path_join(server->directory, "podman.sock");
        server->url = str_printf("unix://%s", server->socket);
        fake_listen(server);
        return server;
}

static inline FakeServer *fake_free(FakeServer *server) {
        fake_leave(server);
        assert_int_equal(file_remove_tree(server->directory), 0);
        strv_free(server->requests);
        strv_free(server->headers);
        strv_free(server->bodies);
        free(server->directory);
        free(server->socket);
        free(server->url);
        free(server);
        return NULL;
}
