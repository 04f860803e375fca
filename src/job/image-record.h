#pragma once

/*
 * What podstep knows of images that it fetched: the engine takes no labels for them. In the state directory:
 *
 *   images/REGISTRY/PATH/.private     the repository was last read with a login; holds whose it was
 *   images/REGISTRY/PATH/.image-ID    one that podstep brought here: {"reference"}; its time is that of the last use
 *   images/REGISTRY/PATH/.lock-TAG    while it is fetched: see image-lock.h
 *
 * Each fact is a file of its own, so that several processes need no lock to write them.
 */

#include "engine/logins.h"

/** image_record_directory() - makes and names the directory of a repository; -EINVAL if it is no path */
int image_record_directory(const char *state_directory, const char *repository, char **ret);

typedef enum ImageAccess {
        IMAGE_OPEN,        /* fetched without a login, or not by podstep */
        IMAGE_OF_OPERATOR, /* fetched with a login of the operator */
        IMAGE_OF_JOB,      /* with one that came with a job */
} ImageAccess;

/** image_record_access() - of a repository; when in doubt IMAGE_OF_JOB */
ImageAccess image_record_access(const char *state_directory, const char *repository);
/**
 * image_record_set_access() - before a pull with a login: what a killed podstep leaves must not be open; after one
 * without
 */
int image_record_set_access(const char *state_directory, const char *repository, ImageAccess access);

/** image_record_add() - podstep brought it here */
int image_record_add(const char *state_directory, const char *repository, const char *reference, const char *id);
/** image_record_touch() - it is used now; nothing happens if it is not recorded */
void image_record_touch(const char *state_directory, const char *repository, const char *id);

typedef struct ImageRecord {
        char *repository, *reference, *id;
        uint64_t used_usec; /* realtime */
} ImageRecord;
typedef struct ImageRecords {
        ImageRecord *records;
        size_t n_records;
} ImageRecords;
/** image_records_read() - all of them, the least recently used first */
int image_records_read(const char *state_directory, ImageRecords *ret);
void image_records_done(ImageRecords *records);
/** image_record_remove() - and directories that are empty then */
void image_record_remove(const char *state_directory, const ImageRecord *record);
