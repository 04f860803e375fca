#include "own.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORIES_OPEN_MAX 64

static uid_t uid;
static gid_t gid;

static int give(const char *path, const struct stat *st, int type, struct FTW *where) {
        mode_t mode = st->st_mode & 07777;

        if (st->st_uid == uid && st->st_gid == gid)
                return 0;
        if (lchown(path, uid, gid) < 0)
                return errno == ENOENT ? 0 : -1; /* a step that runs beside has removed it */
        /* The kernel takes these away from what changes hands. */
        if (S_ISREG(st->st_mode) && (mode & 06000))
                (void) chmod(path, mode);
        return 0;
}

static int parse_id(const char *text, unsigned *ret) {
        unsigned long value;
        char *end;

        errno = 0;
        value = strtoul(text, &end, 10);
        if (errno || *end || end == text || value >= (unsigned) -1)
                return -1;
        *ret = (unsigned) value;
        return 0;
}

int own(char **argv) {
        if (!argv[0] || !argv[1] || parse_id(argv[0], &uid) < 0 || parse_id(argv[1], &gid) < 0)
                return EXIT_FAILURE;
        for (argv += 2; *argv; argv++)
                if (nftw(*argv, give, DIRECTORIES_OPEN_MAX, FTW_PHYS | FTW_MOUNT) != 0) {
                        fprintf(stderr, "cannot give '%s' to user %u: %s\n", *argv, (unsigned) uid, strerror(errno));
                        return EXIT_FAILURE;
                }
        return EXIT_SUCCESS;
}
