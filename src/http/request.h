#pragma once

/* One HTTP request as a Task. */

#include <stdint.h>

#include "base/map.h"
#include "http/transport.h"

#define HTTP_REPLY_MAX (16U * 1024 * 1024)
#define HTTP_HEADERS_MAX (64U * 1024) /* bytes of all headers of a reply */

/*
 * Called with each piece of a streamed body, of a reply with status 2xx only, with the same userdata as @done; the
 * first time with n == 0, as soon as such a reply begins. Returning < 0 ends the request with that errno. The Task may
 * be dropped inside.
 */
typedef int (*RequestChunk)(const char *bytes, size_t n, void *userdata);

/*
 * Gives the next bytes of a body that is sent as it is made: 1 to @n of them into @buffer; 0: that was all; a negative
 * errno ends the request with it. Called from the loop with the userdata of @done; the Task must not be dropped inside.
 */
typedef ssize_t (*RequestSource)(char *buffer, size_t n, void *userdata);

typedef struct RequestSpec {
        const char *method; /* "GET" */
        const char *path;   /* "/v4.0.0/libpod/..."; with its query */
        const char *body;   /* NULL: none; copied */
        size_t n_body;
        RequestSource source;     /* instead of a body whose length is known; NULL: there is none */
        const char *content_type; /* of the body; NULL: application/json */
        char *const *headers;     /* further ones, "Name: value" */
        uint64_t timeout_usec;    /* whole request; 0: no limit; streams give idle_usec instead */
        uint64_t idle_usec;       /* longest silence; 0: no limit */
        size_t reply_max;         /* 0: HTTP_REPLY_MAX; not of streams */
        RequestChunk chunk;       /* NULL: the body is collected */
} RequestSpec;

typedef struct Reply {
        int status; /* HTTP status; 0: none came */
        char *body; /* ended by a NUL; "" if there was none; of a streamed reply only what came with an error status */
        size_t n_body;
        Map headers; /* names in lower case */
} Reply;
void reply_done(Reply *reply);

/**
 * request_start() - sends a request
 * @ret_reply:     filled before @done when r == 0; its content is then the caller's: reply_done()
 *
 * Done with 0 whatever the status, or -ECONNREFUSED (nobody listens, no such socket), -EACCES (the socket is not ours),
 * -ETIMEDOUT, -ECONNRESET (cut in the middle: whether the server did it is not known), -EMSGSIZE (reply larger than
 * reply_max), -EPROTO, -EINVAL (a space or control character in path or headers), or what @chunk said. A kept
 * connection that the server had closed meanwhile is not an error: the request is sent again on a new one.
 */
int request_start(Transport *transport, const RequestSpec *spec, Reply *ret_reply, TaskDone done, void *userdata,
                  Task **ret_task);
