#pragma once

/*
 * A table of states. Events are posted and taken one by one from the loop, never inside machine_post(). Each state
 * starts at most one Task; leaving the state drops it, so nothing from an old state can call back.
 *
 * The same holds for what was posted but not taken yet: on a change of state, OK and FAIL that wait are forgotten, as
 * they speak of the state that was left; START and STOP come from outside and stay. An event that waits already is not
 * queued twice, so posting never fails; a state that enters itself again (which drops its Task and runs enter anew)
 * must therefore look at everything and not count events.
 */

#include "loop/task.h"
#include "loop/turn.h"

typedef enum MachineEvent {
        MACHINE_START,
        MACHINE_OK,
        MACHINE_FAIL,
        MACHINE_STOP, /* cancel, timeout, shutdown */
        _MACHINE_EVENT_MAX,
} MachineEvent;

typedef struct Machine Machine;

/*
 * An event that cannot happen here; one that changes nothing. If the impossible happens it is a bug of ours, but
 * containers may run: it is logged, given to the failed hook (-ENOTRECOVERABLE) and taken as FAIL, or as STOP where
 * FAIL is a bug too, else ignored.
 */
enum { MACHINE_BUG = -1, MACHINE_STAY = -2 };

typedef struct MachineState {
        const char *name;
        /*
         * Starts the state's work; may post; may end the machine with machine_done() and free what it is part of (a
         * last state). A negative answer is handed to the failed hook, then MACHINE_FAIL is posted. NULL: nothing to do
         * but to wait.
         */
        int (*enter)(Machine *machine, Task **ret_task, Error **reterr);
        int next[_MACHINE_EVENT_MAX];
} MachineState;

struct Machine {
        const char *name; /* for debugging; borrowed */
        const MachineState *states;
        int state;
        Task *task; /* of the present state */
        sd_event *event;
        Turn turn; /* posted while there are events */
        MachineEvent queue[_MACHINE_EVENT_MAX];
        unsigned n_queue;
        void (*failed)(Machine *machine, int r, const Error *error);
        bool *gone; /* set while a hook runs: tells that the hook ended the machine */
};

/**
 * machine_init() - puts a machine into its first state, which is not entered
 * @failed: hears why a state could not be entered; may be NULL
 *
 * Return: 0 or -ENOMEM.
 */
int machine_init(Machine *machine, sd_event *event, const char *name, const MachineState *states, int first,
                 void (*failed)(Machine *machine, int r, const Error *error));

/** machine_post() - from anywhere: a Task's callback, enter, a signal handler of the loop; nothing once it is done */
void machine_post(Machine *machine, MachineEvent event);
const char *machine_state_name(const Machine *machine);

/** machine_done() - drops the Task and what is queued; may be repeated, also on a zeroed struct, also inside a hook */
void machine_done(Machine *machine);
