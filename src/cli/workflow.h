#pragma once

/* From files on disk to plans that may run: read, compiled, judged; whatever is wrong is shown. */

#include "cli/run-options.h"
#include "document/source.h"
#include "pipeline/metadata.h"
#include "pipeline/plan.h"

typedef struct WorkflowInput {
        const RunOptions *options;
        const Map *environment, *secrets; /* environment: all that is known */
        const Map *given;                 /* of it, what the user gave */
        const Metadata *metadata;
        const char *cron;           /* name of the cron job; NULL: none */
        char *const *changed_files; /* NULL: those that the environment names */
        bool are_chosen; /* the user named the files: others may be missing */
        bool may_lack_secrets; /* told as faults as ever, but the plans are good to look at */
        bool color;
} WorkflowInput;

/* A file is read once, though several look at it: some can be read only once. */
typedef struct WorkflowFile {
        const char *path; /* borrowed */
        Source *source;   /* NULL: it cannot be read */
        Error *fault;     /* then why */
} WorkflowFile;

typedef struct WorkflowFiles {
        WorkflowFile *files;
        size_t n_files;
} WorkflowFiles;

/** workflow_files_read() - 0 even if none of them can be read, which workflows_load() tells; -ENOMEM */
int workflow_files_read(char *const *paths, WorkflowFiles *ret);
void workflow_files_done(WorkflowFiles *files);

/* Free them with plans_free(). */
typedef struct LoadedWorkflows {
        Plan **plans; /* each behind those that it depends on */
        size_t n_plans;
} LoadedWorkflows;

/**
 * workflows_load() - the plans of all files, or the exit code that says why not
 * @ret: also on failure what was read
 *
 * Faults and warnings go to standard error.
 *
 * Return: 0, EXIT_USAGE, EXIT_REFUSED.
 */
int workflows_load(const WorkflowFiles *files, const WorkflowInput *input, LoadedWorkflows *ret);
