#pragma once

/*
 * Files on their way to an engine that cannot see them: a tree of this machine as a tar archive, made while it is sent,
 * so that its size does not matter. Links are sent as links; devices, sockets and fifos are left out.
 */

#include <sys/types.h>

#include "base/error.h"

typedef struct Upload Upload;

/** upload_new_tree() - the content of a directory */
int upload_new_tree(const char *directory, Upload **ret);
/** upload_new_empty() - for upload_add_file() */
int upload_new_empty(Upload **ret);
Upload *upload_free(Upload *upload);
DEFINE_CLEANUP(Upload *, upload_free);

/** upload_add_file() - a small file in memory; what was added is sent before a tree */
int upload_add_file(Upload *upload, const char *path, const char *bytes, size_t n, mode_t mode);

/** upload_read() - an EngineSource; -EIO and upload_error() when a file cannot be read */
ssize_t upload_read(char *buffer, size_t n, void *userdata);
/** upload_rewind() - from the beginning */
void upload_rewind(void *userdata);
/** upload_error() - what upload_read() failed for, NULL: nothing */
const Error *upload_error(const Upload *upload);
