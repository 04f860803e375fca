#include "job/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/md5.h"
#include "base/str.h"
#include "job/directory.h"

#define ID_BYTES_MAX 128
#define REMOVED_TRIES 10 /* each time somebody else gave it up just then */

static char *slot_path(const char *state_directory, const char *owner, unsigned slot) {
        char hex[MD5_HEX_LENGTH + 1];

        md5_hex(owner, strlen(owner), hex);
        return str_printf("%s/slots/%s-%u", state_directory, hex, slot);
}

/* Locked only while it is decided whose it is. -EBUSY: somebody else is about to decide. */
static int open_locked(const char *path, int flags, int *ret) {
        for (unsigned i = 0; i < REMOVED_TRIES; i++) {
                _cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
                struct stat st;

                if (fd < 0)
                        return -errno;
                if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                        return errno == EWOULDBLOCK ? -EBUSY : -errno;
                if (fstat(fd, &st) < 0)
                        return -errno;
                if (st.st_nlink == 0)
                        continue;
                *ret = fd;
                fd = -1;
                return 0;
        }
        return -EBUSY;
}

static int read_id(int fd, char id[static ID_BYTES_MAX + 1]) {
        ssize_t n = pread(fd, id, ID_BYTES_MAX, 0);

        if (n < 0)
                return -errno;
        id[n] = '\0';
        return 0;
}

static bool is_free(const char *state_directory, const char *id) {
        _cleanup_free_ char *directory = str_printf("%s/jobs/%s", state_directory, id);

        if (!*id || strchr(id, '/'))
                return true; /* it was not written to the end, or by us */
        if (!directory || file_exists(directory))
                return directory && job_directory_liveness(state_directory, id) == JOB_KEPT;
        return true;
}

static int try_slot(const char *state_directory, const char *path, const char *id) {
        _cleanup_close_ int fd = -1;
        char owner[ID_BYTES_MAX + 1];
        size_t n = strlen(id);
        int r = open_locked(path, O_CREAT, &fd);

        if (r >= 0)
                r = read_id(fd, owner);
        if (r < 0 || str_equal(owner, id))
                return r;
        if (!is_free(state_directory, owner))
                return -EBUSY;
        if (ftruncate(fd, 0) < 0 || pwrite(fd, id, n, 0) < 0)
                return -errno;
        return 0;
}

int slot_take(const char *state_directory, const char *owner, const char *id, unsigned *ret, Error **reterr) {
        _cleanup_free_ char *directory = path_join(state_directory, "slots");
        int r = directory ? file_mkdir_p(directory, 0700) : -ENOMEM;

        assert(strlen(id) <= ID_BYTES_MAX);
        for (unsigned slot = 0; slot < SLOTS_MAX && r >= 0; slot++) {
                _cleanup_free_ char *path = slot_path(state_directory, owner, slot);

                r = path ? try_slot(state_directory, path, id) : -ENOMEM;
                if (r == 0) {
                        *ret = slot;
                        return 0;
                }
                if (r == -EBUSY && slot + 1 < SLOTS_MAX)
                        r = 0;
        }
        return r == -EBUSY
                       ? error_set(reterr, EBUSY,
                                   "more than %u jobs of one project at once: there is no cache for another", SLOTS_MAX)
               : r == -ENOMEM ? error_oom(reterr)
                              : error_set(reterr, -r, "cannot take a cache below '%s': %s", directory, strerror(-r));
}

void slot_release(const char *state_directory, const char *owner, const char *id, unsigned slot) {
        _cleanup_free_ char *path = slot_path(state_directory, owner, slot);
        _cleanup_close_ int fd = -1;
        char holder[ID_BYTES_MAX + 1];

        /* If it cannot be had it stays, and is free as soon as the job's directory is gone. */
        if (path && open_locked(path, 0, &fd) >= 0 && read_id(fd, holder) >= 0 && str_equal(holder, id))
                (void) unlink(path);
}
