#pragma once

/*
 * Work that is put off: a Turn's callback runs from the event loop, never inside the call that posted it.
 *
 * All Turns of a loop share one source of sd-event, and those that are posted run one after the other, in the order of
 * posting, with those that are posted meanwhile. With a source for each, every callback would be a turn of the loop for
 * itself, with a look at all descriptors.
 */

#include <stdbool.h>

#include <systemd/sd-event.h>

/* So many callbacks run one after the other; then signals, timers and descriptors that are ready have their turn. */
#define TURN_BATCH_MAX 64

typedef struct Turn Turn;
typedef struct TurnQueue TurnQueue;

/* Embed it; what is in it is turn.c's. A zeroed one is done. */
struct Turn {
        TurnQueue *queue; /* NULL: done, or not yet initialised */
        void (*callback)(void *userdata);
        void *userdata;
        Turn *before, *next; /* in the queue */
        bool is_posted;
        bool is_last, yields;
};

/**
 * turn_init() - makes a Turn that is not posted
 * @callback: may post any Turn, its own too; may end any, its own too; may end the loop: then no other runs
 *
 * The loop lives at least until turn_done().
 *
 * Return: 0 or -ENOMEM.
 */
int turn_init(Turn *turn, sd_event *event, void (*callback)(void *userdata), void *userdata);

/** turn_post() - lets the callback run once, however often it is posted before; nothing once the Turn is done */
void turn_post(Turn *turn);

/** turn_post_last() - the same, but all other Turns come first, also those that are posted later */
void turn_post_last(Turn *turn);

/** turn_yield() - as turn_post(), but all that is ready in the loop comes first: for work without an end, in pieces */
void turn_yield(Turn *turn);

/** turn_done() - the callback will not run; may be repeated, also inside the callback */
void turn_done(Turn *turn);
