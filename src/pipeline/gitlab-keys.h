#pragma once

/* The tables of keys, for what is made from them. */

#include "pipeline/key.h"

/* Which kinds of maps know a key. */
enum { IN_JOB = 1 << 0, IN_DEFAULT = 1 << 1, IN_FILE = 1 << 2 };

extern const KeyTable *const gitlab_file_keys, *const gitlab_job_keys, *const gitlab_need_keys,
        *const gitlab_variable_keys, *const gitlab_image_keys, *const gitlab_service_keys, *const gitlab_docker_keys;
