#pragma once

/*
 * Following a container whose files we cannot see: another machine, another user. Its output comes by attach, which
 * must stand before the container is started: bytes from before are not told, and attaching to a container that has
 * ended destroys its exit code. So it is looked at first, and starting a container waits for an attach that is on
 * its way.
 */

#include "engine/call.h"

int attach_start(Service *service, const FollowSpec *spec, ContainerExit *ret, TaskDone done, void *userdata,
                 Task **ret_task);

/**
 * attach_wait() - until the attach that is on its way to a container stands, or is given up
 *
 * Return: 1 and the Task; 0 if there is nothing to wait for; -ENOMEM.
 */
int attach_wait(Service *service, const char *container, TaskDone done, void *userdata, Task **ret_task);
