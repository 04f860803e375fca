#pragma once

#include "document/json.h"

/** metadata_list() - the strings of an array; -EBADMSG: *ret_bad is the index of what is no string; -ENOMEM */
int metadata_list(Json *array, char ***ret, size_t *ret_bad);
