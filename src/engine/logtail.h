#pragma once

/*
 * The log that conmon(8) writes for us, read while it grows. Its k8s-file format has one record per line:
 *
 *   2026-11-21T20:38:55.022517957+00:00 stdout F text     text and a newline, as the container wrote them
 *   2026-11-21T20:38:55.022517957+00:00 stderr P text     text, without a newline (yet)
 *
 * Joining them gives back the exact bytes of each stream. A line that is no record (the disk was full in the middle of
 * one) is handed on as it stands, as standard output: nothing is lost.
 */

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"

#define LOG_HEADER_MAX 64 /* conmon's are 45 bytes: time, stream, flag, and the three spaces */

typedef struct LogParser {
        int stream;   /* of the record being read; 0: its header comes first */
        bool is_full; /* the record stands for a line with its end */
        char header[LOG_HEADER_MAX];
        size_t n_header; /* the beginning of a header, from the piece before */
} LogParser;

/**
 * log_parser_feed() - hands on what a piece of the log holds
 * @bytes: any piece of it, behind the one before; its content is moved about
 *
 * Neighbouring records of the same stream are handed on in one call. Needs no memory, whatever the size of a record.
 */
void log_parser_feed(LogParser *parser, char *bytes, size_t n, EngineOutput output, void *userdata);

typedef struct LogTail LogTail;

/**
 * logtail_new() - the file need not be there yet
 * @keeps:     what was read is not given back to the file system,
 * @is_enough: but once this is true, what comes behind is; NULL: never
 */
int logtail_new(const char *path, bool keeps, const bool *is_enough, LogTail **ret);
LogTail *logtail_free(LogTail *tail);
DEFINE_CLEANUP(LogTail *, logtail_free);

/**
 * logtail_read() - hands on what is new, a bounded piece of it
 *
 * What has been read is given back to the file system (a hole), so that a step may print more than the disk holds.
 *
 * Return: 1 if there may be more at once, 0 at the end of what is there (or if the file is not there), or a negative
 * errno.
 */
int logtail_read(LogTail *tail, EngineOutput output, void *userdata);
