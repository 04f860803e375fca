#pragma once

/* The loop and its sources: event.c turns, event-source.c makes and changes sources. */

#include <sys/queue.h>

#include "loop/event.h"
#include "loop/watch.h"

typedef enum SourceKind { SOURCE_IO, SOURCE_SIGNAL, SOURCE_TIME, SOURCE_DEFER, SOURCE_POST } SourceKind;

typedef TAILQ_HEAD(SourceList, EventSource) SourceList;

struct EventSource {
        EventLoop *event;
        SourceKind kind;
        EventEnabled enabled;
        void *userdata;
        union {
                EventHandler on_turn;
                EventIoHandler on_io;
                EventTimeHandler on_time;
                EventSignalHandler on_signal;
        };

        int fd; /* SOURCE_IO, SOURCE_SIGNAL */
        bool owns_fd, is_registered;
        uint32_t events, revents;

        uint64_t at_usec; /* SOURCE_TIME */

        bool is_floating;  /* the loop's own, in its list */
        bool is_running;   /* its callback runs */
        bool is_dropped;   /* meanwhile it was freed */
        bool is_ready, is_armed;
        uint64_t turn;     /* in which it may be called, if it is ready */
        TAILQ_ENTRY(EventSource) ready, armed, owned;
};

struct EventLoop {
        unsigned n_ref;
        int epoll_fd;
        uint64_t turn;
        unsigned n_unasked; /* turns since the kernel was asked for events */
        bool is_post_due, is_exiting, is_over;
        int exit_code;
        SourceList ready; /* in the order of their turns */
        SourceList armed; /* enabled timers that are not ready, the next one first */
        SourceList posts; /* the enabled ones */
        SourceList owned;
        Watches *watches; /* NULL until there is one: watch.c */
};

/** event_make_ready() - it is called in turn @turn; nothing if it is ready already */
void event_make_ready(EventSource *source, uint64_t turn);
/** event_source_call() - its callback; the source may be gone afterwards */
void event_source_call(EventSource *source);
