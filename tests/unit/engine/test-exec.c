#include "fake-server.h"

#include "engine/service.h"

#define P FAKE_PREFIX
#define TIMES                                                                                                          \
        ((ServiceTimes) { .call_usec = 200 * USEC_PER_MSEC,                                                            \
                        .slow_usec = 400 * USEC_PER_MSEC,                                                              \
                        .away_usec = 300 * USEC_PER_MSEC,                                                              \
                        .pull_idle_usec = 100 * USEC_PER_MSEC })
#define CREATE "POST " P "containers/c/exec"
#define START "POST " P "exec/ab1/start"
#define EXIT "GET " P "exec/ab1/json"
#define ID "{\"Id\":\"ab1\"}"

static void hear(int stream, const char *bytes, size_t n, void *userdata) {
        (void) str_appendf(userdata, "<%d:", stream);
        (void) str_append_n(userdata, bytes, n);
}

static const char frames[] = "\1\0\0\0\0\0\0\3one\2\0\0\0\0\0\0\1!";

typedef struct ExecRow {
        const char *name;
        FakeAnswer answers[5];
        bool has_terminal;
        int want_r;
        const char *want_text, *want_error;
} ExecRow;

static const ExecRow rows[] = {
        { "two streams, and its exit code a little later",
          { { CREATE, 201, ID },
            { START, 101, frames, .n_body = sizeof(frames) - 1, .is_stream = true },
            { EXIT, 200, "{\"Running\":true}", .count = 2 },
            { EXIT, 200, "{\"Running\":false,\"ExitCode\":7}" } },
          false,
          7,
          "<1:one<2:!",
          "" },
        { "a terminal: one stream as it is",
          { { CREATE, 201, ID },
            { START, 101, "\1\2\3 raw", .is_stream = true },
            { EXIT, 200, "{\"Running\":false,\"ExitCode\":0}" } },
          true,
          0,
          "<1:\1\2\3 raw",
          "" },
        { "no container of that name",
          { { CREATE, 404, "{\"cause\":\"no such container\",\"message\":\"no container\",\"response\":404}" } },
          false,
          -ENOENT,
          "",
          "no container" },
        { "it does not run",
          { { CREATE, 201, ID },
            { START, 409,
              "{\"cause\":\"container state improper\",\"message\":\"it is not running\",\"response\":409}" } },
          false,
          -EREMOTEIO,
          "",
          "starting a program: it is not running" },
        { "it answers as if nothing had been asked",
          { { CREATE, 201, ID }, { START, 200, "" } },
          false,
          -EPROTO,
          "",
          "HTTP 200 instead of a connection" },
        { "an id that is a path", { { CREATE, 201, "{\"Id\":\"../x\"}" } }, false, -EPROTO, "", "names no program" },
        { "it says nothing",
          { { CREATE, 201, ID }, { START, 101, .hangs = true } },
          false,
          -ETIMEDOUT,
          "",
          "no answer" },
        { "frames that are none",
          { { CREATE, 201, ID }, { START, 101, "HTTP is not it", .is_stream = true } },
          false,
          -EPROTO,
          "",
          "" },
        { "what became of it is not told",
          { { CREATE, 201, ID }, { START, 101, "", .is_stream = true }, { EXIT, 200, "{\"Running\":false}" } },
          false,
          -EPROTO,
          "",
          "ExitCode" },
};

static void test_exec(void **state) {
        FOREACH_ROW(row, rows) {
                sd_event *event = test_event();
                FakeServer *server = fake_new(event);
                ServiceSpec service = { .url = server->url, .times = TIMES };
                _cleanup_str_ Str heard = STR_INIT(1000);
                const char *argv[] = { "ls", "-l", NULL };
                ExecSpec spec = { .container = "c",
                                  .argv = (char *const *) argv,
                                  .directory = "/w",
                                  .has_terminal = row->has_terminal,
                                  .size = { 24, 80 },
                                  .input_fd = -1,
                                  .output = hear,
                                  .userdata = &heard };
                Engine *engine = NULL;
                Seen seen = { 0 };
                Task *task = NULL;
                size_t n_answers = 0;

                print_message("case '%s'\n", row->name);
                assert_int_equal(service_open(event, &service, &engine, seen_done, &seen, &task), 0);
                turn_until(event, &seen.n, 1);
                assert_int_equal(seen.r, 0);
                task = task_free(task);
                while (n_answers < ELEMENTSOF(row->answers) && row->answers[n_answers].request)
                        n_answers++;
                fake_play(server, row->answers, n_answers);
                seen = (Seen) { .drop = &task }; /* whoever is told may drop it at once */
                assert_int_equal(engine_exec_start(engine, &spec, seen_done, &seen, &task), 0);
                turn_until(event, &seen.n, 1);
                assert_int_equal(seen.r, row->want_r);
                assert_string_equal(str_get(&heard), row->want_text);
                if (!strstr(seen.text, row->want_error))
                        fail_msg("'%s' does not hold '%s'", seen.text, row->want_error);
                assert_non_null(strstr(server->bodies[0], "\"Cmd\":[\"ls\",\"-l\"]"));
                assert_non_null(strstr(server->bodies[0], row->has_terminal ? "\"Tty\":true" : "\"Tty\":false"));
                if (row->has_terminal)
                        assert_non_null(strstr(server->bodies[1], "\"h\":24,\"w\":80"));
                if (row->want_r >= 0) {
                        assert_non_null(strstr(server->headers[1], "Connection: Upgrade\r\nUpgrade: tcp\r\n"));
                }
                task_free(task);
                engine_free(engine);
                fake_free(server);
                sd_event_unref(event);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_exec) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
