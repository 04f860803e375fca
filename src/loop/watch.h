#pragma once

/* Changes of one directory, by inotify. Not a Task: it reports until it is freed. */

#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/error.h"

typedef struct Watch Watch;

/*
 * @name: the entry that changed; NULL: events were lost (IN_Q_OVERFLOW) or the directory itself is meant: look at
 * everything.
 * @mask: IN_* of inotify(7). The Watch may be freed inside.
 */
typedef void (*WatchEvent)(Watch *watch, const char *name, uint32_t mask, void *userdata);

/** watch_new() - fails at once: -ENOENT, -EACCES, -ENOTDIR, -ENOSPC when the user's watches are used up */
int watch_new(sd_event *event, const char *directory, uint32_t mask, WatchEvent on_event, void *userdata, Watch **ret,
              Error **reterr);
Watch *watch_free(Watch *watch);
DEFINE_CLEANUP(Watch *, watch_free);

/** watch_error() - says why inotify cannot watch @directory, and what helps; returns @r */
int watch_error(const char *directory, int r, Error **reterr);
