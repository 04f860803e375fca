#include "cli/examine.h"

#include "cli/session.h"

void examine_wait(Task *task, int r, const Error *error, void *userdata) {
        (void) sd_event_exit(userdata, r);
}

int examine(const DoctorOptions *options, Facts *ret_facts, Findings *ret, Error **reterr) {
        _cleanup_free_ char *state_directory = NULL;
        FactsSpec spec = { .engine_url = options->engine_url };
        sd_event *event = NULL;
        Task *task = NULL;
        int r;

        r = session_state_directory(&state_directory, reterr);
        if (r < 0)
                return r;
        spec.state_directory = state_directory;
        r = sd_event_new(&event);
        if (r >= 0)
                r = facts_start(event, &spec, ret_facts, examine_wait, event, &task);
        if (r >= 0)
                r = sd_event_loop(event);
        if (r >= 0)
                r = checks_run(ret_facts, ret);
        task_free(task);
        sd_event_unref(event);
        return r;
}
