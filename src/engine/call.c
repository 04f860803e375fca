/* Call: requests to an engine's service, their retries, and what a refusal means. */

#include "engine/call.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

#define CALL_AWAY_FIRST_USEC (100 * USEC_PER_MSEC)
#define CALL_AWAY_MAX_USEC (2 * USEC_PER_SEC)
/* Podman 4.3 refuses to remove or stop what ends in the same instant; 20 ms later it does not. */
#define CALL_AGAIN_FIRST_USEC (20 * USEC_PER_MSEC)
#define CALL_AGAIN_MAX_USEC (320 * USEC_PER_MSEC)
#define CALL_AGAIN_TRIES 6

static int call_send(Call *call);
static void pulse_start(Call *call);

static void call_drop_body(Call *call) {
        if (call->body)
                explicit_bzero(call->body, call->n_body); /* environments hold secrets */
        free(call->body);
        call->body = NULL;
        call->n_body = 0;
}

Call *call_free(Call *call) {
        if (!call)
                return NULL;
        task_free(call->pending);
        deadline_drop(&call->pulse_due);
        task_free(call->pulse);
        str_done(&call->path);
        call_drop_body(call);
        if (call->header)
                explicit_bzero(call->header, strlen(call->header)); /* it holds logins */
        free(call->header);
        reply_done(&call->reply);
        reply_done(&call->pulse_reply);
        error_free(call->refusal);
        free(call->name);
        if (call->free_derived)
                return call->free_derived(call);
        free(call);
        return NULL;
}

static Task *call_free_task(Task *task) {
        call_free(container_of(task, Call, task));
        return NULL;
}

static const TaskClass call_class = { "call", call_free_task };

void call_set_path(Call *call, const char *const path[static 3]) {
        str_clear(&call->path);
        (void) str_append(&call->path, call->service->prefix);
        for (size_t i = 0; i < 3 && path[i]; i++) {
                if (i > 0)
                        (void) str_append_char(&call->path, '/');
                if (i == 1)
                        (void) url_append_segment(&call->path, path[i]);
                else
                        (void) str_append(&call->path, path[i]);
        }
}

int call_init(Call *call, Engine *engine, const CallSpec *spec, TaskDone done, void *userdata) {
        Service *service = service_of(engine);

        task_init(&call->task, &call_class, done, userdata);
        call->service = service;
        call->doing = spec->doing;
        call->method = spec->method;
        call->answer = spec->answer;
        call->ret = spec->ret;
        call->path = STR_INIT(CALL_PATH_MAX);
        call->timeout_usec = spec->is_slow ? service->times.slow_usec : service->times.call_usec;
        call->backoff = (Backoff) { .first_usec = CALL_AWAY_FIRST_USEC, .max_usec = CALL_AWAY_MAX_USEC };
        call->again = (Backoff) { .first_usec = CALL_AGAIN_FIRST_USEC, .max_usec = CALL_AGAIN_MAX_USEC };
        call_set_path(call, spec->path);
        if (spec->name) {
                call->name = strdup(spec->name);
                if (!call->name)
                        return -ENOMEM;
        }
        return 0;
}

int call_new(Engine *engine, const CallSpec *spec, TaskDone done, void *userdata, Call **ret) {
        _cleanup_(call_freep) Call *call = NULL;
        int r;

        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;
        r = call_init(call, engine, spec, done, userdata);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(call);
        return 0;
}

void call_add_query(Call *call, const char *name, const char *value) {
        (void) url_append_query(&call->path, name, value); /* a failure sticks and is seen when it is sent */
}

int call_take_body(Call *call, char *body) {
        if (!body)
                return -ENOMEM;
        call->body = body;
        call->n_body = strlen(body);
        return 0;
}

int call_copy_body(Call *call, const char *bytes, size_t n) {
        call->body = malloc(n + 1);
        if (!call->body)
                return -ENOMEM;
        memcpy(call->body, bytes, n);
        call->n_body = n;
        return 0;
}

static int call_finish_body(Call *call, JsonWriter *w) {
        char *body = NULL;
        int r;

        r = json_finish(w, false, &body);
        return r < 0 ? r : call_take_body(call, body);
}

static void call_finish(Call *call, int r, Error *error) {
        deadline_drop(&call->pulse_due);
        call->pulse = task_free(call->pulse);
        if (r < 0 && call->doing)
                (void) error_wrap(&error, r, "%s: %s", call->service->kind->name, call->doing);
        task_finish(&call->task, r, error);
        error_free(error);
}

void call_resume(Task *task, int r, const Error *error, void *userdata) {
        Call *call = userdata;

        call->pending = task_free(call->pending);
        r = call_send(call);
        if (r < 0)
                call_finish(call, r, NULL);
}

static int call_pause(Call *call, uint64_t usec) {
        return timer_start(call->service->engine.event, usec, call_resume, call, &call->pending);
}

