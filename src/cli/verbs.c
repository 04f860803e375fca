#include "cli/verbs.h"

#include "cli/doctor-options.h"

static void init_values(void *values) {
        run_options_init(values);
}

static void done_values(void *values) {
        run_options_done(values);
}

static void init_lint_values(void *values) {
        lint_values_init(values);
}

static void done_lint_values(void *values) {
        lint_values_done(values);
}

static void done_doctor_options(void *values) {
        doctor_options_done(values);
}

static void init_config_values(void *values) {
        config_values_init(values);
}

static void done_config_values(void *values) {
        config_values_done(values);
}

static const Option no_option_rows[] = { { 0 } };

static void done_agent_values(void *values) {
        agent_verb_options_done(values);
}

static void done_client_values(void *values) {
        client_options_done(values);
}

#define CLIENT_OPTIONS(rows) .options = (rows), .values_size = sizeof(ClientOptions), .values_done = done_client_values
#define RUN_OPTIONS(rows) \
        .options = (rows), .values_size = sizeof(RunOptions), .values_init = init_values, .values_done = done_values

const Verb podstep_verbs[] = {
        { "run", "[FILE...]", RUN_OPTIONS(run_option_rows), .run = verb_run,
          .also = " exec start ", .summary = "run a workflow here and now",
          .description = "Runs the steps of a workflow in containers of your own rootless Podman and shows what they "
                         "print. Without FILE it is "
                         ".woodpecker/*.yaml, .woodpecker.yaml or .gitlab-ci.yml of the checkout; a directory stands "
                         "for its workflows, "
                         "'-' is standard input. The checkout itself stays as it is, unless '--write' is given; "
                         "nothing is left behind.\n\n"
                         "Exit code: 0 all passed; 1 a step failed; 2 a wrong command line or file; 3 refused by "
                         "policy; 124 timeout; 125 the engine failed; 130 canceled. Ctrl-C once stops gracefully, "
                         "twice at once; both clean up." },
        { "plan", "[FILE...]", RUN_OPTIONS(plan_option_rows), .run = verb_plan, .summary = "show what 'run' would do",
          .description = "Reads a workflow as 'run' does and shows what would run, in which order and how. No engine "
                         "is needed." },
        { "lint", "[FILE...]", .options = lint_option_rows, .run = verb_lint,
          .also = " check validate verify ", .values_size = sizeof(LintValues),
          .values_init = init_lint_values, .values_done = done_lint_values,
          .summary = "find what is wrong in a workflow",
          .description = "Checks workflows for all events at once, without running anything: errors, and what is "
                         "better done otherwise. "
                         "Without FILE it is .woodpecker/*.yaml, .woodpecker.yaml or .gitlab-ci.yml of the checkout; a "
                         "directory "
                         "stands for its workflows, '-' is standard input. No secrets and no engine are needed.\n\n"
                         "Exit code: 0 no errors; 2 errors, or a wrong command line." },
        { "config", "[KEY | import FILE]", .options = config_option_rows, .run = verb_config,
          .values_size = sizeof(ConfigValues), .values_init = init_config_values, .values_done = done_config_values,
          .summary = "show the configuration, and where it is from",
          .description = "Shows what all configuration files, variables and options come to, each value with its "
                         "origin. The output "
                         "can be used as a configuration file. With KEY ('steps.memory') that value alone, with a "
                         "section ('steps') "
                         "what is set in it.\n\n"
                         "'config import' makes a configuration of a GitLab Runner's config.toml, and tells what "
                         "became of each of "
                         "its settings.\n\n"
                         "Exit code: 0; 2 a wrong configuration, command line or key; 3 nothing of the file could be "
                         "imported." },
        { "agent", NULL, .options = agent_option_rows, .run = verb_agent, .values_size = sizeof(AgentVerbOptions),
          .values_done = done_agent_values, .summary = "the service that runs what is submitted",
          .description = "Runs jobs from a queue, for its own user only. Jobs survive it: when it is killed, stopped "
                         "or replaced, their containers go on, and the next agent takes them up where they are. "
                         "systemd starts it by podstep.socket when it is needed." },
        { "submit", "[FILE...]", RUN_OPTIONS(submit_option_rows), .run = verb_submit,
          .summary = "queue a workflow for the agent",
          .description = "Hands to the agent what 'run' would do here: workflows, variables, secrets, and this "
                         "checkout, which stays where "
                         "it is. The job is safe as soon as its number is told.\n\n"
                         "Exit code: 0 it is queued; 2 a wrong command line or file; 3 refused by policy; 125 there is "
                         "no agent. With '--wait' that of 'run'." },
        { "ps", NULL, CLIENT_OPTIONS(ps_option_rows), .run = verb_ps,
          .also = " list ls jobs queue ", .summary = "list the agent's jobs",
          .description = "Lists jobs that wait or run, the newest first." },
        { "logs", "JOB", CLIENT_OPTIONS(logs_option_rows), .run = verb_logs,
          .also = " trace ", .summary = "show what a job printed",
          .description = "Shows what the steps of a job printed. JOB is its number or its id." },
        { "show", "JOB", CLIENT_OPTIONS(show_option_rows), .run = verb_show,
          .also = " inspect status ", .summary = "show a job and its steps",
          .description = "Shows how a job stands, or how it ended, with each of its steps." },
        { "cancel", "[JOB...]", CLIENT_OPTIONS(cancel_option_rows), .run = verb_cancel,
          .also = " kill stop abort ", .summary = "end jobs early",
          .description = "Jobs that run are stopped with grace and cleaned up; those that wait never begin." },
        { "rerun", "JOB", CLIENT_OPTIONS(rerun_option_rows), .run = verb_rerun,
          .also = " restart retry ", .summary = "queue a job again",
          .description = "Queues the same workflow with the same variables once more, as a new job." },
        { "enter", "[JOB [STEP]] [-- COMMAND...]", RUN_OPTIONS(enter_option_rows), .run = verb_enter,
          .also = " attach shell ssh ",
          .has_command = true, .command_offset = OPTION_OFFSET(RunOptions, command, char **),
          .summary = "a shell in a step that failed",
          .description = "Starts a shell in the container of a step that was kept, with the same user, variables, "
                         "files and names of services. "
                         "'run --keep' and 'submit --keep' keep what failed, for a day. JOB is an id as they tell it, "
                         "its beginning, or a "
                         "number of the agent's; without it, it is the only job that is kept. Without STEP it is the "
                         "one that failed.\n\n"
                         "Commands may come from standard input, and COMMAND runs in place of the shell.\n\n"
                         "Exit code: that of the shell or COMMAND; 126 or 127 if it cannot be started; 2 there is no "
                         "such job or step; 125 the engine failed." },
        { "info", NULL, CLIENT_OPTIONS(info_option_rows), .run = verb_info, .summary = "how the agent is",
          .description = "Shows the agent's version, its engine, how many jobs wait and run, and why none begins if "
                         "that is so." },
        { "prune", "[WHAT]", .words = "left-overs images volumes prune prune-volumes all space help",
          RUN_OPTIONS(prune_option_rows), .run = verb_prune,
          .also = " clean gc ",
          .summary = "remove left-overs, and images and caches that nothing uses",
          .description = "Removes pods, containers, volumes and networks of jobs whose podstep does not run any more; "
                         "they are known by "
                         "their labels. What others made, and jobs that still run, are not touched. 'run' does the "
                         "same on its way.\n\n"
                         "WHAT adds to it: 'images' are those that podstep fetched, 'volumes' the caches of projects, "
                         "'prune' is left-overs and images, 'prune-volumes' all three, as GitLab's clear-docker-cache "
                         "has it. 'space' removes nothing and shows what takes how much room. Nothing that a container "
                         "uses is removed." },
        { "doctor", NULL, .options = doctor_option_rows, .run = verb_doctor, .values_size = sizeof(DoctorOptions),
          .values_done = done_doctor_options, .summary = "find what keeps jobs from running here",
          .description =
                  "Looks at all that jobs need of this machine, your account and Podman, and tells what is amiss, why "
                  "that matters, "
                  "and the command that mends it. Changes nothing.\n\n"
                  "Exit code: 0 all is well; 1 there are warnings; 2 no job will run, or a wrong command line." },
        { "setup", NULL, .options = setup_option_rows, .run = verb_setup,
          .also = " init install ", .values_size = sizeof(DoctorOptions),
          .values_done = done_doctor_options, .summary = "make this account ready for jobs",
          .description = "Does what 'doctor' would have you do, as far as it needs no root: lets your services go on "
                         "when you log out, and "
                         "enables and starts Podman's socket, and podstep's where it is installed. Tells first what it "
                         "will do, and asks; what is done already "
                         "is not done again. For the rest it gives the commands.\n\n"
                         "Exit code: 0 all is well; 1 warnings are left; 2 no job will run, or a wrong command line." },
        { "completion", "SHELL", .options = no_option_rows, .run = verb_completion, .words = "bash zsh fish",
          .summary = "print a script that lets a shell complete podstep",
          .description = "Prints a script for bash, zsh or fish that knows all verbs and options, and what their "
                         "values may be. Packages install it where the shell looks. With 'steps' it prints the names "
                         "of the steps of the workflows here, which the scripts ask for." },
        { 0 },
};
