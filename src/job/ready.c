/*
 * When a service can be used: its image's HEALTHCHECK says so, else its ports are open (the holder tells), else it runs. Steps
 * wait for that; and where it does not come, the job says why.
 */

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "job/job-internal.h"
#include "loop/timer.h"

/* Some images expose ports that they only open when configured to: after the first, the others get this much time. */
#define SETTLE_USEC (2 * USEC_PER_SEC)
/* A check is an exec: not more often than this, whatever the image says. */
#define HEALTH_INTERVAL_MIN_USEC (200 * USEC_PER_MSEC)
#define HEALTH_INTERVAL_MAX_USEC (2 * USEC_PER_SEC)

static void become_ready(Step *step) {
        if (step->is_ready || step->is_done)
                return;
        step->is_ready = true;
        step_note(step, "ready", "yes");
        service_done(step);
        step_emit_state(step, STEP_READY);
        job_schedule(step->job);
}

/* One whose failure does not count is used as it is, as GitLab's runner does. */
static void on_timeout(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;
        _cleanup_(error_freep) Error *why = NULL;
        char limit[CLOCK_DURATION_MAX];

        (void) clock_format_duration(step->job->spec.service_timeout_usec, limit);
        if (step->image->info.has_health_check)
                (void) error_set(&why, ETIMEDOUT, "not ready within %s: its health check still fails", limit);
        else
                (void) error_set(&why, ETIMEDOUT, "not ready within %s: %s", limit, strv_length(step->ports) > 1 ? "none of its ports is open" : "its port is not open");
        if (step->plan->failure == STEP_FAILURE_IGNORE) {
                job_emit_text(step->job, JOB_EVENT_WARNING, step, "%s; going on without that", error_message(why, -ETIMEDOUT));
                return become_ready(step);
        }
        step_fail(step, STEP_TIMED_OUT, -ETIMEDOUT, why);
        step_stop(step);
}

static void check_health(Step *step);

static void on_pause(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;

        step->ready_task = task_free(step->ready_task);
        check_health(step);
}

static void on_health(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;
        uint64_t interval = step->image->info.health_interval_usec;

        step->ready_task = task_free(step->ready_task);
        if (r >= 0 && step->health == HEALTH_HEALTHY)
                return become_ready(step);
        /* A check that could not be run is no verdict: the next may be, and there is the timeout. */
        interval = MIN(MAX(interval, HEALTH_INTERVAL_MIN_USEC), HEALTH_INTERVAL_MAX_USEC);
        if (step->n_unhealthy++ < 10)
                interval = HEALTH_INTERVAL_MIN_USEC;
        (void) timer_start(step->job->event, interval, on_pause, step, &step->ready_task);
}

static void check_health(Step *step) {
        (void) engine_container_check_health(step->job->spec.engine, step->container, &step->health, on_health, step, &step->ready_task);
}

static void on_settled(Task *task, int r, const Error *error, void *userdata) {
        become_ready(userdata);
}

void service_watch(Step *step) {
        size_t n_ports = strv_length(step->ports);
        bool waits = step->image->info.has_health_check || (n_ports > 0 && sandbox_holder(step->job->sandbox));

        if (!waits || step->job->spec.service_timeout_usec == USEC_INFINITY || step_recorded(step, "ready") || (n_ports > 0 && step->n_open_ports == n_ports))
                return become_ready(step);
        (void) timer_start(step->job->event, step->job->spec.service_timeout_usec, on_timeout, step, &step->ready_timeout);
        if (step->image->info.has_health_check)
                check_health(step);
}

int service_find_ports(Step *step) {
        int r = 0;

        STRV_FOREACH(exposed, step->image->info.exposed) {
                const char *slash = strchrnul(*exposed, '/');
                _cleanup_free_ char *port = strndup(*exposed, (size_t) (slash - *exposed));

                if (!port)
                        return -ENOMEM;
                if ((!*slash || str_equal(slash, "/tcp")) && !strv_contains(step->ports, port))
                        r = strv_append(&step->ports, port);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < step->plan->n_ports; i++) {
                _cleanup_free_ char *port = str_printf("%u", step->plan->ports[i].number);

                if (!port)
                        return -ENOMEM;
                if (str_equal(step->plan->ports[i].protocol, "tcp") && !strv_contains(step->ports, port))
                        r = strv_append(&step->ports, port);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Which service a target belongs to: ports are unique in a shared namespace, hosts in a network. */
static bool has_target(const Job *job, const Step *step, const char *target) {
        const char *colon = strrchr(target, ':');

        if (step->is_ready || step->image->info.has_health_check || !colon || !strv_contains(step->ports, colon + 1))
                return false;
        if (sandbox_shares_network(job->sandbox))
                return true;
        return step->plan->alias && strncmp(target, step->plan->alias, (size_t) (colon - target)) == 0 &&
               strlen(step->plan->alias) == (size_t) (colon - target);
}

void service_port_open(Job *job, const char *target) {
        for (size_t i = 0; i < job->spec.plan->n_services; i++) {
                Step *step = &job->steps[i];

                if (!has_target(job, step, target))
                        continue;
                if (++step->n_open_ports == strv_length(step->ports)) {
                        if (step->is_up)
                                become_ready(step);
                } else if (step->n_open_ports == 1)
                        (void) timer_start(job->event, SETTLE_USEC, on_settled, step, &step->settle);
                return;
        }
}

void service_done(Step *step) {
        step->ready_task = task_free(step->ready_task);
        step->ready_timeout = task_free(step->ready_timeout);
        step->settle = task_free(step->settle);
}
