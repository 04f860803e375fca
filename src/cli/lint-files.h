#pragma once

/* Which files 'podstep lint' reads, and what they are called. */

#include "cli/lint-options.h"

typedef struct LintFile {
        char *path;
        char *shown; /* as it was given; of a file that was found from the current directory, where that is above it */
        char *below; /* its path in the checkout; the same as shown if it is in none */
} LintFile;

typedef struct LintFiles {
        LintFile *files;
        size_t n_files;
        char **workflows; /* names of all that the checkout has; NULL: these may not be all */
} LintFiles;

/** lint_files_find() - those of the arguments, directories included; without any those of the checkout */
int lint_files_find(const LintValues *values, char *const *args, LintFiles *ret, Error **reterr);
void lint_files_done(LintFiles *files);
