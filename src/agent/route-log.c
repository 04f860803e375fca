/* /v1/jobs/{job}/log: what was printed; a range of it, or as it comes. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/call.h"
#include "base/parse.h"
#include "base/strv.h"

#define LOG_BLOCK_BYTES (32U * 1024)

/* One answer on its way. */
typedef struct Stream {
        Follower follower;
        Agent *agent;
        LogView view;
        LogReader *reader; /* NULL: nothing was written yet */
        char **step_names;
        bool follows;
} Stream;

static void stream_free(void *userdata) {
        Stream *stream = userdata;

        if (stream->follows)
                server_remove_follower(stream->follower.server, &stream->follower);
        logreader_free(stream->reader);
        strv_free(stream->step_names);
        free(stream->follower.id);
        free(stream);
}

static bool is_over(const Stream *stream) {
        StoredJob job;
        bool over;

        if (agent_find_worker(stream->agent, stream->follower.id))
                return false;
        if (store_get_job(stream->agent->store, stream->follower.id, &job, NULL) < 0)
                return true;
        over = job.state == STORED_DONE;
        stored_job_done(&job);
        return over;
}

static ssize_t on_read(void *userdata, uint64_t position, char *buffer, size_t n) {
        Stream *stream = userdata;
        bool over = !stream->follows || is_over(stream); /* asked first: what is written before the end is read then */
        ssize_t k = 0;

        if (stream->follower.is_gone)
                return MHD_CONTENT_READER_END_WITH_ERROR;
        if (!stream->reader)
                (void) logreader_new(stream->agent->logs_directory, stream->follower.id, &stream->view,
                                     &stream->reader);
        if (stream->reader)
                k = logreader_read(stream->reader, buffer, n);
        if (k != 0)
                return k > 0 ? k : MHD_CONTENT_READER_END_WITH_ERROR;
        if (over)
                return MHD_CONTENT_READER_END_OF_STREAM;
        server_suspend_follower(stream->follower.server, &stream->follower);
        return 0;
}

static int read_view(Call *call, Stream *stream, const StoredStep *steps, size_t n_steps) {
        static const char *const formats[] = {
                [LOG_FORMAT_TEXT] = "text", [LOG_FORMAT_PREFIXED] = "prefixed", [LOG_FORMAT_JSON] = "json"
        };
        const char *format = call_query(call, "format"), *step = call_query(call, "step");
        bool knows_format = !format;

        for (size_t i = 0; format && i < ELEMENTSOF(formats); i++)
                if (str_equal(formats[i], format)) {
                        stream->view.format = (LogFormat) i;
                        knows_format = true;
                }
        if (!knows_format)
                return call_reply_error(call, 400, "format: expected text, prefixed or json") == MHD_YES ? -EINVAL
                                                                                                         : -EIO;
        stream->view.step = -1;
        for (size_t i = 0; i < n_steps; i++) {
                if (strv_append(&stream->step_names, steps[i].name) < 0)
                        return -ENOMEM;
                if (step && str_equal(step, steps[i].name))
                        stream->view.step = (int) i;
        }
        stream->view.step_names = stream->step_names;
        stream->view.job_id = stream->follower.id;
        if (step && stream->view.step < 0)
                return call_reply_error(call, 404, "the job has no step '%.100s'", step) == MHD_YES ? -EINVAL : -EIO;
        return 0;
}

/* "bytes=A-", "bytes=A-B", "bytes=-N"; others are ignored, as RFC 9110 wants it. */
static bool read_range(const char *text, uint64_t size, uint64_t *ret_first, uint64_t *ret_n) {
        char first[32] = "", last[32] = "";
        uint64_t a = 0, b = size ? size - 1 : 0;

        if (!text || sscanf(text, "bytes=%20[0-9]-%20[0-9]", first, last) < 1) {
                if (!text || sscanf(text, "bytes=-%20[0-9]", last) != 1 || parse_u64(last, &b) < 0)
                        return false;
                a = size - MIN(b, size);
                b = size ? size - 1 : 0;
        } else if (parse_u64(first, &a) < 0 || (*last && parse_u64(last, &b) < 0))
                return false;
        *ret_first = a;
        *ret_n = a < size && a <= b ? MIN(b, size - 1) - a + 1 : 0;
        return true;
}

