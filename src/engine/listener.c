#include "engine/listener.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "loop/watch.h"

/* conmon makes its exit and pid files by rename, its logs by open, and appends to them. */
#define CHANGE_MASK (IN_MOVED_TO | IN_CREATE | IN_MODIFY)
#define WHOLE_MASK IN_MOVED_TO

#define READ_BYTES 4096 /* a dozen events at least; what does not fit is read in the next turn */

#define WD_NONE (-1)

typedef struct Directory {
        char *path;
        int wd;                     /* WD_NONE: it was removed, and nothing comes any more */
        uint32_t mask;              /* of all who listen or did */
        struct Listener *listeners; /* a list */
        struct Directory *next;
} Directory;

/*
 * An inotify of its own, though the event loop has one: that opens each directory to know it from others, and names it
 * by a path in /proc, which costs several times what the watch does; and it wakes up once for each event. The instance
 * is there as long as somebody listens.
 */
struct Listeners {
        sd_event *event;
        sd_event_source *source; /* owns the descriptor */
        Directory *directories;
};

struct Listener {
        char *name;
        uint32_t mask;
        ListenerEvent on_event;
        void *userdata;
        Listeners *owner;
        Directory *directory;
        Listener *next;
};

static Directory *directory_free(Directory *directory) {
        assert(!directory->listeners);
        free(directory->path);
        free(directory);
        return NULL;
}
DEFINE_CLEANUP(Directory *, directory_free);

/* Of an event without a name the directory itself is the object. */
static void directory_tell(const Directory *directory, const struct inotify_event *event) {
        bool is_for_all = event->len == 0;

        for (Listener *listener = directory->listeners; listener; listener = listener->next)
                if (is_for_all || (event->mask & listener->mask && str_equal(listener->name, event->name)))
                        listener->on_event(listener->userdata);
}

static void listeners_tell(Listeners *listeners, const struct inotify_event *event) {
        bool is_lost = event->mask & IN_Q_OVERFLOW;

        for (Directory *directory = listeners->directories; directory; directory = directory->next) {
                if (!is_lost && directory->wd != event->wd)
                        continue;
                directory_tell(directory, event);
                if (event->mask & IN_IGNORED)
                        directory->wd = WD_NONE;
        }
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        _Alignas(struct inotify_event) char bytes[READ_BYTES];
        ssize_t n = read(fd, bytes, sizeof(bytes));

        for (ssize_t at = 0; at < n;) {
                const struct inotify_event *event = (const struct inotify_event *) (const void *) (bytes + at);

                listeners_tell(userdata, event);
                at += (ssize_t) (sizeof(*event) + event->len);
        }
        return 0;
}

static int listeners_open(Listeners *listeners) {
        _cleanup_close_ int fd = -1;
        int r;

        if (listeners->source)
                return 0;
        fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = sd_event_add_io(listeners->event, &listeners->source, fd, EPOLLIN, on_readable, listeners);
        if (r < 0)
                return r;
        (void) sd_event_source_set_io_fd_own(listeners->source, true); /* cannot fail: it only sets a flag */
        (void) TAKE_FD(fd);
        return 0;
}

/* All watches go with the descriptor. */
static void listeners_close_if_unused(Listeners *listeners) {
        if (!listeners->directories)
                listeners->source = sd_event_source_disable_unref(listeners->source);
}

/* One directory has one watch, by whatever path: the masks of all who ask for it are added up. */
static int watch_add(const Listeners *listeners, const char *path, uint32_t mask) {
        int wd = inotify_add_watch(sd_event_source_get_io_fd(listeners->source), path, mask | IN_ONLYDIR | IN_MASK_ADD);

        return wd < 0 ? -errno : wd;
}

static Directory *directory_find(const Listeners *listeners, const char *path, int wd) {
        for (Directory *directory = listeners->directories; directory; directory = directory->next)
                if (directory->wd != WD_NONE && (directory->wd == wd || (path && str_equal(directory->path, path))))
                        return directory;
        return NULL;
}

