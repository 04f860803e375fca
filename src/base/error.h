#pragma once

/*
 * The half of a failure that explains, to a person. The other half, the number, is the return value.
 * A chain reads outermost first: "job 7: step 'test': creating container: image 'ci/build:9' not known".
 */

#include <stdarg.h>

#include "base/cleanup.h"

typedef struct Error Error;

/**
 * error_set() - starts an Error
 * @reterr:  where to put it; may be NULL. An Error that is there already is replaced.
 * @errnum:  a positive errno
 *
 * Return: -errnum, so that it can be returned at once.
 */
int error_set(Error **reterr, int errnum, const char *format, ...) _printf_(3, 4);

/**
 * error_wrap() - adds in front what was being done
 *
 * Starts an Error out of strerror(-r) where none was set yet.
 *
 * Return: r.
 */
int error_wrap(Error **reterr, int r, const char *format, ...) _printf_(3, 4);

/** error_copy() - a copy for who keeps it longer than a callback lasts; NULL for NULL or want of memory */
Error *error_copy(const Error *error);

/** error_message() - the whole chain; for NULL the text of errno -r. Never NULL. */
const char *error_message(const Error *error, int r);

/** error_number() - the negative errno it was started with; 0 for NULL */
int error_number(const Error *error);

Error *error_free(Error *error);
DEFINE_CLEANUP(Error *, error_free);

/* The one Error that needs no memory. */
int error_oom(Error **reterr);
