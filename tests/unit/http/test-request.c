#include "test-loop.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "http/exchange.h"
#include "http/request.h"
#include "http/upgrade.h"
#include "loop/timer.h"
#include "server.h"

/* Each test runs over all kinds of transport. */
typedef enum Kind { KIND_UNIX, KIND_CURL_UNIX, KIND_CURL_TCP, _KIND_MAX } Kind;

static const char *const kind_names[_KIND_MAX] = { "unix", "curl over unix", "curl over tcp" };

static Server server;

static Transport *make_transport(sd_event *event, Kind kind) {
        char url[64];
        TransportSpec spec = { .unix_socket = kind == KIND_CURL_TCP ? NULL : server.socket, .base_url = url };
        Transport *transport = NULL;

        (void) snprintf(url, sizeof(url), kind == KIND_CURL_TCP ? "http://127.0.0.1:%u" : "http://d", server.port);
        assert_int_equal((kind == KIND_UNIX ? transport_new : transport_curl_new)(event, &spec, &transport, NULL), 0);
        return transport;
}

#define FOREACH_KIND(kind) for (Kind kind = 0; kind < _KIND_MAX; kind++)

/* What came of a request whose body is streamed. */
typedef struct Stream {
        Seen seen; /* first: seen_done() gets it */
        Str body;
        unsigned n_chunks, n_max; /* n_max: refuse after so many; 0: never */
        Task *task;
        bool drops;
        Transport *transport; /* freed too, if set */
} Stream;

static int on_chunk(const char *bytes, size_t n, void *userdata) {
        Stream *stream = userdata;

        assert_int_equal(n == 0, stream->n_chunks == 0); /* that the reply begins is told first */
        (void) str_append_n(&stream->body, bytes, n);
        stream->n_chunks++;
        if (stream->n_max > 0 && stream->n_chunks == stream->n_max) {
                if (!stream->drops)
                        return -ENOBUFS;
                stream->task = task_free(stream->task);
                stream->transport = transport_free(stream->transport);
        }
        return 0;
}

static void expect(sd_event *event, Transport *transport, const char *path, int status, const char *body) {
        _cleanup_(reply_done) Reply reply = { 0 };
        _cleanup_(task_freep) Task *task = NULL;
        RequestSpec spec = { .method = "GET", .path = path, .timeout_usec = TEST_DEADLINE_USEC };
        Seen seen = { 0 };

        assert_int_equal(request_start(transport, &spec, &reply, seen_done, &seen, &task), 0);
        turn_until(event, &seen.n, 1);
        if (seen.r < 0)
                print_message("%s: %s\n", path, seen.text);
        assert_int_equal(seen.r, 0);
        assert_int_equal(reply.status, status);
        assert_string_equal(reply.body, body);
        assert_int_equal(reply.n_body, strlen(body));
}

