#include "cli/agent-options.h"

#include "base/strv.h"

#define SOCKET_ROW(heading)                                                                                            \
        { "socket", 0, "PATH", OPTION_STRING(ClientOptions, socket), .group = (heading),                               \
          .help = "Where the agent listens. Default: PODSTEP_SOCKET, else $XDG_RUNTIME_DIR/podstep/podstep.sock." }
#define JSON_ROW(text) { "json", 0, NULL, OPTION_FLAG(ClientOptions, json), .help = (text) }

const Option agent_option_rows[] = {
        { "socket", 0, "PATH", OPTION_STRING(AgentVerbOptions, socket), .group = "Service",
          .help = "Listens there. Default: the socket that systemd hands over, from podstep.socket." },
        { "idle-timeout", 0, "DURATION", OPTION_STRING(AgentVerbOptions, idle),
          .help = "Ends when for so long there was neither work nor a client: 60s, or never. Default: never." },
        { "drain", 0, "HOW", OPTION_STRING(AgentVerbOptions, drain),
          .help = "When it is told to end: leave, jobs go on in their containers and the next agent takes them up; or "
                  "wait, until they are done. Default: leave." },
        { "engine", 0, "URL", OPTION_STRING(AgentVerbOptions, engine), .group = "Jobs",
          .help = "Where Podman's API is. Default: as 'podstep run' finds it." },
        { "jobs", 'j', "NUMBER", OPTION_STRING(AgentVerbOptions, jobs),
          .help = "So many jobs run at once. Default: 4." },
        { "label-jobs", 0, "[LABEL=]NUMBER", OPTION_LIST(AgentVerbOptions, label_jobs),
          .help = "So many of one label, or of this label. May be repeated. Default: no limit of their own." },
        { "disk-free", 0, "SIZE", OPTION_STRING(AgentVerbOptions, disk_free),
          .help = "No job begins while less is free where the agent keeps its state; 0: it is not looked at. Default: "
                  "512m." },
        { "memory-pressure", 0, "PERCENT", OPTION_STRING(AgentVerbOptions, memory_pressure),
          .help = "No job begins beside others while something waits for memory more of the time; 0: it is not looked "
                  "at. Default: 60." },
        { "keep-time", 0, "DURATION", OPTION_STRING(AgentVerbOptions, keep), .group = "What is kept",
          .help = "Containers of failed jobs that were to be kept are removed after this time. Default: 24h." },
        { "age", 0, "DURATION", OPTION_STRING(AgentVerbOptions, age),
          .help = "Jobs that are done, and their logs, are forgotten after this time. Default: 720h." },
        { "logs", 0, "SIZE", OPTION_STRING(AgentVerbOptions, logs),
          .help = "The oldest go when all logs together are larger. Default: 4g." },
        { "uploads", 0, "SIZE", OPTION_STRING(AgentVerbOptions, uploads),
          .help = "What 'submit --upload' sends at the same time, all together; who comes then is asked to try again "
                  "later. Default: 4g." },
        { "debug-kill-at", 0, "NUMBER[+]", OPTION_STRING(AgentVerbOptions, kill), .group = "For tests",
          .help = "The agent kills itself before, or with + after, so many writes of a job's journal." },
        { "debug-boot-id", 0, "TEXT", OPTION_STRING(AgentVerbOptions, boot),
          .help = "Takes this for the boot id of the machine; with another one all jobs that ran are lost." },
        { 0 },
};

void agent_verb_options_done(AgentVerbOptions *options) {
        free(options->socket);
        free(options->engine);
        free(options->idle);
        free(options->drain);
        free(options->jobs);
        free(options->disk_free);
        free(options->memory_pressure);
        free(options->keep);
        free(options->age);
        free(options->logs);
        free(options->uploads);
        free(options->kill);
        free(options->boot);
        strv_free(options->label_jobs);
        *options = (AgentVerbOptions) { 0 };
}

