/* What 'podstep agent' hands on: KEY=VALUE, one word each. The person's side of it is cli/agent-options.c. */

#include <errno.h>
#include <string.h>

#include "agent/agent.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"

typedef struct Setting {
        const char *key;
        int (*set)(AgentOptions *options, const char *value);
} Setting;

static int set_text(char **field, const char *value) {
        free(*field);
        *field = strdup(value);
        return *field ? 0 : -ENOMEM;
}

static int set_unsigned(unsigned *field, const char *value) {
        uint64_t number;

        if (parse_u64(value, &number) < 0 || number > UINT32_MAX)
                return -EINVAL;
        *field = (unsigned) number;
        return 0;
}

static int set_state(AgentOptions *options, const char *value) {
        return set_text(&options->state_directory, value);
}

static int set_socket(AgentOptions *options, const char *value) {
        return set_text(&options->socket, value);
}

static int set_guard(AgentOptions *options, const char *value) {
        return set_text(&options->guard_socket, value);
}

static int set_engine(AgentOptions *options, const char *value) {
        return set_text(&options->engine_url, value);
}

static int set_idle(AgentOptions *options, const char *value) {
        if (!str_equal(value, "never"))
                return parse_duration(value, &options->idle_usec);
        options->idle_usec = USEC_INFINITY;
        return 0;
}

static int set_drain(AgentOptions *options, const char *value) {
        options->drain_waits = str_equal(value, "wait");
        return options->drain_waits || str_equal(value, "leave") ? 0 : -EINVAL;
}

static int set_jobs(AgentOptions *options, const char *value) {
        int r = set_unsigned(&options->queue.jobs_max, value);

        return r >= 0 && options->queue.jobs_max == 0 ? -EINVAL : r;
}

static int set_label_jobs(AgentOptions *options, const char *value) {
        const char *equals = strrchr(value, '=');
        _cleanup_free_ char *label = equals ? strndup(value, (size_t) (equals - value)) : NULL;
        uint64_t number;

        if (!equals)
                return set_unsigned(&options->queue.label_max, value);
        if (!label || parse_u64(equals + 1, &number) < 0)
                return -EINVAL;
        return strmap_put(&options->queue.label_limits, label, equals + 1);
}

static int set_disk(AgentOptions *options, const char *value) {
        return parse_size(value, &options->queue.disk_free_min);
}

static int set_pressure(AgentOptions *options, const char *value) {
        return set_unsigned(&options->queue.memory_pressure_max, value);
}

static int set_keep(AgentOptions *options, const char *value) {
        return parse_duration(value, &options->keep_usec);
}

static int set_age(AgentOptions *options, const char *value) {
        return parse_duration(value, &options->limits.age_usec);
}

static int set_logs(AgentOptions *options, const char *value) {
        return parse_size(value, &options->limits.log_bytes);
}

static int set_uploads(AgentOptions *options, const char *value) {
        return parse_size(value, &options->uploads_max);
}

/* For tests: "12" or "12+", before or after the 12th write of a journal. */
static int set_kill(AgentOptions *options, const char *value) {
        _cleanup_free_ char *number = strndup(value, strcspn(value, "+"));

        options->kill_after = strchr(value, '+');
        return number ? parse_u64(number, &options->kill_at) : -ENOMEM;
}

static int set_boot(AgentOptions *options, const char *value) {
        return set_text(&options->boot, value);
}

static const Setting settings[] = {
        { "state", set_state },
        { "socket", set_socket },
        { "engine", set_engine },
        { "idle", set_idle },
        { "drain", set_drain },
        { "jobs", set_jobs },
        { "label-jobs", set_label_jobs },
        { "disk-free", set_disk },
        { "memory-pressure", set_pressure },
        { "keep", set_keep },
        { "age", set_age },
        { "logs", set_logs },
        { "uploads", set_uploads },
        { "kill", set_kill },
        { "boot", set_boot },
        { "guard", set_guard },
};

void agent_options_init(AgentOptions *options) {
        *options = (AgentOptions) {
                .idle_usec = USEC_INFINITY,
                .queue = { .jobs_max = AGENT_JOBS_MAX_DEFAULT,
                           .label_limits = STRMAP_INIT,
                           .disk_free_min = AGENT_DISK_FREE_DEFAULT,
                           .memory_pressure_max = AGENT_PRESSURE_DEFAULT },
                .limits = { .age_usec = AGENT_AGE_DEFAULT_USEC, .log_bytes = AGENT_LOGS_DEFAULT },
                .keep_usec = AGENT_KEEP_DEFAULT_USEC,
                .uploads_max = AGENT_UPLOADS_DEFAULT,
        };
}

void agent_options_done(AgentOptions *options) {
        free(options->state_directory);
        free(options->socket);
        free(options->engine_url);
        free(options->holder);
        free(options->guard_socket);
        free(options->boot);
        map_done(&options->queue.label_limits);
}

int agent_options_set(AgentOptions *options, const char *text, Error **reterr) {
        const char *equals = strchr(text, '=');

        FOREACH_ROW(setting, settings)
                if (equals && strlen(setting->key) == (size_t) (equals - text) &&
                    strncmp(setting->key, text, strlen(setting->key)) == 0) {
                        int r = setting->set(options, equals + 1);

                        return r < 0 ? error_set(reterr, -r, "'%s' is no value for '%s'", equals + 1, setting->key) : 0;
                }
        return error_set(reterr, EINVAL, "'%s' is not known", text);
}
