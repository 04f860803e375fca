/* Clients that go away while they wait: libmicrohttpd does not look at them meanwhile. */

#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/agent-internal.h"
#include "agent/store-internal.h"
#include "base/file.h"
#include "base/str.h"
#include "job/directory.h"

#define TURNS_MAX 100 /* of the loop, until the server has seen what was sent */

static const char ask[] = "GET /v1/jobs?newer_than=9223372036854775807 HTTP/1.1\r\nHost: x\r\n\r\n";

static int connect_to(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        assert_int_equal(connect(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        return fd;
}

/* A client that waits for news. */
static int wait_at(const char *path) {
        int fd = connect_to(path);

        assert_int_equal(write(fd, ask, strlen(ask)), (ssize_t) strlen(ask));
        return fd;
}

/* What is ready is done; nothing is waited for. */
static void turn(sd_event *event) {
        for (unsigned i = 0; i < TURNS_MAX && sd_event_run(event, 0) > 0; i++)
                ;
}

static void test_gone(void **state) {
        char directory[] = "/tmp/podstep-test-XXXXXX";
        _cleanup_free_ char *path = NULL;
        AgentOptions options = { .idle_usec = USEC_INFINITY };
        Agent agent = { .options = &options };
        int gone, half, stays;

        assert_non_null(mkdtemp(directory));
        path = options.socket = path_join(directory, "socket");
        assert_int_equal(sd_event_new(&agent.event), 0);
        assert_int_equal(server_new(&agent, &agent.server, NULL), 0);
        gone = wait_at(path);
        half = wait_at(path);
        stays = wait_at(path);
        turn(agent.event);
        assert_int_equal(server_count_connections(agent.server), 3);
        assert_int_equal(server_count_requests(agent.server), 3);
        assert_int_equal(server_end_gone(agent.server), 0);
        assert_int_equal(shutdown(half, SHUT_WR), 0);
        assert_int_equal(close(gone), 0);
        turn(agent.event);
        assert_int_equal(server_count_connections(agent.server), 3);
        assert_int_equal(server_end_gone(agent.server), 1);
        turn(agent.event);
        assert_int_equal(server_count_connections(agent.server), 2);
        assert_int_equal(server_end_gone(agent.server), 0);
        assert_int_equal(close(half), 0);
        assert_int_equal(close(stays), 0);
        agent.server = server_free(agent.server);
        sd_event_unref(agent.event);
        assert_int_equal(file_remove_tree(directory), 0);
}

static void ask_for(int fd, const char *path, const char *range, char *answer, size_t size, sd_event *event) {
        _cleanup_free_ char *request = str_printf("GET %s HTTP/1.1\r\nHost: x\r\nRange: %s\r\n\r\n", path, range);
        ssize_t n;

        assert_int_equal(write(fd, request, strlen(request)), (ssize_t) strlen(request));
        turn(event);
        n = recv(fd, answer, size - 1, MSG_DONTWAIT);
        assert_true(n > 0);
        answer[n] = '\0';
}

/* Parts of a log; and of one whose job runs while the agent has no engine, and so no worker for it. */
static void test_ranges(void **state) {
        static const char log[] = "0123456789";
        static const struct {
                const char *range, *status, *want; /* the header that says what it is, or the text */
        } rows[] = {
                { "bytes=2-4", "206", "\r\n\r\n234" },
                { "bytes=2-4", "206", "Content-Range: bytes 2-4/10\r\n" },
                { "bytes=7-", "206", "\r\n\r\n789" },
                { "bytes=7-99", "206", "Content-Range: bytes 7-9/10\r\n" },
                { "bytes=7-18446744073709551615", "206", "Content-Range: bytes 7-9/10\r\n" },
                { "bytes=-3", "206", "Content-Range: bytes 7-9/10\r\n" },
                { "bytes=-99", "206", "Content-Range: bytes 0-9/10\r\n" },
                { "bytes=4-2", "416", "the log has 10 bytes" },
                { "bytes=10-", "416", "the log has 10 bytes" },
                { "lines=1-2", "200", "\r\n\r\n0123456789" },
        };
        char directory[] = "/tmp/podstep-test-XXXXXX", answer[4096];
        _cleanup_free_ char *path = NULL, *file = NULL;
        AgentOptions options = { .idle_usec = USEC_INFINITY };
        StoredJob job = { .id = (char *) "01aaaaaaaa", .group = (char *) "01aaaaaaaa", .name = (char *) "build",
                          .label = (char *) "", .request = (char *) "{}" };
        Agent agent = { .options = &options };
        int fd;

        assert_non_null(mkdtemp(directory));
        path = options.socket = path_join(directory, "socket");
        agent.logs_directory = directory;
        file = path_join(directory, "01aaaaaaaa.log");
        assert_int_equal(file_write(file, log, strlen(log), 0600), 0);
        assert_int_equal(sd_event_new(&agent.event), 0);
        assert_int_equal(store_open(directory, &agent.store, NULL), 0);
        assert_int_equal(store_add_job(agent.store, &job, NULL, 0, NULL), 0);
        assert_int_equal(store_start_job(agent.store, job.id, "boot", 1, NULL), 0);
        assert_int_equal(server_new(&agent, &agent.server, NULL), 0);
        fd = connect_to(path);
        FOREACH_ROW(row, rows) {
                print_message("case '%s'\n", row->range);
                ask_for(fd, "/v1/jobs/01aaaaaaaa/log", row->range, answer, sizeof(answer), agent.event);
                assert_memory_equal(answer, "HTTP/1.1 ", strlen("HTTP/1.1 "));
                assert_memory_equal(answer + strlen("HTTP/1.1 "), row->status, 3);
                if (!strstr(answer, row->want))
                        fail_msg("'%s' is not in:\n%s", row->want, answer);
        }
        ask_for(fd, "/v1/jobs?limit=1", "", answer, sizeof(answer), agent.event);
        assert_non_null(strstr(answer, "\"id\":\"01aaaaaaaa\""));
        ask_for(fd, "/v1/jobs?limit=0", "", answer, sizeof(answer), agent.event);
        assert_memory_equal(answer, "HTTP/1.1 400 ", strlen("HTTP/1.1 400 "));
        assert_int_equal(close(fd), 0);
        agent.server = server_free(agent.server);
        agent.store = store_free(agent.store);
        sd_event_unref(agent.event);
        assert_int_equal(file_remove_tree(directory), 0);
}

/*
 * A job that cannot go on ends, though its end cannot be stored at once, as the disk is full; and its directory is left
 * to the sweep.
 */
static void test_end(void **state) {
        char directory[] = "/tmp/podstep-test-XXXXXX";
        _cleanup_free_ char *path = NULL;
        AgentOptions options = { .idle_usec = USEC_INFINITY };
        StoredJob job = { .id = (char *) "01aaaaaaaa", .group = (char *) "01aaaaaaaa", .name = (char *) "build",
                          .label = (char *) "", .request = (char *) "{}" },
                  ended = { 0 };
        Agent agent = { .options = &options };
        JobDirectory left;

        options.state_directory = agent.logs_directory = mkdtemp(directory);
        assert_non_null(options.state_directory);
        path = options.socket = path_join(directory, "socket");
        assert_int_equal(sd_event_new(&agent.event), 0);
        assert_int_equal(store_open(directory, &agent.store, NULL), 0);
        assert_int_equal(store_add_job(agent.store, &job, NULL, 0, NULL), 0);
        assert_int_equal(job_directory_make(directory, job.id, JOB_OWNER_AGENT, &left, NULL), 0);
        job_directory_done(&left);
        assert_int_equal(server_new(&agent, &agent.server, NULL), 0);

        assert_int_equal(store_run(agent.store, "PRAGMA query_only = ON", NULL), 0);
        (void) agent_fail_job(&agent, &job, JOB_INFRA_FAILED, "why");
        assert_int_equal(agent.n_unsaved, 1);
        assert_int_equal(job_directory_liveness(directory, job.id), JOB_DEAD);
        agent_save_ends(&agent);
        assert_int_equal(agent.n_unsaved, 1);
        assert_int_equal(store_run(agent.store, "PRAGMA query_only = OFF", NULL), 0);
        agent_save_ends(&agent);
        assert_int_equal(agent.n_unsaved, 0);
        assert_int_equal(store_get_job(agent.store, job.id, &ended, NULL), 0);
        assert_int_equal(ended.state, STORED_DONE);
        assert_int_equal(ended.result, JOB_INFRA_FAILED);
        assert_string_equal(ended.error, "why");
        assert_true(ended.ended_usec > 0);
        stored_job_done(&ended);

        stored_jobs_free(agent.unsaved, agent.n_unsaved);
        agent.recheck = sd_event_source_disable_unref(agent.recheck);
        agent.server = server_free(agent.server);
        agent.store = store_free(agent.store);
        sd_event_unref(agent.event);
        assert_int_equal(file_remove_tree(directory), 0);
}

/* The way to the socket: what stands there is no socket, or somebody listens. */
static void test_way(void **state) {
        char directory[] = "/tmp/podstep-test-XXXXXX";
        _cleanup_free_ char *path = NULL;
        AgentOptions options = { .idle_usec = USEC_INFINITY };
        Agent agent = { .options = &options };
        _cleanup_(error_freep) Error *no_socket = NULL, *busy = NULL;
        Server *second = NULL;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_non_null(mkdtemp(directory));
        path = options.socket = path_join(directory, "socket");
        assert_int_equal(sd_event_new(&agent.event), 0);
        assert_int_equal(file_write(path, "precious", 8, 0600), 0);
        assert_int_equal(server_new(&agent, &agent.server, &no_socket), -EEXIST);
        assert_true(file_exists(path));
        assert_int_equal(unlink(path), 0);
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        assert_int_equal(bind(dead, (struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(close(dead), 0);
        assert_int_equal(server_new(&agent, &agent.server, NULL), 0);
        assert_int_equal(server_new(&agent, &second, &busy), -EADDRINUSE);
        assert_true(file_exists(path));
        turn(agent.event);
        agent.server = server_free(agent.server);
        sd_event_unref(agent.event);
        assert_int_equal(file_remove_tree(directory), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_gone),
                cmocka_unit_test(test_ranges),
                cmocka_unit_test(test_end),
                cmocka_unit_test(test_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
