/* The overlay above the checkout: whether there can be one, and what the engine is asked for. */

#include <errno.h>
#include <linux/magic.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"
#include "base/md5.h"
#include "base/str.h"
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
 * One that stays, to where this engine has its volumes, spares each job the making and removing of one. A job of the
 * agent has its own, in its directory: it ends as it began, whichever podstep takes it up.
 */
static bool has_own_link(const Workspace *workspace) {
        return workspace->job->spec.journal.put;
}

static char *own_link(const Workspace *workspace) {
        return path_join(workspace->job->directory.path, "place");
}

/* Of this engine on this machine: home directories can be shared by several. */
static char *engine_link(const Workspace *workspace) {
        const Job *job = workspace->job;
        _cleanup_free_ char *name = NULL;
        char hex[MD5_HEX_LENGTH + 1];
        struct utsname host = { 0 };

        (void) uname(&host);
        name = str_printf("%s %s", host.nodename, job->spec.engine->info.address ? job->spec.engine->info.address : "");
        if (!name)
                return NULL;
        md5_hex(name, strlen(name), hex);
        return str_printf("%s/engines/%s", job->spec.state_directory, hex);
}

static char *linked_place(const Workspace *workspace) {
        _cleanup_free_ char *link = NULL;

        if (has_own_link(workspace))
                return own_link(workspace);
        link = engine_link(workspace);
        return link ? path_join(link, workspace->data) : NULL;
}

/* userxattr: without it no directory of the checkout can be removed or replaced from within a user namespace. */
int workspace_add_overlay(Workspace *workspace) {
        _cleanup_free_ char *place = linked_place(workspace);

        workspace->is_overlay = true;
        return !place || strmap_put(&workspace->options, "type", "overlay") < 0 ||
                               strmap_put(&workspace->options, "device", "overlay") < 0
                       ? -ENOMEM
                       : strmap_putf(&workspace->options, "o", "lowerdir=%s,upperdir=%s/up,workdir=%s/work,userxattr%s",
                                     workspace->job->spec.checkout, place, place,
                                     workspace->job->spec.engine->info.has_selinux ? OVERLAY_CONTEXT : "");
}

static int make_link(const char *target, const char *path) {
        if (symlink(target, path) == 0)
                return 0;
        if (errno != EEXIST || unlink(path) < 0) /* an earlier process was here */
                return -errno;
        return symlink(target, path) < 0 ? -errno : 0;
}

static bool leads_to(const char *path, const char *target) {
        char found[PATH_MAX];
        ssize_t n = readlink(path, found, sizeof(found));

        return n >= 0 && (size_t) n == strlen(target) && memcmp(found, target, (size_t) n) == 0;
}

/* The engine is new, or has moved. Others may do so at the same time: each puts a whole one in its place. */
static int put_link(const char *target, const char *own, const char *path) {
        _cleanup_free_ char *parent = path_parent(path);
        int r = parent ? file_mkdir_p(parent, 0700) : -ENOMEM;

        if (r >= 0)
                r = make_link(target, own);
        return r >= 0 && rename(own, path) < 0 ? -errno : r;
}

int workspace_link_place(const Workspace *workspace, Error **reterr) {
        _cleanup_free_ char *own = own_link(workspace), *path = NULL, *volumes = NULL;
        int r;

        if (!own)
                return error_oom(reterr);
        if (has_own_link(workspace)) {
                r = make_link(workspace->place, own);
                return r < 0 ? error_set(reterr, -r, "cannot make '%s': %s", own, strerror(-r)) : 0;
        }
        path = engine_link(workspace);
        volumes = path_parent(workspace->place);
        if (!path || !volumes)
                return error_oom(reterr);
        if (!str_equal(path_base(workspace->place), workspace->data))
                return error_set(reterr, EINVAL, "the engine made volume '%s' at '%s', which is not named after it",
                                 workspace->data, workspace->place);
        r = leads_to(path, volumes) ? 0 : put_link(volumes, own, path);
        return r < 0 ? error_set(reterr, -r, "cannot make '%s': %s", path, strerror(-r)) : 0;
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
