#include "loop/watch.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/inotify.h>

struct Watch {
        sd_event_source *source;
        WatchEvent on_event;
        void *userdata;
};

static int watch_on_event(sd_event_source *source, const struct inotify_event *event, void *userdata) {
        Watch *watch = userdata;
        bool has_name = event->len > 0 && !(event->mask & IN_Q_OVERFLOW);

        watch->on_event(watch, has_name ? event->name : NULL, event->mask, watch->userdata);
        return 0;
}

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

int watch_error(const char *directory, int r, Error **reterr) {
        return error_set(reterr, -r, "watching directory '%s': %s", directory, explain(r));
}

int watch_new(sd_event *event, const char *directory, uint32_t mask, WatchEvent on_event, void *userdata, Watch **ret,
              Error **reterr) {
        _cleanup_(watch_freep) Watch *watch = NULL;
        int r;

        watch = calloc(1, sizeof(*watch));
        if (!watch)
                return error_oom(reterr);
        *watch = (Watch) { .on_event = on_event, .userdata = userdata };
        r = sd_event_add_inotify(event, &watch->source, directory, mask | IN_ONLYDIR, watch_on_event, watch);
        if (r < 0)
                return watch_error(directory, r, reterr);
        *ret = TAKE_PTR(watch);
        return 0;
}

Watch *watch_free(Watch *watch) {
        if (!watch)
                return NULL;
        sd_event_source_disable_unref(watch->source);
        free(watch);
        return NULL;
}
