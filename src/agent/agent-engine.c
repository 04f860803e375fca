/* The engine that the jobs run on: opened when there is work, and tried again as long as it does not answer. */

#include <errno.h>

#include "agent/agent-internal.h"
#include "base/log.h"
#include "engine/find.h"

#define ENGINE_RETRY_FIRST_USEC (500 * USEC_PER_MSEC)
#define ENGINE_RETRY_MAX_USEC (30 * USEC_PER_SEC)

static void on_retry(Task *task, int r, const Error *error, void *userdata) {
        Agent *agent = userdata;

        agent->engine_retry = task_free(agent->engine_retry);
        agent_want_engine(agent);
}

static void there_is_none(Agent *agent, int r, const Error *error) {
        if (!agent->engine_error) /* told once, not at each try */
                log_error("%s; jobs wait until there is one", error_message(error, r));
        agent->engine_error = error_free(agent->engine_error);
        (void) error_set(&agent->engine_error, -r, "%s", error_message(error, r));
        agent->engine = engine_free(agent->engine);
        (void) timer_start(agent->event, backoff_next(&agent->engine_backoff), on_retry, agent, &agent->engine_retry);
        agent_changed(agent);
}

static void on_opened(Task *task, int r, const Error *error, void *userdata) {
        Agent *agent = userdata;
        _cleanup_(error_freep) Error *why = NULL;

        agent->opening = task_free(agent->opening);
        if (r >= 0 && !agent->engine->info.is_local && agent->engine->info.is_foreign)
                r = error_set(
                        &why, EREMOTE,
                        "the engine at %s runs on a machine of another kind, where podstep's own programs do not run",
                        agent->engine->info.address);
        if (r < 0) {
                there_is_none(agent, r, why ? why : error);
                return;
        }
        agent->engine_error = error_free(agent->engine_error);
        backoff_reset(&agent->engine_backoff);
        if (agent_take_up(agent, &why) < 0)
                log_error("%s", error_message(why, 0));
        agent_sweep(agent);
        agent_changed(agent);
}

void agent_want_engine(Agent *agent) {
        const char *url;

        if (agent->engine || agent->opening || agent->engine_retry)
                return;
        if (agent->engine_backoff.first_usec == 0)
                agent->engine_backoff =
                        (Backoff) { .first_usec = ENGINE_RETRY_FIRST_USEC, .max_usec = ENGINE_RETRY_MAX_USEC };
        url = agent->options->engine_url ? agent->options->engine_url : config_engine_url(agent->config);
        if (engine_open(agent->event, url, &agent->engine, on_opened, agent, &agent->opening) < 0)
                there_is_none(agent, -ENOMEM, NULL);
}

/* ---- left-overs ---- */

static void on_swept(Task *task, int r, const Error *error, void *userdata) {
        Agent *agent = userdata;

        agent->sweep = task_free(agent->sweep);
        if (r < 0)
                log_warning("what earlier jobs left could not be removed: %s; trying again later",
                            error_message(error, r));
        sweep_result_done(&agent->swept);
        agent_changed(agent);
}

void agent_sweep(Agent *agent) {
        SweepSpec spec = { .state_directory = agent->options->state_directory };

        if (agent->sweep || !agent->engine || !sweep_is_needed(&spec))
                return;
        (void) sweep_start(agent->engine, &spec, &agent->swept, on_swept, agent, &agent->sweep);
}
