/* A log on its way to a reader, in one of its formats. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/joblog.h"
#include "base/clock.h"
#include "base/str.h"
#include "document/json.h"

#define PIECE_BYTES_MAX (64U * 1024)
#define SHOWN_BYTES_MAX (16U * 1024 * 1024) /* of one piece, in a format; a line has at most 1 MiB */

struct LogReader {
        int text_fd, index_fd;
        LogView view;
        uint64_t n_read;      /* entries of the index that are dealt with */
        JobLogEntry entry;    /* the present one */
        uint32_t done;        /* bytes of it */
        bool is_line_begun;
        Str shown;            /* waits to be read */
        size_t n_shown;       /* bytes of it that were */
        char piece[PIECE_BYTES_MAX];
};

static int open_file(const char *directory, const char *id, const char *suffix, int *ret) {
        _cleanup_free_ char *path = str_printf("%s/%s%s", directory, id, suffix);

        if (!path)
                return -ENOMEM;
        *ret = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        return *ret < 0 ? -errno : 0;
}

int logreader_new(const char *directory, const char *id, const LogView *view, LogReader **ret) {
        _cleanup_(logreader_freep) LogReader *reader = calloc(1, sizeof(*reader));
        int r;

        if (!reader)
                return -ENOMEM;
        reader->text_fd = reader->index_fd = -1;
        reader->view = *view;
        reader->shown = STR_INIT(SHOWN_BYTES_MAX);
        r = open_file(directory, id, ".log", &reader->text_fd);
        if (r >= 0)
                r = open_file(directory, id, ".idx", &reader->index_fd);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(reader);
        return 0;
}

LogReader *logreader_free(LogReader *reader) {
        if (!reader)
                return NULL;
        (void) fd_close(reader->text_fd);
        (void) fd_close(reader->index_fd);
        str_done(&reader->shown);
        free(reader);
        return NULL;
}

/* 1: reader->entry is the next one to be shown. */
static int next_entry(LogReader *reader) {
        for (;;) {
                JobLogEntry entry;
                ssize_t n = pread(reader->index_fd, &entry, sizeof(entry), (off_t) (reader->n_read * sizeof(entry)));

                if (n < 0)
                        return -errno;
                if (n < (ssize_t) sizeof(entry))
                        return 0;
                reader->n_read++;
                if (reader->view.step >= 0 && reader->view.step != entry.step)
                        continue;
                reader->entry = entry;
                reader->done = 0;
                return 1;
        }
}

static void show_json_line(LogReader *reader, const char *line, size_t n, bool is_whole) {
        const JobLogEntry *entry = &reader->entry;
        _cleanup_free_ char *text = NULL;
        char stamp[CLOCK_STAMP_MAX];
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_put_string(&w, "time", clock_format_stamp(entry->time_usec, stamp));
        json_put_string(&w, "event", "output");
        json_put_string(&w, "job", reader->view.job_id);
        json_put_string(&w, "step", reader->view.step_names[entry->step]);
        json_put_string(&w, "stream", entry->stream == 2 ? "stderr" : "stdout");
        if (!is_whole)
                json_put_bool(&w, "partial", true);
        json_put_bytes(&w, "line", line, n);
        json_close(&w);
        if (json_finish(&w, false, &text) >= 0)
                (void) str_appendf(&reader->shown, "%s\n", text);
}

static void show_piece(LogReader *reader, const char *bytes, size_t n) {
        const char *end = bytes + n;

        while (bytes < end) {
                const char *newline = memchr(bytes, '\n', (size_t) (end - bytes));
                size_t n_line = (size_t) ((newline ? newline : end) - bytes);
                bool is_last = newline && reader->done + (size_t) (newline + 1 - (end - n)) == reader->entry.length;

                if (reader->view.format == LOG_FORMAT_JSON)
                        show_json_line(reader, bytes, n_line, newline && !(is_last && reader->entry.is_partial));
                else {
                        if (!reader->is_line_begun)
                                (void) str_appendf(&reader->shown, "[%s] ",
                                                   reader->view.step_names[reader->entry.step]);
                        (void) str_append_n(&reader->shown, bytes, n_line + (newline != NULL));
                }
                reader->is_line_begun = !newline;
                bytes += n_line + (newline != NULL);
        }
}

/* The next piece of the present entry, into 'shown'; 0: there is no more. */
static int fill(LogReader *reader) {
        size_t want;
        ssize_t n;
        int r = 1;

        str_clear(&reader->shown);
        reader->n_shown = 0;
        if (reader->done == reader->entry.length)
                r = next_entry(reader);
        if (r <= 0)
                return r;
        want = MIN(reader->entry.length - reader->done, sizeof(reader->piece));
        n = pread(reader->text_fd, reader->piece, want, (off_t) (reader->entry.offset + reader->done));
        if (n <= 0)
                return n < 0 ? -errno : -EIO;
        if (reader->view.format == LOG_FORMAT_TEXT)
                (void) str_append_n(&reader->shown, reader->piece, (size_t) n);
        else
                show_piece(reader, reader->piece, (size_t) n);
        reader->done += (uint32_t) n;
        return reader->shown.error ? reader->shown.error : 1;
}

ssize_t logreader_read(LogReader *reader, char *buffer, size_t n) {
        size_t total = 0;

        while (total < n) {
                size_t there = reader->shown.n - reader->n_shown, take = MIN(there, n - total);
                int r;

                if (take > 0) {
                        memcpy(buffer + total, str_get(&reader->shown) + reader->n_shown, take);
                        reader->n_shown += take;
                        total += take;
                        continue;
                }
                r = fill(reader);
                if (r < 0)
                        return total > 0 ? (ssize_t) total : r;
                if (r == 0)
                        break;
        }
        return (ssize_t) total;
}
