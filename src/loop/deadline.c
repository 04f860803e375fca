#include "loop/deadline.h"

#include "base/cleanup.h"
#include "base/clock.h"

/* sd-event would take 250 ms if not told; a millisecond still lets the kernel join neighbouring timers. */
#define DEADLINE_ACCURACY_USEC USEC_PER_MSEC

static void take_out(Deadline *deadline) {
        *(deadline->before ? &deadline->before->next : &deadline->all->first) = deadline->next;
        if (deadline->next)
                deadline->next->before = deadline->before;
        deadline->all = NULL;
}

static void set_timer(Deadlines *deadlines, uint64_t at_usec) {
        deadlines->timer_usec = at_usec;
        (void) sd_event_source_set_time(deadlines->timer, at_usec);
        (void) sd_event_source_set_enabled(deadlines->timer, SD_EVENT_ONESHOT);
}

static Deadline *find_earliest(const Deadlines *deadlines) {
        Deadline *earliest = deadlines->first;

        for (Deadline *deadline = earliest; deadline; deadline = deadline->next)
                if (deadline->at_usec < earliest->at_usec)
                        earliest = deadline;
        return earliest;
}

/* One in a turn of the loop, for it may end all others, and the timer. */
static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        Deadlines *deadlines = userdata;
        Deadline *due = find_earliest(deadlines), *next;

        if (due && due->at_usec <= clock_monotonic_usec())
                take_out(due);
        else
                due = NULL; /* what the timer was set for is gone */
        deadlines->timer_usec = USEC_INFINITY;
        next = find_earliest(deadlines);
        if (next)
                set_timer(deadlines, next->at_usec);
        if (due)
                due->passed(due->userdata);
        return 0;
}

static void on_unused(void *userdata) {
        Deadlines *deadlines = userdata;

        if (deadlines->first)
                return;
        deadlines->timer_usec = USEC_INFINITY;
        (void) sd_event_source_set_enabled(deadlines->timer, SD_EVENT_OFF);
}

int deadlines_init(Deadlines *deadlines, sd_event *event) {
        int r;

        *deadlines = (Deadlines) { .timer_usec = USEC_INFINITY };
        r = sd_event_add_time(event, &deadlines->timer, CLOCK_MONOTONIC, 0, DEADLINE_ACCURACY_USEC, on_time, deadlines);
        if (r >= 0)
                r = sd_event_source_set_enabled(deadlines->timer, SD_EVENT_OFF);
        return r < 0 ? r : turn_init(&deadlines->unused, event, on_unused, deadlines);
}

void deadlines_done(Deadlines *deadlines) {
        while (deadlines->first)
                take_out(deadlines->first);
        deadlines->timer = sd_event_source_disable_unref(deadlines->timer);
        turn_done(&deadlines->unused);
}

void deadline_set(Deadline *deadline, Deadlines *deadlines, uint64_t at_usec, void (*passed)(void *userdata),
                  void *userdata) {
        if (deadline->all)
                take_out(deadline);
        *deadline = (Deadline) {
                .all = deadlines, .at_usec = at_usec, .passed = passed, .userdata = userdata, .next = deadlines->first
        };
        if (deadlines->first)
                deadlines->first->before = deadline;
        deadlines->first = deadline;
        if (at_usec < deadlines->timer_usec)
                set_timer(deadlines, at_usec);
}

void deadline_drop(Deadline *deadline) {
        Deadlines *deadlines = deadline->all;

        if (!deadlines)
                return;
        take_out(deadline);
        if (!deadlines->first)
                turn_post_last(&deadlines->unused);
}
