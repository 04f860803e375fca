#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/housekeep.h"
#include "agent/sweep.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/configure.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "document/json.h"
#include "engine/find.h"
#include "job/event.h"

/* What may stand behind 'prune'. "prune", "prune-volumes" and "space" are the words of GitLab's clear-docker-cache. */
typedef struct Command {
        const char *name;
        bool sweeps;   /* left-overs of jobs */
        unsigned what; /* HouseWhat */
        bool only_shows;
        const char *help;
} Command;

static const Command commands[] = {
        { "left-overs", true, 0, false, "what killed podsteps left behind; the same without a word" },
        { "images", false, HOUSE_IMAGES, false, "images that podstep fetched and nothing uses" },
        { "volumes", false, HOUSE_CACHES, false, "caches that nothing uses" },
        { "prune", true, HOUSE_IMAGES, false, "left-overs and images" },
        { "prune-volumes", true, HOUSE_ALL, false, "left-overs, images and caches" },
        { "all", true, HOUSE_ALL, false, "the same" },
        { "space", false, HOUSE_ALL, true, "removes nothing, shows what takes how much room" },
};

typedef struct Prune {
        const RunOptions *options;
        const Command *command;
        sd_event *event;
        char *state_directory;
        Engine *engine;
        SweepResult swept;
        HouseResult house;
        Task *task;
        int exit_code;
} Prune;

static const char *const disk_names[_DISK_KIND_MAX] = {
        [DISK_IMAGE] = "image", [DISK_CONTAINER] = "container", [DISK_VOLUME] = "volume"
};

static bool is_dry(const Prune *prune) {
        return prune->options->dry_run || prune->command->only_shows;
}

static const char *kind_name(const SweepItem *item) {
        return item->kind == _OBJECT_KIND_MAX ? "directory" : object_kind_to_string(item->kind);
}

typedef struct Usage {
        size_t n, n_used;
        uint64_t size_bytes, free_bytes; /* free: what podstep could remove of it */
} Usage;

/* Layers that several images share are counted once: each image without them, and the largest that is shared. */
static Usage count_usage(const Prune *prune, const EngineDisk *disk, DiskKind kind) {
        Usage usage = { 0 };
        uint64_t shared = 0;

        for (size_t i = 0; i < disk->n_items; i++) {
                const DiskItem *item = &disk->items[i];

                if (item->kind != kind)
                        continue;
                usage.n++;
                usage.n_used += item->is_used;
                usage.size_bytes += item->size_bytes;
                shared = MAX(shared, item->total_bytes - MIN(item->total_bytes, item->size_bytes));
        }
        usage.size_bytes += shared;
        for (size_t i = 0; i < prune->house.n_items; i++)
                usage.free_bytes += prune->house.items[i].kind == kind ? prune->house.items[i].size_bytes : 0;
        return usage;
}

static uint64_t total_bytes(const Prune *prune, const EngineDisk *disk) {
        uint64_t sum = 0;

        for (DiskKind kind = 0; kind < _DISK_KIND_MAX; kind++)
                sum += count_usage(prune, disk, kind).size_bytes;
        return sum;
}

static void put_usage(JsonWriter *w, const char *key, const Prune *prune, const EngineDisk *disk) {
        json_open_object(w, key);
        for (DiskKind kind = 0; kind < _DISK_KIND_MAX; kind++) {
                Usage usage = count_usage(prune, disk, kind);

                json_open_object(w, disk_names[kind]);
                json_put_uint(w, "count", usage.n);
                json_put_uint(w, "used", usage.n_used);
                json_put_uint(w, "bytes", usage.size_bytes);
                json_close(w);
        }
        json_close(w);
}

static void put_items(JsonWriter *w, const Prune *prune) {
        for (size_t i = 0; i < prune->swept.n_items; i++) {
                const SweepItem *item = &prune->swept.items[i];

                json_open_object(w, NULL);
                json_put_string(w, "kind", kind_name(item));
                json_put_string(w, "name", item->name);
                json_put_string(w, "job", item->job);
                json_close(w);
        }
        for (size_t i = 0; i < prune->house.n_items; i++) {
                const HouseItem *item = &prune->house.items[i];

                json_open_object(w, NULL);
                json_put_string(w, "kind", disk_names[item->kind]);
                json_put_string(w, "name", item->name);
                json_put_uint(w, "bytes", item->size_bytes);
                json_close(w);
        }
}

static int print_json(const Prune *prune) {
        _cleanup_free_ char *text = NULL;
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_put_bool(&w, "dry_run", is_dry(prune));
        json_open_array(&w, "removed");
        put_items(&w, prune);
        json_close(&w);
        if (prune->command->what) {
                put_usage(&w, "before", prune, &prune->house.before);
                put_usage(&w, "after", prune, prune->house.was_removed ? &prune->house.after : &prune->house.before);
        }
        json_close(&w);
        if (json_finish(&w, false, &text) < 0)
                return -ENOMEM;
        puts(text);
        return 0;
}

/* "1.2 GB", as podman tells sizes */
static const char *size_text(uint64_t bytes, char text[static 32]) {
        static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
        double value = (double) bytes;
        size_t i = 0;

        while (value >= 1000 && i + 1 < ELEMENTSOF(units)) {
                value /= 1000;
                i++;
        }
        (void) snprintf(text, 32, "%.*f %s", i > 0 && value < 100 ? 1 : 0, value, units[i]);
        return text;
}