static void test_replies(void **state) {
        static const struct {
                const char *method, *path, *body;
                size_t reply_max;
                uint64_t timeout_usec, idle_usec;
                int want_r, status;
                const char *reply, *text;
        } rows[] = {
                { "GET", "/hello", NULL, 0, 0, 0, 0, 200, "hello", "" },
                { "GET", "/hello", NULL, 5, 0, 0, 0, 200, "hello", "" },
                { "GET", "/hello", NULL, 4, 0, 0, -EMSGSIZE, 0, NULL, "the answer is larger than 4 bytes" },
                { "HEAD", "/hello-head", NULL, 0, 50000, 0, -ETIMEDOUT, 0, NULL, "no answer within 0.0s" },
                { "GET", "/error", NULL, 0, 0, 0, 0, 500, "bad", "" },
                { "DELETE", "/nothing", NULL, 0, 0, 0, 0, 204, "", "" },
                { "GET", "/until-end", NULL, 0, 0, 0, 0, 200, "all of it", "" },
                { "GET", "/chunks", NULL, 0, 0, 0, 0, 200, "0,\n1,\n2,\n3,\n4,\n5,\n6,\n7,\n8,\n9,\n", "" },
                { "GET", "/interim", NULL, 0, 0, 0, 0, 200, "hello", "" },
                { "GET", "/close", NULL, 0, 0, 0, 0, 200, "ok", "" },
                { "GET", "/bye", NULL, 0, 0, 0, 0, 200, "hello", "" },
                { "GET", "/cut-empty", NULL, 0, 0, 0, -ECONNRESET, 0, NULL,
                  "the connection was cut before an answer came" },
                { "GET", "/cut-status", NULL, 0, 0, 0, -ECONNRESET, 0, NULL, NULL },
                { "GET", "/cut-head", NULL, 0, 0, 0, -ECONNRESET, 0, NULL, NULL },
                { "GET", "/cut-interim", NULL, 0, 0, 0, -ECONNRESET, 0, NULL, NULL },
                { "GET", "/cut-body", NULL, 0, 0, 0, -ECONNRESET, 0, NULL,
                  "the connection was cut in the middle of the answer" },
                { "GET", "/cut-chunk", NULL, 0, 0, 0, -ECONNRESET, 0, NULL,
                  "the connection was cut in the middle of the answer" },
                { "GET", "/cut-last", NULL, 0, 0, 0, -ECONNRESET, 0, NULL,
                  "the connection was cut in the middle of the answer" },
                { "GET", "/garbage", NULL, 0, 0, 0, -EPROTO, 0, NULL, NULL },
                { "GET", "/bad-chunk", NULL, 0, 0, 0, -EPROTO, 0, NULL, NULL },
                { "GET", "/bad-length", NULL, 0, 0, 0, -EPROTO, 0, NULL, NULL },
                { "GET", "/flood", NULL, 100000, 0, 0, -EMSGSIZE, 0, NULL, "the answer is larger than 100000 bytes" },
                { "GET", "/flood-head", NULL, 0, 0, 0, -EMSGSIZE, 0, NULL,
                  "the head of the answer is larger than 65536 bytes" },
                { "GET", "/never", NULL, 0, 100000, 0, -ETIMEDOUT, 0, NULL, "no answer within 0.1s" },
                { "GET", "/never", NULL, 0, 0, 100000, -ETIMEDOUT, 0, NULL, "no answer within 0.1s" },
                { "GET", "/silence-in-body", NULL, 0, 0, 100000, -ETIMEDOUT, 0, NULL,
                  "the rest of the answer did not come within 0.1s" },
                { "GET", "/slow", NULL, 0, 0, 150000, 0, 200, "....................", "" },
                { "GET", "/slow", NULL, 0, 100000, 0, -ETIMEDOUT, 0, NULL,
                  "the rest of the answer did not come within 0.1s" },
                { "GET", "no-slash", NULL, 0, 0, 0, -EINVAL, 0, NULL,
                  "a request's path has a space or control character in it" },
                { "GET", "/a b", NULL, 0, 0, 0, -EINVAL, 0, NULL,
                  "a request's path has a space or control character in it" },
                { "GET", "/a\r\nX: y", NULL, 0, 0, 0, -EINVAL, 0, NULL,
                  "a request's path has a space or control character in it" },
        };

        FOREACH_KIND(kind)
                FOREACH_ROW(row, rows) {
                        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                        _cleanup_(transport_freep) Transport *transport = make_transport(event, kind);
                        _cleanup_(reply_done) Reply reply = { 0 };
                        _cleanup_(task_freep) Task *task = NULL;
                        RequestSpec spec = { .method = row->method, .path = row->path, .reply_max = row->reply_max,
                                             .timeout_usec = row->timeout_usec, .idle_usec = row->idle_usec };
                        Seen seen = { 0 };

                        print_message("case %s: '%s'\n", kind_names[kind], row->path);
                        assert_int_equal(request_start(transport, &spec, &reply, seen_done, &seen, &task), 0);
                        assert_int_equal(seen.n, 0);
                        turn_until(event, &seen.n, 1);
                        print_message("     %d %s\n", seen.r, seen.text);
                        assert_int_equal(seen.r, row->want_r);
                        assert_int_equal(reply.status, row->status);
                        if (row->reply) {
                                assert_string_equal(reply.body, row->reply);
                                assert_int_equal(reply.n_body, strlen(row->reply));
                        } else {
                                assert_null(reply.body);
                        }
                        if (row->text)
                                assert_true(str_ends_with(seen.text, row->text));
                        assert_int_equal(task_is_pending(task), false);
                }
}

static void test_headers(void **state) {
        FOREACH_KIND(kind) {
                _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                _cleanup_(transport_freep) Transport *transport = make_transport(event, kind);
                _cleanup_(reply_done) Reply reply = { 0 };
                _cleanup_(task_freep) Task *task = NULL;
                RequestSpec spec = { .method = "GET", .path = "/interim" };
                Seen seen = { 0 };

                assert_int_equal(request_start(transport, &spec, &reply, seen_done, &seen, &task), 0);
                turn_until(event, &seen.n, 1);
                assert_string_equal(strmap_get(&reply.headers, "x-name"), "some value");
                assert_string_equal(strmap_get(&reply.headers, "content-length"), "5");
                assert_int_equal(map_size(&reply.headers), 2);
        }
}

static bool has_line(const char *head, const char *line) {
        _cleanup_free_ char *text = str_printf("\r\n%s\r\n", line);

        return strstr(head, text);
}

