#include "doctor/setup.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "doctor/bus-call.h"
#include "doctor/bus.h"
#include "loop/machine.h"

const char *setup_state_to_string(SetupState state) {
        static const char *const names[_SETUP_STATE_MAX] = { "todo", "done", "failed" };

        return names[state];
}

static void plan_unit(const UnitFacts *unit, const char *name, const char *what, SetupPlan *plan) {
        bool is_enabled = str_equal(unit->file, "enabled"),
             can_enable = str_equal(unit->file, "disabled") || str_equal(unit->file, "linked");

        if (!str_equal(unit->load, "loaded") || (is_enabled && str_equal(unit->active, "active")) ||
            (!can_enable && str_equal(unit->active, "active")))
                return;
        plan->steps[plan->n_steps++] =
                (SetupStep) { .name = name, .what = what, .is_unit = true, .enables = can_enable };
}

void setup_plan(const Facts *facts, SetupPlan *ret) {
        *ret = (SetupPlan) { 0 };
        if (facts->uid == 0)
                return; /* root needs no lingering, and its Podman's socket belongs to the system */
        if (facts->lingers == ANSWER_NO && facts->has_logind)
                ret->steps[ret->n_steps++] =
                        (SetupStep) { .name = "linger",
                                     .what = "let your services go on when you log out, and start at boot" };
        if (!facts->has_manager)
                return;
        plan_unit(&facts->podman_socket, UNIT_PODMAN_SOCKET, "enable and start it: Podman runs when a job asks for it",
                  ret);
        plan_unit(&facts->podstep_socket, UNIT_PODSTEP_SOCKET,
                  "enable and start it: podstep's service runs when a job is handed in", ret);
}

void setup_plan_done(SetupPlan *plan) {
        for (size_t i = 0; i < plan->n_steps; i++)
                free(plan->steps[i].reason);
        *plan = (SetupPlan) { 0 };
}

typedef struct Setup {
        Task task;
        Machine machine;
        const Facts *facts;
        SetupPlan *plan;
        size_t next;
        sd_bus *system, *manager;
} Setup;

static Task *setup_free(Task *task) {
        Setup *setup = container_of(task, Setup, task);

        machine_done(&setup->machine);
        sd_bus_close_unref(setup->system);
        sd_bus_close_unref(setup->manager);
        free(setup);
        return NULL;
}

static const TaskClass setup_class = { "setup", setup_free };

enum { SETUP_NEW, SETUP_LINGERING, SETUP_ENABLING, SETUP_RELOADING, SETUP_STARTING, SETUP_NEXT, SETUP_ENDED };

static SetupStep *present(Setup *setup) {
        return &setup->plan->steps[setup->next];
}

/* The first reason stays. */
static void setup_failed(Machine *machine, int r, const Error *error) {
        SetupStep *step = present(container_of(machine, Setup, machine));

        step->state = SETUP_FAILED;
        if (!step->reason)
                step->reason = strdup(error_message(error, r));
}

static void on_done(Task *task, int r, const Error *error, void *userdata) {
        Setup *setup = userdata;

        if (r < 0)
                setup_failed(&setup->machine, r, error);
        machine_post(&setup->machine, r < 0 ? MACHINE_FAIL : MACHINE_OK);
}

/* A step that this state is not for is over at once. */
static int pass_by(Setup *setup) {
        machine_post(&setup->machine, MACHINE_OK);
        return 0;
}

static int enter_lingering(Machine *machine, Task **ret_task, Error **reterr) {
        Setup *setup = container_of(machine, Setup, machine);
        sd_bus_message *message = NULL;
        int r;

        if (present(setup)->is_unit)
                return pass_by(setup);
        r = setup->system ? 0 : bus_open_system(machine->event, &setup->system);
        if (r >= 0)
                r = sd_bus_message_new_method_call(setup->system, &message, BUS_LOGIND, "/org/freedesktop/login1",
                                                   BUS_LOGIND ".Manager", "SetUserLinger");
        if (r >= 0)
                r = sd_bus_message_append(message, "ubb", (uint32_t) setup->facts->uid, 1, 0);
        if (r >= 0)
                r = bus_call_start(setup->system, message, on_done, setup, ret_task);
        sd_bus_message_unref(message);
        return r;
}

static int open_manager(Setup *setup) {
        return setup->manager
                       ? 0
                       : bus_open_manager(setup->machine.event, setup->facts->runtime_directory, &setup->manager);
}

