#pragma once

/* Podman, by its own REST API: version 4.3 or later, the same calls for all. Source: libpod API v4. */

#include "engine/engine.h"

#define LIBPOD_VERSION_MAJOR_MIN 4
#define LIBPOD_VERSION_MINOR_MIN 3

/* How long what is waited for. */
typedef struct LibpodTimes {
        uint64_t call_usec;      /* an answer */
        uint64_t slow_usec;      /* an answer that may come after layers were copied or trees removed; it is asked if it lives meanwhile */
        uint64_t away_usec;      /* an engine that refuses or cuts connections: a socket-activated service leaves and returns */
        uint64_t pull_idle_usec; /* the next word of a pull */
} LibpodTimes;

#define LIBPOD_TIMES_DEFAULT                                                                                  \
        ((LibpodTimes) { .call_usec = 30 * USEC_PER_SEC, .slow_usec = 10 * USEC_PER_MIN,                       \
                         .away_usec = 10 * USEC_PER_SEC, .pull_idle_usec = 5 * USEC_PER_MIN })

typedef struct LibpodSpec {
        const char *url;
        const char *identity; /* key file for ssh; NULL: ssh's own choice */
        const char *ca_file, *cert_file, *key_file; /* for tcp; one of them set: TLS */
        bool skips_verify;
        LibpodTimes times;
} LibpodSpec;

/**
 * libpod_open() - connects and probes
 *
 * Done with 0 and *ret; -EPROTONOSUPPORT: something else answers there (Docker), or a Podman that is too old; or as request_start().
 */
int libpod_open(sd_event *event, const LibpodSpec *spec, Engine **ret, TaskDone done, void *userdata, Task **ret_task);
