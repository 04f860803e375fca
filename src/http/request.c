#include "http/request.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/strv.h"
#include "http/exchange.h"

typedef struct Request {
        Task task;
        Transport *transport; /* a reference */
        Exchange *exchange;
        char *method, *path, *body;
        char **headers;
        size_t n_body;
        RequestSource source;
        uint64_t timeout_usec, idle_usec;
        uint64_t last_usec; /* when something came */
        Deadline deadline, silence;
        bool is_repeated; /* sent again, on a new connection */
        bool saw_any;     /* of the reply */

        RequestChunk chunk;
        bool *gone;   /* set while the chunk callback runs: tells that it dropped us */
        Error *error; /* why the exchange was ended by us */

        int status;
        size_t n_head;
        Map reply_headers;
        Str reply_body;
        Reply *ret_reply;
} Request;

void reply_done(Reply *reply) {
        free(reply->body);
        map_done(&reply->headers);
        *reply = (Reply) { 0 };
}

static void stop(Request *request) {
        request->exchange = exchange_drop(request->exchange);
        deadline_drop(&request->deadline);
        deadline_drop(&request->silence);
}

static Task *request_free(Task *task) {
        Request *request = container_of(task, Request, task);

        if (request->gone)
                *request->gone = true;
        stop(request);
        if (request->transport)
                transport_unref(request->transport);
        free(request->method);
        free(request->path);
        /* Both may hold credentials. */
        if (request->body)
                explicit_bzero(request->body, request->n_body);
        free(request->body);
        STRV_FOREACH(header, request->headers)
                explicit_bzero(*header, strlen(*header));
        strv_free(request->headers);
        error_free(request->error);
        map_done(&request->reply_headers);
        str_done(&request->reply_body);
        free(request);
        return NULL;
}

static const TaskClass request_class = { "request", request_free };

/* No timer and no reply may come after this. */
static void finish(Request *request, int r, const Error *error) {
        stop(request);
        task_finish(&request->task, r, error);
}

static bool is_streamed(const Request *request) {
        return request->chunk && request->status >= 200 && request->status < 300;
}

static int stream(Request *request, const char *bytes, size_t n) {
        bool gone = false;
        int r;

        request->gone = &gone;
        r = request->chunk(bytes, n, request->task.userdata);
        if (!gone)
                request->gone = NULL;
        return r;
}

/* May drop the request. */
static int on_status_line(Request *request, const char *line, size_t n) {
        /* A reply after an interim one begins anew. */
        map_done(&request->reply_headers);
        request->status = 0;
        for (size_t i = strlen("HTTP/1.1 "); i < n && i < strlen("HTTP/1.1 200") && isdigit((unsigned char) line[i]);
             i++)
                request->status = request->status * 10 + (line[i] - '0');
        if (request->status < 100)
                return error_set(&request->error, EPROTO, "the answer has no status");
        return is_streamed(request) ? stream(request, "", 0) : 0;
}

static int add_header(Request *request, const char *line, size_t n) {
        const char *colon = memchr(line, ':', n), *value, *end = line + n;
        _cleanup_free_ char *name = NULL, *text = NULL;

        if (!colon)
                return error_set(&request->error, EPROTO, "the answer has a header without a name");
        for (value = colon + 1; value < end && (*value == ' ' || *value == '\t'); value++)
                ;
        while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
                end--;
        name = strndup(line, (size_t) (colon - line));
        text = strndup(value, (size_t) (end - value));
        if (!name || !text)
                return error_oom(&request->error);
        for (char *p = name; *p; p++)
                *p = (char) tolower((unsigned char) *p);
        if (map_put_take(&request->reply_headers, name, TAKE_PTR(text)) < 0)
                return error_oom(&request->error);
        return 0;
}

static int on_header(const char *line, size_t n, void *userdata) {
        Request *request = userdata;

        request->saw_any = true;
        request->last_usec = clock_monotonic_usec();
        request->n_head += n;
        if (request->n_head > HTTP_HEADERS_MAX)
                return error_set(&request->error, EMSGSIZE, "the head of the answer is larger than %u bytes",
                                 HTTP_HEADERS_MAX);
        if (n >= strlen("HTTP/1.1 200") && memcmp(line, "HTTP/", strlen("HTTP/")) == 0)
                return on_status_line(request, line, n);
        return add_header(request, line, n);
}

static int on_body(const char *bytes, size_t n, void *userdata) {
        Request *request = userdata;

        request->saw_any = true;
        request->last_usec = clock_monotonic_usec();
        if (is_streamed(request))
                return stream(request, bytes, n);
        if (str_append_n(&request->reply_body, bytes, n) == -E2BIG)
                return error_set(&request->error, EMSGSIZE, "the answer is larger than %zu bytes",
                                 request->reply_body.max);
        return request->reply_body.error < 0 ? error_oom(&request->error) : 0;
}

static int fill_reply(Request *request) {
        Reply reply = { .status = request->status, .n_body = request->reply_body.n };

        if (!request->ret_reply)
                return 0;
        reply.body = str_take(&request->reply_body);
        if (!reply.body)
                return -ENOMEM;
        reply.headers = request->reply_headers;
        request->reply_headers = STRMAP_INIT;
        *request->ret_reply = reply;
        return 0;
}

static int send_request(Request *request);

