#pragma once

/* Plans as 'podstep plan --json' prints them: one object after the other. */

#include "document/json.h"

#define PLAN_FILE_BYTES_MAX (15U * 1024 * 1024) /* what is submitted with it counts, too: REQUEST_BYTES_MAX */

/**
 * plan_file_put() - reads them and writes "plans", an array
 * @path: "-" is standard input
 *
 * What is in them is for the agent to judge. Return: 0; -EINVAL or -EFBIG with what is wrong, and where; -ENOMEM.
 */
int plan_file_put(const char *path, JsonWriter *w, Error **reterr);
/** plan_text_put() - the same of a text */
int plan_text_put(const char *text, size_t n, JsonWriter *w, Error **reterr);
