#pragma once

/* The Woodpecker dialect: a workflow file becomes a Plan. Pure; every fault goes to the DiagList with its place. */

#include "pipeline/plan.h"

typedef struct WoodpeckerContext {
        const char *workflow_name;  /* NULL: from the file's name, as Woodpecker does */
        const Map *environment;     /* CI_* and what the user added; used in ${} as well */
        const Map *secrets;         /* name (lower case) to value */
        const Map *axes;          /* a combination of the file's matrix; NULL: none. woodpecker_compile_all() sets it */
        unsigned workflow_number; /* CI_WORKFLOW_NUMBER, of the first combination that runs; 0: as in the environment */
        const char *cron;           /* name of the cron job, on the event 'cron' */
        char *const *changed_files; /* for 'when.path'; NULL: those of CI_PIPELINE_FILES, if that is there */
        const char *workspace_base; /* NULL: "/woodpecker" */
        const char *workspace_path; /* NULL: "src", as 'woodpecker-cli exec' does */
        bool clones;                /* the workspace begins empty: 'clone' is honoured, or a step of ours fetches it */
        bool is_lint;               /* only checked: all conditions hold, secrets need not be given */
} WoodpeckerContext;

/**
 * woodpecker_compile_all() - text to plans: one, or with a matrix one for each of its combinations
 * @ret: at least one; plans_free() frees them
 *
 * What is wrong in several combinations is told once.
 *
 * Return: 0; -EBADMSG when there are errors among the diags; -ENOMEM.
 */
int woodpecker_compile_all(const Source *source, const WoodpeckerContext *context, DiagList *diags, Plan ***ret,
                           size_t *ret_n);

/** woodpecker_compile() - the same; only the first plan */
int woodpecker_compile(const Source *source, const WoodpeckerContext *context, DiagList *diags, Plan **ret);

/** woodpecker_workflow_name() - ".woodpecker/build.yaml" -> "build", ".woodpecker.yaml" -> "woodpecker"; heap, NULL if
 * memory is out */
char *woodpecker_workflow_name(const char *path);

/**
 * woodpecker_script() - the shell text that runs a step's commands (reference: CI_SCRIPT)
 * @directory: where it starts; made if missing
 *
 * Exactly what Woodpecker 3 injects, so that its base64 equals the server's. NULL if memory is out.
 */
char *woodpecker_script(char *const *commands, const char *directory);