static void print_space(const Prune *prune) {
        char size[32], free_size[32];

        printf("%-12s %7s %7s %10s %14s\n", "", "count", "in use", "size", "can be pruned");
        for (DiskKind kind = 0; kind < _DISK_KIND_MAX; kind++) {
                Usage usage = count_usage(prune, &prune->house.before, kind);

                printf("%ss%*s %7zu %7zu %10s %14s\n", disk_names[kind], 11 - (int) strlen(disk_names[kind]), "",
                       usage.n, usage.n_used, size_text(usage.size_bytes, size),
                       size_text(usage.free_bytes, free_size));
        }
}

static void print_lines(const Prune *prune) {
        const char *verb = is_dry(prune) ? "would remove" : "removed";
        char before[32], after[32];

        for (size_t i = 0; i < prune->swept.n_items; i++)
                printf("%s %s %s\n", verb, kind_name(&prune->swept.items[i]), prune->swept.items[i].name);
        for (size_t i = 0; i < prune->house.n_items; i++)
                printf("%s %s %s (%s)\n", verb, disk_names[prune->house.items[i].kind], prune->house.items[i].name,
                       size_text(prune->house.items[i].size_bytes, before));
        if (prune->swept.n_items + prune->house.n_items == 0 && prune->exit_code == 0 && !prune->options->quiet)
                puts("nothing to remove");
        if (prune->house.was_removed)
                printf("the engine used %s, now it uses %s\n",
                       size_text(total_bytes(prune, &prune->house.before), before),
                       size_text(total_bytes(prune, &prune->house.after), after));
}

static int print(const Prune *prune) {
        if (prune->options->json)
                return print_json(prune);
        if (prune->command->only_shows)
                print_space(prune);
        else
                print_lines(prune);
        return 0;
}

static void prune_end(Prune *prune, int r, const Error *error) {
        if (r < 0) {
                log_error("%s", error_message(error, r));
                prune->exit_code = EXIT_ENGINE;
        }
        (void) sd_event_exit(prune->event, 0);
}

static void on_kept(Task *task, int r, const Error *error, void *userdata) {
        prune_end(userdata, r, error);
}

/* Behind the left-overs: what they used is free then. */
static void keep_house(Prune *prune) {
        const RunOptions *options = prune->options;
        HouseSpec spec = { .state_directory = prune->state_directory,
                           .what = prune->command->what,
                           .older_usec = options->older_than_usec,
                           .has_quota = options->keep_storage_bytes != UINT64_MAX,
                           .quota_bytes = options->keep_storage_bytes,
                           .now_usec = clock_realtime_usec(),
                           .is_dry = is_dry(prune) };
        int r;

        if (!prune->command->what)
                return prune_end(prune, 0, NULL);
        r = housekeep_start(prune->engine, &spec, &prune->house, on_kept, prune, &prune->task);
        if (r < 0)
                prune_end(prune, r, NULL);
}

static void on_swept(Task *task, int r, const Error *error, void *userdata) {
        Prune *prune = userdata;

        if (r < 0)
                return prune_end(prune, r, error);
        prune->task = task_free(prune->task);
        keep_house(prune);
}

static void on_opened(Task *task, int r, const Error *error, void *userdata) {
        Prune *prune = userdata;
        SweepSpec spec = { .state_directory = prune->state_directory,
                           .with_kept = prune->options->all,
                           .is_dry = is_dry(prune) };

        if (r < 0)
                return prune_end(prune, r, error);
        prune->task = task_free(prune->task);
        if (!prune->command->sweeps)
                return keep_house(prune);
        r = sweep_start(prune->engine, &spec, &prune->swept, on_swept, prune, &prune->task);
        if (r < 0)
                prune_end(prune, r, NULL);
}

static void print_commands(void) {
        puts("What 'podstep prune' removes, by the word behind it:");
        FOREACH_ROW(row, commands)
                printf("  %-14s %s\n", row->name, row->help);
}

static const Command *find_command(const char *name) {
        FOREACH_ROW(row, commands)
                if (str_equal(row->name, name))
                        return row;
        return NULL;
}

static int choose_command(Prune *prune, char *const *args) {
        const Command *command = args && args[0] ? find_command(args[0]) : &commands[0];

        if (!command || (args && args[0] && args[1])) {
                log_error("'%s' is nothing that 'podstep prune' knows: it is one of left-overs, images, volumes, "
                          "prune, prune-volumes, all, space",
                          command ? args[1] : args[0]);
                return EXIT_USAGE;
        }
        if (!command->what &&
            (prune->options->older_than_usec > 0 || prune->options->keep_storage_bytes != UINT64_MAX)) {
                log_error("'--older-than' and '--keep-storage' are for images and volumes: 'podstep prune images "
                          "--older-than 14d'");
                return EXIT_USAGE;
        }
        prune->command = command;
        return 0;
}

int verb_prune(const Verb *verb, char *const *args, void *values) {
        Prune prune = { .options = values };
        _cleanup_(error_freep) Error *error = NULL;
        int r;

        if (args && args[0] && str_equal(args[0], "help"))
                return print_commands(), 0;
        r = choose_command(&prune, args);
        if (r == 0)
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
        } else if (print(&prune) < 0)
                prune.exit_code = EXIT_ENGINE;
        prune.task = task_free(prune.task);
        sweep_result_done(&prune.swept);
        house_result_done(&prune.house);
        prune.engine = engine_free(prune.engine);
        prune.event = sd_event_unref(prune.event);
        free(prune.state_directory);
        return prune.exit_code;
}
