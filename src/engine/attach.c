#include "engine/attach.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "engine/frames.h"
#include "loop/turn.h"

/*
 * The stream ends some milliseconds before the engine knows the exit: so long it is asked again. If it still runs then,
 * the stream was cut (the service went away), and what was missed is read from the log in the end.
 */
#define ATTACH_END_FIRST_USEC (10 * USEC_PER_MSEC)
#define ATTACH_END_MAX_USEC (160 * USEC_PER_MSEC)
#define ATTACH_END_TRIES 6

typedef struct Gate Gate;

struct Attach {
        Task task;
        Service *service;
        char *container;
        EngineOutput output;
        void *output_userdata;
        ContainerExit *ret;
        Attach *next; /* in the list of those that are on their way */
        bool is_on_its_way;
        Gate *gates; /* who waits for it */
        Task *pending;
        ContainerStatus status;
        FrameParser frames;
        unsigned n_away; /* of the connection, when the stream began */
        bool has_stream; /* was attached */
        bool has_gap;    /* the stream ended before the container */
        bool reads_log;
        bool follows_log; /* of one that ran before we came; in the end it is read once more, to be complete */
        Backoff end;     /* between looks at how it ended */
};

/* Somebody who waits. */
struct Gate {
        Task task;
        Turn opened;
        Attach *attach; /* NULL: not any more */
        Gate *next;
};

static Task *gate_free(Task *task) {
        Gate *gate = container_of(task, Gate, task);

        if (gate->attach) {
                Gate **place = &gate->attach->gates;

                while (*place != gate)
                        place = &(*place)->next;
                *place = gate->next;
        }
        turn_done(&gate->opened);
        free(gate);
        return NULL;
}

static const TaskClass gate_class = { "attach-gate", gate_free };

static void gate_on_open(void *userdata) {
        Gate *gate = userdata;

        task_finish(&gate->task, 0, NULL);
}

int attach_wait(Service *service, const char *container, TaskDone done, void *userdata, Task **ret_task) {
        _cleanup_(task_freep) Task *task = NULL;
        Attach *attach = service->attaching;
        Gate *gate;

        while (attach && !str_equal(attach->container, container))
                attach = attach->next;
        if (!attach)
                return 0;
        gate = calloc(1, sizeof(*gate));
        if (!gate)
                return -ENOMEM;
        task = &gate->task;
        task_init(task, &gate_class, done, userdata);
        if (turn_init(&gate->opened, service->engine.event, gate_on_open, gate) < 0)
                return -ENOMEM;
        gate->attach = attach;
        gate->next = attach->gates;
        attach->gates = gate;
        *ret_task = TAKE_PTR(task);
        return 1;
}

/* It stands, or will not: whoever waits goes on in a turn of their own. */
static void attach_arrived(Attach *attach) {
        Attach **place = &attach->service->attaching;

        if (!attach->is_on_its_way)
                return;
        while (*place != attach)
                place = &(*place)->next;
        *place = attach->next;
        attach->is_on_its_way = false;
        while (attach->gates) {
                Gate *gate = attach->gates;

                attach->gates = gate->next;
                gate->attach = NULL;
                turn_post(&gate->opened);
        }
}

static Task *attach_free(Task *task) {
        Attach *attach = container_of(task, Attach, task);

        task_free(attach->pending);
        attach_arrived(attach);
        container_status_done(&attach->status);
        free(attach->container);
        free(attach);
        return NULL;
}

static const TaskClass attach_class = { "attach", attach_free };

static void attach_finish(Attach *attach, int r, const Error *error) {
        _cleanup_(error_freep) Error *mine = error_copy(error);

        attach->pending = task_free(attach->pending);
        attach_arrived(attach);
        if (r >= 0)
                *attach->ret = (ContainerExit) { .exit_code = MAX(0, attach->status.exit_code),
                                                .oom_killed = attach->status.oom_killed,
                                                .is_lost = attach->status.exit_code < 0 };
        task_finish(&attach->task, r, mine);
}

/* The next thing to do; a failure to begin it is the end. */
static void attach_next(Attach *attach, int (*step)(Attach *attach)) {
        int r;

        attach->pending = task_free(attach->pending);
        r = step(attach);
        if (r < 0)
                attach_finish(attach, r, NULL);
}

typedef struct StreamCall {
        Call call;
        Attach *attach;
} StreamCall;

static int on_frames(const char *bytes, size_t n, void *userdata) {
        Call *call = userdata;
        Attach *attach = container_of(call, StreamCall, call)->attach;

        attach->has_stream = true;
        attach_arrived(attach);
        if (attach->has_gap && !attach->reads_log)
                return 0; /* it comes from the log, in order */
        return frame_parser_feed(&attach->frames, bytes, n, attach->output, attach->output_userdata);
}

/* Also when it is asked again, as the engine was away: what it said meanwhile is nowhere but in the log. */
static void stream_begins(Call *call) {
        Attach *attach = container_of(call, StreamCall, call)->attach;
        FrameParser *frames = &attach->frames;

        if (!attach->reads_log)
                attach->has_gap |= attach->has_stream;
        for (size_t i = 0; attach->reads_log && i < ELEMENTSOF(frames->skip); i++) {
                frames->skip[i] += frames->taken[i]; /* what is left to skip and what was taken: all that was told */
                frames->taken[i] = 0;
        }
        attach->n_away = attach->service->n_away;
        frames->n_header = 0;
        frames->n_left = 0;
}

static Call *stream_free(Call *call) {
        free(container_of(call, StreamCall, call));
        return NULL;
}

