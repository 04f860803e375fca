/* Judgements of where images, containers and jobs lie. */

#include "doctor/check-internal.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>

#include "base/str.h"
#include "doctor/version.h"

#define GIB (UINT64_C(1024) * 1024 * 1024)
#define MIB (UINT64_C(1024) * 1024)
#define FREE_NONE (100 * MIB) /* less than this: Podman fails in the middle of its own work */
#define FREE_FEW (2 * GIB)    /* less than this: one larger image, and it is full */
#define INODES_NONE 1000
#define INODES_FEW 20000

#define KERNEL_WITH_OVERLAY "5.11" /* the first whose overlay may be mounted in a user namespace */

void check_storage(const Check *check, const Facts *facts, Findings *findings) {
        const EngineDetails *details = &facts->details;
        const char *driver = details->storage_driver;
        Finding *finding;

        if (!facts->knows_details || !driver)
                return;
        if (str_equal(driver, "vfs")) {
                finding = finding_add(findings, check, LEVEL_WARNING,
                                      "vfs: the whole image is copied for each container");
                finding_advise(finding, findings,
                               "set driver = \"overlay\" under [storage] in %s/.config/containers/storage.conf, then "
                               "(this removes all images and containers):",
                               facts->home);
                finding_mend(finding, findings, false, "podman system reset");
        } else if (details->mount_program) {
                bool is_needed = details->kernel && version_compare(details->kernel, KERNEL_WITH_OVERLAY) < 0;

                finding = finding_add(findings, check, LEVEL_NOTE,
                                      "overlay by %s: each access to a file goes through a program",
                                      details->mount_program);
                if (is_needed)
                        finding_advise(finding, findings, "kernel " KERNEL_WITH_OVERLAY " or later does without it");
                else {
                        finding_advise(finding, findings,
                                       "remove mount_program from storage.conf, then (this removes all images and "
                                       "containers):");
                        finding_mend(finding, findings, false, "podman system reset");
                }
        } else
                (void) finding_add(findings, check, LEVEL_OK, "%s%s%s", driver,
                                   details->backing_filesystem ? " on " : "",
                                   details->backing_filesystem ? details->backing_filesystem : "");
}

/* File systems that cannot hold what rootless containers need: files of many owners, overlays, locks. */
static const struct FilesystemRow {
        uint64_t kind;
        const char *name;
        Level level; /* as the place of images */
        bool has_no_overlay;
        const char *what;
} filesystem_rows[] = {
        { NFS_SUPER_MAGIC, "NFS", LEVEL_FAULT, true, "it does not know the owners of a user namespace" },
        { 0xff534d42, "CIFS", LEVEL_FAULT, true, "it does not know the owners of a user namespace" },
        { 0xfe534d42, "SMB", LEVEL_FAULT, true, "it does not know the owners of a user namespace" },
        { ECRYPTFS_SUPER_MAGIC, "eCryptfs", LEVEL_FAULT, true, "no overlay can lie on it" },
        { V9FS_MAGIC, "9p", LEVEL_WARNING, true, "no overlay can lie on it" },
        { FUSE_SUPER_MAGIC, "FUSE", LEVEL_WARNING, true, "no overlay of the kernel's can lie on it" },
        { OVERLAYFS_SUPER_MAGIC, "an overlay itself", LEVEL_WARNING, true, "no overlay can lie on it" },
        { 0x6a656a63, "a file server of a virtual machine", LEVEL_WARNING, true, "no overlay can lie on it" },
        { TMPFS_MAGIC, "tmpfs", LEVEL_NOTE, false, "images take memory, and are gone after the next boot" },
};

static const struct FilesystemRow *find_filesystem(const PlaceFacts *place) {
        FOREACH_ROW(row, filesystem_rows)
                if (place->kind != 0 && row->kind == (place->kind & UINT32_MAX))
                        return row;
        return NULL;
}

void check_storage_place(const Check *check, const Facts *facts, Findings *findings) {
        const struct FilesystemRow *row = find_filesystem(&facts->storage);
        Finding *finding;

        if (!facts->storage.path)
                return;
        if (!row) {
                (void) finding_add(findings, check, LEVEL_OK, "%s", facts->storage.path);
                return;
        }
        finding =
                finding_add(findings, check, row->level, "%s is on %s: %s", facts->storage.path, row->name, row->what);
        finding_advise(
                finding, findings,
                "set rootless_storage_path in /etc/containers/storage.conf, or graphroot in your own, to a local disk");
}

