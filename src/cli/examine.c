#include "cli/examine.h"

#include <errno.h>
#include <unistd.h>

#include "base/strv.h"
#include "cli/session.h"

#define FAULTS_BYTES_MAX (256U * 1024)

/* A broken configuration is a finding like others; the rest is looked at all the same. */
static int read_configuration(Config *config, Str *faults, bool *ret_is_broken) {
        ConfigSpec spec = { .environment = environ };
        int r = config_init(config);

        if (r >= 0)
                r = config_load(&spec, config, faults);
        *ret_is_broken = r == -EINVAL;
        return r >= 0 ? config_export(config) : r == -EINVAL ? 0 : r;
}

static int put_configuration(const Config *config, Str *faults, bool is_broken, Facts *facts) {
        facts->config_is_broken = is_broken;
        facts->config_faults = str_take(faults);
        return strv_copy(config->files, &facts->config_files);
}

void examine_wait(Task *task, int r, const Error *error, void *userdata) {
        (void) sd_event_exit(userdata, r);
}

int examine(const DoctorOptions *options, Facts *ret_facts, Findings *ret, Error **reterr) {
        _cleanup_free_ char *state_directory = NULL;
        _cleanup_(config_done) Config config = { 0 };
        _cleanup_str_ Str faults = STR_INIT(FAULTS_BYTES_MAX);
        bool is_broken;
        FactsSpec spec = { .engine_url = options->engine_url };
        sd_event *event = NULL;
        Task *task = NULL;
        int r;

        r = session_state_directory(&state_directory, reterr);
        if (r < 0)
                return r;
        spec.state_directory = state_directory;
        r = read_configuration(&config, &faults, &is_broken);
        if (r >= 0 && !is_broken && !spec.engine_url)
                spec.engine_url = config_engine_url(&config);
        if (r >= 0)
                r = sd_event_new(&event);
        if (r >= 0)
                r = facts_start(event, &spec, ret_facts, examine_wait, event, &task);
        if (r >= 0)
                r = put_configuration(&config, &faults, is_broken, ret_facts);
        if (r >= 0)
                r = sd_event_loop(event);
        if (r >= 0)
                r = checks_run(ret_facts, ret);
        task_free(task);
        sd_event_unref(event);
        return r;
}