static int directory_get(Listeners *listeners, const char *path, uint32_t mask, Directory **ret) {
        _cleanup_(directory_freep) Directory *fresh = NULL;
        Directory *directory = directory_find(listeners, path, WD_NONE);
        int wd;

        if (directory && (directory->mask & mask) == mask) {
                *ret = directory;
                return 0;
        }
        fresh = calloc(1, sizeof(*fresh));
        if (!fresh || !(fresh->path = strdup(path)))
                return -ENOMEM;
        wd = watch_add(listeners, path, mask);
        if (wd < 0)
                return wd;
        directory = directory_find(listeners, NULL, wd);
        if (!directory) {
                directory = TAKE_PTR(fresh);
                directory->wd = wd;
                directory->next = listeners->directories;
                listeners->directories = directory;
        }
        directory->mask |= mask;
        *ret = directory;
        return 0;
}

static void directory_drop_if_unused(Listeners *listeners, Directory *directory) {
        Directory **place = &listeners->directories;

        if (directory->listeners)
                return;
        while (*place != directory)
                place = &(*place)->next;
        *place = directory->next;
        if (listeners->directories && directory->wd != WD_NONE)
                (void) inotify_rm_watch(sd_event_source_get_io_fd(listeners->source), directory->wd);
        directory_free(directory);
}

static int listen_to(Listeners *listeners, const char *path, uint32_t mask, ListenerEvent on_event, void *userdata,
                     Listener **ret, Error **reterr) {
        _cleanup_free_ char *parent = path_parent(path), *name = strdup(path_base(path));
        _cleanup_free_ Listener *listener = malloc(sizeof(*listener));
        Directory *directory = NULL;
        int r;

        if (!parent || !name || !listener)
                return error_oom(reterr);
        r = listeners_open(listeners);
        if (r >= 0)
                r = directory_get(listeners, parent, mask, &directory);
        if (r < 0) {
                listeners_close_if_unused(listeners);
                return watch_error(parent, r, reterr);
        }
        *listener = (Listener) { .name = TAKE_PTR(name),
                                .mask = mask,
                                .on_event = on_event,
                                .userdata = userdata,
                                .owner = listeners,
                                .directory = directory,
                                .next = directory->listeners };
        directory->listeners = listener;
        *ret = TAKE_PTR(listener);
        return 0;
}

int listener_new(Listeners *listeners, const char *path, ListenerEvent on_event, void *userdata, Listener **ret,
                 Error **reterr) {
        return listen_to(listeners, path, CHANGE_MASK, on_event, userdata, ret, reterr);
}

int listener_new_whole(Listeners *listeners, const char *path, ListenerEvent on_event, void *userdata, Listener **ret,
                       Error **reterr) {
        return listen_to(listeners, path, WHOLE_MASK, on_event, userdata, ret, reterr);
}

Listener *listener_free(Listener *listener) {
        Listener **place;

        if (!listener)
                return NULL;
        place = &listener->directory->listeners;
        while (*place != listener)
                place = &(*place)->next;
        *place = listener->next;
        directory_drop_if_unused(listener->owner, listener->directory);
        listeners_close_if_unused(listener->owner);
        free(listener->name);
        free(listener);
        return NULL;
}

int listeners_new(sd_event *event, Listeners **ret) {
        Listeners *listeners = malloc(sizeof(*listeners));

        if (!listeners)
                return -ENOMEM;
        *listeners = (Listeners) { .event = sd_event_ref(event) };
        *ret = listeners;
        return 0;
}

Listeners *listeners_free(Listeners *listeners) {
        if (!listeners)
                return NULL;
        assert(!listeners->directories); /* who listens must end before the engine */
        sd_event_unref(listeners->event);
        free(listeners);
        return NULL;
}
