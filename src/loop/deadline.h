#pragma once

/*
 * Deadlines of what nearly always ends in time and of which there is much, such as requests. All share one timer, which
 * a deadline moves only if it comes earlier. When that one is dropped the timer stays, as the next request is mostly
 * sent in the same turn of the loop; if none was, it is switched off, and wakes nobody for nothing. So most deadlines
 * cost neither a source nor a system call.
 */

#include <stdint.h>

#include <systemd/sd-event.h>

#include "loop/turn.h"

typedef struct Deadline Deadline;
typedef struct Deadlines Deadlines;

/* Embed it; a zeroed one is not set. */
struct Deadline {
        Deadlines *all; /* NULL: not set */
        uint64_t at_usec;
        void (*passed)(void *userdata);
        void *userdata;
        Deadline *before, *next;
};

struct Deadlines {
        sd_event_source *timer;
        uint64_t timer_usec; /* where it stands; USEC_INFINITY: it is off */
        Turn unused;         /* looks whether it is still needed */
        Deadline *first;     /* in no order */
};

/** deadlines_init() - Return: 0 or a negative errno; deadlines_done() it then, too */
int deadlines_init(Deadlines *deadlines, sd_event *event);

/** deadlines_done() - what is still set will not pass; a zeroed one is fine */
void deadlines_done(Deadlines *deadlines);

/**
 * deadline_set() - @passed runs once from the event loop, at that time or at most some milliseconds after it
 * @at_usec: of CLOCK_MONOTONIC
 * @passed:  may end everything, also @deadlines
 *
 * What was set before with @deadline is forgotten.
 */
void deadline_set(Deadline *deadline, Deadlines *deadlines, uint64_t at_usec, void (*passed)(void *userdata),
                  void *userdata);

/** deadline_drop() - it will not pass; nothing if it is not set */
void deadline_drop(Deadline *deadline);

static inline bool deadline_is_set(const Deadline *deadline) {
        return deadline->all;
}
