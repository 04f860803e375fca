#pragma once

/*
 * How the dialect is put together: gitlab.c reads the file and makes the plans of its jobs, gitlab-reference.c follows
 * '!reference', gitlab-job.c reads a job, gitlab-stage.c says who waits for whom, gitlab-container.c what 'image' and
 * gitlab-services.c what 'services' hold, gitlab-service.c how one is reached, gitlab-list.c reads lists and scripts,
 * gitlab-variables.c and gitlab-predefined.c know what a variable holds. Faults go to the diags and are counted;
 * functions return 0 or -ENOMEM and go on to the next fault.
 */

#include "pipeline/gitlab.h"
#include "pipeline/key.h"

#define GITLAB_NESTING_MAX 10           /* of lists in scripts, and of references that lead to references */
#define GITLAB_COMMANDS_MAX 10000       /* of one job */
#define GITLAB_JOBS_MAX 500             /* of one file */
#define GITLAB_NEEDS_MAX 50             /* of one job */
#define GITLAB_STAGES_MAX 1000
#define GITLAB_SERVICES_MAX 100         /* of one job */
#define GITLAB_TEXT_BYTES_SHOWN 100
#define GITLAB_EXPANDED_BYTES_MAX (64U * 1024 * 1024) /* of all jobs: aliases and variables can multiply a text */

#define GITLAB_BUILDS_DIRECTORY "/builds"
#define GITLAB_BUILD_ALIAS "build" /* under which the services reach the job's own container */

/* A variable of a job. */
typedef struct GitlabVariable {
        char *value;
        bool is_raw;       /* what looks like a variable in it stays as it is */
        bool is_secret;    /* its value came, at least in part, from a secret */
        bool is_known;     /* predefined: its value holds no variables, whatever it looks like */
        bool is_expanded, is_expanding;
        Mark mark;
} GitlabVariable;

typedef struct GitlabVariables {
        Map map; /* name to GitlabVariable */
} GitlabVariables;

/* What a job may hold; 'default' and the file itself may hold some of it for all jobs. */
typedef struct JobKeys {
        const YamlNode *after_script, *allow_failure, *before_script, *image, *needs, *script, *services, *stage,
                *variables, *when;
} JobKeys;

typedef enum GitlabWhen {
        GITLAB_ON_SUCCESS,
        GITLAB_ON_FAILURE,
        GITLAB_ALWAYS,
        GITLAB_MANUAL,
        GITLAB_NEVER,
        _GITLAB_WHEN_MAX,
} GitlabWhen;

typedef struct GitlabJob {
        const YamlNode *node;
        char *name;
        char *owner; /* for messages: "job 'test'" */
        Mark mark;
        JobKeys keys; /* its own, and for the rest those of 'default' and of the file */
        size_t stage; /* among Gitlab.stages; SIZE_MAX: there is none of that name */
        GitlabWhen when;
        bool may_fail;
        Plan *plan;
} GitlabJob;

typedef struct Gitlab {
        const GitlabContext *context;
        const Source *source;
        DiagList *diags;
        size_t n_errors;
        size_t n_expanded_bytes;
        JobKeys file, defaults;
        const YamlNode *stage_list;
        char **stages;
        GitlabVariables variables; /* of the file */
        GitlabJob *jobs;
        size_t n_jobs;
} Gitlab;

#define GITLAB_ERROR(gitlab, ...) ((gitlab)->n_errors++, diag_add((gitlab)->diags, DIAG_ERROR, __VA_ARGS__))
#define GITLAB_WARNING(gitlab, ...) diag_add((gitlab)->diags, DIAG_WARNING, __VA_ARGS__)

/** gitlab_references_follow() - puts in the place of each '!reference' what it names: 0 or -ENOMEM */
int gitlab_references_follow(Gitlab *gitlab, YamlDocument *document);

/** gitlab_job_read() - checks a job and adds it: 0 or -ENOMEM */
int gitlab_job_read(Gitlab *gitlab, const YamlPair *pair);
void gitlab_job_done(GitlabJob *job);
/** gitlab_job_find() - by its name; NULL if there is none */
const GitlabJob *gitlab_job_find(const Gitlab *gitlab, const char *name);

