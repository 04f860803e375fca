/* Facts that others know: logind of lingering, the user's systemd of its units. */

#include "doctor/facts-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "doctor/bus.h"
#include "loop/task.h"

typedef struct AskBus AskBus;

/* One unit: its state comes with that of the others, its file state by itself. */
typedef struct AskUnit {
        AskBus *ask;
        const char *name;
        UnitFacts *facts;
        sd_bus_slot *slot;
} AskUnit;

struct AskBus {
        Task task;
        Facts *facts;
        sd_bus *system, *manager;
        sd_bus_slot *linger, *list;
        AskUnit units[4];
        Task *deferred;
        unsigned n_pending;
        int r; /* -ENOMEM, if that was seen */
};

static Task *ask_free(Task *task) {
        AskBus *ask = container_of(task, AskBus, task);

        task_free(ask->deferred);
        sd_bus_slot_unref(ask->linger);
        sd_bus_slot_unref(ask->list);
        FOREACH_ROW(unit, ask->units)
                sd_bus_slot_unref(unit->slot);
        sd_bus_close_unref(ask->system);
        sd_bus_close_unref(ask->manager);
        free(ask);
        return NULL;
}

static const TaskClass ask_class = { "facts-bus", ask_free };

static int answered(AskBus *ask, int r) {
        if (r == -ENOMEM)
                ask->r = r;
        if (--ask->n_pending == 0)
                task_finish(&ask->task, ask->r, NULL);
        return 1;
}

/* Words of another process, made fit for people. */
static int copy_word(const char *word, char **ret) {
        free(*ret);
        *ret = str_escape(word, strlen(word), 200);
        return *ret ? 0 : -ENOMEM;
}

/* The user is not known to logind while nobody is logged in and nothing lingers; the file then says it. */
static int on_linger(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        AskBus *ask = userdata;
        int lingers;

        if (!sd_bus_message_is_method_error(message, NULL)) {
                ask->facts->has_logind = true;
                if (sd_bus_message_read(message, "v", "b", &lingers) >= 0)
                        ask->facts->lingers = lingers ? ANSWER_YES : ANSWER_NO;
        } else
                ask->facts->has_logind =
                        sd_bus_message_is_method_error(message, "org.freedesktop.DBus.Error.UnknownObject");
        return answered(ask, 0);
}

static int take_unit(AskBus *ask, const char *name, const char *load, const char *active) {
        FOREACH_ROW(unit, ask->units)
                if (str_equal(unit->name, name))
                        return copy_word(load, &unit->facts->load) < 0 || copy_word(active, &unit->facts->active) < 0
                                       ? -ENOMEM
                                       : 0;
        return 0;
}

static int on_list(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *name, *load, *active;
        AskBus *ask = userdata;
        int r;

        if (sd_bus_message_is_method_error(message, NULL)) {
                const sd_bus_error *refusal = sd_bus_message_get_error(message);

                return answered(ask, copy_word(refusal->message ? refusal->message : refusal->name,
                                               &ask->facts->manager_error));
        }
        ask->facts->has_manager = true;
        r = sd_bus_message_enter_container(message, 'a', "(ssssssouso)");
        while (r >= 0 && (r = sd_bus_message_read(message, "(ssssssouso)", &name, NULL, &load, &active, NULL, NULL,
                                                  NULL, NULL, NULL, NULL)) > 0)
                r = take_unit(ask, name, load, active);
        return answered(ask, r);
}

static int on_file_state(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        AskUnit *unit = userdata;
        const char *state = "";

        if (!sd_bus_message_is_method_error(message, NULL))
                (void) sd_bus_message_read(message, "s", &state);
        return answered(unit->ask, copy_word(state, &unit->facts->file));
}

static int ask_logind(sd_event *event, AskBus *ask) {
        char path[64];
        int r;

        if (!ask->facts->has_systemd)
                return 0;
        r = bus_open_system(event, &ask->system);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        snprintf(path, sizeof(path), "/org/freedesktop/login1/user/_%u", (unsigned) ask->facts->uid);
        r = sd_bus_call_method_async(ask->system, &ask->linger, BUS_LOGIND, path, "org.freedesktop.DBus.Properties",
                                     "Get", on_linger, ask, "ss", BUS_LOGIND ".User", "Linger");
        ask->n_pending += r >= 0;
        return r == -ENOMEM ? r : 0;
}

static int ask_manager(sd_event *event, AskBus *ask) {
        int r;

        r = bus_open_manager(event, ask->facts->runtime_directory, &ask->manager);
        if (r < 0)
                return r == -ENOMEM ? r : facts_replace(&ask->facts->manager_error, strerror(-r));
        r = sd_bus_call_method_async(ask->manager, &ask->list, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER,
                                     "ListUnitsByNames", on_list, ask, "as", 4, ask->units[0].name, ask->units[1].name,
                                     ask->units[2].name, ask->units[3].name);
        ask->n_pending += r >= 0;
        for (size_t i = 0; i < ELEMENTSOF(ask->units) && r >= 0; i++) {
                AskUnit *unit = &ask->units[i];

                r = sd_bus_call_method_async(ask->manager, &unit->slot, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER,
                                             "GetUnitFileState", on_file_state, unit, "s", unit->name);
                ask->n_pending += r >= 0;
        }
        return r == -ENOMEM ? r : 0;
}

static void on_nothing(Task *task, int r, const Error *error, void *userdata) {
        AskBus *ask = userdata;

        task_finish(&ask->task, 0, NULL);
}

int facts_ask_bus(sd_event *event, Facts *facts, TaskDone done, void *userdata, Task **ret_task) {
        _cleanup_(task_freep) Task *task = NULL;
        AskBus *ask;
        int r;

        ask = calloc(1, sizeof(*ask));
        if (!ask)
                return -ENOMEM;
        task = &ask->task;
        task_init(task, &ask_class, done, userdata);
        ask->facts = facts;
        ask->units[0] = (AskUnit) { ask, UNIT_PODMAN_SOCKET, &facts->podman_socket, NULL };
        ask->units[1] = (AskUnit) { ask, UNIT_PODSTEP_SOCKET, &facts->podstep_socket, NULL };
        ask->units[2] = (AskUnit) { ask, UNIT_PODSTEP_SERVICE, &facts->podstep_service, NULL };
        ask->units[3] = (AskUnit) { ask, UNIT_GUARD_SOCKET, &facts->guard_socket, NULL };
        r = ask_logind(event, ask);
        if (r >= 0)
                r = ask_manager(event, ask);
        if (r >= 0 && ask->n_pending == 0)
                r = task_defer(event, 0, NULL, on_nothing, ask, &ask->deferred);
        if (r < 0)
                return r;
        *ret_task = TAKE_PTR(task);
        return 0;
}
