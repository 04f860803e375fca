/* The overlay above the checkout: whether there can be one, and what the engine is asked for. */

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "job/workspace-internal.h"

/*
 * One label for all that is seen through the overlay, which the files below it keep their own from: the checkout is not
 * given another. Without categories, so that every container of the job may use it.
 */
#define OVERLAY_CONTEXT ",context=system_u:object_r:container_file_t:s0"

/* Why the job's files cannot lie on an overlay, as far as can be told beforehand; NULL: they can. */
const char *workspace_why_no_overlay(const Workspace *workspace) {
        static const char special[] = ",:\\\"\n";
        struct utsname name;
        unsigned major = 0, minor = 0;

        if (strpbrk(workspace->job->spec.checkout, special) || strpbrk(workspace->job->directory.path, special))
                return "its path holds a character that mount options cannot";
        if (uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
            (major < 5 || (major == 5 && minor < 11)))
                return "this kernel has none for ordinary users";
        return NULL;
}

bool workspace_can_carry_overlay(const char *directory) {
        static const long refused[] = { OVERLAYFS_SUPER_MAGIC, NFS_SUPER_MAGIC, FUSE_SUPER_MAGIC,
                                        0xff534d42 /* CIFS */, V9FS_MAGIC,      ECRYPTFS_SUPER_MAGIC };
        struct statfs fs;

        if (statfs(directory, &fs) == 0)
                FOREACH_ROW(magic, refused)
                        if ((unsigned long) fs.f_type == (unsigned long) *magic)
                                return false;
        return true;
}

/*
 * The upper directory lies in the engine's storage, so that what other users wrote there goes with the volume; but
 * where that is, only the answer tells. So the mount is told of a link, which leads there by the time it is mounted.
 *
 * userxattr: without it no directory of the checkout can be removed or replaced from within a user namespace.
 */
int workspace_add_overlay(Workspace *workspace) {
        const char *checkout = workspace->job->spec.checkout, *directory = workspace->job->directory.path;

        workspace->is_overlay = true;
        return strmap_put(&workspace->options, "type", "overlay") < 0 ||
                               strmap_put(&workspace->options, "device", "overlay") < 0
                       ? -ENOMEM
                       : strmap_putf(&workspace->options, "o",
                                     "lowerdir=%s,upperdir=%s/" PLACE_LINK "/up,workdir=%s/" PLACE_LINK
                                     "/work,userxattr%s",
                                     checkout, directory, directory,
                                     workspace->job->spec.engine->info.has_selinux ? OVERLAY_CONTEXT : "");
}

/* Beside the mount point of the overlay, which the engine removes together with it. */
int workspace_leave_mountpoint(Workspace *workspace) {
        char *parent = path_parent(workspace->place);

        if (!parent)
                return -ENOMEM;
        free(workspace->place);
        workspace->place = parent;
        return 0;
}
