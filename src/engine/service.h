#pragma once

/*
 * The service of an engine: Podman by its own REST API, version 4.3 or later; Docker by the Docker Engine API, 1.25 or
 * later. Who answers is asked first: Podman's service speaks Docker's language too, but is only used by its own.
 */

#include "engine/engine.h"

/*
 * How long what is waited for. A slow answer is one that may come after layers were copied or trees removed, or after
 * all that other jobs ask of the same locks; whether the engine still lives is asked each call_usec meanwhile. An
 * engine that refuses or cuts connections is away: a socket-activated service leaves and returns.
 */
typedef struct ServiceTimes {
        uint64_t call_usec, slow_usec, away_usec;
        uint64_t pull_idle_usec; /* for the next word of a pull */
} ServiceTimes;

#define SERVICE_TIMES_DEFAULT                                                                                          \
        ((ServiceTimes) { .call_usec = 30 * USEC_PER_SEC,                                                              \
                         .slow_usec = 10 * USEC_PER_MIN,                                                               \
                         .away_usec = 10 * USEC_PER_SEC,                                                               \
                         .pull_idle_usec = 5 * USEC_PER_MIN })

typedef struct ServiceSpec {
        const char *url;
        const char *identity;                       /* key file for ssh; NULL: ssh's own choice */
        const char *ca_file, *cert_file, *key_file; /* for tcp; one of them set: TLS */
        bool skips_verify;
        ServiceTimes times;
} ServiceSpec;

/**
 * service_open() - connects and probes
 *
 * Done with 0 and *ret; -EPROTONOSUPPORT: something else answers there, or a Podman or Docker that is too old; or as
 * request_start().
 */
int service_open(sd_event *event, const ServiceSpec *spec, Engine **ret, TaskDone done, void *userdata,
                 Task **ret_task);
