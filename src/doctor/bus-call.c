#include "doctor/bus-call.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "doctor/bus.h"
#include "loop/timer.h"

#define WORDS_MAX 500 /* bytes of what a peer says */
#define START_USEC (30 * UINT64_C(1000000)) /* a socket is there at once; a service may take a while */

typedef struct BusCall {
        Task task;
        sd_bus_slot *slot;
} BusCall;

static Task *call_free(Task *task) {
        BusCall *call = container_of(task, BusCall, task);

        sd_bus_slot_unref(call->slot);
        free(call);
        return NULL;
}

static const TaskClass call_class = { "bus-call", call_free };

static int refusal(const sd_bus_error *error, Error **reterr) {
        const char *words = error->message ? error->message : error->name;
        _cleanup_free_ char *shown = str_escape(words, strlen(words), WORDS_MAX);
        int errnum = sd_bus_error_get_errno(error);

        return error_set(reterr, errnum > 0 ? errnum : EIO, "%s", shown ? shown : "refused");
}

static int on_reply(sd_bus_message *message, void *userdata, sd_bus_error *unused) {
        _cleanup_(error_freep) Error *error = NULL;
        BusCall *call = userdata;
        int r = 0;

        if (sd_bus_message_is_method_error(message, NULL))
                r = refusal(sd_bus_message_get_error(message), &error);
        task_finish(&call->task, r, error);
        return 1;
}

int bus_call_start(sd_bus *bus, sd_bus_message *message, TaskDone done, void *userdata, Task **ret_task) {
        BusCall *call;
        int r;

        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;
        task_init(&call->task, &call_class, done, userdata);
        r = sd_bus_call_async(bus, &call->slot, message, on_reply, call, 0);
        if (r < 0) {
                task_free(&call->task);
                return r == -ENOMEM ? r : task_defer(sd_bus_get_event(bus), r, NULL, done, userdata, ret_task);
        }
        *ret_task = &call->task;
        return 0;
}

/* Two things tell that a unit is started: the answer to the call, and the end of the job that it made. */
typedef struct StartUnit {
        Task task;
        char *unit;
        sd_bus_slot *match, *subscribe, *start;
        Task *deadline;
        bool is_answered;
        char *result; /* of the job */
} StartUnit;

static Task *start_free(Task *task) {
        StartUnit *start = container_of(task, StartUnit, task);

        task_free(start->deadline);
        sd_bus_slot_unref(start->match);
        sd_bus_slot_unref(start->subscribe);
        sd_bus_slot_unref(start->start);
        free(start->unit);
        free(start->result);
        free(start);
        return NULL;
}

static const TaskClass start_class = { "start-unit", start_free };

static void start_finish(StartUnit *start) {
        _cleanup_(error_freep) Error *error = NULL;
        int r = 0;

        if (!start->is_answered || !start->result || start->task.finished)
                return;
        if (!str_equal(start->result, "done"))
                r = error_set(&error, EIO, "starting %s ended with '%s'", start->unit, start->result);
        task_finish(&start->task, r, error);
}

static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *unused) {
        const char *unit, *result;
        StartUnit *start = userdata;

        if (sd_bus_message_read(message, "uoss", NULL, NULL, &unit, &result) < 0 || !str_equal(unit, start->unit))
                return 0;
        free(start->result);
        start->result = str_escape(result, strlen(result), WORDS_MAX);
        start_finish(start);
        return 0;
}

static int on_started(sd_bus_message *message, void *userdata, sd_bus_error *unused) {
        _cleanup_(error_freep) Error *error = NULL;
        StartUnit *start = userdata;

        start->is_answered = true;
        if (sd_bus_message_is_method_error(message, NULL))
                task_finish(&start->task, refusal(sd_bus_message_get_error(message), &error), error);
        else
                start_finish(start);
        return 1;
}

/* systemd sends signals to who asked for them only. */
static int on_subscribed(sd_bus_message *message, void *userdata, sd_bus_error *unused) {
        return 1;
}

static void on_deadline(Task *task, int r, const Error *unused, void *userdata) {
        _cleanup_(error_freep) Error *error = NULL;
        StartUnit *start = userdata;

        if (start->task.finished)
                return;
        r = error_set(&error, ETIMEDOUT, "%s does not start", start->unit);
        task_finish(&start->task, r, error);
}

int bus_start_unit(sd_event *event, sd_bus *manager, const char *unit, TaskDone done, void *userdata, Task **ret_task) {
        _cleanup_(task_freep) Task *task = NULL;
        StartUnit *start;
        int r;

        start = calloc(1, sizeof(*start));
        if (!start)
                return -ENOMEM;
        task = &start->task;
        task_init(task, &start_class, done, userdata);
        start->unit = strdup(unit);
        if (!start->unit)
                return -ENOMEM;
        r = sd_bus_match_signal_async(manager, &start->match, NULL, BUS_SYSTEMD_PATH, BUS_MANAGER, "JobRemoved",
                                      on_job_removed, NULL, start);
        if (r >= 0)
                r = sd_bus_call_method_async(manager, &start->subscribe, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER,
                                             "Subscribe", on_subscribed, start, NULL);
        if (r >= 0)
                r = sd_bus_call_method_async(manager, &start->start, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER,
                                             "StartUnit", on_started, start, "ss", unit, "replace");
        if (r >= 0)
                r = timer_start(event, START_USEC, on_deadline, start, &start->deadline);
        if (r < 0)
                return r == -ENOMEM ? r : task_defer(event, r, NULL, done, userdata, ret_task);
        *ret_task = TAKE_PTR(task);
        return 0;
}
