#include "loop/machine.h"

#include <errno.h>

#include "base/log.h"

static const char *const event_names[_MACHINE_EVENT_MAX] = {
        [MACHINE_START] = "start",
        [MACHINE_OK] = "ok",
        [MACHINE_FAIL] = "fail",
        [MACHINE_STOP] = "stop",
};

const char *machine_state_name(const Machine *machine) {
        return machine->states[machine->state].name;
}

void machine_post(Machine *machine, MachineEvent event) {
        if (!machine->event)
                return;
        for (unsigned i = 0; i < machine->n_queue; i++)
                if (machine->queue[i] == event)
                        return;
        machine->queue[machine->n_queue++] = event;
        turn_post(&machine->turn);
}

static MachineEvent take(Machine *machine) {
        MachineEvent event = machine->queue[0];

        machine->n_queue--;
        for (unsigned i = 0; i < machine->n_queue; i++)
                machine->queue[i] = machine->queue[i + 1];
        return event;
}

static void forget_old_results(Machine *machine) {
        unsigned n = 0;

        for (unsigned i = 0; i < machine->n_queue; i++)
                if (machine->queue[i] == MACHINE_START || machine->queue[i] == MACHINE_STOP)
                        machine->queue[n++] = machine->queue[i];
        machine->n_queue = n;
}

/* Returns false if the hook ended the machine: it must not be touched again. */
static bool tell_failed(Machine *machine, int r, const Error *error) {
        bool gone = false;

        if (!machine->failed)
                return true;
        machine->gone = &gone;
        machine->failed(machine, r, error);
        if (gone)
                return false;
        machine->gone = NULL;
        return true;
}

static void enter(Machine *machine, int state) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_(task_freep) Task *task = NULL;
        bool gone = false;
        int r;

        machine->task = task_free(machine->task);
        if (state != machine->state)
                forget_old_results(machine);
        machine->state = state;
        if (!machine->states[state].enter)
                return;

        machine->gone = &gone;
        r = machine->states[state].enter(machine, &task, &error);
        if (gone)
                return;
        machine->gone = NULL;
        if (r >= 0) {
                machine->task = TAKE_PTR(task);
                return;
        }
        log_debug("%s: entering '%s': %s", machine->name, machine->states[state].name, error_message(error, r));
        if (tell_failed(machine, r, error))
                machine_post(machine, MACHINE_FAIL);
}

/* Where an event goes that the table calls impossible: on the way that ends things in order. */
static int find_way_out(const MachineState *state, MachineEvent event) {
        if (event != MACHINE_FAIL && state->next[MACHINE_FAIL] != MACHINE_BUG)
                return state->next[MACHINE_FAIL];
        if (event != MACHINE_STOP && state->next[MACHINE_STOP] != MACHINE_BUG)
                return state->next[MACHINE_STOP];
        return MACHINE_STAY;
}

static void machine_on_turn(void *userdata) {
        Machine *machine = userdata;
        const MachineState *state = &machine->states[machine->state];
        MachineEvent event;
        int next;

        if (machine->n_queue == 0)
                return;
        event = take(machine);
        if (machine->n_queue > 0)
                turn_post(&machine->turn);

        next = state->next[event];
        if (next == MACHINE_BUG) {
                _cleanup_(error_freep) Error *error = NULL;
                int r;

                r = error_set(&error, ENOTRECOVERABLE, "bug in podstep: %s: event '%s' in state '%s'", machine->name,
                              event_names[event], state->name);
                log_error("%s", error_message(error, r));
                next = find_way_out(state, event);
                if (!tell_failed(machine, r, error))
                        return;
        }
        if (next == MACHINE_STAY)
                return;
        log_debug("%s: %s -> %s (%s)", machine->name, state->name, machine->states[next].name, event_names[event]);
        enter(machine, next);
}

int machine_init(Machine *machine, sd_event *event, const char *name, const MachineState *states, int first,
                 void (*failed)(Machine *machine, int r, const Error *error)) {
        int r;

        *machine = (Machine) { .name = name, .states = states, .state = first, .failed = failed };
        r = turn_init(&machine->turn, event, machine_on_turn, machine);
        if (r < 0)
                return r;
        machine->event = sd_event_ref(event);
        return 0;
}

void machine_done(Machine *machine) {
        if (machine->gone)
                *machine->gone = true;
        machine->gone = NULL;
        machine->task = task_free(machine->task);
        turn_done(&machine->turn);
        machine->event = sd_event_unref(machine->event);
        machine->n_queue = 0;
}
