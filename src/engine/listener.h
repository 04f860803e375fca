#pragma once

/*
 * What happens to single files. Many followers look into the same few directories (conmon's exits, a job's logs), so
 * each directory is watched once for all who listen in the same way to a name in it.
 */

#include <systemd/sd-event.h>

#include "base/error.h"

typedef struct Listeners Listeners; /* all of one engine */
typedef struct Listener Listener;   /* to one file */

/*
 * The file appeared, grew or was replaced; or events were lost and it may have. Must not free a listener: note it, act
 * in a Turn of your own.
 */
typedef void (*ListenerEvent)(void *userdata);

int listeners_new(sd_event *event, Listeners **ret);
Listeners *listeners_free(Listeners *listeners);
DEFINE_CLEANUP(Listeners *, listeners_free);

/**
 * listener_new() - the file need not be there, its directory must: -ENOENT, -EACCES, -ENOSPC at once, as watch_new()
 */
int listener_new(Listeners *listeners, const char *path, ListenerEvent on_event, void *userdata, Listener **ret,
                 Error **reterr);
/**
 * listener_new_whole() - the same for a file that is written under another name and put there by rename, when it is
 * whole. Nobody is woken while it, or another one of its directory, is being written.
 */
int listener_new_whole(Listeners *listeners, const char *path, ListenerEvent on_event, void *userdata, Listener **ret,
                       Error **reterr);
Listener *listener_free(Listener *listener);
DEFINE_CLEANUP(Listener *, listener_free);
