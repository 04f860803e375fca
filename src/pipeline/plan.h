#pragma once

/*
 * What is to run, engine-neutral and complete. A dialect makes it, the policy judges it, a job runs it; nobody changes
 * it in between. Everything in it is owned by it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "document/diag.h"
#include "document/json.h"

#define PLAN_STEPS_MAX 2000
#define PLAN_NAME_BYTES_MAX 128

typedef enum StepKind {
        STEP_CLONE,
        STEP_SERVICE,
        STEP_PLUGIN,   /* the image's own entrypoint, configured by PLUGIN_* */
        STEP_COMMANDS,
        _STEP_KIND_MAX,
        _STEP_KIND_INVALID = -22,
} StepKind;
const char *step_kind_to_string(StepKind kind); /* "clone", "service", "plugin", "commands" */

typedef enum StepFailure {
        STEP_FAILURE_FAIL,   /* the workflow fails */
        STEP_FAILURE_IGNORE, /* reported, nothing more */
        STEP_FAILURE_CANCEL, /* the workflow fails and what still runs is canceled */
        _STEP_FAILURE_MAX,
        _STEP_FAILURE_INVALID = -22,
} StepFailure;
const char *step_failure_to_string(StepFailure failure);
StepFailure step_failure_from_string(const char *name);

typedef enum PullPolicy {
        PULL_MISSING,
        PULL_ALWAYS,
        PULL_NEWER,
        PULL_NEVER,
        _PULL_POLICY_MAX,
        _PULL_POLICY_INVALID = -22,
} PullPolicy;
const char *pull_policy_to_string(PullPolicy policy); /* "missing", "always", "newer", "never": podman's words */
PullPolicy pull_policy_from_string(const char *name); /* GitLab's "if-not-present", too */

#define PULL_LIST_MAX 8

/* When to pull, tried in this order until one works; the same one twice is a second try. */
typedef struct PullList {
        PullPolicy list[PULL_LIST_MAX];
        size_t n; /* 0: not said */
} PullList;

/** pull_list_parse() - "always,missing"; -EINVAL with what is wrong in the Error, without the text as a whole */
int pull_list_parse(const char *text, PullList *ret, Error **reterr);
/** pull_list_to_string() - as pull_list_parse() takes it, joined by @separator; heap, NULL if memory is out */
char *pull_list_to_string(const PullList *list, const char *separator);
bool pull_list_has(const PullList *list, PullPolicy pull);
/** pull_list_is_within() - whether @allowed has all of @list; an empty one allows everything */
bool pull_list_is_within(const PullList *list, const PullList *allowed);

typedef struct PlanVolume {
        char *source; /* absolute: a path of the host; else the name of a volume; NULL: an anonymous one */
        char *target; /* absolute, clean */
        char **options; /* "ro", "rw", "z", "Z", ... as after the second colon */
        Mark mark;
        bool is_operators; /* mounted everywhere by the operator; no file asked for it */
        bool is_cache;     /* made for the project where it is missing, and not removed with the job */
        size_t slot_at;    /* of a cache: where in the source its slot stands, which is "0" until a job has one */
} PlanVolume;

void plan_volume_done(PlanVolume *volume);
/** plan_volume_source() - of a job with this slot; heap, NULL if memory is out */
char *plan_volume_source(const PlanVolume *volume, unsigned slot);

typedef struct PlanTmpfs {
        char *target;
        char *options; /* "size=64m,mode=1777"; NULL: none */
} PlanTmpfs;
void plan_tmpfs_done(PlanTmpfs *tmpfs);

typedef struct PlanDevice {
        char *source, *target, *access; /* access: "rwm" */
} PlanDevice;
void plan_device_done(PlanDevice *device);

typedef struct PlanHost {
        char *name, *address;
} PlanHost;
void plan_host_done(PlanHost *host);

typedef struct PlanPort {
        uint16_t number;
        char *protocol; /* "tcp", "udp" */
} PlanPort;

/* What a step asks for beyond its own container; the policy decides. */
typedef enum PlanGrant {
        GRANT_PRIVILEGED,
        GRANT_NETWORK_MODE,
        GRANT_DNS,
        GRANT_DNS_SEARCH,
        GRANT_EXTRA_HOSTS,
        GRANT_DEVICES,
        GRANT_VOLUMES,
        GRANT_TMPFS,
        _GRANT_MAX,
} PlanGrant;

