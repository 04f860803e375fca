#include "engine/follow.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/file.h"
#include "engine/exits.h"
#include "engine/logtail.h"
#include "engine/monitor.h"
#include "loop/timer.h"
#include "loop/turn.h"

/*
 * When conmon is gone and the engine still takes the container for a running one, it is asked once more after this
 * time.
 */
#define FOLLOW_GRACE_USEC (500 * USEC_PER_MSEC)

enum {
        LOOK_LOG = 1 << 0,
        LOOK_EXIT = 1 << 1,
        LOOK_MONITOR = 1 << 2,
};

typedef struct Follow {
        Task task;
        Engine *engine;
        char *container, *id, *log_path, *exit_path, *monitor_path;
        EngineOutput output;
        void *output_userdata;
        ContainerExit exit, *ret;
        bool has_ended; /* exit is known; the log is read to its end */
        bool knows_oom;
        bool missed_exit; /* the exit file was there and is not any more, or may have been */
        bool had_grace;
        bool monitor_is_gone;
        int failure;    /* negative errno: nothing more can be found out */
        unsigned looks; /* at what, in the Turn */
        LogTail *tail;
        Listener *log_listener, *exit_listener, *monitor_listener;
        Turn turn;
        sd_event_source *monitor_source;
        Task *asking; /* an inspect, or the pause before it */
        ContainerStatus status;
} Follow;

/* Nothing happens any more. */
static void follow_still(Follow *follow) {
        follow->asking = task_free(follow->asking);
        turn_done(&follow->turn);
        follow->monitor_source = sd_event_source_disable_unref(follow->monitor_source);
        follow->log_listener = listener_free(follow->log_listener);
        follow->exit_listener = listener_free(follow->exit_listener);
        follow->monitor_listener = listener_free(follow->monitor_listener);
        follow->tail = logtail_free(follow->tail);
}

static Task *follow_free(Task *task) {
        Follow *follow = container_of(task, Follow, task);

        follow_still(follow);
        container_status_done(&follow->status);
        free(follow->container);
        free(follow->id);
        free(follow->log_path);
        free(follow->exit_path);
        free(follow->monitor_path);
        free(follow);
        return NULL;
}

static const TaskClass follow_class = { "follow", follow_free };

static void follow_finish(Follow *follow, int r, const Error *error) {
        follow_still(follow);
        task_finish(&follow->task, r, error);
}

static void follow_want(Follow *follow, unsigned looks) {
        follow->looks |= looks;
        turn_post(&follow->turn);
}

static void follow_ended(Follow *follow, ContainerExit end) {
        follow->asking = task_free(follow->asking);
        follow->exit = end;
        follow->has_ended = true;
        follow_want(follow, LOOK_LOG);
}

static void follow_ask(Follow *follow);

static void on_grace(Task *task, int r, const Error *error, void *userdata) {
        Follow *follow = userdata;

        follow->asking = task_free(follow->asking);
        follow_ask(follow);
}

/* The engine says it has not ended. */
static void follow_not_ended(Follow *follow) {
        if (!follow->monitor_is_gone)
                return; /* conmon's end will tell */
        if (follow->status.state == CONTAINER_CREATED) {
                /*
                 * It could not be initialised: who started it has been told. If it is tried again there will be another
                 * conmon.
                 */
                follow->monitor_is_gone = false;
                return;
        }
        if (follow->had_grace ||
            timer_start(follow->engine->event, FOLLOW_GRACE_USEC, on_grace, follow, &follow->asking) < 0)
                follow_ended(follow, (ContainerExit) { .is_lost = true });
        follow->had_grace = true;
}

