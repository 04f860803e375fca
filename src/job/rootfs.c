#include "job/rootfs.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

/* The machine's /usr comes by a mount, and /bin and the like lead there as they do on the machine. */
int rootfs_make(const char *path) {
        static const char *const directories[] = { "usr", "etc", "proc", "sys", "dev", "tmp", "run", "root" };
        static const char *const links[] = { "bin", "sbin", "lib", "lib64" };
        int r;

        FOREACH_ROW(name, directories) {
                _cleanup_free_ char *directory = path_join(path, *name);

                r = directory ? file_mkdir_p(directory, 0755) : -ENOMEM;
                if (r < 0)
                        return r;
        }
        FOREACH_ROW(name, links) {
                _cleanup_free_ char *link = path_join(path, *name), *original = path_join("/", *name);
                char target[PATH_MAX];
                ssize_t n = link && original ? readlink(original, target, sizeof(target) - 1) : -1;

                if (n <= 0)
                        continue; /* not there, or no link: then enough of it is below /usr on no known system */
                target[n] = '\0';
                if (symlink(target, link) < 0 && errno != EEXIST)
                        return -errno;
        }
        return 0;
}

char *const *rootfs_labels(const EngineInfo *engine) {
        static const char *const labels[] = { "disable", NULL };

        return engine->has_selinux ? (char *const *) labels : NULL;
}

MountSpec rootfs_mount_read_only(const char *source, const char *target) {
        static const char *const options[] = { "rbind", "ro", NULL };

        return (MountSpec){ MOUNT_BIND, source, target, (char *const *) options };
}

MountSpec rootfs_mount_usr(void) {
        return rootfs_mount_read_only("/usr", "/usr");
}
