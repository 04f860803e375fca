#pragma once

/* HTTP over a unix socket from the inside: transport-unix.c has the connections, transport-unix-send.c what is sent. */

#include <sys/un.h>

#include "http/exchange.h"
#include "http/parser.h"
#include "loop/turn.h"

/* Bytes of a body that is made as it is sent, in one piece. */
#define SOURCE_BYTES (64U * 1024)

typedef struct UnixTransport {
        Transport transport;
        struct sockaddr_un address;
        char *host, *prefix; /* out of the base URL */
        Turn turn;
        sd_event_source *retry;
        struct UnixExchange *first, *last; /* waiting for a connection */
        struct Connection *idle;           /* the newest first */
        unsigned n_idle, n_connections;
} UnixTransport;

typedef struct Connection {
        UnixTransport *t;
        int fd;
        sd_event_source *io;
        struct UnixExchange *x;  /* NULL: idle, or dropped in the middle */
        struct Connection *next; /* idle */
        Parser parser;
        bool was_used, is_parsing, is_broken; /* is_broken: nothing can be sent any more */
        uint64_t idle_since_usec;
} Connection;

typedef struct UnixExchange {
        Exchange exchange;
        ExchangeSpec spec;
        Str head;
        size_t n_sent; /* of head and body together; with a source: of the head */
        Str piece;     /* of the source, as a chunk */
        size_t n_piece_sent;
        bool is_exhausted; /* nothing more comes from the source */
        int source_r;      /* why it gives nothing */
        uint64_t began_usec;
        Connection *connection; /* NULL: waiting or over */
        bool is_waiting;
        struct UnixExchange *next; /* waiting */
} UnixExchange;

/** unix_write_head() - all before the body; -ENOMEM, -E2BIG */
int unix_write_head(UnixTransport *t, UnixExchange *x);
/** unix_send_some() - 1 when all is sent, 0 if the socket is full, or a negative errno */
int unix_send_some(UnixExchange *x, int fd);
bool unix_is_all_sent(const UnixExchange *x);
