#pragma once

/* A request after which the connection is no HTTP any more: both sides write what they like (RFC 9110, 7.8). */

#include "http/request.h"

#define UPGRADE_EARLY_MAX (64U * 1024) /* what may come together with the answer */

typedef struct UpgradeSpec {
        const char *method, *path; /* as in RequestSpec */
        const char *body;          /* JSON; copied */
        const char *protocol;      /* "tcp" */
        uint64_t timeout_usec;     /* until the answer is there */
} UpgradeSpec;

typedef struct Upgraded {
        int fd;      /* the connection, not blocking; -1: it was refused, and the reply says why */
        char *early; /* bytes of the other side that are here already */
        size_t n_early;
        Reply reply;
} Upgraded;
#define UPGRADED_INIT ((Upgraded) { .fd = -1 })
void upgraded_done(Upgraded *upgraded);

/**
 * upgrade_start() - asks for it on a connection of its own
 *
 * Done with 0 whatever the status, or as request_start(). The connection ends with the transport at the latest.
 */
int upgrade_start(Transport *transport, const UpgradeSpec *spec, Upgraded *ret, TaskDone done, void *userdata,
                  Task **ret_task);
