#pragma once

/*
 * A table of states. Events are posted and taken one by one from the loop, never inside machine_post(). Each state starts at
 * most one Task; leaving the state drops it, so nothing from an old state can call back.
 */

#include "loop/task.h"

typedef enum MachineEvent {
        MACHINE_START,
        MACHINE_OK,
        MACHINE_FAIL,
        MACHINE_STOP, /* cancel, timeout, shutdown */
        _MACHINE_EVENT_MAX,
} MachineEvent;

typedef struct Machine Machine;

enum { MACHINE_BUG = -1, MACHINE_STAY = -2 }; /* an event that cannot happen here; one that changes nothing */

typedef struct MachineState {
        const char *name;
        /* Starts the state's work; may post. A negative answer is handed to the failed hook, then MACHINE_FAIL is posted. */
        int (*enter)(Machine *machine, Task **ret_task, Error **reterr);
        int next[_MACHINE_EVENT_MAX];
} MachineState;

#define MACHINE_QUEUE_MAX 8

struct Machine {
        const char *name; /* for debugging; borrowed */
        const MachineState *states;
        int state;
        Task *task; /* of the present state */
        sd_event *event;
        sd_event_source *turn; /* runs while there are events */
        MachineEvent queue[MACHINE_QUEUE_MAX];
        unsigned n_queue;
        void (*failed)(Machine *machine, int r, const Error *error);
};

int machine_init(Machine *machine, sd_event *event, const char *name, const MachineState *states, int first,
                 void (*failed)(Machine *machine, int r, const Error *error));
void machine_post(Machine *machine, MachineEvent event);
const char *machine_state_name(const Machine *machine);
void machine_done(Machine *machine);