static int start_stream(Attach *attach, const CallSpec *spec, const char *query, TaskDone done) {
        _cleanup_(call_freep) Call *call = NULL;
        StreamCall *stream;
        int r;

        stream = calloc(1, sizeof(*stream));
        if (!stream)
                return -ENOMEM;
        stream->attach = attach;
        call = &stream->call;
        call->free_derived = stream_free;
        call->before_send = stream_begins;
        r = call_init(call, &attach->service->engine, spec, done, attach);
        if (r < 0)
                return r;
        call->chunk = on_frames;
        call->timeout_usec = 0;
        (void) str_append(&call->path, query);
        return call_start_take(TAKE_PTR(call), &attach->pending);
}

static void on_logs(Task *task, int r, const Error *error, void *userdata) {
        attach_finish(userdata, r, error);
}

/*
 * The whole log, without following it, of a container that has ended: that is complete. What was told before is passed
 * over.
 */
static int read_logs(Attach *attach) {
        CallSpec spec = { .doing = "reading the log of container",
                          .method = "GET",
                          .path = { "containers", attach->container, "logs" } };

        attach->reads_log = true;
        return start_stream(attach, &spec, "?stdout=true&stderr=true", on_logs);
}

static int look(Attach *attach);
static int wait_for_end(Attach *attach);
static int begin_stream(Attach *attach);

static void on_log_end(Task *task, int r, const Error *error, void *userdata) {
        attach_next(userdata, look);
}

static int follow_log(Attach *attach) {
        CallSpec spec = { .doing = "following the log of container",
                          .method = "GET",
                          .path = { "containers", attach->container, "logs" } };

        attach->reads_log = attach->follows_log = true;
        return start_stream(attach, &spec, "?follow=true&stdout=true&stderr=true", on_log_end);
}

static void on_waited(Task *task, int r, const Error *error, void *userdata) {
        Attach *attach = userdata;

        if (r < 0)
                attach_finish(attach, r, error);
        else
                attach_next(attach, look);
}

static void on_paused(Task *task, int r, const Error *error, void *userdata) {
        attach_next(userdata, look);
}

static int wait_for_end(Attach *attach) {
        CallSpec spec = { .doing = "waiting for container",
                          .method = "POST",
                          .path = { "containers", attach->container, "wait" } };
        Call *call = NULL;
        int r;

        if (!attach->has_gap && attach->end.n_tries < ATTACH_END_TRIES)
                return timer_start(attach->service->engine.event, backoff_next(&attach->end), on_paused, attach,
                                   &attach->pending);
        attach->has_gap = true;
        r = call_new(&attach->service->engine, &spec, on_waited, attach, &call);
        if (r < 0)
                return r;
        call->timeout_usec = 0;
        return call_start_take(call, &attach->pending);
}

static void on_status(Task *task, int r, const Error *error, void *userdata) {
        Attach *attach = userdata;
        bool has_ended = attach->status.state == CONTAINER_EXITED;

        if (r == -ENOENT && attach->has_stream) {
                attach->status.exit_code = -1; /* removed meanwhile: nobody knows */
                attach_finish(attach, 0, NULL);
        } else if (r < 0)
                attach_finish(attach, r, error);
        else if (!has_ended && !attach->has_stream && attach->status.state == CONTAINER_RUNNING) {
                /* Somebody else started it, and an attached stream would lack what it said so far. */
                attach->has_gap = true;
                attach_next(attach, attach->follows_log ? wait_for_end : follow_log);
        } else if (!has_ended)
                attach_next(attach, attach->has_stream ? wait_for_end : begin_stream);
        else if (!attach->has_stream || attach->has_gap || attach->n_away != attach->service->n_away)
                attach_next(attach, read_logs);
        else
                attach_finish(attach, 0, NULL);
}

static int look(Attach *attach) {
        container_status_done(&attach->status);
        return engine_container_inspect(&attach->service->engine, attach->container, &attach->status, on_status, attach,
                                        &attach->pending);
}

static void on_stream_end(Task *task, int r, const Error *error, void *userdata) {
        Attach *attach = userdata;

        if (r < 0 && !attach->has_stream) {
                attach_finish(attach, r, error);
                return;
        }
        attach->has_gap |= r < 0;
        attach_next(attach, look);
}

static int begin_stream(Attach *attach) {
        CallSpec spec = { .doing = "attaching to container",
                          .method = "POST",
                          .path = { "containers", attach->container, "attach" } };

        return start_stream(attach, &spec, "?stream=true&stdout=true&stderr=true&stdin=false", on_stream_end);
}

int attach_start(Service *service, const FollowSpec *spec, ContainerExit *ret, TaskDone done, void *userdata,
                 Task **ret_task) {
        _cleanup_(task_freep) Task *task = NULL;
        Attach *attach;
        int r;

        attach = calloc(1, sizeof(*attach));
        if (!attach)
                return -ENOMEM;
        task = &attach->task;
        task_init(task, &attach_class, done, userdata);
        attach->service = service;
        attach->end = (Backoff) { .first_usec = ATTACH_END_FIRST_USEC, .max_usec = ATTACH_END_MAX_USEC };
        attach->output = spec->output;
        attach->output_userdata = spec->userdata;
        attach->ret = ret;
        attach->container = strdup(spec->container);
        if (!attach->container)
                return -ENOMEM;
        r = look(attach);
        if (r < 0)
                return r;
        attach->next = service->attaching;
        service->attaching = attach;
        attach->is_on_its_way = true;
        *ret_task = TAKE_PTR(task);
        return 0;
}
