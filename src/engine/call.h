#pragma once

/*
 * Shared by the files that speak to an engine's service: the connection, and Call, the Task that all of them use.
 * Podman and Docker differ in paths and answers, not in how one asks.
 */

#include <limits.h>

#include "document/json.h"
#include "engine/listener.h"
#include "engine/service.h"
#include "engine/tunnel.h"
#include "http/request.h"
#include "http/url.h"
#include "loop/timer.h"

#define CALL_PATH_MAX (64U * 1024) /* of a request, with its query: labels of a secret stand there */

typedef struct Attach Attach;

typedef struct Service Service;
typedef struct Call Call;

/* What an answer means: the Task's result, a negative errno, or CALL_GOES_ON when another request was sent. */
typedef int (*CallAnswer)(Call *call, Reply *reply, Error **reterr);
#define CALL_GOES_ON INT_MAX

/* Whose service it is, and what is different in asking it. */
typedef struct ServiceKind {
        const EngineClass *class;
        const char *name; /* "podman": stands in front of each Error */
        /* What the answer to /_ping says. 1: that is enough; 0: 'info' is to be asked. */
        int (*take_ping)(Service *service, const Map *headers, Error **reterr);
        int (*take_info)(Service *service, Json *info, Error **reterr);
        const struct ObjectRow *objects; /* by ObjectKind */
        const struct DiskRow *disk;      /* by DiskKind */
        const char *stop_query;          /* its grace, in seconds */
} ServiceKind;

#define SERVICE_PREFIX_MAX 32

struct Service {
        Engine engine;
        const ServiceKind *kind;
        char prefix[SERVICE_PREFIX_MAX]; /* of each path: "/v4.0.0/libpod/", "/v1.41/" */
        char *socket;                    /* of a service on this machine; NULL: it is reached otherwise */
        Transport *transport;
        Tunnel *tunnel; /* NULL: none is needed */
        char *address, *version;
        ServiceTimes times;
        Listeners *listeners;
        char *exits_directory; /* NULL: not local, or its tmp_dir is not the default one */
        unsigned n_away;       /* how often a connection was refused or cut */
        Attach *attaching;     /* those whose containers must not be started yet */
        Map networks;          /* Docker: what makes those that were made here, by name: others may remove them */
};

extern const ServiceKind libpod_kind, docker_kind;

/** service_is_foreign() - whether a machine of that kind runs other programs than this one */
bool service_is_foreign(const char *machine);
/** service_free() - of every kind, for their tables */
Engine *service_free(Engine *engine);

static inline Service *service_of(Engine *engine) {
        return container_of(engine, Service, engine);
}

/* Where the result goes. Which of them it is, the answer knows. */
typedef union CallRet {
        ImageInfo *image;
        ContainerStatus *status;
        HealthStatus *health;
        EngineObjects *objects;
        EngineDisk *disk;
        EngineDetails *details;
        char **text; /* on the heap */
} CallRet;

/*
 * A request, or a few of them in a row, to do one thing. Requests are sent again while the engine is away: that is safe
 * as all names are ours, so that what an unanswered request made is found again by its name.
 */
struct Call {
        Task task;
        Service *service;
        const char *doing;  /* "creating container": stands in front of each Error; static; NULL: nothing does */
        Task *pending;      /* the request in flight, or the pause before it */
        Deadline pulse_due; /* of a slow call: when it is asked whether the engine lives, */
        Task *pulse;        /* and the question */

        /* The request: */
        const char *method;
        Str path;
        char *body;
        size_t n_body;
        const char *content_type; /* NULL: JSON */
        char *header;             /* a further one, "Name: value", wiped in the end; NULL: none */
        uint64_t timeout_usec, idle_usec;
        size_t reply_max;
        RequestChunk chunk;
        RequestSource source; /* in place of a body */
        CallAnswer answer;
        int (*explain)(Call *call, int r, Error **reterr); /* what it means that no answer came; NULL: what it says */
        Reply reply, pulse_reply;

