#pragma once

/*
 * HTTP by libcurl, from the inside: transport-curl.c has the loop, transport-curl-request.c the options of a request,
 * transport-curl-carrier.c connections that are no HTTP any more.
 */

#include "http/exchange.h"
#include "http/libcurl.h"
#include "loop/turn.h"

typedef struct CurlCarrier CurlCarrier;

/* Who is told when libcurl is done with a handle. Outside of curl; the transport may be gone afterwards. */
typedef struct CurlOwner {
        void (*ended)(struct CurlOwner *owner, CURLcode code);
} CurlOwner;

typedef struct CurlTransport {
        Transport transport;
        const Libcurl *curl;
        CURLM *multi;
        TransportSpec spec; /* its strings are ours */
        char *host, *prefix; /* of each request: both of the base URL */
        sd_event_source *timer;
        Turn turn;
        struct CurlExchange *waiting; /* to be added in the Turn; the newest first */
        struct CurlExchange *doomed;  /* dropped inside a callback of curl */
        unsigned depth;               /* calls of curl we are in */
        CurlCarrier *carriers;
} CurlTransport;

typedef struct CurlExchange {
        Exchange exchange;
        CurlOwner owner;
        ExchangeSpec spec;
        CURL *easy;
        struct curl_slist *headers;
        char *url;
        struct CurlExchange *next; /* waiting or doomed */
        bool is_waiting, is_added, is_dropped;
        bool saw_head;    /* all of it, up to the empty line */
        int sink_r;       /* what the request said to end it */
        CURLcode refused; /* an option that this libcurl does not know: told from the loop */
        char text[CURL_ERROR_SIZE];
} CurlExchange;

/** curl_set_headers() - the request's, and none of libcurl's own; -ENOMEM */
int curl_set_headers(CurlTransport *t, CurlExchange *x);
/** curl_set_connection() - where it goes, and whom it trusts */
CURLcode curl_set_connection(CurlTransport *t, CURL *easy, bool is_fresh);
/** curl_set_request() - what it asks, and where the answer goes */
CURLcode curl_set_request(CurlTransport *t, CurlExchange *x);

/** curl_connect() - see TransportClass; if there is no connection after all, @ret_fd comes to its end */
int curl_connect(Transport *transport, int *ret_fd);
void curl_carriers_free(CurlTransport *t);