static void test_what_is_sent(void **state) {
        static const struct {
                const char *method, *body, *content_type, *headers[3];
                const char *first, *has[5], *lacks;
        } rows[] = {
                { "GET", NULL, NULL, { NULL }, "GET /echo HTTP/1.1\r\n", { "User-Agent: podstep" }, "Content-" },
                { "POST", NULL, NULL, { NULL }, "POST /echo HTTP/1.1\r\n", { "Content-Length: 0" }, "Content-Type" },
                { "POST",
                  "",
                  NULL,
                  { NULL },
                  "POST /echo HTTP/1.1\r\n",
                  { "Content-Length: 0", "Content-Type: application/json" },
                  "Expect" },
                { "PUT",
                  "body",
                  "application/x-tar",
                  { "X-Registry-Auth: abc", "Accept: text/plain" },
                  "PUT /echo HTTP/1.1\r\n",
                  { "Content-Length: 4", "Content-Type: application/x-tar", "X-Registry-Auth: abc",
                    "Accept: text/plain" },
                  "Expect" },
                { "DELETE", NULL, NULL, { NULL }, "DELETE /echo HTTP/1.1\r\n", { NULL }, "Content-" },
                { "PATCH", "x", NULL, { NULL }, "PATCH /echo HTTP/1.1\r\n", { "Content-Length: 1" }, "Accept" },
        };

        FOREACH_KIND(kind)
                FOREACH_ROW(row, rows) {
                        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                        _cleanup_(transport_freep) Transport *transport = make_transport(event, kind);
                        _cleanup_(reply_done) Reply reply = { 0 };
                        _cleanup_(task_freep) Task *task = NULL;
                        RequestSpec spec = { .method = row->method,
                                             .path = "/echo",
                                             .body = row->body,
                                             .n_body = row->body ? strlen(row->body) : 0,
                                             .content_type = row->content_type,
                                             .headers = (char *const *) row->headers };
                        Seen seen = { 0 };

                        print_message("case %s: '%s'\n", kind_names[kind], row->first);
                        assert_int_equal(request_start(transport, &spec, &reply, seen_done, &seen, &task), 0);
                        turn_until(event, &seen.n, 1);
                        assert_int_equal(seen.r, 0);
                        assert_true(str_starts_with(reply.body, row->first));
                        if (kind != KIND_CURL_TCP)
                                assert_true(has_line(reply.body, "Host: d"));
                        for (unsigned i = 0; row->has[i]; i++)
                                assert_true(has_line(reply.body, row->has[i]));
                        assert_null(strstr(reply.body, row->lacks));
                        assert_true(str_ends_with(reply.body, row->body ? row->body : "\r\n\r\n"));
                }
}

static void test_refused_headers(void **state) {
        static const struct {
                const char *header, *content_type;
        } rows[] = { { "A: b\r\nC: d", NULL }, { "no colon", NULL }, { "A: b", "x\ny" } };
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
        _cleanup_(transport_freep) Transport *transport = make_transport(event, KIND_UNIX);

        FOREACH_ROW(row, rows) {
                _cleanup_(task_freep) Task *task = NULL;
                char *const headers[] = { (char *) row->header, NULL };
                RequestSpec spec = {
                        .method = "GET", .path = "/hello", .headers = headers, .content_type = row->content_type
                };
                Seen seen = { 0 };

                assert_int_equal(request_start(transport, &spec, NULL, seen_done, &seen, &task), 0);
                turn_until(event, &seen.n, 1);
                assert_int_equal(seen.r, -EINVAL);
        }
}

/* A large body is sent piece by piece; one that the server does not want to read does not hide its answer. */
static void test_large_body(void **state) {
        const size_t n = 3 * 1024 * 1024;
        _cleanup_free_ char *bytes = malloc(n);

        for (size_t i = 0; i < n; i++)
                bytes[i] = (char) (i * 31 >> 3);
        FOREACH_KIND(kind) {
                _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                _cleanup_(transport_freep) Transport *transport = make_transport(event, kind);
                _cleanup_(reply_done) Reply reply = { 0 };
                _cleanup_(task_freep) Task *task = NULL, *early = NULL;
                RequestSpec spec = { .method = "PUT", .path = "/echo", .body = bytes, .n_body = n };
                Seen seen = { 0 };

                print_message("case %s\n", kind_names[kind]);
                assert_int_equal(request_start(transport, &spec, &reply, seen_done, &seen, &task), 0);
                turn_until(event, &seen.n, 1);
                assert_int_equal(seen.r, 0);
                assert_true(reply.n_body > n);
                assert_memory_equal(reply.body + reply.n_body - n, bytes, n);
                reply_done(&reply);

                spec.path = "/early";
                assert_int_equal(request_start(transport, &spec, &reply, seen_done, &seen, &early), 0);
                turn_until(event, &seen.n, 2);
                if (kind == KIND_UNIX) /* over TCP the reset may overtake the answer */
                        assert_int_equal(seen.r, 0);
                if (seen.r == 0)
                        assert_int_equal(reply.status, 413);
                else
                        assert_int_equal(seen.r, -ECONNRESET);
                expect(event, transport, "/hello", 200, "hello");
        }
}

