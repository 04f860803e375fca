#pragma once

/*
 * Which caches of a project a job has: of jobs that run at once each has those of another slot, the lowest that is
 * free, as with GitLab's CI_CONCURRENT_PROJECT_ID. A slot is a file that names the job, below the state directory:
 * slots/HASH-N. It is free when that job's directory is gone, or was kept for looking: of a job whose podstep was
 * killed containers may still run, until the sweep has removed both.
 */

#include "base/error.h"

#define SLOTS_MAX 1000 /* of one project */

/**
 * slot_take() - the lowest one that is free
 * @owner: whose slots they are: "runner-podstep-project-acme-app"
 * @id:    of a job that has its directory
 *
 * Return: 0; -EBUSY if all are taken; another errno where the state directory cannot be written; -ENOMEM.
 */
int slot_take(const char *state_directory, const char *owner, const char *id, unsigned *ret, Error **reterr);
/** slot_release() - nothing if it is another job's by now */
void slot_release(const char *state_directory, const char *owner, const char *id, unsigned slot);
