#include "job/image-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "loop/timer.h"
#include "loop/watch.h"

/* The kernel tells that the file of a killed process was closed a moment before it lets go of the lock. */
#define SETTLE_FIRST_USEC (2 * USEC_PER_MSEC)
#define SETTLE_MAX_USEC (50 * USEC_PER_MSEC)
#define SETTLE_TRIES 8

typedef struct Wait {
        Task task;
        sd_event *event;
        char *path, *directory;
        ImageLock *ret;
        ImageLockWaiting waiting;
        Watch *watch;
        Task *current;
        Backoff settle;
        bool has_waited;
} Wait;

static Task *wait_free(Task *task) {
        Wait *wait = container_of(task, Wait, task);

        watch_free(wait->watch);
        task_free(wait->current);
        free(wait->path);
        free(wait->directory);
        free(wait);
        return NULL;
}

static const TaskClass wait_class = { .name = "image-lock", .free = wait_free };

void image_lock_release(ImageLock *lock) {
        if (lock->fd >= 0) {
                (void) unlink(lock->path); /* before the lock is free: who comes next makes a new file */
                close(lock->fd);
        }
        free(lock->path);
        *lock = IMAGE_LOCK_NONE;
}

/* Asked without writing: what was open for writing wakes all who wait when it is closed, ourselves included. */
static bool is_taken(const char *path) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

        return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* 1: another one has it */
static int try_lock(const char *path, int *ret_fd) {
        struct stat st;
        int fd, r;

        if (is_taken(path))
                return 1;
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        r = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
        if (r >= 0 && fstat(fd, &st) >= 0 && st.st_nlink == 0)
                r = -EAGAIN; /* its owner was just giving it up: it is no lock any more */
        if (r < 0) {
                close(fd);
                return r == -EWOULDBLOCK ? 1 : r;
        }
        *ret_fd = fd;
        return 0;
}

static void wait_try(Wait *wait);

static void on_settled(Task *task, int r, const Error *error, void *userdata) {
        Wait *wait = userdata;

        wait->current = task_free(wait->current);
        wait_try(wait);
}

static void on_change(Watch *watch, const char *name, uint32_t mask, void *userdata) {
        Wait *wait = userdata;

        if (name && !str_equal(name, path_base(wait->path)))
                return;
        backoff_reset(&wait->settle);
        if (!wait->current)
                wait_try(wait);
}

static int wait_more(Wait *wait, Error **reterr) {
        int r;

        if (!wait->watch) {
                r = watch_new(wait->event, wait->directory, IN_CLOSE_WRITE | IN_DELETE, on_change, wait, &wait->watch,
                              reterr);
                if (r < 0)
                        return r;
                wait->has_waited = true;
                if (wait->waiting)
                        wait->waiting(wait->task.userdata);
                /* it may have changed before the watch was there */
                return timer_start(wait->event, 0, on_settled, wait, &wait->current);
        }
        if (wait->settle.n_tries >= SETTLE_TRIES)
                return 0; /* the next event wakes us */
        return timer_start(wait->event, backoff_next(&wait->settle), on_settled, wait, &wait->current);
}

static void wait_try(Wait *wait) {
        _cleanup_(error_freep) Error *error = NULL;
        int fd = -1, r;

        r = try_lock(wait->path, &fd);
        if (r > 0) {
                r = wait_more(wait, &error);
                if (r >= 0)
                        return;
        } else if (r == 0) {
                *wait->ret = (ImageLock) { .path = TAKE_PTR(wait->path), .fd = fd };
                r = wait->has_waited;
        }
        if (r < 0)
                (void) error_wrap(&error, r, "lock file '%s'", wait->path);
        wait->watch = watch_free(wait->watch);
        task_finish(&wait->task, r, error);
}

int image_lock_start(sd_event *event, const char *path, ImageLock *ret, ImageLockWaiting waiting, TaskDone done,
                     void *userdata, Task **ret_task) {
        Wait *wait = calloc(1, sizeof(*wait));
        int r;

        if (!wait)
                return -ENOMEM;
        task_init(&wait->task, &wait_class, done, userdata);
        wait->event = event;
        wait->ret = ret;
        wait->waiting = waiting;
        wait->settle = (Backoff) { .first_usec = SETTLE_FIRST_USEC, .max_usec = SETTLE_MAX_USEC };
        wait->path = strdup(path);
        wait->directory = path_parent(path);
        r = wait->path && wait->directory ? task_defer(event, 0, NULL, on_settled, wait, &wait->current) : -ENOMEM;
        if (r < 0) {
                (void) wait_free(&wait->task);
                return r;
        }
        *ret_task = &wait->task;
        return 0;
}