static void on_status(Task *task, int r, const Error *error, void *userdata) {
        Follow *follow = userdata;
        const ContainerStatus *status = &follow->status;
        _cleanup_(error_freep) Error *mine = error_copy(error);

        follow->asking = task_free(follow->asking);
        if (r == -ENOENT) {
                follow_ended(follow, (ContainerExit) { .is_lost = true });
                return;
        }
        if (r < 0) {
                follow_finish(follow, r, mine);
                return;
        }
        if (status->state != CONTAINER_EXITED) {
                follow_not_ended(follow);
                return;
        }
        follow->knows_oom = true;
        /* -1 is what Podman notes for a container whose conmon left no code. */
        follow_ended(follow, (ContainerExit) { .exit_code = MAX(0, status->exit_code),
                                              .oom_killed = status->oom_killed,
                                              .is_lost = status->exit_code < 0 });
}

static void follow_fail(Follow *follow, int r, const char *what, const char *path) {
        _cleanup_(error_freep) Error *error = NULL;

        (void) error_wrap(&error, r, "%s '%s'", what, path);
        follow_finish(follow, r, error);
}

static void follow_ask(Follow *follow) {
        int r;

        if (follow->asking || follow->has_ended)
                return;
        container_status_done(&follow->status);
        r = engine_container_inspect(follow->engine, follow->container, &follow->status, on_status, follow,
                                     &follow->asking);
        if (r < 0) {
                follow->failure = r;
                follow_want(follow, LOOK_LOG);
        }
}

static int on_monitor_gone(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Follow *follow = userdata;

        follow->monitor_source = sd_event_source_disable_unref(follow->monitor_source);
        follow->monitor_is_gone = true;
        follow->missed_exit = true; /* unless the file is still there */
        follow_want(follow, LOOK_EXIT | LOOK_LOG);
        return 0;
}

static void follow_look_monitor(Follow *follow) {
        _cleanup_close_ int fd = -1;
        int r;

        if (follow->monitor_source || !follow->monitor_path)
                return;
        r = monitor_open(follow->monitor_path, follow->id, &fd);
        if (r == 0) {
                follow->monitor_is_gone = true;
                follow->missed_exit = true;
                follow_want(follow, LOOK_EXIT);
        }
        if (r <= 0)
                return; /* not there yet, or not whole: its directory is watched. Without pidfds the exit file must do.
                         */
        if (sd_event_add_io(follow->engine->event, &follow->monitor_source, fd, EPOLLIN, on_monitor_gone, follow) < 0)
                return;
        (void) sd_event_source_set_io_fd_own(follow->monitor_source, true);
        (void) TAKE_FD(fd);
        follow->monitor_is_gone = false;
}

static void follow_look_exit(Follow *follow) {
        bool missed = follow->missed_exit;
        int code = 0, r = 0;

        follow->missed_exit = false;
        if (follow->exit_path)
                r = exits_read(follow->exit_path, &code);
        if (r > 0)
                follow_ended(follow, (ContainerExit) { .exit_code = code });
        else if (r < 0 || missed)
                follow_ask(follow);
}

static void on_oom_status(Task *task, int r, const Error *error, void *userdata) {
        Follow *follow = userdata;

        follow->asking = task_free(follow->asking);
        follow->knows_oom = true;
        follow->exit.oom_killed = r >= 0 && follow->status.oom_killed;
        follow_want(follow, LOOK_LOG);
}

/* The exit is known and the log is read. */
static void follow_close(Follow *follow) {
        container_status_done(&follow->status); /* of an earlier start, which failed */
        /* Only the engine knows who sent the KILL. If it cannot tell, the exit code still says enough. */
        if (follow->exit.exit_code == 128 + SIGKILL && !follow->knows_oom &&
            engine_container_inspect(follow->engine, follow->container, &follow->status, on_oom_status, follow,
                                     &follow->asking) >= 0)
                return;
        *follow->ret = follow->exit;
        follow_finish(follow, 0, NULL);
}

