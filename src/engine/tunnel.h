#pragma once

/*
 * A way to the engine's socket on another machine: a child ssh(1) that listens on a socket of ours, in a directory only
 * we can enter.
 */

#include "http/url.h"
#include "loop/task.h"

typedef struct Tunnel Tunnel;

#define TUNNEL_DEADLINE_USEC (30 * USEC_PER_SEC)

/**
 * tunnel_start() - done with 0 when the local socket is there
 * @url:      ssh://[user@]host[:port]/path of the socket
 * @identity: key file, NULL: as ssh is configured
 *
 * *ret is set at once: the tunnel lives until it is freed. When ssh ends later it is started again.
 * -EINVAL, -ENOENT (no ssh program), -ECONNREFUSED (ssh's own words), -ETIMEDOUT arrive in @done.
 */
int tunnel_start(sd_event *event, const Url *url, const char *identity, Tunnel **ret, TaskDone done, void *userdata,
                 Task **ret_task);
/** tunnel_socket() - path of the local socket */
const char *tunnel_socket(const Tunnel *tunnel);
Tunnel *tunnel_free(Tunnel *tunnel);
DEFINE_CLEANUP(Tunnel *, tunnel_free);
