#pragma once

/* What may stand behind 'podstep agent' and behind the verbs that talk to it. */

#include "cli/run-options.h"

/* 'podstep agent': texts, for podstep-agent reads and checks them */
typedef struct AgentVerbOptions {
        char *socket, *engine, *idle, *drain, *jobs, *disk_free, *memory_pressure, *keep, *age, *logs, *uploads;
        char *kill, *boot;
        char **label_jobs;
} AgentVerbOptions;
extern const Option agent_option_rows[];
void agent_verb_options_done(AgentVerbOptions *options);
/** agent_verb_options_to_argv() - the words of podstep-agent, behind what @argv has already */
int agent_verb_options_to_argv(const AgentVerbOptions *options, char ***argv);

typedef struct ClientOptions {
        char *socket;
        bool json, follow, watch, all, plain, quiet, wait;
        char *step, *from, *label, *state;
        char **secret_names;
} ClientOptions;
extern const Option ps_option_rows[], logs_option_rows[], show_option_rows[], cancel_option_rows[], rerun_option_rows[],
        info_option_rows[];
void client_options_done(ClientOptions *options);
