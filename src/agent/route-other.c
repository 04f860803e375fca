/* How the agent is: info, health, metrics; and what it shall forget. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/call.h"
#include "agent/version.h"
#include "base/parse.h"

#define METRICS_BYTES_MAX (64U * 1024)

static uint64_t count(const Agent *agent, StoredState state) {
        uint64_t n = 0;

        (void) store_count_jobs(agent->store, state, &n);
        return n;
}

static int get_info(Call *call) {
        const Agent *agent = call->agent;
        Pressure pressure = pressure_look(agent->options->state_directory);
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_put_string(&w, "version", PODSTEP_VERSION);
        json_put_uint(&w, "uptime_ms", (clock_monotonic_usec() - agent->started_usec) / USEC_PER_MSEC);
        json_put_string(&w, "state_directory", agent->options->state_directory);
        json_open_object(&w, "jobs");
        json_put_uint(&w, "queued", count(agent, STORED_QUEUED));
        json_put_uint(&w, "running", agent->n_workers);
        json_put_uint(&w, "done", count(agent, STORED_DONE));
        json_put_uint(&w, "max", agent->options->queue.jobs_max);
        json_close(&w);
        json_open_object(&w, "engine");
        if (agent->engine) {
                json_put_string(&w, "kind", agent->engine->info.kind);
                json_put_string(&w, "version", agent->engine->info.version);
                json_put_string(&w, "address", agent->engine->info.address);
        }
        json_put_string(&w, "error", agent->engine_error ? error_message(agent->engine_error, 0) : NULL);
        json_close(&w);
        if (pressure.disk_free != UINT64_MAX)
                json_put_uint(&w, "disk_free", pressure.disk_free);
        json_put_uint(&w, "memory_pressure", pressure.memory);
        json_put_string(&w, "waiting", agent->wait_reason);
        json_put_bool(&w, "draining", agent->is_draining);
        json_close(&w);
        return call_reply_json(call, MHD_HTTP_OK, &w);
}

/* Whether work that comes now would run. */
static int get_health(Call *call) {
        const Agent *agent = call->agent;
        const char *why = agent->is_draining    ? "the agent is about to end"
                          : agent->engine_error ? error_message(agent->engine_error, 0)
                                                : agent->wait_reason;
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_put_string(&w, "status", why ? "unavailable" : "ok");
        json_put_string(&w, "reason", why);
        json_close(&w);
        return call_reply_json(call, why ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK, &w);
}

static void put_metric(Str *out, const char *name, const char *type, const char *help) {
        (void) str_appendf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static uint64_t resident_bytes(void) {
        FILE *file = fopen("/proc/self/statm", "re");
        unsigned long size = 0, resident = 0;

        if (!file)
                return 0;
        if (fscanf(file, "%lu %lu", &size, &resident) != 2)
                resident = 0;
        fclose(file);
        return (uint64_t) resident * (uint64_t) sysconf(_SC_PAGESIZE);
}

/* Source: https://prometheus.io/docs/instrumenting/exposition_formats/ */
static int get_metrics(Call *call) {
        const Agent *agent = call->agent;
        Pressure pressure = pressure_look(agent->options->state_directory);
        Str out = STR_INIT(METRICS_BYTES_MAX);

        put_metric(&out, "podstep_jobs", "gauge", "Jobs by state.");
        (void) str_appendf(&out,
                           "podstep_jobs{state=\"queued\"} %llu\npodstep_jobs{state=\"running\"} "
                           "%zu\npodstep_jobs{state=\"done\"} %llu\n",
                           (unsigned long long) count(agent, STORED_QUEUED), agent->n_workers,
                           (unsigned long long) count(agent, STORED_DONE));
        put_metric(&out, "podstep_jobs_max", "gauge", "Jobs that may run at once.");
        (void) str_appendf(&out, "podstep_jobs_max %u\n", agent->options->queue.jobs_max);
        put_metric(&out, "podstep_jobs_finished_total", "counter",
                   "Jobs that ended since the agent started, by result.");
        for (JobResult result = 0; result < _JOB_RESULT_MAX; result++)
                (void) str_appendf(&out, "podstep_jobs_finished_total{result=\"%s\"} %llu\n",
                                   job_result_to_string(result), (unsigned long long) agent->n_finished[result]);
        put_metric(&out, "podstep_jobs_taken_up_total", "counter",
                   "Jobs that an earlier agent left and this one took up.");
        (void) str_appendf(&out, "podstep_jobs_taken_up_total %llu\n", (unsigned long long) agent->n_taken_up);
        put_metric(&out, "podstep_jobs_lost_total", "counter", "Jobs that a restart of the machine ended.");
        (void) str_appendf(&out, "podstep_jobs_lost_total %llu\n", (unsigned long long) agent->n_lost);
        put_metric(&out, "podstep_http_requests_total", "counter", "Requests to the API.");
        (void) str_appendf(&out, "podstep_http_requests_total %llu\n",
                           (unsigned long long) server_count_requests(call->server));
        put_metric(&out, "podstep_engine_up", "gauge", "1 if there is an engine, 0 if it does not answer.");
        (void) str_appendf(&out, "podstep_engine_up %d\n", agent->engine_error == NULL);
        put_metric(&out, "podstep_disk_free_bytes", "gauge", "Free space where the agent keeps its state.");
        (void) str_appendf(&out, "podstep_disk_free_bytes %llu\n", (unsigned long long) pressure.disk_free);
        put_metric(&out, "podstep_memory_pressure_percent", "gauge",
                   "Time of the last ten seconds in which something waited for memory.");
        (void) str_appendf(&out, "podstep_memory_pressure_percent %u\n", pressure.memory);
        put_metric(&out, "process_resident_memory_bytes", "gauge", "Memory of the agent.");
        (void) str_appendf(&out, "process_resident_memory_bytes %llu\n", (unsigned long long) resident_bytes());
        return call_reply_text(call, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", str_take(&out));
}

static int post_prune(Call *call) {
        const char *all = call_query(call, "all");
        _cleanup_(error_freep) Error *error = NULL;
        JsonWriter w = { 0 };
        bool removes_all = false;
        size_t n = 0;
        int r;

        if (all && parse_bool(all, &removes_all) < 0)
                return call_reply_error(call, 400, "all: expected true or false");
        r = agent_prune(call->agent, removes_all, &n, &error);
        if (r < 0)
                return call_reply_failure(call, r, error);
        json_open_object(&w, NULL);
        json_put_uint(&w, "removed", n);
        json_close(&w);
        return call_reply_json(call, MHD_HTTP_OK, &w);
}

const Route other_routes[] = {
        { "GET", "/v1/info", get_info },
        { "GET", "/v1/health", get_health },
        { "GET", "/v1/metrics", get_metrics },
        { "POST", "/v1/prune", post_prune },
        { 0 },
};
