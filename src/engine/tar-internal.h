#pragma once

/* The block before each entry. Source: tar(5), POSIX.1-2001 pax(1). */

#include <assert.h>

#include "engine/tar.h"

typedef struct TarHeader {
        char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[8], owner[32],
                group[32], major[8], minor[8], prefix[155], rest[12];
} TarHeader;
static_assert(sizeof(TarHeader) == TAR_BLOCK, "tar header");

/** tar_parse_number() - octal digits, ended by space or NUL, or the base-256 form; -EBADMSG */
int tar_parse_number(const char *text, size_t n, uint64_t *ret);
