#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "cli/output.h"

#define BYTES (600U * 1024) /* more than a pipe holds, less than is waited for */

/* Reads up to the given byte of the whole. */
static void read_until(int fd, size_t *n_read, size_t until) {
        char buffer[65536];

        while (*n_read < until) {
                ssize_t n = read(fd, buffer, MIN(sizeof(buffer), until - *n_read));

                assert_true(n > 0);
                for (ssize_t i = 0; i < n; i++)
                        assert_int_equal(buffer[i], 'a' + (*n_read + (size_t) i) % 26);
                *n_read += (size_t) n;
        }
}

/* A reader that does not read holds nothing up; when it reads again it gets everything. */
static void check_slow_reader(int read_fd, int write_fd) {
        sd_event *event = NULL;
        Output output;
        size_t n_read = 0;

        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(output_init(&output, write_fd, event), 0);
        for (size_t i = 0; i < BYTES; i++) {
                assert_int_equal(str_append_char(&output.buffer, (char) ('a' + i % 26)), 0);
                output_offer(&output);
        }
        assert_int_equal(output_flush(&output), 0);
        assert_true(output.buffer.n > 0);
        while (output.buffer.n > 0) {
                read_until(read_fd, &n_read, n_read + 4096);
                assert_true(sd_event_run(event, 0) >= 0);
        }
        read_until(read_fd, &n_read, BYTES);
        output_done(&output);
        sd_event_unref(event);
}

static void test_slow_pipe(void **state) {
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        check_slow_reader(fds[0], fds[1]);
        assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0); /* it is not ours alone */
        close(fds[0]);
        close(fds[1]);
}

static void test_slow_socket(void **state) {
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        check_slow_reader(fds[0], fds[1]);
        close(fds[0]);
        close(fds[1]);
}

static void test_file(void **state) {
        char path[] = "/tmp/podstep-test-XXXXXX";
        _cleanup_close_ int fd = mkstemp(path);
        sd_event *event = NULL;
        Output output;

        assert_true(fd >= 0);
        (void) unlink(path);
        assert_int_equal(write(fd, "before ", 7), 7);
        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(output_init(&output, fd, event), 0);
        (void) str_append(&output.buffer, "text");
        assert_int_equal(output_flush(&output), 0);
        assert_int_equal(output.buffer.n, 0);
        output_done(&output);
        assert_int_equal(lseek(fd, 0, SEEK_CUR), 11); /* where others who write to it go on */
        sd_event_unref(event);
}

static void test_no_reader(void **state) {
        Output output;
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        close(fds[0]);
        assert_int_equal(output_init(&output, fds[1], NULL), 0);
        for (int i = 0; i < 3; i++) {
                (void) str_append(&output.buffer, "text");
                assert_int_equal(output_flush(&output), -EPIPE);
                assert_int_equal(output.buffer.n, 0);
        }
        output_done(&output);
        close(fds[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_slow_pipe),
                cmocka_unit_test(test_slow_socket),
                cmocka_unit_test(test_file),
                cmocka_unit_test(test_no_reader),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
