#pragma once

/*
 * An archive on its way to the disk, as it comes in pieces: ustar with the extensions of pax and GNU for long names.
 * Only files, directories and symbolic links, and nothing outside the directory: no absolute names, no "..", never
 * through a link.
 */

#include <stdint.h>

#include "base/error.h"

#define UNTAR_ENTRIES_MAX 1000000U
#define UNTAR_BYTES_MAX (8ULL * 1024 * 1024 * 1024) /* of all files together */

typedef struct Untar Untar;

/** untar_new() - into @directory, which is there */
int untar_new(const char *directory, Untar **ret, Error **reterr);
Untar *untar_free(Untar *untar);
DEFINE_CLEANUP(Untar *, untar_free);

/** untar_feed() - the next piece; -EBADMSG: no such archive; -EPERM: it wants outside; -EFBIG; or what the disk says */
int untar_feed(Untar *untar, const char *bytes, size_t n, Error **reterr);
/** untar_end() - -EBADMSG if it was cut off */
int untar_end(Untar *untar, Error **reterr);
