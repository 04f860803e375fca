#include "agent/joblog.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"

#define GATHERED_BYTES_MAX (256U * 1024) /* more is written at once */
#define GATHER_BYTES_LIMIT (4U * 1024 * 1024)
#define REPAIR_ENTRIES 1024 /* read at a time */

struct JobLog {
        int text_fd, index_fd;
        uint64_t size; /* of the text, written */
        Str text;      /* gathered */
        JobLogEntry *entries;
        size_t n_entries;
        uint64_t (*counts)[2]; /* lines per step and stream */
        size_t n_steps;
        int error;
        sd_event_source *turn;
        void (*grown)(void *userdata);
        void *userdata;
};

int joblog_flush(JobLog *log) {
        if (log->error < 0 || log->n_entries == 0)
                return log->error;
        log->error = log->text.error ? log->text.error : file_write_fd(log->text_fd, str_get(&log->text), log->text.n);
        if (log->error >= 0)
                log->error = file_write_fd(log->index_fd, log->entries, log->n_entries * sizeof(*log->entries));
        if (log->error < 0)
                return log->error;
        log->size += log->text.n;
        str_clear(&log->text);
        log->n_entries = 0;
        if (log->grown)
                log->grown(log->userdata);
        return 0;
}

int joblog_sync(JobLog *log) {
        int r = joblog_flush(log);

        if (r >= 0 && (fdatasync(log->text_fd) < 0 || fdatasync(log->index_fd) < 0))
                r = -errno;
        return r;
}

static int on_turn(sd_event_source *source, void *userdata) {
        (void) joblog_flush(userdata);
        return 0;
}

static bool continues(const JobLogEntry *entry, const JobEvent *event, size_t n) {
        return entry->step == event->step_index && entry->stream == event->stream && !entry->is_partial &&
               entry->time_usec / USEC_PER_MSEC == event->realtime_usec / USEC_PER_MSEC &&
               entry->length + n < UINT32_MAX;
}

void joblog_add(JobLog *log, const JobEvent *event) {
        JobLogEntry *last = log->n_entries > 0 ? &log->entries[log->n_entries - 1] : NULL;

        if (log->error < 0 || event->step_index >= log->n_steps)
                return;
        if (!last || !continues(last, event, event->n_line + 1)) {
                JobLogEntry entry = { .offset = log->size + log->text.n, .time_usec = event->realtime_usec,
                                      .step = (uint16_t) event->step_index, .stream = (uint8_t) event->stream };

                if (ARRAY_APPEND(log->entries, log->n_entries, entry) < 0) {
                        log->error = -ENOMEM;
                        return;
                }
                last = &log->entries[log->n_entries - 1];
        }
        (void) str_append_n(&log->text, event->line, event->n_line);
        (void) str_append_char(&log->text, '\n');
        last->length += (uint32_t) event->n_line + 1;
        last->n_lines++;
        last->is_partial = event->is_partial;
        log->counts[event->step_index][event->stream - 1]++;
        if (log->text.n > GATHERED_BYTES_MAX)
                (void) joblog_flush(log);
        else
                (void) sd_event_source_set_enabled(log->turn, SD_EVENT_ONESHOT);
}

/* Counts the entries that speak of text that is there; the rest was never finished. */
static int repair(JobLog *log) {
        _cleanup_free_ JobLogEntry *entries = calloc(REPAIR_ENTRIES, sizeof(*entries));
        uint64_t n_good = 0;
        struct stat st;

        if (!entries)
                return -ENOMEM;
        if (fstat(log->text_fd, &st) < 0)
                return -errno;
        for (bool is_good = true; is_good;) {
                ssize_t n = pread(log->index_fd, entries, REPAIR_ENTRIES * sizeof(*entries),
                                  (off_t) (n_good * sizeof(*entries)));

                if (n < 0)
                        return -errno;
                is_good = n >= (ssize_t) sizeof(*entries);
                for (size_t i = 0; is_good && i < (size_t) n / sizeof(*entries); i++) {
                        const JobLogEntry *entry = &entries[i];

                        is_good = entry->offset == log->size && entry->length > 0 &&
                                  entry->offset + entry->length <= (uint64_t) st.st_size &&
                                  entry->step < log->n_steps && (entry->stream == 1 || entry->stream == 2);
                        if (!is_good)
                                break;
                        log->size += entry->length;
                        log->counts[entry->step][entry->stream - 1] += entry->n_lines;
                        n_good++;
                }
        }
        if (ftruncate(log->index_fd, (off_t) (n_good * sizeof(*entries))) < 0 ||
            ftruncate(log->text_fd, (off_t) log->size) < 0)
                return -errno;
        return 0;
}

static int open_file(const char *directory, const char *id, const char *suffix, int *ret) {
        _cleanup_free_ char *path = str_printf("%s/%s%s", directory, id, suffix);

        if (!path)
                return -ENOMEM;
        *ret = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        return *ret < 0 ? -errno : 0;
}

int joblog_open(sd_event *event, const char *directory, const char *id, size_t n_steps, void (*grown)(void *userdata),
                void *userdata, JobLog **ret, Error **reterr) {
        _cleanup_(joblog_freep) JobLog *log = calloc(1, sizeof(*log));
        int r;

        if (!log)
                return error_oom(reterr);
        *log = (JobLog) { .text_fd = -1, .index_fd = -1, .n_steps = n_steps, .text = STR_INIT(GATHER_BYTES_LIMIT),
                          .grown = grown, .userdata = userdata };
        log->counts = calloc(n_steps + 1, sizeof(*log->counts));
        if (!log->counts)
                return error_oom(reterr);
        r = file_mkdir_p(directory, 0700);
        if (r >= 0)
                r = open_file(directory, id, ".log", &log->text_fd);
        if (r >= 0)
                r = open_file(directory, id, ".idx", &log->index_fd);
        if (r >= 0)
                r = repair(log);
        if (r >= 0)
                r = sd_event_add_defer(event, &log->turn, on_turn, log);
        if (r >= 0)
                r = sd_event_source_set_enabled(log->turn, SD_EVENT_OFF);
        if (r < 0)
                return error_set(reterr, -r, "cannot open the log '%s/%s.log': %s", directory, id, strerror(-r));
        *ret = TAKE_PTR(log);
        return 0;
}

JobLog *joblog_free(JobLog *log) {
        if (!log)
                return NULL;
        log->grown = NULL;
        if (log->index_fd >= 0)
                (void) joblog_flush(log);
        log->turn = sd_event_source_disable_unref(log->turn);
        (void) fd_close(log->text_fd);
        (void) fd_close(log->index_fd);
        str_done(&log->text);
        free(log->entries);
        free(log->counts);
        free(log);
        return NULL;
}

uint64_t joblog_count(const JobLog *log, size_t step, int stream) {
        return step < log->n_steps ? log->counts[step][stream - 1] : 0;
}

uint64_t joblog_size(const JobLog *log) {
        return log->size;
}

uint64_t joblog_size_left(const char *directory, const char *id) {
        _cleanup_free_ char *path = str_printf("%s/%s.log", directory, id);
        struct stat st;

        return path && lstat(path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t) st.st_size : 0;
}

int joblog_delete(const char *directory, const char *id) {
        static const char *const suffixes[] = { ".idx", ".log" };

        FOREACH_ROW(suffix, suffixes) {
                _cleanup_free_ char *path = str_printf("%s/%s%s", directory, id, *suffix);

                if (!path)
                        return -ENOMEM;
                if (unlink(path) < 0 && errno != ENOENT)
                        return -errno;
        }
        return 0;
}
