#pragma once

/*
 * Output and end of a container whose monitor, conmon(8), runs on this machine as our user: the log file that conmon
 * writes for us, its exit file, and conmon itself by pidfd. Nothing of it needs the engine's service, which may leave
 * or restart meanwhile.
 */

#include "engine/engine.h"
#include "engine/listener.h"

typedef struct FollowMeans {
        Engine *engine; /* asked when the exit file was missed */
        Listeners *listeners;
        const char *exits_directory; /* NULL: there is none to be seen; then the end is known when conmon is gone,
                                        80-350 ms later */
} FollowMeans;

/**
 * follow_start() - see engine_container_follow()
 *
 * Return: 0, or why it cannot be done this way: no inotify watch left, neither exits directory nor monitor_pid_path.
 */
int follow_start(const FollowMeans *means, const FollowSpec *spec, ContainerExit *ret, TaskDone done, void *userdata,
                 Task **ret_task, Error **reterr);