/** gitlab_job_compile() - makes the job's plan, but for what it depends on: 0 or -ENOMEM */
int gitlab_job_compile(Gitlab *gitlab, GitlabJob *job);

/** gitlab_stages_read() - the names of all stages, in order: 0 or -ENOMEM */
int gitlab_stages_read(Gitlab *gitlab);

/** gitlab_stage_find() - finds the stage of a job, SIZE_MAX with an error if there is none: 0 or -ENOMEM */
int gitlab_stage_find(Gitlab *gitlab, const YamlNode *node, const char *owner, size_t *ret);

/** gitlab_needs_compile() - what the plan of a job depends on: its needs, else all of earlier stages. 0 or -ENOMEM */
int gitlab_needs_compile(Gitlab *gitlab, GitlabJob *job);

/**
 * gitlab_list_flatten() - what a node holds if it is a list, and lists in it, else itself; nothing after a fault
 * @node: may be NULL
 * @ret:  an array of borrowed nodes
 *
 * Return: 0 or -ENOMEM.
 */
int gitlab_list_flatten(Gitlab *gitlab, const YamlNode *node, const char *key, size_t n_max, const YamlNode ***ret,
                        size_t *ret_n);

/** gitlab_texts_read() - the same of strings: a script, for example. 0 or -ENOMEM */
int gitlab_texts_read(Gitlab *gitlab, const YamlNode *node, const char *key, size_t n_max, char ***texts);

/** gitlab_image_compile() - 'image' into the step: 0 or -ENOMEM */
int gitlab_image_compile(Gitlab *gitlab, const GitlabJob *job, const GitlabVariables *variables, PlanStep *step);

/** gitlab_services_compile() - 'services' into the plan, before its step is there: 0 or -ENOMEM */
int gitlab_services_compile(Gitlab *gitlab, const GitlabJob *job, const GitlabVariables *variables);

/** gitlab_clone_compile() - behind the services the step that fetches, if there has to be one: 0 or -ENOMEM */
int gitlab_clone_compile(Gitlab *gitlab, Plan *plan);
/** gitlab_clone_needs() - all else waits for it: 0 or -ENOMEM */
int gitlab_clone_needs(const Gitlab *gitlab, Plan *plan);

void gitlab_variables_init(GitlabVariables *variables);
void gitlab_variables_done(GitlabVariables *variables);

/** gitlab_variables_read() - checks a 'variables' and puts what it holds over what was there: 0 or -ENOMEM */
int gitlab_variables_read(Gitlab *gitlab, const YamlNode *map, bool is_of_file, const char *owner,
                          GitlabVariables *variables);

/** gitlab_variables_put() - puts one; 0 or -ENOMEM */
int gitlab_variables_put(GitlabVariables *variables, const char *name, const char *value, const GitlabVariable *kind);

/** gitlab_variables_update() - puts copies of all of @from: 0 or -ENOMEM */
int gitlab_variables_update(GitlabVariables *variables, const GitlabVariables *from);

/** gitlab_variables_expand() - puts in the values what their variables hold; circles are errors. 0 or -ENOMEM */
int gitlab_variables_expand(Gitlab *gitlab, GitlabVariables *variables);

/**
 * gitlab_expand() - a text in which the job's variables, which are expanded, are put in; unknown ones are empty
 * @ret_is_secret: may be NULL
 *
 * Return: 0; -E2BIG if it got too large; -ENOMEM.
 */
int gitlab_expand(const GitlabVariables *variables, const char *text, char **ret, bool *ret_is_secret);

/** gitlab_variables_to_step() - into the environment of a step: 0 or -ENOMEM. @secrets: those that hold a secret too */
int gitlab_variables_to_step(const GitlabVariables *variables, bool secrets, PlanStep *step);

/** gitlab_predefined() - all CI_* variables that are known before the job starts: 0 or -ENOMEM */
int gitlab_predefined(const Gitlab *gitlab, const GitlabJob *job, const char *directory, GitlabVariables *variables);

/** gitlab_project_path() - "group/project", clean, of what is known of the repository; heap, NULL if memory is out */
char *gitlab_project_path(const Metadata *metadata);

/** gitlab_slug() - lower case, all but letters and digits is '-', at most 63 bytes, trimmed; NULL if memory is out */
char *gitlab_slug(const char *text);
