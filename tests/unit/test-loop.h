#pragma once

/* For tests of what waits: a callback that remembers, and a loop that turns until something was seen, or gives up. */

#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <systemd/sd-event.h>

#include "base/clock.h"
#include "loop/task.h"

#define TEST_DEADLINE_USEC (20 * USEC_PER_SEC)
#define TEST_DUE_TURNS_MAX 100

typedef struct Seen {
        unsigned n; /* how often the callback ran */
        int r;
        char text[512]; /* of the Error */
        Task **drop;    /* dropped in the callback, if set */
} Seen;

static inline void seen_done(Task *task, int r, const Error *error, void *userdata) {
        Seen *seen = userdata;

        seen->n++;
        seen->r = r;
        (void) snprintf(seen->text, sizeof(seen->text), "%s", error ? error_message(error, r) : "");
        if (seen->drop) {
                assert_ptr_equal(task, *seen->drop);
                *seen->drop = task_free(*seen->drop);
        }
}

static inline sd_event *test_event(void) {
        sd_event *event = NULL;

        assert_true(sd_event_new(&event) >= 0);
        return event;
}

/* Turns the loop until *n reaches what is wanted. */
static inline void turn_until(sd_event *event, const unsigned *n, unsigned want) {
        uint64_t end = clock_monotonic_usec() + TEST_DEADLINE_USEC;

        while (*n < want) {
                assert_true(clock_monotonic_usec() < end);
                assert_true(sd_event_run(event, USEC_PER_SEC) >= 0);
        }
}

/*
 * Turns the loop for a while, to see that nothing comes; and then until nothing is due: on a busy machine the while may
 * be over before what is there already was seen.
 */
static inline void turn_for(sd_event *event, uint64_t usec) {
        uint64_t end = clock_monotonic_usec() + usec;

        for (uint64_t now = clock_monotonic_usec(); now < end; now = clock_monotonic_usec())
                assert_true(sd_event_run(event, end - now) >= 0);
        for (unsigned i = 0; i < TEST_DUE_TURNS_MAX && sd_event_run(event, 0) > 0; i++)
                ;
}
