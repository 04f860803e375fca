#include "fake-server.h"

#include "engine/frames.h"
#include "engine/service.h"

#define P FAKE_PREFIX
#define TEST_TIMES                                                                                                     \
        ((ServiceTimes) { .call_usec = 100 * USEC_PER_MSEC,                                                            \
                        .slow_usec = 400 * USEC_PER_MSEC,                                                              \
                        .away_usec = 300 * USEC_PER_MSEC,                                                              \
                        .pull_idle_usec = 100 * USEC_PER_MSEC })

/* Both streams in order, as "<1:text<2:text". */
typedef struct Heard {
        Str text;
        int stream;
} Heard;

static void hear(int stream, const char *bytes, size_t n, void *userdata) {
        Heard *heard = userdata;

        if (stream != heard->stream)
                (void) str_appendf(&heard->text, "<%d:", stream);
        heard->stream = stream;
        assert_int_equal(str_append_n(&heard->text, bytes, n), 0);
}

#define FRAME_OUT(n) "\1\0\0\0\0\0\0" n
#define FRAME_ERR(n) "\2\0\0\0\0\0\0" n
static const char frames[] =
        FRAME_OUT("\3") "one" FRAME_ERR("\1") "!" FRAME_OUT("\0") "\0\0\0\0\0\0\0\4zero" FRAME_OUT("\4") "two\n";

static void test_frames(void **state) {
        size_t n = sizeof(frames) - 1;

        for (size_t i = 0; i <= n; i++)
                for (size_t k = i; k <= n; k++) {
                        Heard heard = { .text = STR_INIT(1000) };
                        FrameParser parser = { 0 };

                        assert_int_equal(frame_parser_feed(&parser, frames, i, hear, &heard), 0);
                        assert_int_equal(frame_parser_feed(&parser, frames + i, k - i, hear, &heard), 0);
                        assert_int_equal(frame_parser_feed(&parser, frames + k, n - k, hear, &heard), 0);
                        assert_string_equal(str_get(&heard.text), "<1:one<2:!<1:zerotwo\n");
                        assert_int_equal(parser.taken[1], 11);
                        assert_int_equal(parser.taken[2], 1);
                        str_done(&heard.text);
                }
}

static void test_frames_skipped(void **state) {
        static const struct {
                uint64_t out, err;
                const char *want;
        } rows[] = {
                { 0, 0, "<1:one<2:!<1:zerotwo\n" },
                { 1, 0, "<1:ne<2:!<1:zerotwo\n" },
                { 3, 1, "<1:zerotwo\n" },
                { 9, 0, "<2:!<1:o\n" },
                { 11, 1, "" },
                { 100, 100, "" },
        };

        FOREACH_ROW(row, rows) {
                FrameParser parser = { .skip = { 0, row->out, row->err } };
                Heard heard = { .text = STR_INIT(1000) };

                assert_int_equal(frame_parser_feed(&parser, frames, sizeof(frames) - 1, hear, &heard), 0);
                assert_string_equal(str_get(&heard.text), row->want);
                str_done(&heard.text);
        }
}

static void test_frames_bad(void **state) {
        static const char *const bad[] = { "plain text", "\3\0\0\0\0\0\0\1x", "\1x\0\0\0\0\0\1x" };

        FOREACH_ROW(text, bad) {
                Heard heard = { .text = STR_INIT(1000) };
                FrameParser parser = { 0 };

                assert_int_equal(frame_parser_feed(&parser, *text, 9, hear, &heard), -EPROTO);
                assert_int_equal(heard.text.n, 0);
        }
}

typedef struct Scene {
        sd_event *event;
        FakeServer *server;
        Engine *engine;
        Heard heard;
        ContainerExit exit;
        Seen seen;
        Task *task;
} Scene;

static int setup(void **state) {
        Scene *scene = calloc(1, sizeof(*scene));
        ServiceSpec spec = { .times = TEST_TIMES };

        assert_non_null(scene);
        scene->event = test_event();
        scene->server = fake_new(scene->event);
        scene->heard.text = STR_INIT(1000);
        spec.url = scene->server->url;
        assert_int_equal(service_open(scene->event, &spec, &scene->engine, seen_done, &scene->seen, &scene->task), 0);
        turn_until(scene->event, &scene->seen.n, 1);
        assert_int_equal(scene->seen.r, 0);
        scene->task = task_free(scene->task);
        scene->seen = (Seen) { 0 };
        scene->engine->info.is_local = false; /* whoever runs the tests */
        *state = scene;
        return 0;
}

static int teardown(void **state) {
        Scene *scene = *state;

        task_free(scene->task);
        engine_free(scene->engine);
        fake_free(scene->server);
        sd_event_unref(scene->event);
        str_done(&scene->heard.text);
        free(scene);
        return 0;
}

