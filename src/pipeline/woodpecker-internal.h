#pragma once

/*
 * How the dialect is put together: woodpecker-file.c makes trees of the text, woodpecker.c reads the workflow,
 * woodpecker-surroundings.c what it says of other workflows and agents, woodpecker-container.c an entry of 'steps' or
 * 'services', woodpecker-step.c makes the step of it with the help of the others. Faults go to the diags and are
 * counted; functions return 0 or -ENOMEM and go on to the next fault.
 */

#include "pipeline/graph.h"
#include "pipeline/key.h"
#include "pipeline/woodpecker.h"

#define WOODPECKER_COMMANDS_MAX 10000           /* of one step */
#define WOODPECKER_EXPANDED_BYTES_MAX                                                                                  \
        (64U * 1024 * 1024) /* of all steps, aliases expanded: nodes are shared, what is made of them is not */

#define WOODPECKER_WORK_MAX 500000000U          /* characters compared with patterns */

typedef struct Woodpecker {
        const WoodpeckerContext *context;
        const Source *source; /* the file as it is, for places in it */
        Map values;           /* all variables that are known before it runs */
        DiagList *diags;
        size_t n_errors;
        size_t n_expanded_bytes;
        bool is_left_out; /* what is being compiled will not run: secrets may be missing */
        PlanMissing *missing_secrets; /* of the step that is being compiled */
        size_t n_missing_secrets;
        size_t work;      /* what is left of WOODPECKER_WORK_MAX */
        char **changed_files;
        char *workspace_base, *workspace_path;
} Woodpecker;

#define WOODPECKER_ERROR(woodpecker, ...) \
        ((woodpecker)->n_errors++, diag_add((woodpecker)->diags, DIAG_ERROR, __VA_ARGS__))
#define WOODPECKER_WARNING(woodpecker, ...) diag_add((woodpecker)->diags, DIAG_WARNING, __VA_ARGS__)

/**
 * woodpecker_parse() - the file's tree, with all '${}' substituted and the places where they are in the file: 0,
 * -EBADMSG, -ENOMEM
 */
int woodpecker_parse(const Source *source, const WoodpeckerContext *context, DiagList *diags, YamlDocument **ret);

/** woodpecker_compile_document() - woodpecker_compile() of a tree */
int woodpecker_compile_document(const YamlDocument *document, const Source *source, const WoodpeckerContext *context,
                                DiagList *diags, Plan **ret);

/** woodpecker_values() - the context's variables, the workflow's own and those of the matrix: 0 or -ENOMEM. @ret is
 * for map_done() in any case */
int woodpecker_values(const WoodpeckerContext *context, const Source *source, Map *ret);

/** woodpecker_workspace() - the checkout's directory below a base, clean; heap, NULL if memory is out */
char *woodpecker_workspace(const Woodpecker *woodpecker, const char *base);

/* What a container may hold; each of the type that its row in woodpecker-container.c says, NULL where it is not there.
 */
typedef struct ContainerKeys {
        const YamlNode *backend_options, *commands, *depends_on, *detach, *devices, *directory, *dns, *dns_search,
                *entrypoint, *environment, *extra_hosts, *failure, *image, *name, *network_mode, *ports, *privileged,
                *pull, *ready, *settings, *tmpfs, *volumes, *when;
} ContainerKeys;

typedef enum ContainerPlace { PLACE_STEPS, PLACE_SERVICES, PLACE_CLONE } ContainerPlace;

/* One entry of 'steps', 'services' or 'clone', as written. */
typedef struct Container {
        const YamlNode *node;
        char *name;
        Mark mark;
        bool is_service, is_clone;
        char *owner; /* for messages: "step 'test'" */
        ContainerKeys keys;
} Container;

void woodpecker_container_done(Container *container);

/** woodpecker_container_has() - whether one of its keys is there and not empty */
bool woodpecker_container_has(const YamlNode *node);

