#include "job/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/array.h"
#include "base/copy.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/fetch-internal.h"

#define SEEN_MAX 10000000U /* entries of an archive */

static void forget_list(char ***list, size_t *n) {
        for (size_t i = 0; i < *n; i++)
                free((*list)[i]);
        free(TAKE_PTR(*list));
        *n = 0;
}

static int take_entry(const TarEntry *entry, void *userdata);
static const TarReaderClass reader_class = { .entry = take_entry, .bytes = fetch_take_bytes, .end = fetch_take_end };

int fetch_new(const char *checkout, const char *target, struct timespec sent, Fetch **ret, Error **reterr) {
        _cleanup_(fetch_freep) Fetch *fetch = calloc(1, sizeof(*fetch));
        int r;

        if (!fetch)
                return error_oom(reterr);
        fetch->checkout_fd = fetch->target_fd = fetch->old_fd = fetch->new_fd = -1;
        fetch->sent = sent;
        fetch->target = strdup(target);
        r = file_mkdir_p(target, 0700);
        if (r < 0)
                return error_set(reterr, -r, "cannot make '%s': %s", target, strerror(-r));
        fetch->checkout_fd = open(checkout, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fetch->target_fd = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fetch->checkout_fd < 0 || fetch->target_fd < 0)
                return error_set(reterr, errno, "cannot open '%s': %s", fetch->checkout_fd < 0 ? checkout : target,
                                 strerror(errno));
        if (!fetch->target || tar_reader_new(&reader_class, fetch, &fetch->reader) < 0)
                return error_oom(reterr);
        *ret = TAKE_PTR(fetch);
        return 0;
}

Fetch *fetch_free(Fetch *fetch) {
        if (!fetch)
                return NULL;
        fetch_leave_file(fetch);
        forget_list(&fetch->seen, &fetch->n_seen);
        strv_free(fetch->deleted);
        strv_free(fetch->replaced);
        tar_reader_free(fetch->reader);
        closep(&fetch->checkout_fd);
        closep(&fetch->target_fd);
        free(fetch->target);
        error_free(fetch->error);
        free(fetch);
        return NULL;
}

const Error *fetch_error(const Fetch *fetch) {
        return fetch->error;
}

char *const *fetch_deleted(const Fetch *fetch) {
        return fetch->deleted;
}

char *const *fetch_replaced(const Fetch *fetch) {
        return fetch->replaced;
}

static bool leads_out(const char *path) {
        return *path == '/' || str_equal(path, "..") || str_starts_with(path, "../");
}

static int take_entry(const TarEntry *entry, void *userdata) {
        Fetch *fetch = userdata;
        _cleanup_free_ char *path = path_clean(entry->path);
        char *seen;

        if (!path)
                return error_oom(&fetch->error);
        if (leads_out(path) || fetch->n_seen >= SEEN_MAX)
                return error_set(&fetch->error, EBADMSG, "odd answer: the archive of the workspace holds '%.200s'",
                                 path);
        if (path_depth(path) > COPY_DEPTH_MAX)
                return error_set(&fetch->error, EBADMSG,
                                 "the archive of the workspace holds '%.200s', which lies deeper than %u directories",
                                 path, COPY_DEPTH_MAX);
        if (str_equal(path, "."))
                return 0;
        seen = strdup(path);
        if (!seen || ARRAY_APPEND(fetch->seen, fetch->n_seen, seen) < 0) {
                free(seen);
                return error_oom(&fetch->error);
        }
        switch (entry->type) {
        case TAR_FILE:
                return fetch_take_file(fetch, path, entry);
        case TAR_DIRECTORY:
                return fetch_take_directory(fetch, path);
        case TAR_LINK:
                return fetch_take_link(fetch, path, entry);
        case TAR_HARD_LINK:
                return fetch_take_hard_link(fetch, path, entry->link);
        case TAR_OTHER: /* devices, fifos: nothing that could be exported */
                return 0;
        }
        return 0;
}

int fetch_write(const char *bytes, size_t n, void *userdata) {
        Fetch *fetch = userdata;
        int r = tar_reader_feed(fetch->reader, bytes, n);

        if (r < 0 && !fetch->error)
                (void) error_set(&fetch->error, -r, "odd answer: the archive of the workspace is damaged");
        return r;
}

void fetch_rewind(void *userdata) {
        Fetch *fetch = userdata;
        TarReader *reader = NULL;

        fetch_leave_file(fetch);
        if (fetch->n_seen == 0)
                return; /* nothing has come yet */
        forget_list(&fetch->seen, &fetch->n_seen);
        fetch->replaced = strv_free(fetch->replaced);
        closep(&fetch->target_fd);
        if (file_remove_tree(fetch->target) >= 0 && file_mkdir_p(fetch->target, 0700) >= 0)
                fetch->target_fd = open(fetch->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (tar_reader_new(&reader_class, fetch, &reader) < 0)
                return; /* the old one finds the new beginning odd, and says so */
        tar_reader_free(fetch->reader);
        fetch->reader = reader;
}

int fetch_finish(Fetch *fetch, Error **reterr) {
        if (!tar_reader_is_whole(fetch->reader))
                return error_set(reterr, EBADMSG, "the archive of the workspace was cut");
        return fetch_find_deleted(fetch) < 0 ? error_oom(reterr) : 0;
}
