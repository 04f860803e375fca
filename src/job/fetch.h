#pragma once

/*
 * Files on their way back from an engine whose volumes we cannot see: the archive of a workspace is compared with the
 * checkout while it comes, and only what differs is kept, in a directory of the job. The archive is hostile: nothing of
 * it lands outside of that directory.
 */

#include <time.h>

#include "base/error.h"

typedef struct Fetch Fetch;

/**
 * fetch_new() - @target is made; @checkout is what the workspace was before
 * @sent: when it began to be sent, by the clock that files are stamped with: what was changed in the checkout after
 *        that is somebody else's work, and wins over what the job left as it was; 0: nobody works there
 */
int fetch_new(const char *checkout, const char *target, struct timespec sent, Fetch **ret, Error **reterr);
Fetch *fetch_free(Fetch *fetch);
DEFINE_CLEANUP(Fetch *, fetch_free);

/** fetch_write() - an EngineSink; -EIO and fetch_error() */
int fetch_write(const char *bytes, size_t n, void *userdata);
/** fetch_rewind() - all anew */
void fetch_rewind(void *userdata);
/** fetch_finish() - all has come: what is missing was deleted. -EBADMSG: it was cut. */
int fetch_finish(Fetch *fetch, Error **reterr);
/** fetch_error() - what fetch_write() failed for, NULL: nothing */
const Error *fetch_error(const Fetch *fetch);

/**
 * fetch_deleted() - paths of the checkout that were sent and are not in the workspace any more; of a directory only
 * itself, unless something below it was never sent
 */
char *const *fetch_deleted(const Fetch *fetch);
/**
 * fetch_replaced() - paths of the checkout that were sent and stand in the way of what came: they are directories and
 * that is none, or the other way round
 */
char *const *fetch_replaced(const Fetch *fetch);
