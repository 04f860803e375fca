#include "loop/event-internal.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/inotify.h>

#define READ_BYTES (16 * 1024) /* some hundred events; what does not fit is read in the next turn */

struct Watch {
        EventLoop *event;
        Watches *watches; /* the loop's; NULL: it was never begun */
        int wd; /* shared by all that watch one directory */
        uint32_t mask;
        uint64_t told; /* the last event that it was told, or that was older than it */
        WatchEvent on_event;
        void *userdata;
        TAILQ_ENTRY(Watch) link;
};

/* One inotify instance of a loop: a user has 128 of them, and a service may run hundreds of steps. */
struct Watches {
        int fd;
        uint64_t n_events;
        TAILQ_HEAD(, Watch) list;
};

static const char *explain(int r) {
        switch (r) {
        case -ENOSPC:
                return "no inotify watch is left for this user (raise fs.inotify.max_user_watches)";
        case -EMFILE:
                return "no inotify instance is left for this user (raise fs.inotify.max_user_instances)";
        default:
                return strerror(-r);
        }
}

static Watch *find_untold(const Watches *watches, const struct inotify_event *event) {
        const uint32_t always = IN_IGNORED | IN_UNMOUNT | IN_Q_OVERFLOW;
        Watch *watch;

        TAILQ_FOREACH(watch, &watches->list, link)
                if (watch->told < watches->n_events && (watch->wd == event->wd || event->mask & IN_Q_OVERFLOW) &&
                    event->mask & (watch->mask | always))
                        return watch;
        return NULL;
}

/* Any Watch may go, and new ones come, while one is told: so each is looked for from the beginning. */
static void tell(Watches *watches, const struct inotify_event *event) {
        bool has_name = event->len > 0 && !(event->mask & IN_Q_OVERFLOW);
        Watch *watch;

        watches->n_events++;
        while ((watch = find_untold(watches, event))) {
                watch->told = watches->n_events;
                watch->on_event(watch, has_name ? event->name : NULL, event->mask, watch->userdata);
        }
}

static int on_readable(EventSource *source, int fd, uint32_t revents, void *userdata) {
        char bytes[READ_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));
        Watches *watches = userdata;
        ssize_t n = read(fd, bytes, sizeof(bytes));
        const struct inotify_event *event;

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        for (ssize_t at = 0; at < n; at += (ssize_t) (sizeof(*event) + event->len)) {
                event = (const struct inotify_event *) (bytes + at);
                tell(watches, event);
        }
        return 0;
}

static int watches_new(EventLoop *event) {
        Watches *watches = calloc(1, sizeof(*watches));
        EventSource *source;
        int r;

        if (!watches)
                return -ENOMEM;
        TAILQ_INIT(&watches->list);
        watches->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        r = watches->fd < 0 ? -errno : event_add_io(event, &source, watches->fd, EPOLLIN, on_readable, watches);
        if (r < 0) {
                (void) fd_close(watches->fd);
                free(watches);
                return r;
        }
        event_source_own_fd(source);
        event_source_leave(source);
        event->watches = watches;
        return 0;
}

Watches *watches_free(Watches *watches) {
        free(watches);
        return NULL;
}

static int begin(Watch *watch, EventLoop *event, const char *directory) {
        int r = event->watches ? 0 : watches_new(event);

        if (r < 0)
                return r;
        watch->wd = inotify_add_watch(event->watches->fd, directory, watch->mask | IN_ONLYDIR | IN_MASK_ADD);
        if (watch->wd < 0)
                return -errno;
        watch->event = event_ref(event);
        watch->watches = event->watches;
        watch->told = event->watches->n_events;
        TAILQ_INSERT_TAIL(&event->watches->list, watch, link);
        return 0;
}

int watch_new(EventLoop *event, const char *directory, uint32_t mask, WatchEvent on_event, void *userdata, Watch **ret,
              Error **reterr) {
        _cleanup_(watch_freep) Watch *watch = NULL;
        int r;

        watch = calloc(1, sizeof(*watch));
        if (!watch)
                return error_oom(reterr);
        *watch = (Watch) { .mask = mask, .on_event = on_event, .userdata = userdata };
        r = begin(watch, event, directory);
        if (r < 0)
                return error_set(reterr, -r, "watching directory '%s': %s", directory, explain(r));
        *ret = TAKE_PTR(watch);
        return 0;
}

/* The kernel's watch goes with the last of ours. */
static void end(const Watch *watch) {
        const Watches *watches = watch->watches;
        const Watch *other;

        TAILQ_FOREACH(other, &watches->list, link)
                if (other->wd == watch->wd)
                        return;
        (void) inotify_rm_watch(watches->fd, watch->wd);
}

Watch *watch_free(Watch *watch) {
        if (!watch)
                return NULL;
        if (watch->watches) {
                TAILQ_REMOVE(&watch->watches->list, watch, link);
                end(watch);
                event_unref(watch->event);
        }
        free(watch);
        return NULL;
}
