#pragma once

/*
 * A server that behaves as the path of the request says, in a process of its own, one thread for each connection. It
 * listens on a unix socket and on a TCP port.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "test.h"

#include "base/file.h"
#include "base/str.h"

typedef struct Server {
        pid_t pid;
        char *directory, *socket;
        uint16_t port;
} Server;

#define SERVER_READ_MAX (8U * 1024 * 1024)
#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Name:  some value \r\n\r\nhello"

static bool server_send(int fd, const char *bytes, size_t n) {
        while (n > 0) {
                ssize_t k = send(fd, bytes, n, MSG_NOSIGNAL);

                if (k <= 0)
                        return false;
                bytes += k;
                n -= (size_t) k;
        }
        return true;
}

static bool server_say(int fd, const char *text) {
        return server_send(fd, text, strlen(text));
}

static void server_pause(unsigned msec) {
        (void) usleep(msec * 1000);
}

static bool play_echo(int fd, const char *head, const char *body, size_t n_body) {
        _cleanup_str_ Str out = STR_INIT(2 * SERVER_READ_MAX);

        (void) str_appendf(&out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(head) + n_body, head);
        (void) str_append_n(&out, body, n_body);
        return server_send(fd, out.bytes, out.n);
}

static bool play_chunks(int fd) {
        if (!server_say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
                return false;
        for (unsigned i = 0; i < 10; i++) {
                char chunk[20];

                (void) snprintf(chunk, sizeof(chunk), "3\r\n%u,\n\r\n", i);
                if (!server_say(fd, chunk))
                        return false;
                server_pause(2);
        }
        return server_say(fd, "0\r\n\r\n");
}

static bool play_flood(int fd, const char *first, const char *again) {
        bool ok = server_say(fd, first);

        while (ok)
                ok = server_say(fd, again);
        return false;
}

static bool play_never(int fd) {
        char byte;

        (void) !recv(fd, &byte, 1, 0); /* until the client goes */
        return false;
}

/* No HTTP any more: what comes is sent back, and after its end a word of farewell. */
static bool play_upgrade(int fd) {
        char piece[16384];
        ssize_t n;

        if (!server_say(fd, "HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly"))
                return false;
        while ((n = recv(fd, piece, sizeof(piece), 0)) > 0)
                if (!server_send(fd, piece, (size_t) n))
                        return false;
        (void) server_say(fd, "bye");
        return false;
}

