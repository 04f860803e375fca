#pragma once

/* What the agent tells of its jobs, for people. */

#include "cli/client.h"

void job_text_print_submitted(Json *answer, bool quiet);
void job_text_print_list(Json *answer, bool quiet);
void job_text_print_job(Json *answer);
/** job_text_print_canceling() - that a job of a list is being ended */
void job_text_print_canceling(Json *job);
/** job_text_print_end() - how a job ended, on one line */
void job_text_print_end(Json *answer);
/**
 * job_text_follow() - the log until the job is done, then how it ended
 * @json: lines of JSON
 * @ret_code: the exit code that 'podstep run' would have had
 */
int job_text_follow(Client *client, const char *id, bool json, int *ret_code, Error **reterr);
/** job_text_path() - a name as a part of a path; heap, NULL: no memory */
char *job_text_path(const char *name, const char *rest);