/* A body that is made while it is sent. */
typedef struct Made {
        Seen seen; /* first: seen_done() gets it */
        size_t n_left, n_piece;
        int fails; /* instead of the end */
} Made;

static ssize_t make_piece(char *buffer, size_t n, void *userdata) {
        Made *made = userdata;

        n = MIN(MIN(n, made->n_piece), made->n_left);
        if (n == 0 && made->fails)
                return made->fails;
        for (size_t i = 0; i < n; i++)
                buffer[i] = (char) (made->n_left-- * 31 >> 3);
        return (ssize_t) n;
}

static void test_source(void **state) {
        static const struct {
                size_t n, n_piece;
                int fails;
        } rows[] = { { 0, 1, 0 },
                     { 5, 1, 0 },
                     { 100000, 777, 0 },
                     { 3 * 1024 * 1024, SIZE_MAX, 0 },
                     { 100000, SIZE_MAX, -EIO },
                     { 0, 1, -EIO } };

        FOREACH_KIND(kind)
                FOREACH_ROW(row, rows) {
                        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                        _cleanup_(transport_freep) Transport *transport = make_transport(event, kind);
                        _cleanup_(reply_done) Reply reply = { 0 };
                        _cleanup_(task_freep) Task *task = NULL;
                        RequestSpec spec = { .method = "PUT",
                                             .path = "/echo",
                                             .source = make_piece,
                                             .content_type = "application/x-tar" };
                        Made made = { .n_left = row->n, .n_piece = row->n_piece, .fails = row->fails };

                        print_message("case %s: %zu bytes\n", kind_names[kind], row->n);
                        /* a kept connection must not be used for it */
                        expect(event, transport, "/hello", 200, "hello");
                        assert_int_equal(request_start(transport, &spec, &reply, seen_done, &made, &task), 0);
                        turn_until(event, &made.seen.n, 1);
                        assert_int_equal(made.seen.r, row->fails);
                        if (row->fails)
                                continue;
                        assert_true(reply.n_body > row->n);
                        assert_non_null(strstr(reply.body, "Content-Type: application/x-tar\r\n"));
                        for (size_t i = 0, left = row->n; left > 0; i++, left--)
                                if (reply.body[reply.n_body - row->n + i] != (char) (left * 31 >> 3))
                                        fail_msg("byte %zu differs", i);
                        expect(event, transport, "/hello", 200, "hello");
                }
}

static void test_streams(void **state) {
        static const struct {
                const char *path;
                unsigned n_max;
                int want_r, status;
                const char *streamed, *collected;
        } rows[] = {
                { "/chunks", 0, 0, 200, "0,\n1,\n2,\n3,\n4,\n5,\n6,\n7,\n8,\n9,\n", "" },
                { "/error", 0, 0, 500, "", "bad" },
                { "/chunks", 1, -ENOBUFS, 0, NULL, NULL },
                { "/cut-body", 0, -ECONNRESET, 0, "hello", NULL },
        };

        FOREACH_KIND(kind)
                FOREACH_ROW(row, rows) {
                        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                        _cleanup_(transport_freep) Transport *transport = make_transport(event, kind);
                        _cleanup_(reply_done) Reply reply = { 0 };
                        RequestSpec spec = {
                                .method = "GET", .path = row->path, .chunk = on_chunk, .idle_usec = TEST_DEADLINE_USEC
                        };
                        Stream stream = { .body = STR_INIT(10000), .n_max = row->n_max };

                        print_message("case %s: '%s'\n", kind_names[kind], row->path);
                        assert_int_equal(request_start(transport, &spec, &reply, seen_done, &stream, &stream.task), 0);
                        turn_until(event, &stream.seen.n, 1);
                        assert_int_equal(stream.seen.r, row->want_r);
                        assert_int_equal(reply.status, row->status);
                        if (row->streamed)
                                assert_string_equal(str_get(&stream.body), row->streamed);
                        if (row->collected)
                                assert_string_equal(reply.body, row->collected);
                        stream.task = task_free(stream.task);
                        str_done(&stream.body);
                        expect(event, transport, "/hello", 200, "hello");
                }
}