int agent_verb_options_to_argv(const AgentVerbOptions *options, char ***argv) {
        const struct {
                const char *key, *value;
        } rows[] = {
                { "socket", options->socket },
                { "idle", options->idle },
                { "drain", options->drain },
                { "engine", options->engine },
                { "jobs", options->jobs },
                { "disk-free", options->disk_free },
                { "memory-pressure", options->memory_pressure },
                { "keep", options->keep },
                { "age", options->age },
                { "logs", options->logs },
                { "uploads", options->uploads },
                { "kill", options->kill },
                { "boot", options->boot },
        };
        int r = 0;

        FOREACH_ROW(row, rows)
                if (row->value && r >= 0)
                        r = strv_append_take(argv, str_printf("%s=%s", row->key, row->value));
        STRV_FOREACH(value, options->label_jobs)
                if (r >= 0)
                        r = strv_append_take(argv, str_printf("label-jobs=%s", *value));
        return r;
}

const Option ps_option_rows[] = {
        { "all", 'a', NULL, OPTION_FLAG(ClientOptions, all), .group = "Options", .help = "Also jobs that are done." },
        { "state", 0, "STATE", OPTION_STRING(ClientOptions, state), .help = "Only those: queued, running or done." },
        { "label", 0, "LABEL", OPTION_STRING(ClientOptions, label), .help = "Only those with this label." },
        { "watch", 'w', NULL, OPTION_FLAG(ClientOptions, watch),
          .help = "Shows them again whenever something changes." },
        { "quiet", 'q', NULL, OPTION_FLAG(ClientOptions, quiet), .help = "Only the numbers." },
        JSON_ROW("A JSON object with a list of jobs."),
        SOCKET_ROW(NULL),
        { 0 },
};

const Option logs_option_rows[] = {
        { "follow", 'f', NULL, OPTION_FLAG(ClientOptions, follow), .group = "Options",
          .help = "Goes on until the job is done." },
        { "step", 0, "NAME", OPTION_STRING(ClientOptions, step), .help = "Only what this step printed." },
        { "plain", 0, NULL, OPTION_FLAG(ClientOptions, plain),
          .help = "Without the names of the steps in front of the lines." },
        JSON_ROW("One JSON object for each line, as 'run --json' writes them."),
        SOCKET_ROW(NULL),
        { 0 },
};

const Option show_option_rows[] = { SOCKET_ROW("Options"), JSON_ROW("A JSON object."), { 0 } };
const Option cancel_option_rows[] = {
        { "all", 'a', NULL, OPTION_FLAG(ClientOptions, all), .group = "Options",
          .help = "All jobs that wait or run, and tells which they are." },
        { "label", 0, "LABEL", OPTION_STRING(ClientOptions, label), .help = "With '--all': those with this label." },
        { "wait", 'w', NULL, OPTION_FLAG(ClientOptions, wait),
          .help = "Ends when they are over and cleaned up, and tells how." },
        SOCKET_ROW(NULL),
        { 0 },
};
const Option info_option_rows[] = { SOCKET_ROW("Options"), JSON_ROW("A JSON object."), { 0 } };
const Option rerun_option_rows[] = {
        { "from", 0, "STEP", OPTION_STRING(ClientOptions, from), .group = "Options",
          .help = "This step and what comes after it." },
        { "secret", 0, "NAME", OPTION_LIST(ClientOptions, secret_names),
          .help = "The environment variable NAME is a secret of the job, as for 'submit': the agent forgot them when "
                  "the job was done. May be repeated." },
        JSON_ROW("The new job as a JSON object."),
        SOCKET_ROW(NULL),
        { 0 },
};

void client_options_done(ClientOptions *options) {
        free(options->socket);
        free(options->step);
        free(options->from);
        free(options->label);
        free(options->state);
        strv_free(options->secret_names);
        *options = (ClientOptions) { 0 };
}
