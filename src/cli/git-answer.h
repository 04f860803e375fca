#pragma once

/* What git's answers say, apart from how it is asked. Pure. */

#include <stdbool.h>
#include <stddef.h>

#include "cli/git.h"

#define GIT_FILES_MAX 200000 /* names in a list */

/* One commit for git_answer_commits(), which wants the names of refs in full. */
#define GIT_COMMIT_FORMAT "--format=%H%x00%an%x00%ae%x00%at%x00%D%x00%B%x00"

/** git_answer_commits() - HEAD and, behind it, the previous commit; what is cut off or missing stays empty. 0 or
 * -ENOMEM */
int git_answer_commits(const char *text, size_t n, GitFacts *facts);

typedef struct GitFiles {
        char **names;
        size_t n_names;
} GitFiles;

/** git_answer_files() - adds names that each end in NUL. 0; 1: more than GIT_FILES_MAX; -ENOMEM */
int git_answer_files(const char *text, size_t n, GitFiles *files);
/** git_files_take() - as a list of strings; the rest is empty again. 0 or -ENOMEM */
int git_files_take(GitFiles *files, char ***ret);
void git_files_done(GitFiles *files);
