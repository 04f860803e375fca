#pragma once

/*
 * What stands between a request and its transport, for this folder only. A request says what is to be sent and hears
 * what comes; a transport knows connections and the form of HTTP/1.1 messages.
 */

#include "http/transport.h"

#define EXCHANGE_LINE_MAX (64U * 1024) /* bytes of one header line */

/* One request under way. A transport embeds it as its first member. */
typedef struct Exchange {
        Transport *transport; /* a reference */
} Exchange;

/* Everything is borrowed and must stay until the exchange is dropped. */
typedef struct ExchangeSpec {
        const char *method, *path;
        char *const *headers; /* "Name: value"; without Host and Content-Length */
        const char *body;     /* NULL: none */
        size_t n_body;
        ssize_t (*source)(char *buffer, size_t n, void *userdata); /* in place of a body: see RequestSource */
        bool is_fresh; /* not on a kept connection */

        /* A negative answer of the first two ends the exchange with it. The exchange may be dropped in all three. */
        int (*on_header)(const char *line, size_t n, void *userdata); /* status line first; no CR LF, never empty */
        int (*on_body)(const char *bytes, size_t n, void *userdata);
        /* Once, at the end, never inside start(). @was_kept: it was a connection that had been used before. */
        void (*on_end)(int r, bool was_kept, const Error *error, void *userdata);
        void *userdata;
} ExchangeSpec;

typedef struct TransportClass {
        /* 0 or -ENOMEM; nothing is called back inside */
        int (*start)(Transport *transport, const ExchangeSpec *spec, Exchange **ret);
        void (*drop)(Exchange *exchange); /* before or after its end; nothing is called back any more */
        void (*destroy)(Transport *transport);
        /*
         * For who speaks to the server without it. -EAGAIN: no connection can be made just now. The descriptor ends
         * with the transport at the latest.
         */
        int (*connect)(Transport *transport, int *ret_fd);
        /* What stands in each request: the server's name, and what its paths begin with. Borrowed. */
        void (*server)(const Transport *transport, const char **ret_host, const char **ret_prefix);
} TransportClass;

struct Transport {
        const TransportClass *class;
        sd_event *event;
        char *address; /* for messages: the socket's path or the base URL */
        unsigned n_ref;
        Deadlines deadlines; /* of its requests */
};

/** transport_init() - what both kinds share; a failure leaves it to transport_unref() */
int transport_init(Transport *transport, const TransportClass *class, sd_event *event, const char *address);
Transport *transport_ref(Transport *transport);
void transport_unref(Transport *transport);
static inline void transport_unrefp(Transport **transport) {
        if (*transport)
                transport_unref(*transport);
}

/** transport_explain_connect() - why connect() failed: -ECONNREFUSED, -EACCES or -ETIMEDOUT, and the sentence */
int transport_explain_connect(const Transport *transport, int errnum, Error **reterr);

int transport_unix_new(sd_event *event, const TransportSpec *spec, Transport **ret, Error **reterr);
int transport_curl_new(sd_event *event, const TransportSpec *spec, Transport **ret, Error **reterr);

int exchange_start(Transport *transport, const ExchangeSpec *spec, Exchange **ret);
Exchange *exchange_drop(Exchange *exchange);
