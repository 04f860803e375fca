#pragma once

/* Which of the jobs that were kept, and which of its steps, somebody means. */

#include "job/kept.h"

typedef struct KeptFound {
        char *state_directory, *id;
        KeptJob job;
        const KeptStep *step; /* of it */
        int hold_fd;          /* while it is open nobody removes the job */
} KeptFound;
#define KEPT_FOUND_INIT ((KeptFound) { .hold_fd = -1 })
void kept_found_done(KeptFound *found);

/**
 * kept_find() - and holds it
 * @job: an id, its beginning, or what the agent at @socket calls it; NULL: the only one
 * @step: NULL: the one that failed first
 *
 * Return: 0; -ENOENT, -EBUSY, -EINVAL with an Error that tells what there is.
 */
int kept_find(const char *job, const char *step, const char *socket, KeptFound *ret, Error **reterr);