/* The text as it lies on the disk: the kernel sends it. */
static int reply_file(Call *call, const StoredJob *job) {
        _cleanup_free_ char *path = str_printf("%s/%s.log", call->agent->logs_directory, job->id), *content = NULL;
        Worker *worker = agent_find_worker(call->agent, job->id);
        /* one that runs without us, until there is an engine again, has printed something all the same */
        uint64_t size = worker                      ? joblog_size(worker->log)
                        : job->state == STORED_DONE ? job->log_bytes
                                                    : joblog_size_left(call->agent->logs_directory, job->id),
                 first = 0, n;
        const char *range = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_RANGE);
        struct MHD_Response *response;
        bool is_part;
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1, r;

        if (fd < 0)
                size = 0;
        n = size;
        is_part = read_range(range, size, &first, &n);
        if (is_part && n == 0) {
                (void) fd_close(fd);
                return call_reply_error(call, MHD_HTTP_RANGE_NOT_SATISFIABLE, "the log has %llu bytes",
                                        (unsigned long long) size);
        }
        response = n > 0 ? MHD_create_response_from_fd_at_offset64(n, fd, first)
                         : MHD_create_response_from_buffer(0, (void *) "", MHD_RESPMEM_PERSISTENT);
        if (!response || n == 0)
                (void) fd_close(fd);
        if (!response)
                return MHD_NO;
        (void) MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8");
        (void) MHD_add_response_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
        if (is_part && (content = str_printf("bytes %llu-%llu/%llu", (unsigned long long) first,
                                             (unsigned long long) (first + n - 1), (unsigned long long) size)))
                (void) MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, content);
        r = (int) MHD_queue_response(call->connection, is_part ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK, response);
        MHD_destroy_response(response);
        return r;
}

static int reply_stream(Call *call, Stream *stream_take) {
        Stream *stream = stream_take;
        struct MHD_Response *response =
                MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, LOG_BLOCK_BYTES, on_read, stream, stream_free);
        int r;

        if (!response) {
                stream_free(stream);
                return MHD_NO;
        }
        if (stream->follows) /* who only listens is no client that forgot to go */
                (void) MHD_set_connection_option(call->connection, MHD_CONNECTION_OPTION_TIMEOUT, 0U);
        (void) MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                       stream->view.format == LOG_FORMAT_JSON ? "application/x-ndjson"
                                                                              : "text/plain; charset=utf-8");
        r = (int) MHD_queue_response(call->connection, MHD_HTTP_OK, response);
        MHD_destroy_response(response);
        return r;
}

static int make_stream(Call *call, const StoredJob *job, Stream **ret) {
        StoredStep *steps = NULL;
        size_t n_steps = 0;
        Stream *stream = calloc(1, sizeof(*stream));
        int r;

        if (!stream)
                return -ENOMEM;
        *stream = (Stream) { .agent = call->agent,
                            .follower = {
                                    .server = call->server, .connection = call->connection, .id = strdup(job->id) } };
        r = stream->follower.id ? store_get_steps(call->agent->store, job->id, &steps, &n_steps, NULL) : -ENOMEM;
        if (r >= 0)
                r = read_view(call, stream, steps, n_steps);
        stored_steps_free(steps, n_steps);
        if (r < 0) {
                stream_free(stream);
                return r;
        }
        *ret = stream;
        return 0;
}

static int get_log(Call *call) {
        const char *follow = call_query(call, "follow");
        bool follows = false;
        Stream *stream = NULL;
        StoredJob job;
        int r;

        if (follow && parse_bool(follow, &follows) < 0)
                return call_reply_error(call, 400, "follow: expected true or false");
        if (call_get_job(call, &job) < 0)
                return MHD_YES;
        r = make_stream(call, &job, &stream);
        if (r < 0)
                r = r == -EINVAL ? MHD_YES : MHD_NO;
        else if (!follows && stream->view.step < 0 && stream->view.format == LOG_FORMAT_TEXT) {
                stream_free(stream);
                r = reply_file(call, &job);
        } else {
                stream->follows = follows;
                if (follows)
                        server_add_follower(call->server, &stream->follower);
                r = reply_stream(call, stream);
        }
        stored_job_done(&job);
        return r;
}

const Route log_routes[] = {
        { "GET", "/v1/jobs/{job}/log", get_log },
        { 0 },
};
