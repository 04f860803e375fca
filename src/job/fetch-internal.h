#pragma once

/* What comes back, from the inside: fetch.c takes the archive's entries, fetch-entry.c compares and keeps them. */

#include <sys/stat.h>

#include "engine/tar.h"
#include "job/fetch.h"

struct Fetch {
        int checkout_fd, target_fd;
        char *target;
        struct timespec sent;
        TarReader *reader;
        char **seen; /* all paths of the archive */
        size_t n_seen;
        char **deleted, **replaced;
        /* The file that is coming: */
        char *path;
        TarEntry entry;  /* without its strings */
        int old_fd;      /* the same so far as this one; -1: it is not */
        int new_fd;      /* where it is kept; -1: not yet */
        uint64_t n_same; /* bytes that were the same */
        Error *error;
};

/** fetch_fail() - notes that @path could not be written; returns the negative errno */
int fetch_fail(Fetch *fetch, int errnum, const char *path);
/** fetch_is_newer() - changed, moved or made since the checkout was sent */
bool fetch_is_newer(const Fetch *fetch, const struct stat *st);
/**
 * fetch_note_replaced() - what comes at @path, whose name is @name below @parent, a directory of the checkout: if it
 * was a directory and is none now, or the other way round, and nobody else worked on it; 0 or -ENOMEM
 */
int fetch_note_replaced(Fetch *fetch, int parent, const char *name, const char *path, bool is_directory);
/** fetch_leave_file() - the file that is coming, whole or not */
void fetch_leave_file(Fetch *fetch);

/* One entry each, @path clean and below the top; a negative errno is noted: */
int fetch_take_file(Fetch *fetch, const char *path, const TarEntry *entry); /* its bytes follow */
int fetch_take_bytes(const char *bytes, size_t n, void *userdata);
int fetch_take_end(void *userdata);
int fetch_take_link(Fetch *fetch, const char *path, const TarEntry *entry);
int fetch_take_hard_link(Fetch *fetch, const char *path, const char *link);
int fetch_take_directory(Fetch *fetch, const char *path);

/** fetch_find_deleted() - what of the checkout was sent and has not come back; -ENOMEM */
int fetch_find_deleted(Fetch *fetch);