static void follow_on_turn(void *userdata) {
        Follow *follow = userdata;
        unsigned looks = follow->looks;
        int r = 0;

        follow->looks = 0;
        if ((looks & LOOK_MONITOR) && !follow->has_ended)
                follow_look_monitor(follow);
        if ((looks & LOOK_EXIT) && !follow->has_ended)
                follow_look_exit(follow);
        if (follow->tail && (looks & LOOK_LOG || follow->has_ended)) /* which may be known by now only: to its end */
                r = logtail_read(follow->tail, follow->output, follow->output_userdata);
        if (r < 0)
                follow_fail(follow, r, "reading the container's log", follow->log_path);
        else if (r > 0) {
                follow->looks |= LOOK_LOG;
                turn_yield(&follow->turn);
        } else if (follow->failure < 0)
                follow_fail(follow, follow->failure, "asking for the state of container", follow->container);
        else if (follow->has_ended && !follow->asking)
                follow_close(follow);
}

static void on_log_event(void *userdata) {
        follow_want(userdata, LOOK_LOG);
}

static void on_exit_event(void *userdata) {
        Follow *follow = userdata;

        follow->missed_exit = true;
        follow_want(follow, LOOK_EXIT | LOOK_LOG);
}

static void on_monitor_event(void *userdata) {
        follow_want(userdata, LOOK_MONITOR);
}

static int copy_string(const char *text, char **ret) {
        *ret = text ? strdup(text) : NULL;
        return text && !*ret ? -ENOMEM : 0;
}

static int follow_listen(Follow *follow, const FollowMeans *means, Error **reterr) {
        int r;

        if (follow->log_path) {
                r = listener_new(means->listeners, follow->log_path, on_log_event, follow, &follow->log_listener,
                                 reterr);
                if (r < 0)
                        return r;
        }
        if (follow->monitor_path) {
                r = listener_new(means->listeners, follow->monitor_path, on_monitor_event, follow,
                                 &follow->monitor_listener, reterr);
                if (r < 0)
                        return r;
        }
        if (means->exits_directory && follow->id) {
                follow->exit_path = path_join(means->exits_directory, follow->id);
                if (!follow->exit_path)
                        return error_oom(reterr);
                r = listener_new_whole(means->listeners, follow->exit_path, on_exit_event, follow,
                                       &follow->exit_listener, reterr);
                if (r < 0 && !follow->monitor_path)
                        return r;
        } else if (!follow->monitor_path)
                return error_set(reterr, ENOTSUP, "neither the exit nor the monitor of container '%s' can be watched",
                                 follow->container);
        return 0;
}

int follow_start(const FollowMeans *means, const FollowSpec *spec, ContainerExit *ret, TaskDone done, void *userdata,
                 Task **ret_task, Error **reterr) {
        _cleanup_(task_freep) Task *task = NULL;
        Follow *follow;
        int r;

        follow = calloc(1, sizeof(*follow));
        if (!follow)
                return error_oom(reterr);
        task = &follow->task;
        task_init(task, &follow_class, done, userdata);
        follow->engine = means->engine;
        follow->output = spec->output;
        follow->output_userdata = spec->userdata;
        follow->ret = ret;
        if (copy_string(spec->container, &follow->container) < 0 || copy_string(spec->container_id, &follow->id) < 0 ||
            copy_string(spec->log_path, &follow->log_path) < 0 ||
            copy_string(spec->monitor_pid_path, &follow->monitor_path) < 0)
                return error_oom(reterr);
        if (spec->log_path && logtail_new(spec->log_path, spec->keeps_log, spec->is_enough, &follow->tail) < 0)
                return error_oom(reterr);
        r = turn_init(&follow->turn, means->engine->event, follow_on_turn, follow);
        if (r < 0)
                return error_set(reterr, -r, "following container '%s': %s", follow->container, strerror(-r));
        r = follow_listen(follow, means, reterr);
        if (r < 0)
                return r;
        /* It may have begun, or ended, before we listened: without a monitor's file only the engine can tell. */
        follow->missed_exit = !follow->monitor_path;
        follow_want(follow, LOOK_LOG | LOOK_EXIT | LOOK_MONITOR);
        *ret_task = TAKE_PTR(task);
        return 0;
}
