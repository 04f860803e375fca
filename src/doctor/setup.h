#pragma once

/* What may be mended without root: lingering, and sockets of the user's systemd. Only ever over D-Bus. */

#include "doctor/facts.h"

typedef enum SetupState {
        SETUP_TODO,
        SETUP_DONE,
        SETUP_FAILED, /* reason says why */
        _SETUP_STATE_MAX,
} SetupState;
const char *setup_state_to_string(SetupState state);

typedef struct SetupStep {
        const char *name; /* "linger", or a unit */
        const char *what; /* for people: "let your services go on when you log out, and start at boot" */
        bool is_unit, enables;
        SetupState state;
        char *reason;
} SetupStep;

#define SETUP_STEPS_MAX 3

typedef struct SetupPlan {
        SetupStep steps[SETUP_STEPS_MAX];
        size_t n_steps;
} SetupPlan;

/** setup_plan() - what is to be done, of a machine with these facts; nothing where all is as it should be */
void setup_plan(const Facts *facts, SetupPlan *ret);
void setup_plan_done(SetupPlan *plan);

/**
 * setup_start() - does it, step by step; one that fails does not keep the others from being done
 *
 * Done with 0 when all was tried; how each ended stands in the plan, which must live as long as the Task.
 */
int setup_start(sd_event *event, const Facts *facts, SetupPlan *plan, TaskDone done, void *userdata, Task **ret_task);
