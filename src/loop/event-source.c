#include "loop/event-internal.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"

/* ---- being called, and not ---- */

static void unready(EventSource *source) {
        if (!source->is_ready)
                return;
        TAILQ_REMOVE(&source->event->ready, source, ready);
        source->is_ready = false;
}

/* Behind those of the same time. Most timers are later than all others: so from the end. */
static void arm(EventSource *source) {
        EventLoop *event = source->event;
        EventSource *before;

        TAILQ_FOREACH_REVERSE(before, &event->armed, SourceList, armed)
                if (before->at_usec <= source->at_usec)
                        break;
        if (before)
                TAILQ_INSERT_AFTER(&event->armed, before, source, armed);
        else
                TAILQ_INSERT_HEAD(&event->armed, source, armed);
        source->is_armed = true;
}

static void disarm(EventSource *source) {
        if (!source->is_armed)
                return;
        TAILQ_REMOVE(source->kind == SOURCE_POST ? &source->event->posts : &source->event->armed, source, armed);
        source->is_armed = false;
}

static int control(EventSource *source, int operation) {
        struct epoll_event event = { .events = source->events, .data.ptr = source };

        return epoll_ctl(source->event->epoll_fd, operation, source->fd, &event) < 0 ? -errno : 0;
}

/* What belongs to being enabled, by kind. */
static int engage(EventSource *source) {
        int r;

        switch (source->kind) {
        case SOURCE_IO:
        case SOURCE_SIGNAL:
                r = source->is_registered ? 0 : control(source, EPOLL_CTL_ADD);
                source->is_registered = r >= 0;
                return r;
        case SOURCE_TIME:
                if (!source->is_armed && !source->is_ready)
                        arm(source);
                return 0;
        case SOURCE_DEFER:
                event_make_ready(source, source->event->turn + 1);
                return 0;
        case SOURCE_POST:
                if (!source->is_armed)
                        TAILQ_INSERT_TAIL(&source->event->posts, source, armed);
                source->is_armed = true;
                source->event->is_post_due = true;
                return 0;
        }
        return -EINVAL;
}

/* The descriptor may be closed already, and is gone from the epoll then. */
static void disengage(EventSource *source) {
        unready(source);
        disarm(source);
        if (source->is_registered)
                (void) control(source, EPOLL_CTL_DEL);
        source->is_registered = false;
}

int event_source_set_enabled(EventSource *source, EventEnabled enabled) {
        if (!source)
                return 0;
        source->enabled = enabled;
        if (enabled != EVENT_OFF)
                return engage(source);
        disengage(source);
        return 0;
}

EventEnabled event_source_get_enabled(const EventSource *source) {
        return source->enabled;
}

static int call(EventSource *source) {
        struct signalfd_siginfo info;

        switch (source->kind) {
        case SOURCE_IO:
                return source->on_io(source, source->fd, source->revents, source->userdata);
        case SOURCE_SIGNAL:
                if (read(source->fd, &info, sizeof(info)) != sizeof(info))
                        return 0;
                return source->on_signal(source, &info, source->userdata);
        case SOURCE_TIME:
                return source->on_time(source, source->at_usec, source->userdata);
        case SOURCE_DEFER:
        case SOURCE_POST:
                return source->on_turn(source, source->userdata);
        }
        return -EINVAL;
}

void event_source_call(EventSource *source) {
        int r;

        unready(source);
        if (source->enabled == EVENT_ONESHOT)
                (void) event_source_set_enabled(source, EVENT_OFF);
        source->is_running = true;
        r = call(source);
        source->is_running = false;
        if (source->is_dropped) {
                free(source);
                return;
        }
        if (r < 0) {
                log_debug("event loop: a source is disabled: its callback returned %d", r);
                (void) event_source_set_enabled(source, EVENT_OFF);
        } else if (source->enabled == EVENT_ON && (source->kind == SOURCE_DEFER || source->kind == SOURCE_TIME))
                (void) engage(source);
}

/* ---- making and ending ---- */

static EventSource *source_new(EventLoop *event, SourceKind kind, EventEnabled enabled, void *userdata) {
        EventSource *source = calloc(1, sizeof(*source));

        if (!source)
                return NULL;
        *source = (EventSource) {
                .event = event_ref(event), .kind = kind, .enabled = enabled, .userdata = userdata, .fd = -1
        };
        return source;
}

