#pragma once

/* Talking to the agent: one request after the other, each waited for. */

#include "document/json.h"
#include "http/request.h"

typedef struct Client {
        sd_event *event;
        Transport *transport;
        char *socket;
} Client;

/** client_open() - @socket: NULL: PODSTEP_SOCKET, else $XDG_RUNTIME_DIR/podstep/podstep.sock. Nothing is sent yet. */
int client_open(const char *socket, Client *ret, Error **reterr);
void client_done(Client *client);

/**
 * client_call() - what the agent answered
 * @body: JSON; NULL: none
 *
 * Return: 0; -ENOENT, -EINVAL, -EACCES, -EBUSY, -EAGAIN, ... as the agent said, with its words (and faults of a
 * workflow) in the Error; -ECONNREFUSED with what to do.
 */
int client_call(Client *client, const char *method, const char *path, const char *body, Json **ret, Error **reterr);

/**
 * client_send() - a POST whose body is made as it is sent: @source as in http/request.h; the answer as client_call()
 */
int client_send(Client *client, const char *path, const char *content_type, RequestSource source, void *userdata,
                Json **ret, Error **reterr);

/* A piece of a body; negative ends it with that errno. */
typedef int (*ClientChunk)(const char *bytes, size_t n, void *userdata);

/** client_stream() - hands on a body as it comes, however long that takes */
int client_stream(Client *client, const char *path, ClientChunk chunk, void *userdata, Error **reterr);

/** client_exit_code() - of podstep, for what client_call() said */
int client_exit_code(int r);

/** client_socket_path() - heap; NULL without a place for it */
char *client_socket_path(void);
