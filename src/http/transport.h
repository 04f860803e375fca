#pragma once

/*
 * The way to one HTTP/1.1 server; its connections are kept and used again. To a unix socket it is made of nothing but a
 * socket (transport-unix.c): loading libcurl would cost more than the whole job. TCP and TLS are libcurl's multi
 * interface on the event loop (transport-curl.c, the only file that knows CURLM), loaded when the first such transport
 * is made.
 */

#include "loop/deadline.h"
#include "loop/task.h"

#define TRANSPORT_IDLE_MAX 16                  /* connections kept for later */
#define TRANSPORT_IDLE_SEC 8                   /* how long; Podman closes them after 10 */
#define TRANSPORT_CONNECTIONS_MAX 256          /* at once; further requests wait for one */
#define TRANSPORT_CONNECT_USEC (10 * 1000000U) /* longest time to connect */

typedef struct Transport Transport;

typedef struct TransportSpec {
        const char *unix_socket;                    /* NULL: TCP */
        const char *base_url;                       /* "http://d", "https://host:2376"; without a slash at the end */
        const char *ca_file, *cert_file, *key_file; /* TLS; NULL: the system's trust, no client certificate */
        bool skips_verify;                          /* TLS without checking the peer */
} TransportSpec;

/**
 * transport_new() - to one server; connections are kept and reused. Nothing is sent yet.
 *
 * Return: 0, -ENAMETOOLONG (the path of the socket), -EINVAL (the URL), -ENOPKG (no libcurl here), -ENOMEM.
 */
int transport_new(sd_event *event, const TransportSpec *spec, Transport **ret, Error **reterr);

/** transport_free() - requests under way go on to their end */
Transport *transport_free(Transport *transport);
DEFINE_CLEANUP(Transport *, transport_free);

/** transport_deadlines() - of its requests; also for what goes with them */
Deadlines *transport_deadlines(Transport *transport);
