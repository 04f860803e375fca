#pragma once

/*
 * What must be made sure of between the moment a container's mounts and network are there and the moment its program
 * starts: that what was mounted is what was allowed, and that addresses where clouds hand out credentials cannot be
 * reached.
 */

#include "engine/engine.h"
#include "loop/task.h"
#include "pipeline/plan.h"

typedef struct Job Job;
typedef struct Step Step;

/* A directory or file of the host that a file asked for, from a place where the operator allows it. */
typedef struct GuardedMount {
        const char *target; /* in the container */
        char *source;       /* without links, as it was when it was allowed */
        int fd;             /* O_PATH: that very one */
} GuardedMount;

/**
 * guard_open_mounts() - resolves what a step wants to mount, and judges what it really is
 *
 * Links are followed here, and what they lead to must be allowed.
 *
 * Return: 0; -ENOENT, -EPERM, ... with a sentence.
 */
int guard_open_mounts(Step *step, Error **reterr);
void guard_close_mounts(Step *step);
/** guard_source() - what to mount for one of the plan's volumes */
const char *guard_source(const Step *step, const PlanVolume *volume);

/** guard_is_due() - whether a step may not start before guard_step() was done */
bool guard_is_due(const Step *step);
/**
 * guard_step() - looks at an initialised container
 *
 * Done with 0; with -EPERM if something else is mounted than what was allowed, or if addresses were not blocked though
 * somebody is there to do it. That they cannot be blocked is only told, once for the job; each container is tried.
 */
int guard_step(Step *step, TaskDone done, void *userdata, Task **ret_task);
/**
 * guard_network() - the same for the holder, whose network the steps share: @monitor_pid_path is that of its monitor
 */
int guard_network(Job *job, const char *monitor_pid_path, TaskDone done, void *userdata, Task **ret_task);
/** guard_begin() - tells in the job's first lines what will not be blocked */
void guard_begin(Job *job);
/** guard_network_is_due() - whether guard_network() has something to do */
bool guard_network_is_due(const Job *job);
/**
 * guard_find_void() - the network that every container with one of its own joins, too, since we cannot reach into it:
 * the addresses are in its subnet, so the kernel looks for them there, where nobody answers. False: that is not the way
 * here.
 */
bool guard_find_void(const Job *job, EngineNetworkSpec *ret);
void guard_tell_unblocked(Job *job, const char *why);
