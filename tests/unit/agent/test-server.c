/* Clients that go away while they wait: libmicrohttpd does not look at them meanwhile. */

#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/agent-internal.h"
#include "base/file.h"

#define TURNS_MAX 100 /* of the loop, until the server has seen what was sent */

static const char ask[] = "GET /v1/jobs?newer_than=9223372036854775807 HTTP/1.1\r\nHost: x\r\n\r\n";

static int connect_to(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        assert_int_equal(connect(fd, (struct sockaddr *) &address, sizeof(address)), 0);
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
        gone = connect_to(path);
        half = connect_to(path);
        stays = connect_to(path);
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
                cmocka_unit_test(test_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
