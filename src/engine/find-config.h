#pragma once

/*
 * The connections that a user gave Podman: podman-connections.json(5) as written by "podman system connection", and the
 * tables service_destinations of containers.conf(5). The former goes first where both know a name or a default.
 */

#include "base/error.h"

typedef struct Connection {
        char *name, *url;
        char *identity;                       /* key file for ssh; NULL: none */
        char *ca_file, *cert_file, *key_file; /* for tcp; likewise */
} Connection;
void connection_done(Connection *connection);

/**
 * connection_find() - looks up a connection
 * @name: NULL: the default one
 *
 * Return: 1 and *ret; 0 if there is none; -EINVAL: the default or the name is in none of the files, or a file cannot be
 * read.
 */
int connection_find(const char *name, Connection *ret, Error **reterr);

/* The parts, for tests. A connection that is found is put into *ret, over what stands there. */
typedef struct Connections {
        char *active;
        Connection *connections;
        size_t n_connections;
} Connections;
void connections_done(Connections *connections);
/** connections_read_json() - podman-connections.json */
int connections_read_json(const char *text, size_t n, Connections *connections, Error **reterr);
/**
 * connections_read_toml() - of containers.conf: active_service and service_destinations of [engine]; all else is
 * passed over. -EBADMSG with the line in the Error if it has one of these and is no TOML.
 */
int connections_read_toml(const char *text, Connections *connections, Error **reterr);
