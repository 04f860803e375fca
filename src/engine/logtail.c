#include "engine/logtail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define LOGTAIL_CHUNK (64U * 1024)
#define LOGTAIL_TURN_MAX (1024U * 1024)        /* then others have their turn */
#define LOGTAIL_PUNCH_STEP (16U * 1024 * 1024) /* how much read log may take up disk */

struct LogTail {
        char *path;
        int fd; /* -1: not there yet */
        bool can_punch, keeps;
        const bool *is_enough; /* of what is kept */
        uint64_t offset, punched;
        uint64_t n_kept; /* bytes of the beginning that stay; 0: it is not enough yet */
        LogParser parser;
        char chunk[LOGTAIL_CHUNK];
};

int logtail_new(const char *path, bool keeps, const bool *is_enough, LogTail **ret) {
        _cleanup_(logtail_freep) LogTail *tail = NULL;

        tail = malloc(sizeof(*tail));
        if (!tail)
                return -ENOMEM;
        tail->fd = -1;
        tail->can_punch = false;
        tail->keeps = keeps;
        tail->is_enough = is_enough;
        tail->offset = tail->punched = tail->n_kept = 0;
        tail->parser = (LogParser) { 0 };
        tail->path = strdup(path);
        if (!tail->path)
                return -ENOMEM;
        *ret = TAKE_PTR(tail);
        return 0;
}

LogTail *logtail_free(LogTail *tail) {
        if (!tail)
                return NULL;
        fd_close(tail->fd);
        free(tail->path);
        free(tail);
        return NULL;
}

static int tail_open(LogTail *tail) {
        tail->fd = open(tail->path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
        tail->can_punch = tail->fd >= 0 && (!tail->keeps || tail->is_enough);
        if (tail->fd < 0 && errno == EACCES)
                tail->fd = open(tail->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
        if (tail->fd < 0)
                return errno == ENOENT ? 0 : -errno;
        tail->offset = tail->punched = tail->n_kept = 0;
        return 1;
}

/* Called before what was just read is handed on: that stays, where anything does. */
static bool has_surplus(LogTail *tail) {
        if (!tail->keeps)
                return true;
        if (!*tail->is_enough)
                return false;
        if (tail->n_kept == 0)
                tail->n_kept = tail->punched = tail->offset;
        return true;
}

static void tail_punch(LogTail *tail) {
        if (!tail->can_punch || !has_surplus(tail) || tail->offset - tail->punched < LOGTAIL_PUNCH_STEP)
                return;
        /* A file system that cannot do it keeps the whole log, as it would have without us. */
        if (fallocate(tail->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t) tail->n_kept,
                      (off_t) (tail->offset - tail->n_kept)) < 0)
                tail->can_punch = false;
        tail->punched = tail->offset;
}

/*
 * conmon begins a new file under the same name when the operator limits the size of logs (log_size_max of
 * containers.conf).
 */
static bool tail_was_replaced(const LogTail *tail) {
        struct stat ours, named;

        return fstat(tail->fd, &ours) >= 0 && ours.st_nlink == 0 && stat(tail->path, &named) >= 0;
}

int logtail_read(LogTail *tail, EngineOutput output, void *userdata) {
        size_t n_turn = 0;
        int r;

        if (tail->fd < 0) {
                r = tail_open(tail);
                if (r <= 0)
                        return r;
        }
        while (n_turn < LOGTAIL_TURN_MAX) {
                ssize_t n = pread(tail->fd, tail->chunk, sizeof(tail->chunk), (off_t) tail->offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0 && !tail_was_replaced(tail))
                        return 0;
                if (n == 0) {
                        tail->fd = fd_close(tail->fd);
                        return 1;
                }
                tail->offset += (uint64_t) n;
                n_turn += (size_t) n;
                tail_punch(tail);
                log_parser_feed(&tail->parser, tail->chunk, (size_t) n, output, userdata);
        }
        return 1;
}
