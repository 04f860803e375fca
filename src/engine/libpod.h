#pragma once

/* Podman, by its own REST API: version 4.3 or later, the same calls for all. Source: libpod API v4. */

#include "engine/engine.h"

#define LIBPOD_VERSION_MAJOR_MIN 4
#define LIBPOD_VERSION_MINOR_MIN 3

/*
 * How long what is waited for. A slow answer is one that may come after layers were copied or trees removed; whether the
 * engine still lives is asked each call_usec meanwhile. An engine that refuses or cuts connections is away: a
 * socket-activated service leaves and returns.
 */
typedef struct LibpodTimes {
        uint64_t call_usec, slow_usec, away_usec;
        uint64_t pull_idle_usec; /* for the next word of a pull */
} LibpodTimes;

#define LIBPOD_TIMES_DEFAULT                                                                                           \
        ((LibpodTimes) { .call_usec = 30 * USEC_PER_SEC,                                                                \
                        .slow_usec = 10 * USEC_PER_MIN,                                                                \
                        .away_usec = 10 * USEC_PER_SEC,                                                                \
                        .pull_idle_usec = 5 * USEC_PER_MIN })

typedef struct LibpodSpec {
        const char *url;
        const char *identity;                       /* key file for ssh; NULL: ssh's own choice */
        const char *ca_file, *cert_file, *key_file; /* for tcp; one of them set: TLS */
        bool skips_verify;
        LibpodTimes times;
} LibpodSpec;

/**
 * libpod_open() - connects and probes
 *
 * Done with 0 and *ret; -EPROTONOSUPPORT: something else answers there (Docker), or a Podman that is too old; or as
 * request_start().
 */
int libpod_open(sd_event *event, const LibpodSpec *spec, Engine **ret, TaskDone done, void *userdata, Task **ret_task);
