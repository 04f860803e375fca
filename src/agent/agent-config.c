/* What the operator set, read when the agent begins and when it is told to reload. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent-internal.h"
#include "base/array.h"
#include "base/log.h"
#include "base/strv.h"

#define FAULTS_BYTES_MAX (256U * 1024)

int agent_configure(Agent *agent, Error **reterr) {
        _cleanup_str_ Str faults = STR_INIT(FAULTS_BYTES_MAX);
        ConfigSpec spec = { 0 };
        Config *config = calloc(1, sizeof(*config));
        int r = config ? config_init(config) : -ENOMEM;

        /* As it was at the start: config_export() changes our own. */
        if (r >= 0 && !agent->environment)
                r = strv_copy(environ, &agent->environment);
        spec.environment = agent->environment;
        if (r >= 0)
                r = config_load(&spec, config, &faults);
        if (r >= 0)
                r = config_export(config);
        if (r >= 0)
                /* jobs that run go on under the one they began with */
                r = ARRAY_APPEND(agent->configs, agent->n_configs, config);
        if (faults.n > 0)
                log_warning("the configuration:\n%s", str_get(&faults));
        if (r >= 0) {
                agent->config = config;
                return 0;
        }
        if (config)
                config_done(config);
        free(config);
        return error_set(reterr, -r, "the configuration cannot be used");
}

void agent_configs_done(Agent *agent) {
        for (size_t i = 0; i < agent->n_configs; i++) {
                config_done(agent->configs[i]);
                free(agent->configs[i]);
        }
        free(agent->configs);
        agent->environment = strv_free(agent->environment);
}

/* What is locked is the operator's alone; 0 leaves it to what he set. */
static void forget_locked(const Config *config, Request *request) {
        if (config_lock(config, "trusted"))
                request->trusted = 0;
        if (config_lock(config, "jobs.timeout"))
                request->timeout_usec = 0;
        if (config_lock(config, "jobs.grace"))
                request->grace_usec = 0;
        if (config_lock(config, "services.timeout"))
                request->service_timeout_usec = 0;
        if (config_lock(config, "jobs.keep_failed"))
                request->keep = false;
        if (config_lock(config, "images.pull") ||
            !pull_list_is_within(&request->pull, &config->policy.images.allowed_pull))
                request->pull = (PullList) { 0 };
}

void agent_limit_request(const Agent *agent, Request *request) {
        forget_locked(agent->config, request);
        if (!request->timeout_usec)
                request->timeout_usec = agent->config->jobs.timeout_usec;
        if (!request->grace_usec)
                request->grace_usec = agent->config->jobs.grace_usec;
        request->keep |= agent->config->jobs.keep_failed;
}

/* What came with the job counts first, then the operator's files. */
int agent_read_logins(const Request *request, Logins **ret, Error **reterr) {
        const char *given = strmap_get(&request->secrets, "docker_auth_config");
        _cleanup_(logins_freep) Logins *logins = NULL;
        _cleanup_(error_freep) Error *warning = NULL;
        int r = logins_new(&logins);

        if (!given)
                given = strmap_get(&request->environment, "DOCKER_AUTH_CONFIG");
        if (r < 0)
                return error_oom(reterr);
        if (!str_is_empty(given))
                r = logins_add_text(logins, given, strlen(given), "$DOCKER_AUTH_CONFIG", LOGIN_OF_JOB, reterr);
        if (r < 0)
                return r;
        r = logins_add_files(logins, NULL, &warning);
        if (r > 0)
                log_warning("%s; going on without it", error_message(warning, 0));
        if (r < 0)
                return error_set(reterr, -r, "%s", error_message(warning, r));
        *ret = TAKE_PTR(logins);
        return 0;
}