/* How the commands of a step become a program, and whose variables a container gets when it starts. */
typedef enum ScriptStyle {
        /* '/bin/sh -e' in the place of the image's entrypoint; Woodpecker's own bytes, in CI_SCRIPT too */
        SCRIPT_PLAIN,
        SCRIPT_STRICT, /* bash where the image has it, else sh, with 'pipefail', started by the image's entrypoint */
        _SCRIPT_STYLE_MAX,
} ScriptStyle;
const char *script_style_to_string(ScriptStyle style); /* "plain", "strict" */

/* What the file wants for a step and nobody gave. */
typedef struct PlanMissing {
        char *name; /* as written */
        Mark mark;
} PlanMissing;

/* When a service can be used; all unset: its image's HEALTHCHECK, else its ports say so. */
typedef struct PlanReady {
        char *log;      /* a regular expression: a line of its output matches */
        char **command; /* succeeds; as a HEALTHCHECK: "CMD", program, arguments, or "CMD-SHELL", text */
        uint16_t port;  /* is open; 0: not said */
        uint64_t timeout_usec; /* 0: the job's */
} PlanReady;

typedef struct PlanStep {
        char *name;  /* as written: no control characters, but it may hold spaces and slashes. Unique among the steps,
                        and among the services. */
        char *alias; /* the name as a DNS label: how others reach it; unique in the plan, NULL: cannot be reached */
        char **host_names; /* further ones that can stand beside the alias in a hosts file: the name as written
                              ("My_DB"), "tutum__wordpress" */
        StepKind kind;
        Mark mark; /* of its entry in the file */

        char *image;           /* as written */
        char *image_reference; /* qualified: "docker.io/library/alpine:latest" */
        char *platform;        /* "linux/arm64"; NULL: the engine's own */
        PullList pull;         /* n 0: the file does not say, and neither does the policy: missing */
        Mark image_mark, pull_mark;

        bool is_operators;     /* a service that no file asked for */
        bool is_default_clone; /* no image: git of this machine fetches the commit */

        char **commands;
        char **after_commands; /* SCRIPT_STRICT: run behind them whatever came of them, in a shell of their own; what
                                  becomes of these does not count */
        ScriptStyle style;
        char **entrypoint; /* NULL: the image's, or ours where there are plain commands; "" alone: none at all */
        char **arguments;  /* of the entrypoint, where there are no commands; NULL: the image's */
        char *directory;   /* absolute, in the container */
        char *workspace_base; /* where the workspace volume is mounted */

        Map environment;        /* name to value: all but what is only known when the step starts */
        Map secret_environment; /* the same, of values that hold a secret: never shown, never in an inspect where that
                                   can be had */
        PlanMissing *missing_secrets; /* plan_check_secrets() */
        size_t n_missing_secrets;

        char *user; /* as for 'docker run --user'; NULL: the image's */
        PlanVolume *volumes;
        size_t n_volumes;
        PlanTmpfs *tmpfs;
        size_t n_tmpfs;
        PlanDevice *devices;
        size_t n_devices;
        PlanHost *extra_hosts;
        size_t n_extra_hosts;
        PlanPort *ports;
        size_t n_ports;
        PlanReady ready;
        char **dns, **dns_search;
        char *network_mode; /* NULL: the job's network; "none", "host", "bridge", or a network's name */
        bool privileged;
        bool detach; /* runs beside the steps until the workflow ends; every service does */

        bool on_success, on_failure; /* runs while all is well; runs after a failure */
        StepFailure failure;

        /*
         * Indices into the plan's steps: this one starts the moment they are done. A detached one counts as done once
         * it has started (or was skipped). Services are never named here: all of them are ready before the first step
         * starts. Where steps clone the repository, which stand right behind the services, all else needs them.
         */
        size_t *needs;
        size_t n_needs;

        Mark grant_marks[_GRANT_MAX]; /* where the file asks for it; 0, 0: see 'mark' */
} PlanStep;

/* What the file holds and this run leaves out. */
typedef struct PlanLeftOut {
        char *name;
        char *why; /* "its 'branch' does not match 'main'" */
        Mark mark, why_mark; /* of its entry; of the condition that does not hold */
        bool is_service;
} PlanLeftOut;

