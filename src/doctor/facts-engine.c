/* Facts of the engine: whether one answers, and what it says of itself. */

#include "doctor/facts-internal.h"

#include <errno.h>

#include "base/str.h"
#include "engine/find.h"
#include "loop/task.h"

typedef struct AskEngine {
        Task task;
        Facts *facts;
        Engine *engine;
        Task *pending;
} AskEngine;

static Task *ask_free(Task *task) {
        AskEngine *ask = container_of(task, AskEngine, task);

        task_free(ask->pending);
        engine_free(ask->engine);
        free(ask);
        return NULL;
}

static const TaskClass ask_class = { "facts-engine", ask_free };

static int note_failure(Facts *facts, int r, const Error *error) {
        facts->engine_r = r;
        return facts_replace(&facts->engine_error, error_message(error, r));
}

static void on_details(Task *task, int r, const Error *error, void *userdata) {
        AskEngine *ask = userdata;

        if (r >= 0)
                ask->facts->knows_details = true;
        else if (r == -EOPNOTSUPP)
                r = 0; /* Docker; who it is, is known */
        else
                r = note_failure(ask->facts, r, error);
        task_finish(&ask->task, r, NULL);
}

static void on_open(Task *task, int r, const Error *error, void *userdata) {
        AskEngine *ask = userdata;
        Facts *facts = ask->facts;

        ask->pending = task_free(ask->pending);
        if (r < 0) {
                task_finish(&ask->task, note_failure(facts, r, error), NULL);
                return;
        }
        facts->engine_is_local = ask->engine->info.is_local;
        facts->is_docker = str_equal(ask->engine->info.kind, "docker");
        r = facts_replace(&facts->engine_address, ask->engine->info.address);
        if (r >= 0)
                r = facts_replace(&facts->engine_version, ask->engine->info.version);
        if (r >= 0)
                r = engine_describe(ask->engine, &facts->details, on_details, ask, &ask->pending);
        if (r < 0)
                task_finish(&ask->task, r, NULL);
}

int facts_ask_engine(sd_event *event, const char *url, Facts *facts, TaskDone done, void *userdata, Task **ret_task) {
        AskEngine *ask;
        int r;

        ask = calloc(1, sizeof(*ask));
        if (!ask)
                return -ENOMEM;
        task_init(&ask->task, &ask_class, done, userdata);
        ask->facts = facts;
        r = engine_open(event, url, &ask->engine, on_open, ask, &ask->pending);
        if (r < 0) {
                task_free(&ask->task);
                return r;
        }
        *ret_task = &ask->task;
        return 0;
}
