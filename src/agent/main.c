/*
 * podstep-agent: a program of its own, so that 'podstep run' loads neither SQLite nor libmicrohttpd. 'podstep agent'
 * executes it.
 */

#include "agent/agent.h"
#include "base/clock.h"
#include "base/log.h"
#include "job/event.h"

int main(int argc, char *argv[]) {
        _cleanup_(agent_options_done) AgentOptions options;
        _cleanup_(error_freep) Error *error = NULL;

        agent_options_init(&options);
        for (int i = 1; i < argc; i++) {
                int r = agent_options_set(&options, argv[i], &error);

                if (r < 0) {
                        log_error("podstep-agent: %s; 'podstep agent' starts it as it should be",
                                  error_message(error, r));
                        return EXIT_USAGE;
                }
        }
        if (!options.state_directory) {
                log_error("podstep-agent is started by 'podstep agent'");
                return EXIT_USAGE;
        }
        return agent_run(&options);
}
