#pragma once

/* A repository for a moment: to read its workflows, and what git knows of the commit. */

#include "base/error.h"

/**
 * fetch_repository() - the newest commit alone, into a directory of its own
 * @ref: a branch or a tag; NULL: the default branch
 * @ret: the directory, heap; file_remove_tree() is the caller's
 */
int fetch_repository(const char *url, const char *ref, char **ret, Error **reterr);
