#pragma once

/*
 * What git(1) knows of a checkout. All questions are asked at once, as processes of their own and never through a
 * shell; what it does not know stays empty. Nothing in the checkout is changed, not even the index.
 */

#include <stdint.h>

#include "loop/task.h"

#define GIT_MESSAGE_BYTES_MAX (32U * 1024) /* more of a commit message is cut off: it becomes a variable */

typedef struct GitCommit {
        char *sha; /* NULL: there is none */
        char *author_name, *author_email, *message;
        int64_t timestamp;
} GitCommit;

typedef struct GitFacts {
        GitCommit head, previous; /* previous: its first parent, or what --base names */
        char *branch;             /* where HEAD is detached: one that points there; also before its first commit */
        char *tag;                /* one that points at HEAD */
        char *remote_url;         /* of 'origin', with what url.*.insteadOf makes of it */
        char *default_branch;     /* of 'origin' */
        char **changed_files;     /* from the previous commit to the working tree, untracked ones included */
        char *why_no_files;       /* they were asked for and are not known */
        char *why_nothing;        /* git cannot, or will not, look at the checkout */
} GitFacts;
void git_facts_done(GitFacts *facts);

typedef struct GitQuestions {
        const char *checkout;
        const char *base; /* a revision to compare with, from where the branches parted; NULL: the previous commit */
        bool wants_files;
} GitQuestions;

/**
 * git_ask() - done with 0 whatever git knows, but with -ENOENT when it does not know the base
 * @questions: copied
 */
int git_ask(sd_event *event, const GitQuestions *questions, GitFacts *ret, TaskDone done, void *userdata,
            Task **ret_task);
