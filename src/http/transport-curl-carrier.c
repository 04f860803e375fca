/*
 * A connection that is no HTTP any more, with TLS and without: libcurl makes it, and we carry the bytes between it and
 * a pair of sockets, so that who speaks over it has a descriptor as with a unix socket.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "http/transport-curl-internal.h"

#define PIECE_BYTES (16U * 1024)

typedef struct Piece {
        char bytes[PIECE_BYTES];
        size_t n, n_sent;
} Piece;

struct CurlCarrier {
        CurlOwner owner;
        CurlTransport *t;
        CurlCarrier *next;
        CURL *easy;
        bool is_added;
        int near_fd; /* our end of the pair */
        int far_fd;  /* a second number of curl's socket, which may be watched beside curl; -1: not connected yet */
        sd_event_source *near, *far;
        Piece up, down;
        bool up_ended, down_ended;
};

static void carrier_free(CurlCarrier *carrier) {
        CurlTransport *t = carrier->t;
        CurlCarrier **p = &t->carriers;

        while (*p && *p != carrier)
                p = &(*p)->next;
        if (*p)
                *p = carrier->next;
        sd_event_source_disable_unref(carrier->near);
        sd_event_source_disable_unref(carrier->far);
        closep(&carrier->near_fd);
        closep(&carrier->far_fd);
        if (carrier->is_added) /* which closes it: nobody else may use such a connection */
                (void) t->curl->multi_remove_handle(t->multi, carrier->easy);
        if (carrier->easy)
                t->curl->easy_cleanup(carrier->easy);
        explicit_bzero(&carrier->up, sizeof(carrier->up)); /* what was typed may be a password */
        free(carrier);
}
static void carrier_freep(CurlCarrier **carrier) {
        if (*carrier)
                carrier_free(*carrier);
}

void curl_carriers_free(CurlTransport *t) {
        while (t->carriers)
                carrier_free(t->carriers);
}

static bool is_empty(const Piece *piece) {
        return piece->n_sent == piece->n;
}

/* What is typed. False: the connection is of no use any more. */
static bool carry_up(CurlCarrier *carrier) {
        const Libcurl *curl = carrier->t->curl;
        Piece *up = &carrier->up;

        for (;;) {
                CURLcode code;
                size_t n_sent = 0;

                if (is_empty(up)) {
                        ssize_t n;

                        if (carrier->up_ended)
                                return true;
                        n = recv(carrier->near_fd, up->bytes, PIECE_BYTES, MSG_DONTWAIT);
                        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                                return true;
                        if (n <= 0) {
                                /* TLS has no half of a connection; the end of what comes is understood all the same. */
                                (void) shutdown(carrier->far_fd, SHUT_WR);
                                carrier->up_ended = true;
                                return true;
                        }
                        up->n = (size_t) n;
                        up->n_sent = 0;
                }
                code = curl->easy_send(carrier->easy, up->bytes + up->n_sent, up->n - up->n_sent, &n_sent);
                if (code != CURLE_OK)
                        return code == CURLE_AGAIN;
                up->n_sent += n_sent;
        }
}

/* To the last byte that curl has: TLS may hold some of which the socket tells nothing. False: it is all over. */
static bool carry_down(CurlCarrier *carrier) {
        const Libcurl *curl = carrier->t->curl;
        Piece *down = &carrier->down;

        for (;;) {
                ssize_t n;

                if (is_empty(down)) {
                        CURLcode code;

                        if (carrier->down_ended)
                                return false;
                        down->n = down->n_sent = 0;
                        code = curl->easy_recv(carrier->easy, down->bytes, PIECE_BYTES, &down->n);
                        if (code == CURLE_AGAIN)
                                return true;
                        if (code != CURLE_OK || down->n == 0) {
                                down->n = 0;
                                carrier->down_ended = true;
                                continue;
                        }
                }
                n = send(carrier->near_fd, down->bytes + down->n_sent, down->n - down->n_sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return true;
                if (n < 0)
                        return false;
                down->n_sent += (size_t) n;
        }
}

static void carry(CurlCarrier *carrier) {
        if (!carry_up(carrier) || !carry_down(carrier)) {
                carrier_free(carrier);
                return;
        }
        (void) sd_event_source_set_io_events(carrier->near,
                                             (is_empty(&carrier->up) && !carrier->up_ended ? EPOLLIN : 0) |
                                                     (is_empty(&carrier->down) ? 0 : EPOLLOUT));
        (void) sd_event_source_set_io_events(carrier->far, (is_empty(&carrier->down) ? EPOLLIN : 0) |
                                                                   (is_empty(&carrier->up) ? 0 : EPOLLOUT));
}

static int on_near(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        CurlCarrier *carrier = userdata;

        if (events & (EPOLLHUP | EPOLLERR)) /* nobody is there to read what comes */
                carrier_free(carrier);
        else if (carrier->far)
                carry(carrier);
        return 0;
}

static int on_far(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        carry(userdata);
        return 0;
}

/* Connected, and the peer is who it should be; or not: then the other end sees that the connection is cut. */
static void on_ended(CurlOwner *owner, CURLcode code) {
        CurlCarrier *carrier = container_of(owner, CurlCarrier, owner);
        curl_socket_t fd = CURL_SOCKET_BAD;
        int r = -ECONNREFUSED;

        if (code == CURLE_OK &&
            carrier->t->curl->easy_getinfo(carrier->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK &&
            fd != CURL_SOCKET_BAD)
                carrier->far_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (carrier->far_fd >= 0)
                r = sd_event_add_io(carrier->t->transport.event, &carrier->far, carrier->far_fd, EPOLLIN, on_far,
                                    carrier);
        if (r < 0)
                carrier_free(carrier);
        else
                carry(carrier);
}

#define SET(option, value) \
        if (code == CURLE_OK) \
        code = t->curl->easy_setopt(carrier->easy, CURLOPT_##option, value)

static CURLcode set_up(CurlCarrier *carrier) {
        CurlTransport *t = carrier->t;
        CURLcode code = curl_set_connection(t, carrier->easy, true);

        SET(NOSIGNAL, 1L);
        SET(HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
        SET(CONNECT_ONLY, 1L);
        SET(HTTPPROXYTUNNEL, 1L);
        SET(URL, t->spec.base_url);
        SET(PRIVATE, &carrier->owner);
        return code;
}

int curl_connect(Transport *transport, int *ret_fd) {
        CurlTransport *t = container_of(transport, CurlTransport, transport);
        _cleanup_(carrier_freep) CurlCarrier *carrier = calloc(1, sizeof(*carrier));
        _cleanup_close_ int fd = -1;
        int pair[2], r;

        if (!carrier)
                return -ENOMEM;
        *carrier = (CurlCarrier) { .owner.ended = on_ended, .t = t, .near_fd = -1, .far_fd = -1 };
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                return -errno;
        carrier->near_fd = pair[0];
        fd = pair[1];
        carrier->easy = t->curl->easy_init();
        if (!carrier->easy || set_up(carrier) != CURLE_OK)
                return -ENOMEM;
        /* Only its end, until there is somewhere to carry to. */
        r = sd_event_add_io(transport->event, &carrier->near, carrier->near_fd, 0, on_near, carrier);
        if (r < 0)
                return r;
        if (t->curl->multi_add_handle(t->multi, carrier->easy) != CURLM_OK)
                return -ENOMEM;
        carrier->is_added = true;
        turn_post(&t->turn);
        carrier->next = t->carriers;
        t->carriers = carrier;
        carrier = NULL;
        *ret_fd = TAKE_FD(fd);
        return 0;
}
