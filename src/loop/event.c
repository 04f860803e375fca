#include "loop/event-internal.h"

#include <errno.h>
#include <limits.h>

#include "base/clock.h"

#define EVENTS_MAX 64 /* taken from the kernel at once; what is left over comes the next time */
#define UNASKED_MAX 16 /* turns of deferred sources only, after which the kernel is asked all the same */

int event_new(EventLoop **ret) {
        EventLoop *event = calloc(1, sizeof(*event));

        if (!event)
                return -ENOMEM;
        *event = (EventLoop) { .n_ref = 1, .epoll_fd = epoll_create1(EPOLL_CLOEXEC), .is_post_due = true };
        if (event->epoll_fd < 0) {
                int r = -errno;

                free(event);
                return r;
        }
        TAILQ_INIT(&event->ready);
        TAILQ_INIT(&event->armed);
        TAILQ_INIT(&event->posts);
        TAILQ_INIT(&event->owned);
        *ret = event;
        return 0;
}

EventLoop *event_ref(EventLoop *event) {
        event->n_ref++;
        return event;
}

EventLoop *event_unref(EventLoop *event) {
        if (!event || --event->n_ref > 0)
                return NULL;
        while (!TAILQ_EMPTY(&event->owned))
                event_source_free(TAILQ_FIRST(&event->owned));
        watches_free(event->watches);
        close(event->epoll_fd);
        free(event);
        return NULL;
}

void event_make_ready(EventSource *source, uint64_t turn) {
        if (source->is_ready)
                return;
        source->is_ready = true;
        source->turn = turn;
        TAILQ_INSERT_TAIL(&source->event->ready, source, ready);
}

static bool is_of_this_turn(const EventLoop *event, const EventSource *source) {
        return source && source->turn <= event->turn;
}

/* They come before what is to be called in the next turn. */
static void make_posts_ready(EventLoop *event) {
        EventSource *post;

        TAILQ_FOREACH_REVERSE(post, &event->posts, SourceList, armed)
                if (!post->is_ready) {
                        post->is_ready = true;
                        post->turn = event->turn;
                        TAILQ_INSERT_HEAD(&event->ready, post, ready);
                }
        event->is_post_due = false;
}

/* Rounded up: who waits for a time must not find that it has not come yet. */
static int wait_msec(EventLoop *event, uint64_t timeout_usec) {
        const EventSource *timer = TAILQ_FIRST(&event->armed);
        uint64_t now;

        if (!TAILQ_EMPTY(&event->ready))
                return 0;
        if (timer && timer->at_usec < USEC_INFINITY) {
                now = clock_monotonic_usec();
                timeout_usec = MIN(timeout_usec, timer->at_usec > now ? timer->at_usec - now : 0);
        }
        if (timeout_usec == UINT64_MAX)
                return -1;
        return (int) MIN(timeout_usec / USEC_PER_MSEC + (timeout_usec % USEC_PER_MSEC > 0), (uint64_t) INT_MAX);
}

static void make_timers_ready(EventLoop *event) {
        uint64_t now = TAILQ_EMPTY(&event->armed) ? 0 : clock_monotonic_usec();
        EventSource *timer;

        while ((timer = TAILQ_FIRST(&event->armed)) && timer->at_usec <= now) {
                TAILQ_REMOVE(&event->armed, timer, armed);
                timer->is_armed = false;
                event_make_ready(timer, event->turn);
        }
}

/* The next turn: of what was deferred to it, and of what the kernel and the clock say. */
static int next_turn(EventLoop *event, uint64_t timeout_usec) {
        struct epoll_event events[EVENTS_MAX];
        int n;

        event->turn++;
        if (!TAILQ_EMPTY(&event->ready) && event->n_unasked < UNASKED_MAX) {
                event->n_unasked++;
                return 0;
        }
        event->n_unasked = 0;
        n = epoll_wait(event->epoll_fd, events, EVENTS_MAX, wait_msec(event, timeout_usec));
        if (n < 0 && errno != EINTR)
                return -errno;
        for (int i = 0; i < n; i++) {
                EventSource *source = events[i].data.ptr;

                source->revents = events[i].events;
                event_make_ready(source, event->turn);
        }
        make_timers_ready(event);
        return 0;
}

int event_run(EventLoop *event, uint64_t timeout_usec) {
        _cleanup_(event_unrefp) EventLoop *held = event_ref(event); /* a source may have the last reference */
        EventSource *source;
        int r;

        if (event->is_exiting) {
                event->is_over = true;
                return 0;
        }
        if (!is_of_this_turn(event, TAILQ_FIRST(&event->ready)) && event->is_post_due &&
            (TAILQ_EMPTY(&event->ready) || event->n_unasked >= UNASKED_MAX))
                make_posts_ready(event);
        if (!is_of_this_turn(event, TAILQ_FIRST(&event->ready))) {
                r = next_turn(event, timeout_usec);
                if (r < 0)
                        return r;
        }
        source = TAILQ_FIRST(&event->ready);
        if (!source)
                return 0;
        if (source->kind != SOURCE_POST)
                event->is_post_due = true;
        event_source_call(source);
        return 1;
}

int event_loop(EventLoop *event) {
        _cleanup_(event_unrefp) EventLoop *held = event_ref(event);
        int r;

        while (!event->is_over) {
                r = event_run(event, UINT64_MAX);
                if (r < 0)
                        return r;
        }
        return event->exit_code;
}

int event_exit(EventLoop *event, int code) {
        event->is_exiting = true;
        event->exit_code = code;
        return 0;
}

bool event_is_over(const EventLoop *event) {
        return event->is_over;
}