static int follow(Scene *scene) {
        FollowSpec spec = { .container = "c", .container_id = "id", .output = hear, .userdata = &scene->heard };

        scene->seen = (Seen) { 0 };
        scene->exit = (ContainerExit) { 0 };
        str_clear(&scene->heard.text);
        scene->heard.stream = 0;
        assert_int_equal(
                engine_container_follow(scene->engine, &spec, &scene->exit, seen_done, &scene->seen, &scene->task), 0);
        turn_until(scene->event, &scene->seen.n, 1);
        scene->task = task_free(scene->task);
        return scene->seen.r;
}

#define CREATED "{\"Id\":\"id\",\"State\":{\"Status\":\"created\",\"ExitCode\":0}}"
#define RUNNING "{\"Id\":\"id\",\"State\":{\"Status\":\"running\",\"ExitCode\":0}}"
#define EXITED "{\"Id\":\"id\",\"State\":{\"Status\":\"exited\",\"ExitCode\":7}}"
#define INSPECT "GET " P "containers/c/json"
#define ATTACH "POST " P "containers/c/attach?stream=true&stdout=true&stderr=true&stdin=false"
#define LOGS "GET " P "containers/c/logs?stdout=true&stderr=true"
#define FOLLOW "GET " P "containers/c/logs?follow=true&stdout=true&stderr=true"
#define WAIT "POST " P "containers/c/wait"
#define ALL "<1:one<2:!<1:zerotwo\n"

static void test_follow(void **state) {
        static const struct {
                const char *name;
                FakeAnswer answers[6];
                int want_r;
                const char *want_text, *want_last; /* the last request */
                ContainerExit want;
        } rows[] = {
                { "plain",
                  { { INSPECT, 200, CREATED, .count = 1 },
                    { ATTACH, 200, frames, .is_stream = true, .n_body = sizeof(frames) - 1 },
                    { INSPECT, 200, EXITED } },
                  0,
                  ALL,
                  INSPECT,
                  { .exit_code = 7 } },
                { "ended before: never attached",
                  { { INSPECT, 200, EXITED }, { LOGS, 200, frames, .n_body = sizeof(frames) - 1 } },
                  0,
                  ALL,
                  LOGS,
                  { .exit_code = 7 } },
                { "exit seen a little later",
                  { { INSPECT, 200, CREATED, .count = 1 },
                    { ATTACH, 200, frames, .is_stream = true, .n_body = sizeof(frames) - 1 },
                    { INSPECT, 200, RUNNING, .count = 2 },
                    { INSPECT, 200, EXITED } },
                  0,
                  ALL,
                  INSPECT,
                  { .exit_code = 7 } },
                { "cut while it ran: the rest comes from the log",
                  { { INSPECT, 200, CREATED, .count = 1 },
                    { ATTACH, 200, frames, .is_stream = true, .n_body = 20 },
                    { INSPECT, 200, RUNNING, .count = 7 },
                    { INSPECT, 200, EXITED },
                    { WAIT, 200, "7\n" },
                    { LOGS, 200, frames, .n_body = sizeof(frames) - 1 } },
                  0,
                  ALL,
                  LOGS,
                  { .exit_code = 7 } },
                { "reset and asked again, both it and the log: nothing is missing, nothing comes twice",
                  { { INSPECT, 200, CREATED, .count = 1 },
                    { ATTACH, 200, frames, .is_cut = true, .n_body = 20, .count = 1 },
                    { ATTACH, 200, frames + sizeof(frames) - 1 - 12, .is_stream = true, .n_body = 12 },
                    { INSPECT, 200, EXITED },
                    { LOGS, 200, frames, .is_cut = true, .n_body = 40, .count = 1 },
                    { LOGS, 200, frames, .n_body = sizeof(frames) - 1 } },
                  0,
                  ALL,
                  LOGS,
                  { .exit_code = 7 } },
                { "taken up while it runs: all comes from the log, as it is written; what that lacks comes in the end",
                  { { INSPECT, 200, RUNNING, .count = 1 },
                    { FOLLOW, 200, frames, .is_stream = true, .n_body = 20 },
                    { INSPECT, 200, EXITED },
                    { LOGS, 200, frames, .n_body = sizeof(frames) - 1 } },
                  0,
                  ALL,
                  LOGS,
                  { .exit_code = 7 } },
                { "taken up, and the log ends while it runs: it is waited for",
                  { { INSPECT, 200, RUNNING, .count = 2 },
                    { FOLLOW, 200, "", .is_stream = true, .n_body = 0 },
                    { WAIT, 200, "7\n" },
                    { INSPECT, 200, EXITED },
                    { LOGS, 200, frames, .n_body = sizeof(frames) - 1 } },
                  0,
                  ALL,
                  LOGS,
                  { .exit_code = 7 } },
                { "removed meanwhile",
                  { { INSPECT, 200, CREATED, .count = 1 },
                    { ATTACH, 200, frames, .is_stream = true, .n_body = sizeof(frames) - 1 },
                    { INSPECT, 404, "{}" } },
                  0,
                  ALL,
                  INSPECT,
                  { .is_lost = true } },
                { "never there", { { INSPECT, 404, "{}" } }, -ENOENT, "", INSPECT, { 0 } },
                { "attach refused",
                  { { INSPECT, 200, CREATED, .count = 1 }, { ATTACH, 500, "{\"message\":\"no\"}" } },
                  -EREMOTEIO,
                  "",
                  ATTACH,
                  { 0 } },
        };
        Scene *scene = *state;

        FOREACH_ROW(row, rows) {
                print_message("%s\n", row->name);
                fake_play(scene->server, row->answers, ELEMENTSOF(row->answers));
                for (size_t i = 0; i < ELEMENTSOF(row->answers); i++)
                        if (!row->answers[i].request)
                                scene->server->n_answers = MIN(scene->server->n_answers, i);
                assert_int_equal(follow(scene), row->want_r);
                assert_string_equal(str_get(&scene->heard.text), row->want_text);
                assert_string_equal(scene->server->requests[strv_length(scene->server->requests) - 1], row->want_last);
                assert_int_equal(scene->exit.exit_code, row->want.exit_code);
                assert_int_equal(scene->exit.is_lost, row->want.is_lost);
        }
}