/* Answers one request; false: close the connection. */
static bool play(int fd, const char *path, const char *head, const char *body, size_t n_body) {
        static const struct {
                const char *path, *text;
                bool closes;
        } scripts[] = {
                { "/hello", HELLO, false },
                { "/bye", HELLO, true }, /* closes without having said so */
                { "/close", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", true },
                { "/error", "HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nbad", false },
                { "/nothing", "HTTP/1.1 204 No\r\n\r\n", false },
                { "/until-end", "HTTP/1.1 200 OK\r\n\r\nall of it", true },
                { "/interim", "HTTP/1.1 100 Continue\r\nX-Name: early\r\n\r\n" HELLO, false },
                { "/cut-empty", "", true },
                { "/cut-status", "HTTP/1.1 2", true },
                { "/cut-head", "HTTP/1.1 200 OK\r\nContent-Le", true },
                { "/cut-interim", "HTTP/1.1 100 Continue\r\n\r\n", true },
                { "/cut-body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", true },
                { "/cut-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", true },
                { "/cut-last", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true },
                { "/garbage", "\x16\x03\x01 what is this?\r\n\r\n", true },
                { "/bad-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", true },
                { "/bad-length", "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nx", true },
                { "/more", HELLO "and more", false }, /* says more than it said it would */
        };

        FOREACH_ROW(script, scripts)
                if (str_equal(path, script->path))
                        return server_say(fd, script->text) && !script->closes;
        if (str_equal(path, "/echo"))
                return play_echo(fd, head, body, n_body);
        if (str_equal(path, "/chunks"))
                return play_chunks(fd);
        if (str_equal(path, "/upgrade"))
                return play_upgrade(fd);
        if (str_equal(path, "/flood"))
                return play_flood(fd, "HTTP/1.1 200 OK\r\n\r\n", "0123456789abcdef0123456789abcdef");
        if (str_equal(path, "/flood-head"))
                return play_flood(fd, "HTTP/1.1 200 OK\r\n", "A: 0123456789abcdef0123456789abcdef\r\n");
        if (str_equal(path, "/silence-in-body"))
                return server_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello") && play_never(fd);
        if (str_equal(path, "/slow")) { /* never silent for long, but it takes 200 ms */
                bool ok = server_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n");

                for (unsigned i = 0; ok && i < 20; i++) {
                        server_pause(10);
                        ok = server_say(fd, ".");
                }
                return ok;
        }
        return play_never(fd);
}

/*
 * The body of a request that came in chunks, without their lines: in its place; how long it is, or -1: it is not all
 * there.
 */
static ssize_t server_unchunk(Str *in, size_t n_head) {
        size_t from = n_head, to = n_head;

        for (;;) {
                const char *line = in->bytes + from, *end = strstr(line, "\r\n");
                unsigned long n;

                if (!end)
                        return -1;
                n = strtoul(line, NULL, 16);
                from += (size_t) (end - line) + 2;
                if (in->n < from + n + 2)
                        return -1;
                if (n == 0)
                        break;
                from += n + 2;
        }
        /* all is there: now for good */
        for (from = n_head;;) {
                const char *line = in->bytes + from;
                unsigned long n = strtoul(line, NULL, 16);

                from += (size_t) (strstr(line, "\r\n") - line) + 2;
                if (n == 0)
                        return (ssize_t) (to - n_head);
                memmove(in->bytes + to, in->bytes + from, n);
                to += n;
                from += n + 2;
        }
}

static void *server_serve(void *userdata) {
        int fd = (int) (intptr_t) userdata;
        _cleanup_str_ Str in = STR_INIT(SERVER_READ_MAX);
        bool hangs_up = false;

        for (;;) {
                char piece[16384], path[200] = "";
                const char *end, *length;
                size_t n_head, n_body = 0;
                _cleanup_free_ char *head = NULL;
                ssize_t n;

                end = in.n > 0 ? strstr(in.bytes, "\r\n\r\n") : NULL;
                n_head = end ? (size_t) (end - in.bytes) + 4 : 0;
                length = end ? strstr(in.bytes, "Content-Length: ") : NULL;
                if (length && length < end)
                        n_body = (size_t) atol(length + strlen("Content-Length: "));
                if (end && memmem(in.bytes, n_head, "Transfer-Encoding: chunked", 26)) {
                        ssize_t n_chunked = server_unchunk(&in, n_head);

                        if (n_chunked < 0)
                                end = NULL;
                        else {
                                n_body = (size_t) n_chunked;
                                in.n = n_head + n_body;
                        }
                }
                if (end && hangs_up)
                        break; /* without a word */
                if (end && strncmp(in.bytes, "PUT /early ", 11) == 0) { /* does not read the body */
                        (void) server_say(fd, "HTTP/1.1 413 No\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge");
                        break;
                }
                if (!end || in.n < n_head + n_body) {
                        n = recv(fd, piece, sizeof(piece), 0);
                        if (n <= 0 || str_append_n(&in, piece, (size_t) n) < 0)
                                break;
                        continue;
                }
                head = strndup(in.bytes, n_head);
                (void) sscanf(head, "%*s %199s", path);
                hangs_up = str_equal(path, "/last"); /* answers, but not the next one on this connection */
                if (!play(fd, hangs_up ? "/hello" : path, head, in.bytes + n_head, n_body))
                        break;
                str_drop_front(&in, n_head + n_body);
        }
        (void) shutdown(fd, SHUT_RDWR);
        close(fd);
        return NULL;
}

static void *server_accept(void *userdata) {
        int listener = (int) (intptr_t) userdata;

        for (;;) {
                int fd = accept(listener, NULL, NULL);
                pthread_attr_t attributes;
                pthread_t thread;

                if (fd < 0)
                        continue;
                (void) pthread_attr_init(&attributes);
                (void) pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
                if (pthread_create(&thread, &attributes, server_serve, (void *) (intptr_t) fd) != 0)
                        close(fd);
        }
        return NULL;
}

static Server server_start(int backlog) {
        Server server = { .directory = strdup("/tmp/podstep-http-XXXXXX") };
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct sockaddr_in inet = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t n = sizeof(inet);
        int unix_fd, inet_fd;
        pid_t parent = getpid();

        assert_non_null(mkdtemp(server.directory));
        server.socket = path_join(server.directory, "sock");
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", server.socket);
        unix_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        inet_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(unix_fd, (struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(bind(inet_fd, (struct sockaddr *) &inet, sizeof(inet)), 0);
        assert_int_equal(getsockname(inet_fd, (struct sockaddr *) &inet, &n), 0);
        assert_int_equal(listen(unix_fd, backlog), 0);
        assert_int_equal(listen(inet_fd, backlog), 0);
        server.port = ntohs(inet.sin_port);
        server.pid = fork();
        assert_true(server.pid >= 0);
        if (server.pid == 0) {
                pthread_t thread;

                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (getppid() != parent ||
                    pthread_create(&thread, NULL, server_accept, (void *) (intptr_t) inet_fd) != 0)
                        _exit(1);
                (void) server_accept((void *) (intptr_t) unix_fd);
        }
        close(unix_fd);
        close(inet_fd);
        return server;
}

static void server_stop(Server *server) {
        (void) kill(server->pid, SIGKILL);
        (void) waitpid(server->pid, NULL, 0);
        (void) file_remove_tree(server->directory);
        free(server->directory);
        free(server->socket);
}
