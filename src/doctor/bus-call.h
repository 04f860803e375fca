#pragma once

/* D-Bus calls as Tasks. */

#include <systemd/sd-bus.h>

#include "loop/task.h"

/**
 * bus_call_start() - sends a method call and waits for its answer
 * @message: a method call; the Task keeps a reference
 *
 * Done with 0, or the errno that belongs to the peer's refusal (-EACCES, -EPERM, -ENOENT, ...), its words in the Error.
 */
int bus_call_start(sd_bus *bus, sd_bus_message *message, TaskDone done, void *userdata, Task **ret_task);

/**
 * bus_start_unit() - lets systemd start a unit, and waits until it did
 *
 * Done with 0, -EIO if the start failed, or as bus_call_start().
 */
int bus_start_unit(sd_event *event, sd_bus *manager, const char *unit, TaskDone done, void *userdata, Task **ret_task);
