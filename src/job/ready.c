/*
 * When a service can be used: a line of its output or a command of the file's says so, else its image's HEALTHCHECK,
 * else its ports are open (the holder tells), else it runs. Steps wait for that; and where it does not come, the job
 * says why.
 */

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/job-internal.h"
#include "loop/timer.h"
#include "pipeline/plan-ports.h"

/* Some images expose ports that they only open when configured to: after the first, the others get this much time. */
#define SETTLE_USEC (2 * USEC_PER_SEC)
/* A check is an exec: not more often than this, whatever the image says. */
#define HEALTH_INTERVAL_MIN_USEC (200 * USEC_PER_MSEC)
#define HEALTH_INTERVAL_MAX_USEC (2 * USEC_PER_SEC)
#define EXPOSED_PORTS_MAX 20 /* as GitLab's runner */

static void become_ready(Step *step) {
        if (step->is_ready || step->is_done)
                return;
        step->is_ready = true;
        step_note(step, "ready", "yes");
        service_done(step);
        step_emit_state(step, STEP_READY);
        job_schedule(step->job);
}

static uint64_t wait_usec(const Step *step) {
        return step->plan->ready.timeout_usec ? step->plan->ready.timeout_usec : step->job->spec.service_timeout_usec;
}

/* One whose failure does not count is used as it is, as GitLab's runner does. */
static void on_timeout(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;
        _cleanup_(error_freep) Error *why = NULL;
        char limit[CLOCK_DURATION_MAX];

        (void) clock_format_duration(wait_usec(step), limit);
        if (step->ready_pattern)
                (void) error_set(&why, ETIMEDOUT, "not ready within %s: no line of its output matches '%s'", limit,
                                 step->plan->ready.log);
        else if (service_has_health_check(step))
                (void) error_set(&why, ETIMEDOUT, "not ready within %s: %s still fails", limit,
                                 step->plan->ready.command ? "its 'ready.command'" : "its health check");
        else
                (void) error_set(&why, ETIMEDOUT, "not ready within %s: %s", limit,
                                 strv_length(step->ports) > 1 ? "none of its ports is open" : "its port is not open");
        if (step->plan->failure == STEP_FAILURE_IGNORE) {
                job_emit_text(step->job, JOB_EVENT_WARNING, step, "%s; going on without that",
                              error_message(why, -ETIMEDOUT));
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
        (void) engine_container_check_health(step->job->spec.engine, step->container, &step->health, on_health, step,
                                             &step->ready_task);
}

static void on_settled(Task *task, int r, const Error *error, void *userdata) {
        become_ready(userdata);
}

void service_watch(Step *step) {
        size_t n_ports = strv_length(step->ports);
        bool checks = service_has_health_check(step);
        bool waits = step->ready_pattern || checks || (n_ports > 0 && sandbox_holder(step->job->sandbox));

        if (!waits || wait_usec(step) == USEC_INFINITY || step_recorded(step, "ready") || step->has_ready_line ||
            (n_ports > 0 && step->n_open_ports == n_ports))
                return become_ready(step);
        (void) timer_start(step->job->event, wait_usec(step), on_timeout, step, &step->ready_timeout);
        if (checks)
                check_health(step);
}

static int add_port(Step *step, unsigned number) {
        _cleanup_free_ char *port = str_printf("%u", number);

        if (!port)
                return -ENOMEM;
        return strv_contains(step->ports, port) ? 0 : strv_append(&step->ports, port);
}

static int compare_numbers(const void *a, const void *b) {
        return (int) *(const uint16_t *) a - (int) *(const uint16_t *) b;
}

/* The lowest ones of an image that exposes whole ranges. */
static int add_exposed_ports(Step *step) {
        size_t n = strv_length(step->image->info.exposed), n_numbers = 0;
        _cleanup_free_ uint16_t *numbers = calloc(n + 1, sizeof(*numbers));
        int r = numbers ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < n; i++) {
                const char *exposed = step->image->info.exposed[i], *slash = strchrnul(exposed, '/');
                _cleanup_free_ char *text = strndup(exposed, (size_t) (slash - exposed));

                if (!text)
                        return -ENOMEM;
                if ((!*slash || str_equal(slash, "/tcp")) && parse_u16(text, &numbers[n_numbers]) >= 0)
                        n_numbers++;
        }
        if (n_numbers > 1)
                qsort(numbers, n_numbers, sizeof(*numbers), compare_numbers);
        for (size_t i = 0; r >= 0 && i < n_numbers && strv_length(step->ports) < EXPOSED_PORTS_MAX; i++)
                r = add_port(step, numbers[i]);
        return r;
}

/* The container's variable: the file's, else the image's. */
static const char *find_port_variable(const Step *step) {
        static const char name[] = PLAN_PORT_VARIABLE;
        const char *own = plan_find_port_variable(step->plan);

        if (own)
                return own;
        STRV_FOREACH(variable, step->image->info.environment)
                if (strncasecmp(*variable, name, strlen(name)) == 0 && (*variable)[strlen(name)] == '=')
                        return *variable + strlen(name) + 1;
        return NULL;
}

int service_init(Step *step, Error **reterr) {
        const PlanReady *ready = &step->plan->ready;
        const char *variable = find_port_variable(step);
        uint16_t port;
        int r = 0;

        if (ready->log)
                return pattern_new(ready->log, &step->ready_pattern, reterr);
        if (ready->port)
                return add_port(step, ready->port) < 0 ? error_oom(reterr) : 0;
        if (variable) {
                if (parse_u16(variable, &port) < 0 || port == 0)
                        return error_set(reterr, EINVAL, "service '%s': invalid health check tcp port: %s",
                                         step->plan->name, variable);
                return add_port(step, port) < 0 ? error_oom(reterr) : 0;
        }
        r = add_exposed_ports(step);
        for (size_t i = 0; r >= 0 && i < step->plan->n_ports; i++)
                if (str_equal(step->plan->ports[i].protocol, "tcp"))
                        r = add_port(step, step->plan->ports[i].number);
        return r < 0 ? error_oom(reterr) : 0;
}

void service_saw_line(Step *step, const char *line, size_t n) {
        if (!step->ready_pattern || step->has_ready_line || !pattern_matches(step->ready_pattern, line, n))
                return;
        step->has_ready_line = true;
        if (step->is_up)
                become_ready(step);
}

bool service_has_health_check(const Step *step) {
        const PlanReady *ready = &step->plan->ready;

        return ready->command ||
               (step->image->info.has_health_check && !ready->log && !ready->port && !find_port_variable(step));
}

/* Which service a target belongs to: ports are unique in a shared namespace, hosts in a network. */
static bool has_target(const Job *job, const Step *step, const char *target) {
        const char *colon = strrchr(target, ':');

        if (step->is_ready || step->ready_pattern || service_has_health_check(step) || !colon ||
            !strv_contains(step->ports, colon + 1))
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
