#pragma once

/*
 * Who a step runs as: 'user[:group]' as for 'docker run --user', numbers or names. Names are those of the image; its
 * files are fetched through the engine, which resolves their paths inside the image, and read here with care.
 */

#include "engine/engine.h"

typedef struct Job Job;

typedef struct UserIds {
        uint32_t uid, gid;
} UserIds;

#define USER_FILE_BYTES_MAX (1U * 1024 * 1024) /* of the image's /etc/passwd and /etc/group */

/**
 * user_needs_image() - whether the image has to be asked; if not, *ret is filled. -EINVAL: no user can be written like
 * that.
 */
int user_needs_image(const char *text, UserIds *ret, Error **reterr);

/**
 * user_resolve() - from the image's two files (either may be ""), as docker and podman do: no group given: the user's
 * own, else 0
 */
int user_resolve(const char *text, const char *passwd, const char *group, UserIds *ret, Error **reterr);

/** user_look_up() - asks the image, or the cache of earlier answers; leaves nothing behind */
int user_look_up(Job *job, const char *image_id, const char *text, const char *container, UserIds *ret, TaskDone done,
                 void *userdata, Task **ret_task);

/**
 * user_check_range() - whether the ids can be mapped for whoever runs the engine here; the Error tells the range and
 * the command
 */
int user_check_range(const UserIds *ids, Error **reterr);

/** user_count_subids() - how many subordinate ids whoever runs the engine here has; 0: the files do not tell */
void user_count_subids(uint32_t *ret_uids, uint32_t *ret_gids);
