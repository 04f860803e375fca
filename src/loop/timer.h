#pragma once

/* Time that passes, as a Task; and the growing pauses between retries. */

#include <stdint.h>

#include "loop/task.h"

/** timer_start() - done with 0 after @delay_usec, at most a millisecond late; never if it is USEC_INFINITY */
int timer_start(sd_event *event, uint64_t delay_usec, TaskDone done, void *userdata, Task **ret_task);

typedef struct Backoff {
        uint64_t first_usec, max_usec;
        unsigned n_tries;
} Backoff;

/** backoff_next() - the next pause: doubling from first to max, less a random part of up to a quarter */
uint64_t backoff_next(Backoff *backoff);
static inline void backoff_reset(Backoff *backoff) {
        backoff->n_tries = 0;
}
