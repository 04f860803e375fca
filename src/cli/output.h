#pragma once

/*
 * Text on its way out, to a terminal, a pipe or a file: gathered, written in few large pieces, without waiting for a
 * slow reader as long as what waits stays within bounds.
 */

#include <systemd/sd-event.h>

#include "base/str.h"

#define OUTPUT_PIECE_BYTES (64U * 1024)            /* more than that is not gathered before it is written */
#define OUTPUT_WAITING_BYTES_MAX (1U * 1024 * 1024) /* a reader that is slower than that is waited for */

typedef struct Output {
        int fd;      /* borrowed */
        int own_fd;  /* the same pipe or terminal, opened anew so as not to block: else -1 */
        Str buffer;  /* append here */
        int error;   /* the first failure, e.g. -EPIPE: nobody reads any more, everything is dropped */
        sd_event_source *source; /* while the reader is behind */
        bool is_socket;
} Output;

/** output_init() - @event: NULL: every write is waited for */
int output_init(Output *output, int fd, sd_event *event);
/**
 * output_flush() - writes what can be written now; the rest follows from the event loop. Returns the first failure
 * ever, or 0.
 */
int output_flush(Output *output);
/** output_drain() - writes everything, however long that takes */
int output_drain(Output *output);
void output_done(Output *output);

/** output_stdout() - writes what stdio holds for standard output: 0, also if nobody reads any more, or -errno */
int output_stdout(void);

/** output_offer() - output_flush() once enough has been gathered */
static inline void output_offer(Output *output) {
        if (output->buffer.n >= OUTPUT_PIECE_BYTES)
                (void) output_flush(output);
}
