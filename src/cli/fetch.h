#pragma once

/* A repository for a moment: to read its workflows, and what git knows of the commit. */

#include "base/error.h"

/**
 * fetch_repository() - the newest commit alone, into a directory of its own
 * @ref: a branch or a tag; NULL: the default branch
 * @ret: the directory, heap, in $TMPDIR or /tmp; file_remove_tree() is the caller's
 *
 * Return: 0; -ECANCELED after Ctrl-C or SIGTERM, when nothing is left of it; -EINVAL, ... with a sentence.
 */
int fetch_repository(const char *url, const char *ref, char **ret, Error **reterr);
