#include "loop/timer.h"

#include <errno.h>
#include <sys/random.h>

#include "base/clock.h"

/* sd-event would take 250 ms if not told; a millisecond still lets the kernel join neighbouring timers. */
#define TIMER_ACCURACY_USEC USEC_PER_MSEC

typedef struct Timer {
        Task task;
        sd_event_source *source;
} Timer;

static Task *timer_free(Task *task) {
        Timer *timer = container_of(task, Timer, task);

        sd_event_source_disable_unref(timer->source);
        free(timer);
        return NULL;
}

static const TaskClass timer_class = { "timer", timer_free };

static int timer_on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        Timer *timer = userdata;

        task_finish(&timer->task, 0, NULL);
        return 0;
}

int timer_start(sd_event *event, uint64_t delay_usec, TaskDone done, void *userdata, Task **ret_task) {
        _cleanup_(task_freep) Task *task = NULL;
        /* Not sd_event_add_time_relative(): it counts from the beginning of the loop's turn, which may be long ago. */
        uint64_t now = clock_monotonic_usec(), at = delay_usec < USEC_INFINITY - now ? now + delay_usec : USEC_INFINITY;
        Timer *timer;
        int r;

        timer = calloc(1, sizeof(*timer));
        if (!timer)
                return -ENOMEM;
        task = &timer->task;
        task_init(task, &timer_class, done, userdata);
        r = sd_event_add_time(event, &timer->source, CLOCK_MONOTONIC, at, TIMER_ACCURACY_USEC, timer_on_time, timer);
        if (r < 0)
                return r;
        *ret_task = TAKE_PTR(task);
        return 0;
}

uint64_t backoff_next(Backoff *backoff) {
        uint64_t pause = MIN(backoff->first_usec, backoff->max_usec);
        uint32_t random = 0;

        for (unsigned i = 0; i < backoff->n_tries && pause > 0 && pause < backoff->max_usec; i++)
                pause = pause > backoff->max_usec / 2 ? backoff->max_usec : pause * 2;
        if (backoff->n_tries < UINT32_MAX)
                backoff->n_tries++;
        /* Without entropy there is no jitter; that is no reason to fail. */
        (void) getrandom(&random, sizeof(random), GRND_NONBLOCK);
        return pause - (uint64_t) ((double) pause / 4 * random / UINT32_MAX);
}