/* Refused or cut connections are tried again for a while: the service may be restarting. */
static bool call_waits_for_engine(Call *call, int r) {
        uint64_t now = clock_monotonic_usec();

        if (r != -ECONNREFUSED && r != -ECONNRESET) {
                call->away_since_usec = 0;
                backoff_reset(&call->backoff);
                return false;
        }
        call->service->n_away++;
        if (call->away_since_usec == 0)
                call->away_since_usec = now;
        if (now - call->away_since_usec >= call->service->times.away_usec)
                return false;
        return call_pause(call, backoff_next(&call->backoff)) >= 0;
}

static void call_on_reply(Task *task, int r, const Error *error, void *userdata) {
        Call *call = userdata;
        _cleanup_(reply_done) Reply reply = { 0 };
        Error *mine = error_copy(error); /* it may be the Task's own */

        call->pending = task_free(call->pending);
        if (call_waits_for_engine(call, r)) {
                error_free(mine);
                return;
        }
        if (r < 0 && call->explain)
                r = call->explain(call, r, &mine);
        else if (r >= 0) {
                reply = call->reply;
                call->reply = (Reply) { 0 };
                r = call->answer          ? call->answer(call, &reply, &mine)
                    : reply.status == 304 ? 0
                                          : call_check(&reply, &mine);
        }
        if (r == CALL_GOES_ON)
                return;
        call_finish(call, r, mine);
}

static int call_send(Call *call) {
        RequestSpec request = {
                .method = call->method,
                .path = str_get(&call->path),
                .body = call->body,
                .n_body = call->n_body,
                .source = call->source,
                .content_type = call->content_type,
                .headers = call->header ? (char *const[]) { call->header, NULL } : NULL,
                .timeout_usec = call->timeout_usec,
                .idle_usec = call->idle_usec,
                .reply_max = call->reply_max,
                .chunk = call->chunk,
        };
        int r;

        if (call->path.error)
                return call->path.error;
        if (call->before_send)
                call->before_send(call);
        call->service->engine.n_calls++;
        r = request_start(call->service->transport, &request, &call->reply, call_on_reply, call, &call->pending);
        if (r < 0)
                return r;
        if (call->timeout_usec > call->service->times.call_usec && !call->pulse && !deadline_is_set(&call->pulse_due))
                pulse_start(call);
        return 0;
}

int call_start_take(Call *call, Task **ret_task) {
        _cleanup_(call_freep) Call *owned = call;
        int r;

        r = call_send(call);
        if (r < 0)
                return r;
        *ret_task = &TAKE_PTR(owned)->task;
        return 0;
}

int call_start(Engine *engine, const CallSpec *spec, TaskDone done, void *userdata, Task **ret_task) {
        _cleanup_(call_freep) Call *call = NULL;
        int r;

        r = call_new(engine, spec, done, userdata, &call);
        if (r >= 0 && spec->body)
                r = call_finish_body(call, spec->body);
        if (spec->body)
                json_writer_done(spec->body);
        return r < 0 ? r : call_start_take(TAKE_PTR(call), ret_task);
}

int call_go_on(Call *call, CallAnswer answer) {
        int r;

        call->method = "GET";
        call->answer = answer;
        call_drop_body(call);
        r = call_send(call);
        return r < 0 ? r : CALL_GOES_ON;
}

int call_post_on_take(Call *call, char *body, CallAnswer answer) {
        int r;

        call->method = "POST";
        call->answer = answer;
        call_drop_body(call);
        r = call_take_body(call, body);
        if (r >= 0)
                r = call_send(call);
        return r < 0 ? r : CALL_GOES_ON;
}

int call_look_for(Call *call, const Reply *reply, const char *const path[static 3], CallAnswer answer) {
        (void) call_check(reply, &call->refusal);
        call_set_path(call, path);
        return call_go_on(call, answer);
}

int call_refuse(Call *call, Error **reterr) {
        *reterr = TAKE_PTR(call->refusal);
        return error_number(*reterr);
}

int call_again(Call *call, const Reply *reply, Error **reterr) {
        if (call->again.n_tries < CALL_AGAIN_TRIES && call_pause(call, backoff_next(&call->again)) >= 0)
                return CALL_GOES_ON;
        return call_check(reply, reterr);
}

/*
 * The pulse of a slow call: whether the engine still answers anything is asked each call_usec, so that one that works
 * is waited for and one that hangs is not.
 */

static void on_pulse(Task *task, int r, const Error *error, void *userdata) {
        Call *call = userdata;
        Error *mine = NULL;

        call->pulse = task_free(call->pulse);
        reply_done(&call->pulse_reply);
        if (r != -ETIMEDOUT) {
                pulse_start(call);
                return;
        }
        call->pending = task_free(call->pending);
        (void) error_set(&mine, ETIMEDOUT, "the engine answers nothing any more");
        call_finish(call, -ETIMEDOUT, mine);
}

static void on_pulse_due(void *userdata) {
        Call *call = userdata;
        RequestSpec request = { .method = "GET", .path = "/_ping", .timeout_usec = call->service->times.call_usec };

        call->service->engine.n_calls++;
        (void) request_start(call->service->transport, &request, &call->pulse_reply, on_pulse, call, &call->pulse);
}

static void pulse_start(Call *call) {
        deadline_set(&call->pulse_due, transport_deadlines(call->service->transport),
                     clock_monotonic_usec() + call->service->times.call_usec, on_pulse_due, call);
}
