#include <errno.h>
#include <stdio.h>

#include "agent/sweep.h"
#include "base/log.h"
#include "cli/configure.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "document/json.h"
#include "engine/find.h"
#include "job/event.h"

typedef struct Prune {
        const RunOptions *options;
        sd_event *event;
        char *state_directory;
        Engine *engine;
        SweepResult result;
        Task *task;
        int exit_code;
} Prune;

static const char *kind_name(const SweepItem *item) {
        return item->kind == _OBJECT_KIND_MAX ? "directory" : object_kind_to_string(item->kind);
}

static int print_json(const Prune *prune) {
        _cleanup_free_ char *text = NULL;
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_put_bool(&w, "dry_run", prune->options->dry_run);
        json_open_array(&w, "removed");
        for (size_t i = 0; i < prune->result.n_items; i++) {
                const SweepItem *item = &prune->result.items[i];

                json_open_object(&w, NULL);
                json_put_string(&w, "kind", kind_name(item));
                json_put_string(&w, "name", item->name);
                json_put_string(&w, "job", item->job);
                json_close(&w);
        }
        json_close(&w);
        json_close(&w);
        if (json_finish(&w, false, &text) < 0)
                return -ENOMEM;
        puts(text);
        return 0;
}

static void print_lines(const Prune *prune) {
        for (size_t i = 0; i < prune->result.n_items; i++)
                printf("%s %s %s\n", prune->options->dry_run ? "would remove" : "removed", kind_name(&prune->result.items[i]),
                       prune->result.items[i].name);
        if (prune->result.n_items == 0 && !prune->options->quiet)
                puts("nothing to remove");
}

static void prune_end(Prune *prune, int r, const Error *error) {
        if (r < 0) {
                log_error("%s", error_message(error, r));
                prune->exit_code = EXIT_ENGINE;
        }
        (void) sd_event_exit(prune->event, 0);
}

static void on_swept(Task *task, int r, const Error *error, void *userdata) {
        prune_end(userdata, r, error);
}

static void on_opened(Task *task, int r, const Error *error, void *userdata) {
        Prune *prune = userdata;
        SweepSpec spec = { .state_directory = prune->state_directory, .with_kept = prune->options->all, .is_dry = prune->options->dry_run };

        prune->task = task_free(prune->task);
        if (r >= 0)
                r = sweep_start(prune->engine, &spec, &prune->result, on_swept, prune, &prune->task);
        if (r < 0)
                prune_end(prune, r, error);
}

int verb_prune(const Verb *verb, char *const *args, void *values) {
        Prune prune = { .options = values };
        _cleanup_(error_freep) Error *error = NULL;
        int r;

        r = configure(values);
        if (r != 0)
                return r;
        r = session_state_directory(&prune.state_directory, &error);
        if (r >= 0)
                r = sd_event_new(&prune.event);
        if (r >= 0)
                r = engine_open(prune.event, prune.options->engine_url, &prune.engine, on_opened, &prune, &prune.task);
        if (r >= 0)
                r = sd_event_loop(prune.event);
        if (r < 0) {
                log_error("%s", error_message(error, r));
                prune.exit_code = EXIT_ENGINE;
        } else if (!prune.options->json)
                print_lines(&prune);
        else if (print_json(&prune) < 0)
                prune.exit_code = EXIT_ENGINE;
        prune.task = task_free(prune.task);
        sweep_result_done(&prune.result);
        prune.engine = engine_free(prune.engine);
        prune.event = sd_event_unref(prune.event);
        free(prune.state_directory);
        return prune.exit_code;
}
