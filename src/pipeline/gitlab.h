#pragma once

/*
 * The dialect of GitLab CI: each job of a .gitlab-ci.yml becomes a Plan of its own, its services and one step; stages
 * and 'needs' become what the plans depend on. Pure; every fault goes to the DiagList with its place.
 *
 * Source: GitLab's documentation (ci/yaml, ci/variables) and GitLab Runner (shells/, executors/docker/).
 */

#include "pipeline/metadata.h"
#include "pipeline/plan.h"
#include "pipeline/policy.h"

typedef struct GitlabContext {
        const Metadata *metadata;  /* of which the predefined variables are made; NULL: nothing is known */
        const Map *variables;      /* what the user gave: counts more than the file; may be NULL */
        const Map *secrets;        /* name (lower case) to value: variables of their name in capitals; may be NULL */
        char *const *job_names;    /* only these run, those that are started by hand too; NULL: all */
        const char *from;          /* only jobs of the stage of this one and of later stages run; NULL: all */
        const char *default_image; /* for jobs that name none; NULL: there is none */
        const Map *clone_environment; /* the workspace begins empty, and is fetched with these variables of
                                         Woodpecker's; NULL: the checkout is there */
        bool is_lint;              /* only checked: what variables will hold is not known */
} GitlabContext;

/** gitlab_is_file_name() - whether a file of this name is of this dialect: ".gitlab-ci.yml", "x/b.gitlab-ci.yaml" */
bool gitlab_is_file_name(const char *path);

/**
 * gitlab_compile_all() - text to plans, one for each job that may run or is left out, in the order of their stages
 * @ret: plans_free() frees them
 *
 * Return: 0; -EBADMSG when there are errors among the diags; -ENOMEM.
 */
int gitlab_compile_all(const Source *source, const GitlabContext *context, DiagList *diags, Plan ***ret, size_t *ret_n);

/** gitlab_lint() - only the findings: 0 or -ENOMEM; @policy: what a run would refuse is an error; NULL: not known */
int gitlab_lint(const Source *source, const Map *variables, const Policy *policy, DiagList *diags);
