#pragma once

/* The verbs of podstep. What each one does is in its verb-NAME.c. */

#include "cli/agent-options.h"
#include "cli/config-options.h"
#include "cli/lint-options.h"
#include "cli/run-options.h"
#include "cli/verb.h"

extern const Verb podstep_verbs[];
#define PODSTEP_SUMMARY                                                                                             \
        "Runs CI pipelines on rootless Podman: the steps of a workflow file, in containers of your own, with nothing " \
        "left behind."

int verb_completion(const Verb *verb, char *const *args, void *values);
/* Each returns the exit code. @values: RunOptions */
int verb_run(const Verb *verb, char *const *args, void *values);
int verb_plan(const Verb *verb, char *const *args, void *values);
int verb_enter(const Verb *verb, char *const *args, void *values);
int verb_prune(const Verb *verb, char *const *args, void *values);
/* @values: LintValues */
int verb_lint(const Verb *verb, char *const *args, void *values);
/* @values: DoctorOptions */
int verb_doctor(const Verb *verb, char *const *args, void *values);
int verb_setup(const Verb *verb, char *const *args, void *values);
/* @values: ConfigValues */
int verb_config(const Verb *verb, char *const *args, void *values);
/* @values: RunOptions */
int verb_submit(const Verb *verb, char *const *args, void *values);
/* @values: AgentVerbOptions */
int verb_agent(const Verb *verb, char *const *args, void *values);
/* @values: ClientOptions */
int verb_ps(const Verb *verb, char *const *args, void *values);
int verb_logs(const Verb *verb, char *const *args, void *values);
int verb_show(const Verb *verb, char *const *args, void *values);
int verb_cancel(const Verb *verb, char *const *args, void *values);
int verb_rerun(const Verb *verb, char *const *args, void *values);
int verb_info(const Verb *verb, char *const *args, void *values);