void check_workspace(const Check *check, const Facts *facts, Findings *findings) {
        const struct FilesystemRow *row = find_filesystem(&facts->storage);
        Finding *finding = NULL;

        if (!facts->storage.path)
                return;
        if (facts->kernel && version_compare(facts->kernel, KERNEL_WITH_OVERLAY) < 0)
                finding =
                        finding_add(findings, check, LEVEL_WARNING,
                                    "kernel %s has no overlay for ordinary users: the checkout is copied for each job",
                                    facts->kernel);
        else if (row && row->has_no_overlay)
                finding =
                        finding_add(findings, check, LEVEL_WARNING, "%s is on %s: the checkout is copied for each job",
                                    facts->storage.path, row->name);
        else if (facts->storage.xattr_errno > 0)
                finding = finding_add(
                        findings, check, LEVEL_WARNING,
                        "%s has no user attributes (%s): steps cannot make a directory again that they removed",
                        facts->storage.path, strerror(facts->storage.xattr_errno));
        else
                (void) finding_add(findings, check, LEVEL_OK, "overlay");
        finding_advise(finding, findings, "%s",
                       facts->kernel && version_compare(facts->kernel, KERNEL_WITH_OVERLAY) < 0
                               ? "kernel " KERNEL_WITH_OVERLAY " or later has one"
                               : "keep Podman's storage on ext4, XFS or btrfs of a local disk");
}

static void judge_space(const Check *check, const PlaceFacts *place, const char *what, Findings *findings,
                        bool *ret_fine) {
        bool counts_inodes = place->total_inodes > 0;
        Level level = LEVEL_OK;
        Finding *finding;

        if (!place->path || place->total_bytes == 0)
                return;
        if (place->free_bytes < FREE_NONE || (counts_inodes && place->free_inodes < INODES_NONE))
                level = LEVEL_FAULT;
        else if (place->free_bytes < FREE_FEW || (counts_inodes && place->free_inodes < INODES_FEW))
                level = LEVEL_WARNING;
        if (level == LEVEL_OK)
                return;
        *ret_fine = false;
        if (place->free_bytes < FREE_FEW)
                finding = finding_add(findings, check, level, "%s (%s): %llu MiB are free", place->path, what,
                                      (unsigned long long) (place->free_bytes / MIB));
        else
                finding = finding_add(findings, check, level, "%s (%s): %llu more files can be made", place->path, what,
                                      (unsigned long long) place->free_inodes);
        finding_mend(finding, findings, false, "podstep prune");
        finding_mend(finding, findings, false, "podman system prune");
}

void check_space(const Check *check, const Facts *facts, Findings *findings) {
        const PlaceFacts *smaller = facts->storage.path && facts->storage.free_bytes < facts->state.free_bytes
                                            ? &facts->storage
                                            : &facts->state;
        bool is_fine = true;

        judge_space(check, &facts->storage, "images and containers", findings, &is_fine);
        judge_space(check, &facts->state, "podstep's own files", findings, &is_fine);
        if (is_fine)
                (void) finding_add(findings, check, LEVEL_OK, "%llu GiB are free",
                                   (unsigned long long) (smaller->free_bytes / GIB));
}

void check_leftovers(const Check *check, const Facts *facts, Findings *findings) {
        Finding *finding;

        if (facts->n_dead_jobs == 0) {
                if (facts->n_kept_jobs > 0)
                        (void) finding_add(findings, check, LEVEL_OK, "none but what was kept on purpose, of %u job%s",
                                           facts->n_kept_jobs, facts->n_kept_jobs == 1 ? "" : "s");
                else
                        (void) finding_add(findings, check, LEVEL_OK, "none");
                return;
        }
        finding = finding_add(findings, check, LEVEL_NOTE, "of %u job%s whose podstep was killed", facts->n_dead_jobs,
                              facts->n_dead_jobs == 1 ? "" : "s");
        finding_mend(finding, findings, false, "podstep prune");
}
