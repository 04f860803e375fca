#pragma once

/*
 * One download of an image at a time, of all podsteps of a user: a file with a flock(2), which ends with its process.
 * Who has to wait watches the directory by inotify.
 */

#include "loop/task.h"

typedef struct ImageLock {
        char *path;
        int fd; /* -1: none */
} ImageLock;

#define IMAGE_LOCK_NONE ((ImageLock) { .fd = -1 })

/** image_lock_release() - gives it up; the file goes, too */
void image_lock_release(ImageLock *lock);

/**
 * image_lock_start() - waits for it
 * @path:    its directory must be there
 * @ret:     filled before @done when r >= 0
 * @waiting: called at most once, from the loop: another one has it. May be NULL.
 *
 * Done with 0: it was free; 1: another one had it first.
 */
typedef void (*ImageLockWaiting)(void *userdata);
int image_lock_start(sd_event *event, const char *path, ImageLock *ret, ImageLockWaiting waiting, TaskDone done,
                     void *userdata, Task **ret_task);
