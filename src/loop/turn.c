#include "loop/turn.h"

#include <errno.h>
#include <stdint.h>

#include "base/cleanup.h"

/* Of one loop; lives as long as one of its Turns. */
struct TurnQueue {
        sd_event *event; /* the source's reference keeps it */
        sd_event_source *source;
        Turn *first, *last;
        size_t n_turns; /* all, posted or not */
        bool is_running;
        TurnQueue *next;
};

/*
 * The queues of all loops: mostly one, none once all Turns are done. Everybody knows a loop by its sd_event, which can
 * neither keep anything for others nor be asked for its sources. To hand a queue around beside it, or a type of ours
 * around it, would tell a hundred places what only this file needs to know.
 *
 * It is a weak pointer, and therefore does not look like one: for a leak checker all that hangs on a forgotten loop
 * would still be in use.
 */
static uintptr_t first_queue_inverted = ~(uintptr_t) NULL;

static TurnQueue *first_queue(void) {
        return (TurnQueue *) ~first_queue_inverted;
}

static void set_first_queue(TurnQueue *queue) {
        first_queue_inverted = ~(uintptr_t) queue;
}

static void queue_unlink(TurnQueue *queue) {
        TurnQueue *before = first_queue();

        if (before == queue) {
                set_first_queue(queue->next);
                return;
        }
        while (before->next != queue)
                before = before->next;
        before->next = queue->next;
}

static void queue_free_unused(TurnQueue *queue) {
        if (queue->n_turns > 0 || queue->is_running)
                return;
        queue_unlink(queue);
        sd_event_source_disable_unref(queue->source);
        free(queue);
}

static void take_out(Turn *turn) {
        TurnQueue *queue = turn->queue;

        *(turn->before ? &turn->before->next : &queue->first) = turn->next;
        *(turn->next ? &turn->next->before : &queue->last) = turn->before;
        turn->before = turn->next = NULL;
        turn->is_posted = turn->is_last = turn->yields = false;
}

/* @before: NULL: at the beginning */
static void put_behind(Turn *turn, Turn *before) {
        TurnQueue *queue = turn->queue;

        turn->before = before;
        turn->next = before ? before->next : queue->first;
        *(before ? &before->next : &queue->first) = turn;
        *(turn->next ? &turn->next->before : &queue->last) = turn;
        turn->is_posted = true;
        if (!queue->is_running)
                (void) sd_event_source_set_enabled(queue->source, SD_EVENT_ONESHOT); /* cannot fail: it flips a flag */
}

static bool is_exiting(sd_event *event) {
        int code;

        return sd_event_get_exit_code(event, &code) >= 0;
}

static int queue_on_turn(sd_event_source *source, void *userdata);

static int queue_add_source(TurnQueue *queue) {
        sd_event_source *source = NULL;
        int r;

        r = sd_event_add_defer(queue->event, &source, queue_on_turn, queue);
        if (r < 0)
                return r;
        sd_event_source_disable_unref(queue->source);
        queue->source = source;
        return 0;
}

static int queue_on_turn(sd_event_source *source, void *userdata) {
        TurnQueue *queue = userdata;

        queue->is_running = true;
        for (unsigned n = 0; n < TURN_BATCH_MAX && queue->first && !is_exiting(queue->event); n++) {
                Turn *turn = queue->first;

                if (turn->yields && n > 0)
                        break;
                take_out(turn);
                turn->callback(turn->userdata); /* the Turn may be gone now */
        }
        queue->is_running = false;
        /*
         * Of what is pending sd-event takes first what is so for the longest time, and a source like ours is from its
         * beginning on. A new one comes behind what is ready already.
         */
        if (queue->first && queue_add_source(queue) < 0)
                (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT); /* better unfair than never */
        queue_free_unused(queue);
        return 0;
}

static int queue_new(sd_event *event, TurnQueue **ret) {
        TurnQueue *queue;
        int r;

        queue = calloc(1, sizeof(*queue));
        if (!queue)
                return -ENOMEM;
        queue->event = event;
        r = queue_add_source(queue);
        if (r < 0) {
                free(queue);
                return r;
        }
        (void) sd_event_source_set_enabled(queue->source, SD_EVENT_OFF);
        queue->next = first_queue();
        set_first_queue(queue);
        *ret = queue;
        return 0;
}

static int find_queue(sd_event *event, TurnQueue **ret) {
        for (TurnQueue *queue = first_queue(); queue; queue = queue->next)
                if (queue->event == event) {
                        *ret = queue;
                        return 0;
                }
        return queue_new(event, ret);
}

int turn_init(Turn *turn, sd_event *event, void (*callback)(void *userdata), void *userdata) {
        TurnQueue *queue = NULL;
        int r;

        r = find_queue(event, &queue);
        if (r < 0)
                return r;
        *turn = (Turn) { .queue = queue, .callback = callback, .userdata = userdata };
        queue->n_turns++;
        return 0;
}

void turn_post(Turn *turn) {
        Turn *before;

        if (!turn->queue || turn->is_posted)
                return;
        before = turn->queue->last;
        while (before && before->is_last)
                before = before->before;
        put_behind(turn, before);
}

void turn_post_last(Turn *turn) {
        if (!turn->queue || turn->is_posted)
                return;
        put_behind(turn, turn->queue->last);
        turn->is_last = true;
}

void turn_yield(Turn *turn) {
        turn_post(turn);
        turn->yields = turn->is_posted;
}

void turn_done(Turn *turn) {
        TurnQueue *queue = turn->queue;

        if (!queue)
                return;
        if (turn->is_posted)
                take_out(turn);
        turn->queue = NULL;
        queue->n_turns--;
        queue_free_unused(queue);
}