static int enter_enabling(Machine *machine, Task **ret_task, Error **reterr) {
        Setup *setup = container_of(machine, Setup, machine);
        sd_bus_message *message = NULL;
        int r;

        if (!present(setup)->enables)
                return pass_by(setup);
        r = open_manager(setup);
        if (r >= 0)
                r = sd_bus_message_new_method_call(setup->manager, &message, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER,
                                                   "EnableUnitFiles");
        if (r >= 0)
                r = sd_bus_message_append(message, "asbb", 1, present(setup)->name, 0, 0);
        if (r >= 0)
                r = bus_call_start(setup->manager, message, on_done, setup, ret_task);
        sd_bus_message_unref(message);
        return r;
}

/* What was enabled is known to systemd after that, as systemctl(1) has it. */
static int enter_reloading(Machine *machine, Task **ret_task, Error **reterr) {
        Setup *setup = container_of(machine, Setup, machine);
        sd_bus_message *message = NULL;
        int r;

        if (!present(setup)->enables)
                return pass_by(setup);
        r = sd_bus_message_new_method_call(setup->manager, &message, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER,
                                           "Reload");
        if (r >= 0)
                r = bus_call_start(setup->manager, message, on_done, setup, ret_task);
        sd_bus_message_unref(message);
        return r;
}

static int enter_starting(Machine *machine, Task **ret_task, Error **reterr) {
        Setup *setup = container_of(machine, Setup, machine);
        int r;

        if (!present(setup)->is_unit)
                return pass_by(setup);
        r = open_manager(setup);
        return r < 0 ? r
                     : bus_start_unit(machine->event, setup->manager, present(setup)->name, on_done, setup, ret_task);
}

static int enter_next(Machine *machine, Task **ret_task, Error **reterr) {
        Setup *setup = container_of(machine, Setup, machine);

        if (present(setup)->state == SETUP_TODO)
                present(setup)->state = SETUP_DONE;
        machine_post(machine, ++setup->next < setup->plan->n_steps ? MACHINE_START : MACHINE_OK);
        return 0;
}

static int enter_ended(Machine *machine, Task **ret_task, Error **reterr) {
        Setup *setup = container_of(machine, Setup, machine);

        machine_done(machine);
        task_finish(&setup->task, 0, NULL);
        return 0;
}

static const MachineState setup_states[] = {
                /* START           OK               FAIL         STOP */
        [SETUP_NEW] = { "new", NULL,
                { SETUP_LINGERING, MACHINE_BUG,     MACHINE_BUG, SETUP_ENDED } },
        [SETUP_LINGERING] = { "lingering", enter_lingering,
                { MACHINE_BUG,     SETUP_ENABLING,  SETUP_NEXT,  SETUP_ENDED } },
        [SETUP_ENABLING] = { "enabling", enter_enabling,
                { MACHINE_BUG,     SETUP_RELOADING, SETUP_NEXT,  SETUP_ENDED } },
        [SETUP_RELOADING] = { "reloading", enter_reloading,
                { MACHINE_BUG,     SETUP_STARTING,  SETUP_NEXT,  SETUP_ENDED } },
        [SETUP_STARTING] = { "starting", enter_starting,
                { MACHINE_BUG,     SETUP_NEXT,      SETUP_NEXT,  SETUP_ENDED } },
        [SETUP_NEXT] = { "next", enter_next,
                { SETUP_LINGERING, SETUP_ENDED,     MACHINE_BUG, SETUP_ENDED } },
        [SETUP_ENDED] = { "ended", enter_ended,
                { MACHINE_BUG,     MACHINE_BUG,     MACHINE_BUG, MACHINE_STAY } },
};

int setup_start(sd_event *event, const Facts *facts, SetupPlan *plan, TaskDone done, void *userdata, Task **ret_task) {
        Setup *setup;
        int r;

        if (plan->n_steps == 0)
                return task_defer(event, 0, NULL, done, userdata, ret_task);
        setup = calloc(1, sizeof(*setup));
        if (!setup)
                return -ENOMEM;
        task_init(&setup->task, &setup_class, done, userdata);
        setup->facts = facts;
        setup->plan = plan;
        r = machine_init(&setup->machine, event, "setup", setup_states, SETUP_NEW, setup_failed);
        if (r < 0) {
                task_free(&setup->task);
                return r;
        }
        machine_post(&setup->machine, MACHINE_START);
        *ret_task = &setup->task;
        return 0;
}