/* Takes it into the loop, and gives it to the caller or the loop. */
static int source_begin(EventSource *source, EventSource **ret) {
        int r = engage(source);

        if (r < 0) {
                event_source_free(source);
                return r;
        }
        if (ret)
                *ret = source;
        else
                event_source_leave(source);
        return 0;
}

int event_add_io(EventLoop *event, EventSource **ret, int fd, uint32_t events, EventIoHandler handler, void *userdata) {
        EventSource *source = source_new(event, SOURCE_IO, EVENT_ON, userdata);

        if (!source)
                return -ENOMEM;
        source->fd = fd;
        source->events = events;
        source->on_io = handler;
        return source_begin(source, ret);
}

int event_add_signal(EventLoop *event, EventSource **ret, int signal_number, EventSignalHandler handler,
                     void *userdata) {
        EventSource *source = source_new(event, SOURCE_SIGNAL, EVENT_ON, userdata);
        sigset_t signals;

        if (!source)
                return -ENOMEM;
        (void) sigemptyset(&signals);
        (void) sigaddset(&signals, signal_number);
        source->fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
        if (source->fd < 0) {
                int r = -errno;

                event_source_free(source);
                return r;
        }
        source->owns_fd = true;
        source->events = EPOLLIN;
        source->on_signal = handler;
        return source_begin(source, ret);
}

int event_add_time(EventLoop *event, EventSource **ret, uint64_t at_usec, EventTimeHandler handler, void *userdata) {
        EventSource *source = source_new(event, SOURCE_TIME, EVENT_ONESHOT, userdata);

        if (!source)
                return -ENOMEM;
        source->at_usec = at_usec;
        source->on_time = handler;
        return source_begin(source, ret);
}

static uint64_t from_now(uint64_t delay_usec) {
        uint64_t now = clock_monotonic_usec();

        return delay_usec < USEC_INFINITY - now ? now + delay_usec : USEC_INFINITY;
}

int event_add_time_relative(EventLoop *event, EventSource **ret, uint64_t delay_usec, EventTimeHandler handler,
                            void *userdata) {
        return event_add_time(event, ret, from_now(delay_usec), handler, userdata);
}

static int add_turn(EventLoop *event, SourceKind kind, EventEnabled enabled, EventSource **ret, EventHandler handler,
                    void *userdata) {
        EventSource *source = source_new(event, kind, enabled, userdata);

        if (!source)
                return -ENOMEM;
        source->on_turn = handler;
        return source_begin(source, ret);
}

int event_add_defer(EventLoop *event, EventSource **ret, EventHandler handler, void *userdata) {
        return add_turn(event, SOURCE_DEFER, EVENT_ONESHOT, ret, handler, userdata);
}

int event_add_post(EventLoop *event, EventSource **ret, EventHandler handler, void *userdata) {
        return add_turn(event, SOURCE_POST, EVENT_ON, ret, handler, userdata);
}

int event_source_set_io_events(EventSource *source, uint32_t events) {
        if (source->events == events)
                return 0;
        source->events = events;
        unready(source); /* for what it is ready may be asked for no more */
        return source->is_registered ? control(source, EPOLL_CTL_MOD) : 0;
}

void event_source_own_fd(EventSource *source) {
        source->owns_fd = true;
}

int event_source_set_time(EventSource *source, uint64_t at_usec) {
        unready(source);
        disarm(source);
        source->at_usec = at_usec;
        return source->enabled == EVENT_OFF ? 0 : engage(source);
}

int event_source_set_time_relative(EventSource *source, uint64_t delay_usec) {
        return event_source_set_time(source, from_now(delay_usec));
}

void event_source_leave(EventSource *source) {
        source->is_floating = true;
        TAILQ_INSERT_TAIL(&source->event->owned, source, owned);
        event_unref(source->event);
}

EventLoop *event_source_get_loop(const EventSource *source) {
        return source->event;
}

EventSource *event_source_free(EventSource *source) {
        EventLoop *event;

        if (!source || source->is_dropped)
                return NULL;
        event = source->event;
        disengage(source);
        if (source->owns_fd)
                (void) fd_close(source->fd);
        if (source->is_floating)
                TAILQ_REMOVE(&event->owned, source, owned);
        else
                event_unref(event);
        source->event = NULL;
        source->is_dropped = true;
        if (!source->is_running)
                free(source);
        return NULL;
}
