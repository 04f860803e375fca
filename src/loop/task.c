#include "loop/task.h"

#include <errno.h>

#include "loop/turn.h"

void task_init(Task *task, const TaskClass *class, TaskDone done, void *userdata) {
        *task = (Task) { .class = class, .done = done, .userdata = userdata };
}

void task_finish(Task *task, int r, const Error *error) {
        assert(!task->finished);
        task->finished = true;
        task->done(task, r, error, task->userdata);
}

Task *task_free(Task *task) {
        return task ? task->class->free(task) : NULL;
}

typedef struct Deferred {
        Task task;
        Turn turn;
        int r;
        Error *error;
} Deferred;

static Task *deferred_free(Task *task) {
        Deferred *deferred = container_of(task, Deferred, task);

        turn_done(&deferred->turn);
        error_free(deferred->error);
        free(deferred);
        return NULL;
}

static const TaskClass deferred_class = { "defer", deferred_free };

static void deferred_on_turn(void *userdata) {
        Deferred *deferred = userdata;
        _cleanup_(error_freep) Error *error = TAKE_PTR(deferred->error);

        task_finish(&deferred->task, deferred->r, error);
}

int task_defer(sd_event *event, int r, const Error *error, TaskDone done, void *userdata, Task **ret_task) {
        _cleanup_(task_freep) Task *task = NULL;
        Deferred *deferred;
        int k;

        deferred = calloc(1, sizeof(*deferred));
        if (!deferred)
                return -ENOMEM;
        task = &deferred->task;
        task_init(task, &deferred_class, done, userdata);
        deferred->r = r;
        deferred->error = error_copy(error);
        k = turn_init(&deferred->turn, event, deferred_on_turn, deferred);
        if (k < 0)
                return k;
        turn_post(&deferred->turn);
        *ret_task = TAKE_PTR(task);
        return 0;
}