/* The server hangs up on the second request of a connection, having seen all of it. */
static void test_sent_again(void **state) {
        static const char *const methods[] = { "GET", "POST", "HEAD", "DELETE" };

        FOREACH_KIND(kind)
                FOREACH_ROW(method, methods) {
                        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                        _cleanup_(transport_freep) Transport *transport = make_transport(event, kind);
                        _cleanup_(reply_done) Reply reply = { 0 };
                        _cleanup_(task_freep) Task *task = NULL;
                        bool is_post = str_equal(*method, "POST");
                        RequestSpec spec = { .method = *method,
                                             .path = "/hello",
                                             .body = is_post ? "abc" : NULL,
                                             .n_body = is_post ? 3 : 0 };
                        Seen seen = { 0 };

                        print_message("case %s: '%s'\n", kind_names[kind], *method);
                        expect(event, transport, "/last", 200, "hello");
                        assert_int_equal(request_start(transport, &spec, &reply, seen_done, &seen, &task), 0);
                        turn_until(event, &seen.n, 1);
                        assert_int_equal(seen.r, 0);
                        assert_int_equal(reply.status, 200);
                        assert_string_equal(reply.body, str_equal(*method, "HEAD") ? "" : "hello");
                }
}

static void test_reuse(void **state) {
        static const char *const before[] = { "/hello",  "/bye",   "/close",   "/until-end",
                                              "/chunks", "/error", "/nothing", "/more" };

        FOREACH_KIND(kind)
                FOREACH_ROW(path, before) {
                        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                        _cleanup_(transport_freep) Transport *transport = make_transport(event, kind);
                        _cleanup_(task_freep) Task *task = NULL;
                        RequestSpec spec = { .method = "GET", .path = *path };
                        Seen seen = { 0 };

                        print_message("case %s: '%s'\n", kind_names[kind], *path);
                        assert_int_equal(request_start(transport, &spec, NULL, seen_done, &seen, &task), 0);
                        turn_until(event, &seen.n, 1);
                        assert_int_equal(seen.r, 0);
                        for (unsigned i = 0; i < 3; i++)
                                expect(event, transport, "/hello", 200, "hello");
                }
}

#define N_PARALLEL 500

static void test_parallel(void **state) {
        FOREACH_KIND(kind) {
                _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                _cleanup_(transport_freep) Transport *transport = make_transport(event, kind);
                static Reply replies[N_PARALLEL];
                static Task *tasks[N_PARALLEL];
                RequestSpec spec = { .method = "GET", .timeout_usec = 2 * TEST_DEADLINE_USEC };
                Seen seen = { 0 };

                print_message("case %s\n", kind_names[kind]);
                for (unsigned i = 0; i < N_PARALLEL; i++) {
                        spec.path = i % 5 == 0 ? "/chunks" : "/hello";
                        assert_int_equal(request_start(transport, &spec, &replies[i], seen_done, &seen, &tasks[i]), 0);
                }
                turn_until(event, &seen.n, N_PARALLEL);
                for (unsigned i = 0; i < N_PARALLEL; i++) {
                        assert_int_equal(replies[i].status, 200);
                        assert_int_equal(replies[i].n_body, i % 5 == 0 ? 30 : 5);
                        reply_done(&replies[i]);
                        tasks[i] = task_free(tasks[i]);
                }
        }
}

/* Dropped after any number of turns: nothing comes any more, and others are not harmed. */
static void test_drop(void **state) {
        static const char *const paths[] = { "/hello", "/chunks", "/never", "/flood", "/cut-body", "/silence-in-body" };

        FOREACH_KIND(kind) {
                _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                _cleanup_(transport_freep) Transport *transport = make_transport(event, kind);

                FOREACH_ROW(path, paths)
                        for (unsigned n_turns = 0; n_turns < 14; n_turns++) {
                                _cleanup_(reply_done) Reply reply = { 0 };
                                Task *task = NULL;
                                RequestSpec spec = { .method = "GET",
                                                     .path = *path,
                                                     .timeout_usec = TEST_DEADLINE_USEC };
                                Seen seen = { 0 };
                                unsigned n;

                                assert_int_equal(request_start(transport, &spec, &reply, seen_done, &seen, &task), 0);
                                for (unsigned i = 0; i < n_turns; i++)
                                        assert_true(sd_event_run(event, USEC_PER_MSEC) >= 0);
                                task = task_free(task);
                                n = seen.n;
                                expect(event, transport, "/hello", 200, "hello");
                                assert_int_equal(seen.n, n);
                        }
        }
}

