#pragma once

/* One request of a client, as the routes see it. */

#include <microhttpd.h>

#include "agent/agent-internal.h"
#include "agent/untar.h"
#include "base/id.h"

#define CALL_PARTS_MAX 6

typedef struct Call Call;
typedef struct Route Route;

struct Route {
        const char *method;
        const char *path; /* "/v1/jobs/{job}/log" */
        int (*run)(Call *call); /* answers by one of call_reply...() or call_wait(); what they return */
        size_t body_max;  /* 0: takes none */
        bool unpacks;     /* the body is an archive: Call.upload */
};

struct Call {
        Server *server;
        Agent *agent;
        struct MHD_Connection *connection;
        const Route *route;
        char *path;
        const char *argument; /* what stands for {job} */
        Str body;
        char upload[ID_LENGTH + 1], *upload_path; /* where its archive is unpacked; "", NULL: it brings none */
        Untar *untar;
        uint64_t n_room; /* bytes of it that count in Agent.upload_bytes */
        uint64_t n_body;
        bool keeps_upload;
        bool is_refused; /* it was answered before its body came: the rest is thrown away */
        int status;      /* of that answer */
        char *refusal;
        bool waits;      /* for news */
        bool is_gone;    /* the client, while it waited */
        uint64_t waits_since;
        Call *next_waiting;
};

/** call_query() - a parameter; NULL: it is not given */
const char *call_query(const Call *call, const char *name);
int call_query_uint(const Call *call, const char *name, uint64_t fallback, uint64_t *ret); /* -EINVAL: no number */

int call_reply_json(Call *call, int status, JsonWriter *w); /* takes what is written */
int call_reply_text(Call *call, int status, const char *type, char *text_take);
int call_reply_empty(Call *call);
int call_reply_error(Call *call, int status, const char *format, ...) _printf_(3, 4);
int call_reply_error_text(Call *call, int status, const char *text);
int call_reply_failure(Call *call, int r, const Error *error); /* the status that fits the errno */
/** call_wait() - news.c; the route runs again when something has changed */
int call_wait(Call *call);

/** call_get_job() - the one that the path names; < 0: it was answered with 404 */
int call_get_job(Call *call, StoredJob *ret);

extern const Route job_routes[], log_routes[], other_routes[], source_routes[];

/* news.c, for route-log.c */
typedef struct Follower Follower;
struct Follower {
        Server *server;
        struct MHD_Connection *connection;
        char *id; /* of the job */
        bool is_suspended;
        bool is_gone; /* the client, while it was suspended */
        Follower *next;
};
void server_suspend_follower(Server *server, Follower *follower); /* until the log has grown, or the client is gone */
void server_add_follower(Server *server, Follower *follower);
void server_remove_follower(Server *server, Follower *follower);
