#pragma once

/* Bytes to lines: one for each newline, the last one perhaps without; very long ones in pieces. */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define LINE_BYTES_MAX (1U * 1024 * 1024) /* Woodpecker cuts there too */

/* @n: without the newline. @is_partial: the line goes on in the next call, or the stream ended in it. */
typedef void (*LineSink)(const char *line, size_t n, bool is_partial, void *userdata);

typedef struct Lines {
        Str pending;
        LineSink sink;
        void *userdata;
} Lines;

void lines_init(Lines *lines, LineSink sink, void *userdata);
int lines_feed(Lines *lines, const char *bytes, size_t n);
void lines_end(Lines *lines);
void lines_done(Lines *lines);
