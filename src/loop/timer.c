#include "loop/timer.h"

#include <errno.h>
#include <sys/random.h>

#include "base/clock.h"

typedef struct Timer {
        Task task;
        EventSource *source;
} Timer;

static Task *timer_free(Task *task) {
        Timer *timer = container_of(task, Timer, task);

        event_source_free(timer->source);
        free(timer);
        return NULL;
}

static const TaskClass timer_class = { "timer", timer_free };

static int timer_on_time(EventSource *source, uint64_t usec, void *userdata) {
        Timer *timer = userdata;

        task_finish(&timer->task, 0, NULL);
        return 0;
}

int timer_start(EventLoop *event, uint64_t delay_usec, TaskDone done, void *userdata, Task **ret_task) {
        _cleanup_(task_freep) Task *task = NULL;
        Timer *timer;
        int r;

        timer = calloc(1, sizeof(*timer));
        if (!timer)
                return -ENOMEM;
        task = &timer->task;
        task_init(task, &timer_class, done, userdata);
        r = event_add_time_relative(event, &timer->source, delay_usec, timer_on_time, timer);
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