/* Inside the callbacks: the request alone, or the transport with it. */
static void test_drop_inside(void **state) {
        FOREACH_KIND(kind)
                for (unsigned i = 0; i < 6; i++) { /* at the head of the reply, at the first piece, at the second */
                        unsigned n_max = 1 + i / 2, with_transport = i % 2;
                        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                        Transport *transport = make_transport(event, kind);
                        RequestSpec spec = { .method = "GET", .path = "/chunks", .chunk = on_chunk };
                        Stream stream = { .body = STR_INIT(10000), .n_max = n_max, .drops = true };

                        print_message("case %s, %u\n", kind_names[kind], with_transport);
                        if (with_transport)
                                stream.transport = transport;
                        assert_int_equal(request_start(transport, &spec, NULL, seen_done, &stream, &stream.task), 0);
                        turn_until(event, &stream.n_chunks, n_max);
                        assert_null(stream.task);
                        if (!with_transport) {
                                expect(event, transport, "/hello", 200, "hello");
                                transport = transport_free(transport);
                        }
                        turn_for(event, 20 * USEC_PER_MSEC);
                        assert_int_equal(stream.seen.n, 0);
                        assert_int_equal(stream.n_chunks, n_max);
                        str_done(&stream.body);
                }
}

/* In its own callback a request is dropped, then the transport is freed and the next request started, or not. */
typedef struct Next {
        Seen seen;
        Transport *transport;
        Task *first, *second;
        bool starts;
        Reply reply;
} Next;

static void on_first(Task *task, int r, const Error *error, void *userdata) {
        Next *next = userdata;
        RequestSpec spec = { .method = "GET", .path = "/hello" };

        assert_int_equal(r, 0);
        next->first = task_free(next->first);
        if (next->starts)
                assert_int_equal(
                        request_start(next->transport, &spec, &next->reply, seen_done, &next->seen, &next->second), 0);
        else
                next->seen.n++;
        next->transport = transport_free(next->transport);
}

static void test_free_in_done(void **state) {
        FOREACH_KIND(kind)
                for (unsigned starts = 0; starts < 2; starts++) {
                        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                        RequestSpec spec = { .method = "GET", .path = "/hello" };
                        Next next = { .transport = make_transport(event, kind), .starts = starts };

                        assert_int_equal(request_start(next.transport, &spec, NULL, on_first, &next, &next.first), 0);
                        turn_until(event, &next.seen.n, 1);
                        assert_int_equal(next.reply.status, starts ? 200 : 0);
                        next.second = task_free(next.second);
                        reply_done(&next.reply);
                }
}

static void test_no_connection(void **state) {
        static const struct {
                const char *socket; /* in the server's directory */
                int want_r;
                const char *text; /* printf of the path */
        } rows[] = {
                { "none", -ECONNREFUSED, "nobody listens at %s" },
                { "stale", -ECONNREFUSED, "nobody listens at %s" },
                { "file", -ECONNREFUSED, "nobody listens at %s" },
        };
        _cleanup_free_ char *stale = path_join(server.directory, "stale"), *file = path_join(server.directory, "file");
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", stale);
        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        close(fd); /* nobody listens, but the name is there */
        assert_int_equal(file_write(file, "", 0, 0600), 0);

        for (unsigned with_curl = 0; with_curl < 2; with_curl++)
                FOREACH_ROW(row, rows) {
                        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                        _cleanup_(transport_freep) Transport *transport = NULL;
                        _cleanup_(task_freep) Task *task = NULL;
                        _cleanup_free_ char *path = path_join(server.directory, row->socket),
                                            *text = str_printf("nobody listens at %s", path);
                        TransportSpec where = { .unix_socket = path, .base_url = "http://d" };
                        RequestSpec spec = { .method = "GET", .path = "/hello" };
                        Seen seen = { 0 };

                        print_message("case '%s'\n", row->socket);
                        assert_int_equal(
                                (with_curl ? transport_curl_new : transport_new)(event, &where, &transport, NULL), 0);
                        assert_int_equal(request_start(transport, &spec, NULL, seen_done, &seen, &task), 0);
                        turn_until(event, &seen.n, 1);
                        assert_int_equal(seen.r, row->want_r);
                        assert_string_equal(seen.text, text);
                }
        (void) unlink(stale);
        (void) unlink(file);
}

static void test_no_transport(void **state) {
        static const struct {
                const char *unix_socket, *base_url;
                int want_r;
        } rows[] = {
                { "/tmp/"
                  "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
                  "abc",
                  "http://d", -ENAMETOOLONG },
                { "/tmp/sock", "ftp://d", -EINVAL },
                { NULL, "ftp://d", -EINVAL },
        };
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();

        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                TransportSpec spec = { .unix_socket = row->unix_socket, .base_url = row->base_url };
                Transport *transport = NULL;

                assert_int_equal(transport_new(event, &spec, &transport, &error), row->want_r);
                assert_null(transport);
                assert_non_null(error);
        }
        assert_null(transport_free(NULL));
}