static void on_end(int r, bool was_kept, const Error *error, void *userdata) {
        Request *request = userdata;
        _cleanup_(error_freep) Error *own = TAKE_PTR(request->error);

        /* The server closed a kept connection in the moment we used it; it has seen nothing of the request. */
        if (r == -ECONNRESET && was_kept && !request->saw_any && !request->is_repeated) {
                request->exchange = exchange_drop(request->exchange);
                request->is_repeated = true;
                r = send_request(request);
                if (r >= 0)
                        return;
                error = NULL; /* -ENOMEM now */
        }
        if (r >= 0 && request->status < 200)
                r = error_set(&own, ECONNRESET, "%s: the connection was cut before the answer came",
                              request->transport->address);
        if (r >= 0)
                r = fill_reply(request);
        finish(request, r, own ? own : error);
}

static ssize_t on_source(char *buffer, size_t n, void *userdata) {
        Request *request = userdata;

        request->last_usec = clock_monotonic_usec();
        return request->source(buffer, n, request->task.userdata);
}

static int send_request(Request *request) {
        ExchangeSpec spec = {
                .method = request->method,
                .path = request->path,
                .headers = request->headers,
                .body = request->body,
                .n_body = request->n_body,
                .source = request->source ? on_source : NULL,
                /* What was taken of a source cannot be sent again, should a kept connection turn out to be closed. */
                .is_fresh = request->is_repeated || request->source,
                .on_header = on_header,
                .on_body = on_body,
                .on_end = on_end,
                .userdata = request,
        };

        return exchange_start(request->transport, &spec, &request->exchange);
}

static void finish_late(Request *request, uint64_t limit_usec) {
        _cleanup_(error_freep) Error *error = NULL;
        char duration[CLOCK_DURATION_MAX];
        const char *what = request->saw_any ? "the rest of the answer did not come" : "no answer";
        int r;

        r = error_set(&error, ETIMEDOUT, "%s: %s within %s", request->transport->address, what,
                      clock_format_duration(limit_usec, duration));
        finish(request, r, error);
}

static void on_deadline(void *userdata) {
        Request *request = userdata;

        finish_late(request, request->timeout_usec);
}

/* Data only notes the time; the deadline is set anew when it has passed, not with each piece. */
static void on_silence(void *userdata) {
        Request *request = userdata;
        uint64_t until = request->last_usec + request->idle_usec;

        if (clock_monotonic_usec() >= until)
                finish_late(request, request->idle_usec);
        else
                deadline_set(&request->silence, &request->transport->deadlines, until, on_silence, request);
}

static void arm(Request *request, Deadline *deadline, uint64_t limit_usec, void (*passed)(void *userdata)) {
        uint64_t now = request->last_usec;

        if (limit_usec > 0 && limit_usec < USEC_INFINITY - now)
                deadline_set(deadline, &request->transport->deadlines, now + limit_usec, passed, request);
}

/* Nothing of what we send may end a line and begin another. */
static bool is_plain(const char *text, char lowest) {
        for (; *text; text++)
                if (*text == 0x7f || (unsigned char) *text < (unsigned char) lowest)
                        return false;
        return true;
}

static int check(const RequestSpec *spec, Error **reterr) {
        if (spec->path[0] != '/' || !is_plain(spec->path, '!') || !is_plain(spec->method, '!'))
                return error_set(reterr, EINVAL, "a request's path has a space or control character in it");
        if (spec->content_type && !is_plain(spec->content_type, ' '))
                return error_set(reterr, EINVAL, "a request's content type has a control character in it");
        STRV_FOREACH(header, spec->headers)
                if (!is_plain(*header, ' ') || !strchr(*header, ':'))
                        return error_set(reterr, EINVAL, "a request's header is not 'Name: value' on one line");
        return 0;
}

static int copy_spec(Request *request, const RequestSpec *spec) {
        int r = 0;

        request->method = strdup(spec->method);
        request->path = strdup(spec->path);
        if (spec->body) {
                request->body = malloc(spec->n_body + 1);
                if (!request->body)
                        return -ENOMEM;
                memcpy(request->body, spec->body, spec->n_body);
                request->n_body = spec->n_body;
        }
        if (spec->body || spec->source)
                r = strv_append_take(
                        &request->headers,
                        str_printf("Content-Type: %s", spec->content_type ? spec->content_type : "application/json"));
        if (r >= 0)
                r = strv_append(&request->headers, "User-Agent: podstep");
        STRV_FOREACH(header, spec->headers)
                if (r >= 0)
                        r = strv_append(&request->headers, *header);
        return request->method && request->path ? r : -ENOMEM;
}

int request_start(Transport *transport, const RequestSpec *spec, Reply *ret_reply, TaskDone done, void *userdata,
                  Task **ret_task) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_(task_freep) Task *task = NULL;
        Request *request;
        int r;

        r = check(spec, &error);
        if (r < 0)
                return task_defer(transport->event, r, error, done, userdata, ret_task);
        request = calloc(1, sizeof(*request));
        if (!request)
                return -ENOMEM;
        task = &request->task;
        task_init(task, &request_class, done, userdata);
        request->transport = transport_ref(transport);
        request->timeout_usec = spec->timeout_usec;
        request->idle_usec = spec->idle_usec;
        request->chunk = spec->chunk;
        request->source = spec->source;
        request->ret_reply = ret_reply;
        request->reply_headers = STRMAP_INIT;
        request->reply_body = STR_INIT(spec->reply_max ? spec->reply_max : HTTP_REPLY_MAX);

        request->last_usec = clock_monotonic_usec();

        r = copy_spec(request, spec);
        if (r >= 0)
                r = send_request(request);
        if (r < 0)
                return r;
        arm(request, &request->deadline, spec->timeout_usec, on_deadline);
        arm(request, &request->silence, spec->idle_usec, on_silence);
        *ret_task = TAKE_PTR(task);
        return 0;
}
