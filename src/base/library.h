#pragma once

/* Shared libraries that are loaded when they are needed: each costs time at the start, at a fork and at the end. */

#include <stddef.h>

#include "base/error.h"

/* Any function; it is cast to its own type to be called. */
typedef void (*LibraryFunction)(void);

/**
 * library_load() - loads a library, which stays till the end, and finds functions of it
 * @what_for:      for the message: who needs it
 * @ret_functions: as many as there are names, in their order
 *
 * Return: 0; -ENOPKG if it is not installed, or has not all of them.
 */
int library_load(const char *soname, const char *what_for, const char *const *names, size_t n_names,
                 LibraryFunction *ret_functions, Error **reterr);
