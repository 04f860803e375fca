#pragma once

/*
 * Where the engine is: --engine URL; CONTAINER_HOST; DOCKER_HOST, DOCKER_SOCK; CONTAINER_CONNECTION, or the default
 * connection of podman-connections.json or containers.conf; $XDG_RUNTIME_DIR/podman/podman.sock;
 * /run/podman/podman.sock; $XDG_RUNTIME_DIR/docker.sock or /run/docker.sock. The first that is set counts when it was
 * named by the user; of the well-known sockets the first that answers. But for --engine and CONTAINER_HOST, a Docker is
 * only taken when no Podman is found in any of these places.
 */

#include "engine/engine.h"

/**
 * engine_open() - finds an engine, connects and probes it
 * @url: NULL: look for one. unix://, tcp:// (TLS by DOCKER_CERT_PATH/DOCKER_TLS_VERIFY or CONTAINER_TLS_*),
 * ssh://[user@]host[:port]/path
 *
 * *ret is set before @done when r == 0. Else the Error tells everything that was tried, and the command that mends it.
 */
int engine_open(sd_event *event, const char *url, Engine **ret, TaskDone done, void *userdata, Task **ret_task);
