#pragma once

/*
 * As much of tar(5) as it takes to exchange files with an engine: ustar with pax headers out; those, GNU's long names
 * and base-256 numbers in. What comes is hostile: every length has a bound, and paths are what they are: who takes them
 * looks.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

#define TAR_BLOCK 512U
#define TAR_PATH_MAX (64U * 1024) /* bytes of a name or link */

typedef enum TarType { TAR_FILE, TAR_DIRECTORY, TAR_LINK, TAR_HARD_LINK, TAR_OTHER } TarType;

typedef struct TarEntry {
        TarType type;
        const char *path, *link; /* link: where it points to; NULL: it is none */
        mode_t mode;             /* the permission bits */
        uint32_t uid, gid;
        uint64_t size; /* of a file */
        int64_t mtime_sec;
        uint32_t mtime_nsec;
} TarEntry;

/** tar_put_entry() - what stands before a file's bytes; a failure sticks to @out */
int tar_put_entry(Str *out, const TarEntry *entry);
/** tar_padding() - how many NULs follow a file of that size */
size_t tar_padding(uint64_t size);
/** tar_put_end() */
int tar_put_end(Str *out);

/* The entry and its strings are only there for the call. A negative errno ends the reading with it. */
typedef struct TarReaderClass {
        int (*entry)(const TarEntry *entry, void *userdata);
        int (*bytes)(const char *bytes, size_t n, void *userdata); /* of the last entry, a file */
        int (*end)(void *userdata);                                /* of the last entry */
} TarReaderClass;

typedef struct TarReader TarReader;
int tar_reader_new(const TarReaderClass *class, void *userdata, TarReader **ret);
TarReader *tar_reader_free(TarReader *reader);
DEFINE_CLEANUP(TarReader *, tar_reader_free);
/** tar_reader_feed() - the next bytes, cut anywhere; -EBADMSG, -ENOMEM, or what the class said */
int tar_reader_feed(TarReader *reader, const char *bytes, size_t n);
/** tar_reader_is_whole() - the end was seen; if not, something is missing */
bool tar_reader_is_whole(const TarReader *reader);

/**
 * tar_first_file() - the first regular file of an archive in memory
 * @ret_link: where it points to when the first entry is a symbolic link; on the heap
 *
 * Return: 0 and the content, borrowed from the archive; 1 and *ret_link; -EISDIR; -ENOENT: nothing is in it; -EBADMSG;
 * -ENOMEM.
 */
int tar_first_file(const char *archive, size_t n, const char **ret, size_t *ret_n, char **ret_link);