/* Another workflow that must be done before, by its name. */
typedef struct PlanNeed {
        char *name;
        Mark mark;
        bool is_optional; /* there may be none of that name */
        bool may_skip;    /* that it was skipped is no hindrance */
} PlanNeed;

typedef struct Plan {
        const char *noun;  /* what people call it: "workflow", "job"; static text, NULL: "workflow" */
        char *workflow;    /* the workflow's name; several combinations of a matrix have it in common */
        char *name;        /* for people: "build", "build (GO=1.21, DB=pg)" */
        Map axes;          /* the combination: axis to value */
        char *source_name; /* the file */
        char *workspace;   /* absolute path in the containers: CI_WORKSPACE */
        PlanStep **steps;  /* services first, then the steps in the file's order */
        size_t n_steps, n_services; /* 0: all steps are left out, there is nothing to run; services alone are nothing */
        PlanLeftOut *left_out;
        size_t n_left_out;
        char *why_left_out; /* the conditions of the workflow itself do not hold: no steps and no services; else NULL */
        Mark why_left_out_mark;
        PlanNeed *depends_on;
        size_t n_depends_on;
        bool on_success, on_failure; /* runs if all that it depends on went well; runs if they did not */
        bool on_any_failure;         /* with on_failure alone: one that failed is enough, else all must have */
        Map labels;                  /* of agents that may run it */
        bool skip_clone;
        Map secrets; /* name to value: all that must be masked, used or not */
        char *cache_owner; /* whose caches it mounts, "runner-podstep-project-acme-app": jobs that run at once have
                              slots of it; NULL: it mounts none */
} Plan;

/** plan_noun() - what people call it: "workflow", "job" */
const char *plan_noun(const Plan *plan);

Plan *plan_free(Plan *plan);
DEFINE_CLEANUP(Plan *, plan_free);
/** plans_free() - an array of them; NULL */
Plan **plans_free(Plan **plans, size_t n_plans);
/** plan_missing_free() - an array of them; NULL */
PlanMissing *plan_missing_free(PlanMissing *missing, size_t n);
PlanStep *plan_step_free(PlanStep *step);
DEFINE_CLEANUP(PlanStep *, plan_step_free);

/** plan_find() - a step, else a service, by its name as written; NULL if there is none */
const PlanStep *plan_find(const Plan *plan, const char *name);

/**
 * plan_check_secrets() - notes the secrets that are missing for the steps that are in the plan
 *
 * It is not done when the file is compiled, because a step that is not chosen may do without.
 *
 * Return: how many.
 */
size_t plan_check_secrets(const Plan *plan, DiagList *diags);

/** plan_levels() - of each step how many lie before it, at least; 0 for services. Heap, NULL if memory is out */
size_t *plan_levels(const Plan *plan);
/** plan_to_json() - the plan for scripts; secret values are shown as "********" */
int plan_to_json(const Plan *plan, bool pretty, char **ret);
/* How a plan is read. */
typedef struct PlanReading {
        const Map *secrets;   /* name to value; NULL: none. What the plan says of secrets is filled with them. */
        const char *registry; /* where short names of images come from here; NULL: Docker's */
        const char *path;     /* what the plan is called in messages: ".plans[0]"; NULL: nothing */
} PlanReading;

/**
 * plan_from_json() - a plan of what plan_to_json() prints
 *
 * It is foreign: all that compiling makes sure of is checked, a key that is unknown is a fault, and what follows from
 * other things (the reference of an image, levels) is made anew. What it asks for is for the policy to judge. A secret
 * that is not given is noted as missing: plan_check_secrets().
 *
 * Return: 0; -EINVAL with the path of what is wrong; -ENOMEM.
 */
int plan_from_json(Json *json, const PlanReading *reading, Plan **ret, Error **reterr);
/** plan_print() - the plan for people */
void plan_print(const Plan *plan, Str *out);
/** plan_print_graph() - which step waits for which, for people: the part of plan_print() that tells it */
void plan_print_graph(const Plan *plan, Str *out);
/** plans_to_dot() - all workflows as a graph for Graphviz: services are cylinders, what is left out is dashed */
void plans_to_dot(Plan *const *plans, size_t n_plans, Str *out);
