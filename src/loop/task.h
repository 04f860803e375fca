#pragma once

/*
 * All that waits has one shape. A Task's callback runs exactly once, from the event loop, never inside the call that
 * started it; dropping the Task before that cancels the work, and the callback never runs. Starting fails only for want
 * of memory: every other failure arrives in the callback.
 *
 * The Task belongs to who started it, also after it is done: task_free() it in the callback or later.
 * 'ret_' pointers given to a function that starts a Task are written just before the callback, and only if r >= 0;
 * they must live as long as the Task.
 */

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "base/error.h"

typedef struct Task Task;

/* r: 0 or positive: done, see the function that started it; negative errno: failed, @error says why (may be NULL). */
typedef void (*TaskDone)(Task *task, int r, const Error *error, void *userdata);

/* For who implements a Task: embed it as the first member. */
typedef struct TaskClass {
        const char *name;
        /* Cancels what still runs and frees; also after task_finish(), also inside the callback. */
        Task *(*free)(Task *task);
} TaskClass;

struct Task {
        const TaskClass *class;
        TaskDone done;
        void *userdata;
        bool finished;
};

void task_init(Task *task, const TaskClass *class, TaskDone done, void *userdata);

/**
 * task_finish() - runs the callback; the Task may be gone afterwards, so this is the last thing to do with it
 * @error: must outlive the Task: keep it on the stack, not in the Task
 */
void task_finish(Task *task, int r, const Error *error);

static inline bool task_is_pending(const Task *task) {
        return task && !task->finished;
}

/** task_free() - drops it; NULL is fine, and so is the Task whose callback is running */
Task *task_free(Task *task);
DEFINE_CLEANUP(Task *, task_free);

/**
 * task_defer() - a Task that is already done: its callback runs with @r from the loop, soon
 *
 * For answers that are known at once but must not be given inside the call. Copies @error.
 */
int task_defer(sd_event *event, int r, const Error *error, TaskDone done, void *userdata, Task **ret_task);
