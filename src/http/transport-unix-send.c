/* What goes to the server: the head, a body that is there, or one that is made as it is sent. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/strv.h"
#include "http/transport-unix-internal.h"

/* Bytes of such a body before others have their turn. */
#define SOURCE_TURN_BYTES (1024U * 1024)

bool unix_is_all_sent(const UnixExchange *x) {
        if (x->spec.source)
                return x->is_exhausted && x->n_piece_sent == x->piece.n;
        return x->n_sent == x->head.n + x->spec.n_body;
}

/* The next piece of the source as a chunk of HTTP/1.1; the last one is empty. */
static int fill_piece(UnixExchange *x) {
        char bytes[SOURCE_BYTES];
        ssize_t n = x->spec.source(bytes, sizeof(bytes), x->spec.userdata);

        if (n < 0)
                return x->source_r = (int) n;
        x->is_exhausted = n == 0;
        x->n_piece_sent = 0;
        str_clear(&x->piece);
        (void) str_appendf(&x->piece, "%zx\r\n", (size_t) n);
        (void) str_append_n(&x->piece, bytes, (size_t) n);
        return str_append(&x->piece, "\r\n");
}

/* As unix_send_some(), behind the head. */
static int send_source(UnixExchange *x, int fd) {
        size_t n_turn = 0;

        while (!unix_is_all_sent(x)) {
                ssize_t n;
                int r = x->n_piece_sent == x->piece.n ? fill_piece(x) : 0;

                if (r < 0)
                        return r;
                if (n_turn >= SOURCE_TURN_BYTES)
                        return 0;
                n = send(fd, x->piece.bytes + x->n_piece_sent, x->piece.n - x->n_piece_sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
                if (n < 0)
                        return errno == EAGAIN ? 0 : errno == EINTR ? 0 : -errno;
                x->n_piece_sent += (size_t) n;
                n_turn += (size_t) n;
        }
        return 1;
}

int unix_send_some(UnixExchange *x, int fd) {
        size_t n_all = x->head.n + x->spec.n_body;

        while (x->n_sent < n_all) {
                size_t n_head = x->n_sent < x->head.n ? x->head.n - x->n_sent : 0;
                size_t body_at = x->n_sent > x->head.n ? x->n_sent - x->head.n : 0;
                struct iovec parts[] = {
                        { .iov_base = x->head.bytes + x->head.n - n_head, .iov_len = n_head },
                        { .iov_base = (char *) x->spec.body + body_at, .iov_len = x->spec.n_body - body_at },
                };
                struct msghdr message = { .msg_iov = parts, .msg_iovlen = ELEMENTSOF(parts) };
                ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0)
                        return errno == EAGAIN ? 0 : errno == EINTR ? 0 : -errno;
                x->n_sent += (size_t) n;
        }
        return x->spec.source ? send_source(x, fd) : 1;
}

int unix_write_head(UnixTransport *t, UnixExchange *x) {
        const char *method = x->spec.method;

        (void) str_append_all(&x->head, method, " ", t->prefix, x->spec.path, " HTTP/1.1\r\nHost: ", t->host, "\r\n");
        STRV_FOREACH(header, x->spec.headers)
                (void) str_append_all(&x->head, *header, "\r\n");
        if (x->spec.source)
                (void) str_append(&x->head, "Transfer-Encoding: chunked\r\n");
        else if (x->spec.body || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0)
                (void) str_appendf(&x->head, "Content-Length: %zu\r\n", x->spec.n_body);
        (void) str_append(&x->head, "\r\n");
        return x->head.error;
}
