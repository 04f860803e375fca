#include "engine/listener.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/file.h"
#include "base/str.h"
#include "loop/watch.h"

/* conmon makes its exit and pid files by rename, its logs by open, and appends to them. */
#define CHANGE_MASK (IN_MOVED_TO | IN_CREATE | IN_MODIFY)
#define WHOLE_MASK (IN_MOVED_TO | IN_CLOSE_WRITE)

typedef struct Directory {
        char *path;
        uint32_t mask;
        Watch *watch;
        struct Listener *listeners; /* a list */
        struct Directory *next;
        Listeners *owner;
} Directory;

struct Listeners {
        sd_event *event;
        Directory *directories;
};

struct Listener {
        char *name;
        ListenerEvent on_event;
        void *userdata;
        Directory *directory;
        Listener *next;
};

static Directory *directory_free(Directory *directory) {
        assert(!directory->listeners);
        watch_free(directory->watch);
        free(directory->path);
        free(directory);
        return NULL;
}
DEFINE_CLEANUP(Directory *, directory_free);

static void directory_on_event(Watch *watch, const char *name, uint32_t mask, void *userdata) {
        Directory *directory = userdata;

        for (Listener *listener = directory->listeners; listener; listener = listener->next)
                if (!name || str_equal(listener->name, name))
                        listener->on_event(listener->userdata);
}

static int directory_get(Listeners *listeners, const char *path, uint32_t mask, Directory **ret, Error **reterr) {
        _cleanup_(directory_freep) Directory *directory = NULL;
        int r;

        for (Directory *known = listeners->directories; known; known = known->next)
                if (known->mask == mask && str_equal(known->path, path)) {
                        *ret = known;
                        return 0;
                }
        directory = calloc(1, sizeof(*directory));
        if (!directory)
                return error_oom(reterr);
        directory->path = strdup(path);
        if (!directory->path)
                return error_oom(reterr);
        directory->mask = mask;
        r = watch_new(listeners->event, path, mask, directory_on_event, directory, &directory->watch, reterr);
        if (r < 0)
                return r;
        directory->owner = listeners;
        directory->next = listeners->directories;
        listeners->directories = directory;
        *ret = TAKE_PTR(directory);
        return 0;
}

static void directory_drop_if_unused(Directory *directory) {
        Directory **place = &directory->owner->directories;

        if (directory->listeners)
                return;
        while (*place != directory)
                place = &(*place)->next;
        *place = directory->next;
        directory_free(directory);
}

static int listen_to(Listeners *listeners, const char *path, uint32_t mask, ListenerEvent on_event, void *userdata,
                     Listener **ret, Error **reterr) {
        _cleanup_free_ char *parent = path_parent(path), *name = strdup(path_base(path));
        Directory *directory = NULL;
        Listener *listener;
        int r;

        if (!parent || !name)
                return error_oom(reterr);
        r = directory_get(listeners, parent, mask, &directory, reterr);
        if (r < 0)
                return r;
        listener = malloc(sizeof(*listener));
        if (!listener) {
                directory_drop_if_unused(directory);
                return error_oom(reterr);
        }
        *listener = (Listener) { .name = TAKE_PTR(name),
                                .on_event = on_event,
                                .userdata = userdata,
                                .directory = directory,
                                .next = directory->listeners };
        directory->listeners = listener;
        *ret = listener;
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
        directory_drop_if_unused(listener->directory);
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
