#pragma once

/* libcurl's multi interface on the event loop; the only file that knows CURLM. */

#include "loop/task.h"

typedef struct Transport Transport;

typedef struct TransportSpec {
        const char *unix_socket; /* NULL: TCP */
        const char *base_url;    /* "http://d", "https://host:2376"; without a slash at the end */
        const char *ca_file, *cert_file, *key_file; /* TLS; NULL: the system's trust, no client certificate */
        bool skips_verify;       /* TLS without checking the peer */
} TransportSpec;

/** transport_new() - to one server; connections are kept and reused. Nothing is sent yet. */
int transport_new(sd_event *event, const TransportSpec *spec, Transport **ret, Error **reterr);
Transport *transport_free(Transport *transport);
DEFINE_CLEANUP(Transport *, transport_free);
