#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* Room for what comes on top while one piece is being made. */
#define OUTPUT_BUFFER_MAX (64U * 1024 * 1024)

/*
 * O_NONBLOCK belongs to the open file, which we share with the shell and others: it must not be set there. A pipe and a
 * terminal can be opened anew; where that is not allowed, writes are waited for.
 */
static int open_anew(int fd, mode_t mode) {
        char path[32];

        if (!S_ISFIFO(mode) && !isatty(fd))
                return -1;
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

static int on_writable(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        (void) output_flush(userdata);
        return 0;
}

int output_init(Output *output, int fd, sd_event *event) {
        struct stat st = { 0 };
        int r;

        *output = (Output) { .fd = fd, .own_fd = -1, .buffer = STR_INIT(OUTPUT_BUFFER_MAX) };
        (void) fstat(fd, &st); /* without it: as a file */
        output->is_socket = S_ISSOCK(st.st_mode);
        if (!event)
                return 0;
        output->own_fd = open_anew(fd, st.st_mode);
        if (output->own_fd < 0 && !output->is_socket)
                return 0;
        r = sd_event_add_io(event, &output->source, output->own_fd >= 0 ? output->own_fd : fd, EPOLLOUT, on_writable,
                            output);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(output->source, SD_EVENT_OFF);
}

static ssize_t write_some(const Output *output, size_t from) {
        const char *bytes = output->buffer.bytes + from;
        size_t n = output->buffer.n - from;

        if (output->is_socket)
                return send(output->fd, bytes, n, MSG_NOSIGNAL | (output->source ? MSG_DONTWAIT : 0));
        return write(output->own_fd >= 0 ? output->own_fd : output->fd, bytes, n);
}

static void wait_writable(const Output *output) {
        struct pollfd pollfd = { .fd = output->own_fd >= 0 ? output->own_fd : output->fd, .events = POLLOUT };

        (void) poll(&pollfd, 1, -1);
}

/* Writes until at most @n_left bytes wait and waiting would be needed for more. */
static int write_until(Output *output, size_t n_left) {
        size_t written = 0;

        while (!output->error && written < output->buffer.n) {
                ssize_t n = write_some(output, written);

                if (n >= 0)
                        written += (size_t) n;
                else if (errno == EAGAIN && output->buffer.n - written <= n_left)
                        break;
                else if (errno == EAGAIN)
                        wait_writable(output);
                else if (errno != EINTR)
                        output->error = -errno;
        }
        if (output->error || output->buffer.error)
                str_clear(&output->buffer);
        str_drop_front(&output->buffer, written);
        if (output->source)
                (void) sd_event_source_set_enabled(output->source, output->buffer.n > 0 ? SD_EVENT_ON : SD_EVENT_OFF);
        return output->error;
}

int output_flush(Output *output) {
        return write_until(output, OUTPUT_WAITING_BYTES_MAX);
}

int output_drain(Output *output) {
        return write_until(output, 0);
}

void output_done(Output *output) {
        (void) output_drain(output);
        output->source = sd_event_source_disable_unref(output->source);
        output->own_fd = fd_close(output->own_fd);
        str_done(&output->buffer);
}

int output_stdout(void) {
        return (fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE ? 0 : -errno;
}