/**
 * woodpecker_container_read() - checks the keys of an entry
 * @key:   its key, where the entries are a map; else NULL
 * @index: its place in the list
 *
 * Return: 0; 1 if there is no use in going on with it; -ENOMEM.
 */
int woodpecker_container_read(Woodpecker *woodpecker, const YamlNode *key, const YamlNode *entry, size_t index,
                              ContainerPlace place, Container *ret);

/** woodpecker_step_compile() - makes the step of it; nothing if there were faults. Needs, alias and conditions
 * come later. */
int woodpecker_step_compile(Woodpecker *woodpecker, const Container *container, PlanStep **ret);

/** woodpecker_needs() - reads a 'depends_on', which may be NULL. @noun: "step", "workflow" */
int woodpecker_needs(Woodpecker *woodpecker, const YamlNode *list, const char *noun, GraphNode *node);

/** woodpecker_host_compile() - what it wants of its host: volumes, tmpfs, devices, ports, extra_hosts, dns,
 * network_mode */
int woodpecker_host_compile(Woodpecker *woodpecker, const Container *container, PlanStep *step);

/** woodpecker_ready_compile() - 'ready' of a service: 0 or -ENOMEM */
int woodpecker_ready_compile(Woodpecker *woodpecker, const Container *container, PlanStep *step);

/** woodpecker_environment_compile() - all variables of a step, from the context, 'settings' and 'environment' */
int woodpecker_environment_compile(Woodpecker *woodpecker, const Container *container, PlanStep *step);

/**
 * woodpecker_value() - a setting's value as the text of a variable
 * @ret:           NULL if there were faults, or if the value is nothing
 * @ret_is_secret: some part of it came from a secret
 */
int woodpecker_value(Woodpecker *woodpecker, const YamlNode *node, char **ret, bool *ret_is_secret);

/* When a step or a workflow runs. */
typedef struct Conditions {
        bool matches;                /* as far as is known before it starts */
        bool on_success, on_failure; /* what must have happened before it */
        char *why;                   /* it does not match: the first condition that does not hold */
        Mark why_mark;
} Conditions;

void conditions_done(Conditions *conditions);

/** woodpecker_when() - reads 'when'; @node may be NULL: always, after success. @owner: "step 'test'" */
int woodpecker_when(Woodpecker *woodpecker, const YamlNode *node, bool is_step, const char *owner, Conditions *ret);

/** woodpecker_evaluate() - whether an expression holds; *ret stays as it is where there are faults. 0 or -ENOMEM */
int woodpecker_evaluate(Woodpecker *woodpecker, const YamlNode *node, bool *ret);

/** woodpecker_changed_files() - the files that 'when.path' is about; none: *ret stays NULL. 0 or -ENOMEM */
int woodpecker_changed_files(const Woodpecker *woodpecker, char ***ret);

/* What a workflow says of other workflows and of agents. */
typedef struct SurroundingKeys {
        const YamlNode *concurrency, *depends_on, *labels, *runs_on, *skip_clone;
} SurroundingKeys;

/** woodpecker_surroundings_compile() - puts it into the plan. @conditions: of the workflow's 'when' */
int woodpecker_surroundings_compile(Woodpecker *woodpecker, const SurroundingKeys *keys, const Conditions *conditions,
                                    Plan *plan);

/** woodpecker_clone_judge() - an entry of 'clone' does not run where the checkout is there already, or @skips is set:
 * 0 or -ENOMEM */
int woodpecker_clone_judge(const Woodpecker *woodpecker, bool skips, Mark mark, Conditions *conditions);

/** woodpecker_clone_default() - adds the step that stands in for 'clone', if there has to be one: 0 or -ENOMEM */
int woodpecker_clone_default(Woodpecker *woodpecker, Plan *plan);

/**
 * woodpecker_clone_needs() - puts the steps that clone, which stand behind the services, before all else: 0 or
 * -ENOMEM
 */
int woodpecker_clone_needs(Plan *plan);

/** woodpecker_has_work() - whether there are steps beside services and cloning */
bool woodpecker_has_work(const Plan *plan);