/* A container is not started before its attach stands, whatever the order in which the answers come. */
static void test_start_waits(void **state) {
        static const FakeAnswer answers[] = {
                { INSPECT, 200, CREATED, .count = 1 },
                { INSPECT, 200, EXITED },
                { ATTACH, 200, frames, .is_stream = true, .n_body = sizeof(frames) - 1 },
                { "POST " P "containers/c/start", 204 },
                { "POST " P "containers/other/start", 204 },
        };
        FollowSpec spec = { .container = "c", .container_id = "id", .output = hear };
        Scene *scene = *state;
        Seen started = { 0 }, other = { 0 };
        Task *start = NULL, *start_other = NULL;

        FAKE_PLAY(scene->server, answers);
        spec.userdata = &scene->heard;
        assert_int_equal(
                engine_container_follow(scene->engine, &spec, &scene->exit, seen_done, &scene->seen, &scene->task), 0);
        assert_int_equal(engine_container_start(scene->engine, "c", seen_done, &started, &start), 0);
        assert_int_equal(engine_container_start(scene->engine, "other", seen_done, &other, &start_other), 0);
        turn_until(scene->event, &other.n, 1);
        turn_until(scene->event, &started.n, 1);
        turn_until(scene->event, &scene->seen.n, 1);
        assert_int_equal(started.r, 0);
        task_free(start);
        task_free(start_other);
        for (size_t i = 0, attached = 0; scene->server->requests[i]; i++) {
                attached |= str_equal(scene->server->requests[i], ATTACH);
                if (str_equal(scene->server->requests[i], "POST " P "containers/c/start"))
                        assert_true(attached);
        }
}

/* Following is given up: who waits for it goes on. And who waits may be dropped. */
static void test_start_goes_on(void **state) {
        static const FakeAnswer answers[] = { { INSPECT, 200, .hangs = true },
                                              { "POST " P "containers/c/start", 204 } };
        FollowSpec spec = { .container = "c", .container_id = "id", .output = hear };
        Scene *scene = *state;
        Seen started = { 0 }, dropped = { 0 };
        Task *start = NULL, *other = NULL;

        FAKE_PLAY(scene->server, answers);
        assert_int_equal(
                engine_container_follow(scene->engine, &spec, &scene->exit, seen_done, &scene->seen, &scene->task), 0);
        assert_int_equal(engine_container_start(scene->engine, "c", seen_done, &started, &start), 0);
        assert_int_equal(engine_container_start(scene->engine, "c", seen_done, &dropped, &other), 0);
        turn_for(scene->event, 10 * USEC_PER_MSEC);
        assert_int_equal(started.n, 0);
        other = task_free(other);
        scene->task = task_free(scene->task);
        assert_int_equal(started.n, 0); /* never inside */
        turn_until(scene->event, &started.n, 1);
        assert_int_equal(started.r, 0);
        assert_int_equal(dropped.n, 0);
        task_free(start);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_frames),
                cmocka_unit_test(test_frames_skipped),
                cmocka_unit_test(test_frames_bad),
                cmocka_unit_test_setup_teardown(test_follow, setup, teardown),
                cmocka_unit_test_setup_teardown(test_start_waits, setup, teardown),
                cmocka_unit_test_setup_teardown(test_start_goes_on, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
