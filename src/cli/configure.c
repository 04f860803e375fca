#include "cli/configure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strv.h"
#include "cli/report.h"
#include "job/event.h"

#define FAULTS_BYTES_MAX (256U * 1024)

int configure_load(const RunOptions *options, Config *config) {
        _cleanup_str_ Str faults = STR_INIT(FAULTS_BYTES_MAX);
        ConfigSpec spec = {
                .file = options->config_file,
                .environment = environ,
                .settings = options->settings,
                .color = report_options_for(options, STDERR_FILENO).color,
        };
        int r = config_init(config);

        if (r >= 0)
                r = config_load(&spec, config, &faults);
        fputs(str_get(&faults), stderr);
        if (r == -ENOMEM)
                log_error("out of memory");
        return r >= 0 ? 0 : r == -ENOMEM ? EXIT_ENGINE : EXIT_USAGE;
}

/* Options that say the same as a key. */
typedef struct Overlap {
        const char *key, *option;
        bool is_given;
} Overlap;

#define OVERLAPS_MAX 10

static size_t list_overlaps(const RunOptions *options, Overlap rows[static OVERLAPS_MAX]) {
        const Overlap all[] = {
                { "trusted", "--trusted", !(options->policy.trusted & TRUSTED_UNSET) },
                { "color", "--color", options->color != COLOR_UNSET },
                { "engine.url", "--engine", options->engine_url },
                { "jobs.timeout", "--timeout", options->timeout_usec > 0 },
                { "jobs.grace", "--grace", options->grace_usec > 0 },
                { "jobs.keep_failed", "--keep", options->keep },
                { "services.timeout", "--service-timeout", options->service_timeout_usec > 0 },
                { "network.kind", "--network", options->network != NETWORK_CHOICE_UNSET },
                { "images.pull", "--pull", options->pull.n > 0 },
                { "images.auth_file", "--authfile", options->authfile },
        };

        static_assert(ELEMENTSOF(all) <= OVERLAPS_MAX, "room for all");
        memcpy(rows, all, sizeof(all));
        return ELEMENTSOF(all);
}

static int check_locks(const RunOptions *options, const Config *config) {
        Overlap rows[OVERLAPS_MAX];
        size_t n = list_overlaps(options, rows);
        int code = 0;

        for (size_t i = 0; i < n; i++) {
                const ConfigOrigin *lock = config_lock(config, rows[i].key);

                if (!rows[i].is_given || !lock)
                        continue;
                log_error("'%s' is not possible here: %s is locked by %s:%u", rows[i].option, rows[i].key, lock->name,
                          lock->line);
                code = EXIT_REFUSED;
        }
        return code;
}

/* '--pull' counts more than what a file asks for, but not more than the operator. */
static int check_pull(const RunOptions *options, const Config *config) {
        const PullList *allowed = &config->policy.images.allowed_pull;
        _cleanup_free_ char *given_text = NULL, *allowed_text = NULL;

        if (pull_list_is_within(&options->pull, allowed))
                return 0;
        given_text = pull_list_to_string(&options->pull, ",");
        allowed_text = pull_list_to_string(allowed, ", ");
        log_error("'--pull %s' is not possible here: images.allowed_pull allows %s", given_text ? given_text : "",
                  allowed_text ? allowed_text : "other policies");
        return EXIT_REFUSED;
}

static uint64_t first_set(uint64_t a, uint64_t b) {
        return a ? a : b;
}

/* Takes the policy out of the configuration. */
static void fill_in(RunOptions *options, Config *config) {
        unsigned given = options->policy.trusted;

        if (!options->engine_url && config_engine_url(config))
                options->engine_url = TAKE_PTR(config->engine.url);
        options->timeout_usec = first_set(options->timeout_usec, config->jobs.timeout_usec);
        options->grace_usec = first_set(options->grace_usec, config->jobs.grace_usec);
        options->service_timeout_usec = first_set(options->service_timeout_usec, config->policy.service_wait_usec);
        options->keep |= config->jobs.keep_failed;
        if (options->network == NETWORK_CHOICE_UNSET)
                options->network = config->network;
        if (options->color == COLOR_UNSET)
                options->color = config->color;
        if (!(given & TRUSTED_UNSET))
                config->policy.trusted = given;
        else if (!config_is_set(config, "trusted"))
                config->policy.trusted = given & ~TRUSTED_UNSET; /* the verb's own default */
        config->policy.service_wait_usec = options->service_timeout_usec;
        policy_done(&options->policy);
        options->policy = config->policy;
        policy_init(&config->policy);
}

int configure(RunOptions *options) {
        _cleanup_(config_done) Config config = { 0 };
        int code = configure_load(options, &config);

        if (code == 0)
                code = check_locks(options, &config);
        if (code == 0)
                code = check_pull(options, &config);
        if (code != 0)
                return code;
        if (config_export(&config) < 0) {
                log_error("out of memory");
                return EXIT_ENGINE;
        }
        fill_in(options, &config);
        options->config = config; /* what is left of it */
        config = (Config) { 0 };
        return 0;
}
