#pragma once

/*
 * The loop that all waiting hangs on: one thread, one epoll. Its shape is that of sd-event, less what podstep does not
 * need; it is not sd-event itself because libsystemd loads seven more libraries, on Debian 12 a millisecond of CPU in
 * every process, which is a fifth of what a whole job may cost.
 *
 * Sources are called in the order in which they became ready, each once before any is called again. A source may be
 * disabled, changed and dropped at any time, also in its own callback. A callback that returns a negative errno has its
 * source disabled.
 */

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include "base/cleanup.h"

typedef struct EventLoop EventLoop;
typedef struct EventSource EventSource;

typedef enum EventEnabled {
        EVENT_ONESHOT = -1, /* the next call disables it */
        EVENT_OFF,
        EVENT_ON,
} EventEnabled;

typedef int (*EventHandler)(EventSource *source, void *userdata);
typedef int (*EventIoHandler)(EventSource *source, int fd, uint32_t revents, void *userdata);
typedef int (*EventTimeHandler)(EventSource *source, uint64_t usec, void *userdata);
typedef int (*EventSignalHandler)(EventSource *source, const struct signalfd_siginfo *info, void *userdata);

/** event_new() - a loop without sources; each source keeps a reference to it, but those that it owns itself */
int event_new(EventLoop **ret);
EventLoop *event_ref(EventLoop *event);
EventLoop *event_unref(EventLoop *event);
DEFINE_CLEANUP(EventLoop *, event_unref);

/**
 * event_run() - waits until a source is ready, and calls that one
 * @timeout_usec: longest wait; UINT64_MAX: for ever
 *
 * Return: 1 if a source was called, 0 if none was, or a negative errno.
 */
int event_run(EventLoop *event, uint64_t timeout_usec);

/** event_loop() - calls sources until event_exit(), whose code it returns; a negative errno if it cannot wait */
int event_loop(EventLoop *event);
/** event_exit() - no source is called any more; always 0 */
int event_exit(EventLoop *event, int code);
bool event_is_over(const EventLoop *event);

/*
 * Each event_add_...() makes a source. With @ret NULL it belongs to the loop, and ends with it. They fail with -ENOMEM
 * and, where descriptors are watched, with what epoll_ctl(2) says: -EPERM for a file that is always ready.
 */

/** event_add_io() - called while one of @events (EPOLLIN, ...) is there; EVENT_ON */
int event_add_io(EventLoop *event, EventSource **ret, int fd, uint32_t events, EventIoHandler handler, void *userdata);
/** event_add_time() - called at a time of CLOCK_MONOTONIC, at most a millisecond late; EVENT_ONESHOT */
int event_add_time(EventLoop *event, EventSource **ret, uint64_t at_usec, EventTimeHandler handler, void *userdata);
/** event_add_time_relative() - the same, counted from now */
int event_add_time_relative(EventLoop *event, EventSource **ret, uint64_t delay_usec, EventTimeHandler handler,
                            void *userdata);
/** event_add_signal() - called for a signal, which must be blocked already; EVENT_ON */
int event_add_signal(EventLoop *event, EventSource **ret, int signal_number, EventSignalHandler handler,
                     void *userdata);
/** event_add_defer() - called at the next turn; EVENT_ONESHOT */
int event_add_defer(EventLoop *event, EventSource **ret, EventHandler handler, void *userdata);
/** event_add_post() - called when other sources were, before the loop waits again; EVENT_ON */
int event_add_post(EventLoop *event, EventSource **ret, EventHandler handler, void *userdata);

int event_source_set_enabled(EventSource *source, EventEnabled enabled);
EventEnabled event_source_get_enabled(const EventSource *source);
int event_source_set_io_events(EventSource *source, uint32_t events);
/** event_source_own_fd() - the descriptor is closed with the source */
void event_source_own_fd(EventSource *source);
/** event_source_set_time() - what it waited for before is forgotten; does not enable it */
int event_source_set_time(EventSource *source, uint64_t at_usec);
int event_source_set_time_relative(EventSource *source, uint64_t delay_usec);
/** event_source_leave() - gives the source to the loop, with which it ends if nobody frees it before */
void event_source_leave(EventSource *source);
EventLoop *event_source_get_loop(const EventSource *source);

/** event_source_free() - takes NULL, gives NULL; the callback never runs again */
EventSource *event_source_free(EventSource *source);
DEFINE_CLEANUP(EventSource *, event_source_free);