/* A server that is too busy to accept: its backlog is full, then it gets room. */
static void test_backlog(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
        _cleanup_(transport_freep) Transport *transport = NULL;
        _cleanup_free_ char *path = path_join(server.directory, "busy");
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        TransportSpec where = { .unix_socket = path, .base_url = "http://d" };
        RequestSpec spec = { .method = "GET", .path = "/hello", .timeout_usec = TEST_DEADLINE_USEC };
        _cleanup_close_ int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int fds[3], n_accepted = 0;
        Task *tasks[3] = { NULL };
        Seen seen = { 0 };

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        assert_int_equal(bind(listener, (struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(listen(listener, 0), 0); /* room for one */
        assert_int_equal(transport_new(event, &where, &transport, NULL), 0);
        for (unsigned i = 0; i < 3; i++)
                assert_int_equal(request_start(transport, &spec, NULL, seen_done, &seen, &tasks[i]), 0);
        turn_for(event, 50 * USEC_PER_MSEC);
        assert_int_equal(seen.n, 0);
        tasks[1] = task_free(tasks[1]); /* while it waits */
        while (n_accepted < 2) {
                fds[n_accepted++] = accept(listener, NULL, NULL);
                turn_for(event, 30 * USEC_PER_MSEC);
        }
        for (int i = 0; i < n_accepted; i++) {
                assert_true(server_say(fds[i], HELLO));
                turn_until(event, &seen.n, (unsigned) i + 1);
                assert_int_equal(seen.r, 0);
                close(fds[i]);
        }
        for (unsigned i = 0; i < 3; i++)
                tasks[i] = task_free(tasks[i]);
        (void) unlink(path);
}

static unsigned count_descriptors(void) {
        unsigned n = 0;

        for (int fd = 0; fd < 1024; fd++)
                n += fcntl(fd, F_GETFD) >= 0;
        return n;
}

static void test_descriptors(void **state) {
        FOREACH_KIND(kind) {
                _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                _cleanup_(transport_freep) Transport *transport = make_transport(event, kind);
                unsigned before;

                expect(event, transport, "/hello", 200, "hello");
                before = count_descriptors();
                for (unsigned i = 0; i < 50; i++)
                        expect(event, transport, i % 2 ? "/close" : "/hello", 200, i % 2 ? "ok" : "hello");
                assert_true(count_descriptors() <= before);
        }
}

static int setup(void **state) {
        server = server_start(4096);
        return 0;
}

static int teardown(void **state) {
        server_stop(&server);
        return 0;
}

/* ---- what is no HTTP any more ---- */

#define UPGRADED_BYTES (3U * 1024 * 1024) /* more than fits into all the sockets on its way */

typedef struct Talk {
        size_t n_sent;
        Str heard;
        unsigned is_over;
} Talk;

/* Both ways at once, and our end is told before the other's comes. */
static int on_talk(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        static const char piece[8192] = "many bytes, and zeroes behind them";
        Talk *talk = userdata;
        char in[8192];
        ssize_t n = 0;

        if (talk->n_sent < UPGRADED_BYTES) {
                n = send(fd, piece, MIN(sizeof(piece), UPGRADED_BYTES - talk->n_sent), MSG_NOSIGNAL | MSG_DONTWAIT);
                talk->n_sent += (size_t) MAX(n, 0);
                if (talk->n_sent == UPGRADED_BYTES) {
                        assert_int_equal(shutdown(fd, SHUT_WR), 0);
                        assert_true(sd_event_source_set_io_events(source, EPOLLIN) >= 0);
                }
        }
        n = recv(fd, in, sizeof(in), MSG_DONTWAIT);
        if (n > 0)
                assert_int_equal(str_append_n(&talk->heard, in, (size_t) n), 0);
        talk->is_over += n == 0;
        return 0;
}

static void talk_over(sd_event *event, Upgraded *upgraded) {
        Talk talk = { .heard = STR_INIT(2 * UPGRADED_BYTES) };
        sd_event_source *source = NULL;

        (void) str_append_n(&talk.heard, upgraded->early, upgraded->n_early);
        assert_true(sd_event_add_io(event, &source, upgraded->fd, EPOLLIN | EPOLLOUT, on_talk, &talk) >= 0);
        turn_until(event, &talk.is_over, 1);
        sd_event_source_disable_unref(source);
        assert_int_equal(talk.heard.n, strlen("early") + UPGRADED_BYTES + strlen("bye"));
        assert_memory_equal(talk.heard.bytes, "earlymany bytes", 15);
        assert_string_equal(talk.heard.bytes + talk.heard.n - 3, "bye");
        str_done(&talk.heard);
}

static void test_upgrade(void **state) {
        static const struct {
                const char *path;
                int want_r, want_status;
                const char *want_body;
        } rows[] = {
                { "/upgrade", 0, 101, NULL },
                { "/error", 0, 500, "bad" },
                { "/cut-empty", -ECONNRESET, 0, NULL },
                { "/cut-head", -ECONNRESET, 0, NULL },
                { "/never", -ETIMEDOUT, 0, NULL },
        };

        FOREACH_KIND(kind)
                FOREACH_ROW(row, rows) {
                        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                        _cleanup_(transport_freep) Transport *transport = make_transport(event, kind);
                        _cleanup_(task_freep) Task *task = NULL;
                        _cleanup_(upgraded_done) Upgraded upgraded = UPGRADED_INIT;
                        UpgradeSpec spec = { .method = "POST",
                                             .path = row->path,
                                             .body = "{}",
                                             .protocol = "tcp",
                                             .timeout_usec = row->want_r == -ETIMEDOUT ? 50 * USEC_PER_MSEC
                                                                                       : TEST_DEADLINE_USEC };
                        Seen seen = { 0 };

                        print_message("%s: %s\n", kind_names[kind], row->path);
                        assert_int_equal(upgrade_start(transport, &spec, &upgraded, seen_done, &seen, &task), 0);
                        turn_until(event, &seen.n, 1);
                        print_message("     %d %s\n", seen.r, seen.text);
                        assert_int_equal(seen.r, row->want_r);
                        assert_int_equal(upgraded.reply.status, row->want_status);
                        assert_int_equal(upgraded.fd >= 0, row->want_status == 101);
                        if (row->want_body)
                                assert_string_equal(upgraded.reply.body, row->want_body);
                        if (upgraded.fd >= 0)
                                talk_over(event, &upgraded);
                }
}

/* The descriptor comes to its end together with the transport, and nothing is left of a connection that nobody took. */
static void test_upgrade_dropped(void **state) {
        FOREACH_KIND(kind)
                for (unsigned n_turns = 0; n_turns < 8; n_turns++) {
                        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                        _cleanup_(transport_freep) Transport *transport = make_transport(event, kind);
                        _cleanup_(upgraded_done) Upgraded upgraded = UPGRADED_INIT;
                        UpgradeSpec spec = { .method = "POST", .path = "/upgrade", .protocol = "tcp" };
                        Task *task = NULL;
                        Seen seen = { 0 };

                        assert_int_equal(upgrade_start(transport, &spec, &upgraded, seen_done, &seen, &task), 0);
                        for (unsigned i = 0; i < n_turns; i++)
                                assert_true(sd_event_run(event, USEC_PER_MSEC) >= 0);
                        task = task_free(task);
                        for (unsigned i = 0; i < n_turns; i++)
                                assert_true(sd_event_run(event, USEC_PER_MSEC) >= 0);
                }
}

/* Nobody listens there. */
static void test_upgrade_refused(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
        _cleanup_(transport_freep) Transport *transport = NULL;
        _cleanup_(task_freep) Task *task = NULL;
        _cleanup_(upgraded_done) Upgraded upgraded = UPGRADED_INIT;
        TransportSpec where = { .base_url = "http://127.0.0.1:1" };
        UpgradeSpec spec = {
                .method = "POST", .path = "/upgrade", .protocol = "tcp", .timeout_usec = TEST_DEADLINE_USEC
        };
        Seen seen = { 0 };

        assert_int_equal(transport_new(event, &where, &transport, NULL), 0);
        assert_int_equal(upgrade_start(transport, &spec, &upgraded, seen_done, &seen, &task), 0);
        turn_until(event, &seen.n, 1);
        assert_int_equal(seen.r, -ECONNRESET);
        assert_int_equal(upgraded.fd, -1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_replies),      cmocka_unit_test(test_headers),
                cmocka_unit_test(test_what_is_sent), cmocka_unit_test(test_large_body),
                cmocka_unit_test(test_streams),      cmocka_unit_test(test_sent_again),
                cmocka_unit_test(test_reuse),        cmocka_unit_test(test_parallel),
                cmocka_unit_test(test_drop),         cmocka_unit_test(test_drop_inside),
                cmocka_unit_test(test_free_in_done), cmocka_unit_test(test_no_connection),
                cmocka_unit_test(test_no_transport), cmocka_unit_test(test_refused_headers),
                cmocka_unit_test(test_backlog),      cmocka_unit_test(test_descriptors),
                cmocka_unit_test(test_source),       cmocka_unit_test(test_upgrade),
                cmocka_unit_test(test_upgrade_dropped), cmocka_unit_test(test_upgrade_refused),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