        uint64_t away_since_usec; /* 0: it is not */
        Backoff backoff;          /* between tries while it is away */
        Backoff again;            /* between tries that it refused */
        Error *refusal;           /* the first no, kept while something else is tried */
        char *name;               /* of the object in question */
        CallRet ret;
        void (*before_send)(Call *call);   /* each try; NULL: nothing to do */
        Call *(*free_derived)(Call *call); /* of a struct that embeds this as its first member; NULL: plain free() */
};

typedef struct CallSpec {
        const char *doing, *method;
        /* segments behind the service's prefix, up to the first NULL: "containers", name, "json" */
        const char *path[3];
        const char *name;    /* copied to the Call */
        CallAnswer answer;   /* NULL: success is all there is to know; 304 counts as such */
        CallRet ret;
        JsonWriter *body; /* finished by call_start(), whatever comes of it, and sent; NULL: none */
        bool is_slow;     /* the answer may take minutes; see ServiceTimes */
} CallSpec;

/** call_new() - a call that has not begun */
int call_new(Engine *engine, const CallSpec *spec, TaskDone done, void *userdata, Call **ret);
/** call_init() - the same in a struct of one's own, which is zero; undone by task_free() */
int call_init(Call *call, Engine *engine, const CallSpec *spec, TaskDone done, void *userdata);
Call *call_free(Call *call);
DEFINE_CLEANUP(Call *, call_free);

/** call_start() - a call of which the spec says all */
int call_start(Engine *engine, const CallSpec *spec, TaskDone done, void *userdata, Task **ret_task);
/** call_start_take() - begins what call_new() or call_init() made; frees the call if it cannot */
int call_start_take(Call *call, Task **ret_task);

/** call_add_query() - escaped; @value NULL: nothing */
void call_add_query(Call *call, const char *name, const char *value);
/** call_take_body() - takes the text, NULL is want of memory; it is wiped in the end */
int call_take_body(Call *call, char *body);
/** call_copy_body() - bytes that need not be text */
int call_copy_body(Call *call, const char *bytes, size_t n);

/** call_set_path() - the segments behind the service's prefix, without a query */
void call_set_path(Call *call, const char *const path[static 3]);
/**
 * call_resume() - for who keeps a call waiting: when this is called, with the call as userdata, it sends its request
 */
void call_resume(Task *task, int r, const Error *error, void *userdata);
/** call_go_on() - to be returned by an answer: asks something else, with GET and no body, when the path is set */
int call_go_on(Call *call, CallAnswer answer);
/** call_post_on_take() - likewise with POST and that body */
int call_post_on_take(Call *call, char *body, CallAnswer answer);
/**
 * call_look_for() - to be returned by an answer that refuses to make something: asks for what stands at @path
 *
 * A taken name is ours, and the thing was made by a request whose answer was lost; or the refusal meant something else.
 * The @answer to the look knows: if nothing is there it returns call_refuse().
 */
int call_look_for(Call *call, const Reply *reply, const char *const path[static 3], CallAnswer answer);
/** call_refuse() - the refusal that was kept, which there must be */
int call_refuse(Call *call, Error **reterr);
/**
 * call_again() - likewise: the same request once more after a short pause; or the refusal, if that was tried often
 * enough
 */
int call_again(Call *call, const Reply *reply, Error **reterr);

/** call_check() - 0 for a status of success, else what the engine says: -ENOENT for 404, -EREMOTEIO */
int call_check(const Reply *reply, Error **reterr);
/** call_json() - call_check(), then the body; -EPROTO */
int call_json(const Reply *reply, Json **ret, Error **reterr);
/** call_bad() - what is missing in an answer, as -EPROTO */
int call_bad(int r, Error **reterr);

/**
 * call_words() - what the engine says in an answer that refuses, fit for people. On the heap, NULL if memory is out.
 */
char *call_words(const Reply *reply);

/* Copies out of an answer; a missing or odd one is empty. */
int call_copy_string(Json *json, const char *path, char **ret);
int call_copy_labels(Json *labels, Map *ret);
/** call_put_labels() - also an empty map, so that the field is what it should be */
void call_put_labels(JsonWriter *w, const char *key, const Map *labels);
