#pragma once

/*
 * What the steps of a job printed, masked: ID.log is the text, line for line as it came; ID.idx tells of each run of
 * lines whose they are. The text is written first and counts once the index speaks of it, so that a process that was
 * killed anywhere leaves a log from which the next one goes on, with no line lost or doubled: JobLog counts what it
 * holds.
 */

#include <systemd/sd-event.h>

#include "job/event.h"

#define JOBLOG_ENTRY_BYTES 32

/* In the byte order of the machine: logs do not travel. */
typedef struct JobLogEntry {
        uint64_t offset; /* in the text */
        uint64_t time_usec;
        uint32_t length; /* in bytes, newlines included */
        uint32_t n_lines;
        uint16_t step;
        uint8_t stream;   /* 1, 2 */
        uint8_t is_partial; /* the newline of the last line is ours */
        uint32_t reserved;
} JobLogEntry;

typedef struct JobLog JobLog;

/**
 * joblog_open() - for writing, at its end; what a killed process wrote in part is cut off
 * @directory: "STATE/agent/logs"; made if missing
 * @grown: from the loop, after lines have become readable; may be NULL
 */
int joblog_open(sd_event *event, const char *directory, const char *id, size_t n_steps, void (*grown)(void *userdata),
                void *userdata, JobLog **ret, Error **reterr);
JobLog *joblog_free(JobLog *log); /* flushes */
DEFINE_CLEANUP(JobLog *, joblog_free);

/** joblog_add() - a JOB_EVENT_OUTPUT; gathered, written at the end of the turn of the loop at the latest */
void joblog_add(JobLog *log, const JobEvent *event);
/** joblog_flush() - writes what was gathered; the first failure sticks: a full disk */
int joblog_flush(JobLog *log);
/** joblog_sync() - the same, and onto the disk */
int joblog_sync(JobLog *log);
/** joblog_count() - lines held of a stream of a step */
uint64_t joblog_count(const JobLog *log, size_t step, int stream);
uint64_t joblog_size(const JobLog *log); /* bytes that can be read */

/** joblog_size_left() - bytes of the text of a job that nobody writes any more; 0: nothing was ever printed */
uint64_t joblog_size_left(const char *directory, const char *id);

int joblog_delete(const char *directory, const char *id);

/* ---- reading ---- */

typedef enum LogFormat {
        LOG_FORMAT_TEXT,     /* as it was printed */
        LOG_FORMAT_PREFIXED, /* "[step] line" */
        LOG_FORMAT_JSON,     /* as 'podstep run --json' tells lines */
} LogFormat;

typedef struct LogView {
        LogFormat format;
        int step; /* of one step only; -1: all */
        char *const *step_names;
        const char *job_id;
} LogView;

typedef struct LogReader LogReader;
/**
 * logreader_new() - @view and what it points to must outlive it. -ENOENT: nothing was ever written (a reader may be
 * made later).
 */
int logreader_new(const char *directory, const char *id, const LogView *view, LogReader **ret);
LogReader *logreader_free(LogReader *reader);
DEFINE_CLEANUP(LogReader *, logreader_free);
/** logreader_read() - the next bytes; 0: no more for now; negative errno */
ssize_t logreader_read(LogReader *reader, char *buffer, size_t n);
