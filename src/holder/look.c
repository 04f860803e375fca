#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The target inside the container's root, where links of the image lead nowhere else. */
static int open_inside(int root, const char *target) {
        struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };

        return (int) syscall(SYS_openat2, root, target, &how, sizeof(how));
}

static int look_at(int root, char *const *mount) {
        const char *target = mount[0], *source = mount[1];
        unsigned long long device = strtoull(mount[2], NULL, 10), inode = strtoull(mount[3], NULL, 10);
        struct stat mounted;
        int fd = open_inside(root, target);

        if (fd < 0 || fstat(fd, &mounted) < 0) {
                fprintf(stderr, "volume at '%s': what is mounted cannot be checked: %s\n", target, strerror(errno));
                return EXIT_FAILURE;
        }
        close(fd);
        if (mounted.st_dev == device && mounted.st_ino == inode)
                return EXIT_SUCCESS;
        fprintf(stderr, "volume at '%s': '%s' was exchanged while it was being mounted\n", target, source);
        return EXIT_FAILURE;
}

int look(char **argv) {
        int root, status = EXIT_SUCCESS;
        char path[64];

        if (!argv[0])
                return EXIT_FAILURE;
        if (!argv[0][0] || argv[0][strspn(argv[0], "0123456789")]) {
                fprintf(stderr, "what is mounted cannot be checked: no number of a process\n");
                return EXIT_FAILURE;
        }
        (void) snprintf(path, sizeof(path), "/proc/%.20s/root", argv[0]);
        root = open(path, O_PATH | O_CLOEXEC | O_DIRECTORY);
        if (root < 0) {
                fprintf(stderr, "what is mounted cannot be checked: %s: %s\n", path, strerror(errno));
                return EXIT_FAILURE;
        }
        for (char **mount = argv + 1; status == EXIT_SUCCESS && mount[0]; mount += 4) {
                if (!mount[1] || !mount[2] || !mount[3])
                        status = EXIT_FAILURE;
                else
                        status = look_at(root, mount);
                if (status != EXIT_SUCCESS)
                        break;
        }
        close(root);
        return status;
}
