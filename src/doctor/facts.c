#include "doctor/facts-internal.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "loop/task.h"

void id_ranges_done(IdRanges *ranges) {
        for (size_t i = 0; i < ranges->n_ranges; i++)
                free(ranges->ranges[i].owner);
        free(ranges->ranges);
        *ranges = (IdRanges) { 0 };
}

static void unit_done(UnitFacts *unit) {
        free(unit->load);
        free(unit->active);
        free(unit->file);
}

static void place_done(PlaceFacts *place) {
        free(place->path);
        free(place->seen);
}

void facts_done(Facts *facts) {
        char *const texts[] = {
                facts->root,
                facts->user,
                facts->home,
                facts->state_directory,
                facts->runtime_directory,
                facts->manager_error,
                facts->kernel,
                facts->engine_error,
                facts->engine_address,
                facts->exits_directory,
                facts->short_name_mode,
                facts->engine_version,
        };

        FOREACH_ROW(text, texts)
                free(*text);
        unit_done(&facts->podman_socket);
        unit_done(&facts->podstep_socket);
        unit_done(&facts->podstep_service);
        unit_done(&facts->guard_socket);
        id_ranges_done(&facts->subuid);
        id_ranges_done(&facts->subgid);
        strv_free(facts->controllers);
        strv_free(facts->config_files);
        free(facts->config_faults);
        engine_details_done(&facts->details);
        place_done(&facts->storage);
        place_done(&facts->state);
        *facts = (Facts) { 0 };
}

char *facts_path(const Facts *facts, const char *path) {
        return str_printf("%s%s", facts->root ? facts->root : "", path);
}

char *facts_read(const Facts *facts, const char *path) {
        _cleanup_free_ char *whole = facts_path(facts, path), *text = NULL;
        size_t n;

        if (!whole || file_read(whole, FACT_FILE_MAX, &text, &n) < 0)
                return NULL;
        while (n > 0 && strchr(" \t\n", text[n - 1]))
                text[--n] = '\0';
        return TAKE_PTR(text);
}

int facts_replace(char **place, const char *text) {
        char *copy = text ? strdup(text) : NULL;

        if (text && !copy)
                return -ENOMEM;
        free(*place);
        *place = copy;
        return 0;
}

typedef struct Gather {
        Task task;
        Facts *facts;
        Task *bus, *engine;
        unsigned n_pending;
} Gather;

static Task *gather_free(Task *task) {
        Gather *gather = container_of(task, Gather, task);

        task_free(gather->bus);
        task_free(gather->engine);
        free(gather);
        return NULL;
}

static const TaskClass gather_class = { "facts", gather_free };

static void on_part(Task *task, int r, const Error *error, void *userdata) {
        Gather *gather = userdata;

        if (r >= 0 && --gather->n_pending > 0)
                return;
        gather->bus = task_free(gather->bus);
        gather->engine = task_free(gather->engine);
        if (r >= 0)
                r = facts_read_places(gather->facts);
        task_finish(&gather->task, r, NULL);
}

/* Who we are; a user whom the account database does not know is told by number. */
static int read_identity(const FactsSpec *spec, Facts *facts) {
        const struct passwd *entry = getpwuid(geteuid());
        const char *home = getenv("HOME");
        char number[24];

        facts->uid = geteuid();
        facts->now_usec = clock_realtime_usec();
        snprintf(number, sizeof(number), "%u", (unsigned) facts->uid);
        if (facts_replace(&facts->root, "") < 0 || facts_replace(&facts->user, entry ? entry->pw_name : number) < 0 ||
            facts_replace(&facts->home, !str_is_empty(home) ? home : entry ? entry->pw_dir : "/") < 0 ||
            facts_replace(&facts->state_directory, spec->state_directory) < 0)
                return -ENOMEM;
        return facts_replace(&facts->runtime_directory, getenv("XDG_RUNTIME_DIR"));
}

int facts_start(sd_event *event, const FactsSpec *spec, Facts *ret, TaskDone done, void *userdata, Task **ret_task) {
        _cleanup_(task_freep) Task *task = NULL;
        Gather *gather;
        int r;

        *ret = (Facts) { 0 };
        gather = calloc(1, sizeof(*gather));
        if (!gather)
                return -ENOMEM;
        task = &gather->task;
        task_init(task, &gather_class, done, userdata);
        gather->facts = ret;
        gather->n_pending = 2;
        if (read_identity(spec, ret) < 0 || facts_read_user(ret) < 0 || facts_read_kernel(ret) < 0)
                return -ENOMEM;
        r = facts_ask_bus(event, ret, on_part, gather, &gather->bus);
        if (r >= 0)
                r = facts_ask_engine(event, spec->engine_url, ret, on_part, gather, &gather->engine);
        if (r < 0)
                return r;
        *ret_task = TAKE_PTR(task);
        return 0;
}
