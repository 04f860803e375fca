#pragma once

/*
 * A root for containers without an image: bare directories, into which the machine's own /usr is mounted read-only. So
 * its git and its C library are there, always of the right architecture, and nothing has to be pulled.
 */

#include "engine/engine.h"

/** rootfs_make() - makes the directory and what every such root has. 0 or a negative errno */
int rootfs_make(const char *path);

/** rootfs_mount_usr() - what makes it usable */
MountSpec rootfs_mount_usr(void);

/**
 * rootfs_labels() - for the container's security labels
 *
 * Where there is SELinux it keeps containers from the machine's own files, and these must never be given another label:
 * so it is told to leave such a container alone. NULL where there is none.
 */
char *const *rootfs_labels(const EngineInfo *engine);

/** rootfs_mount_read_only() - a file or directory of the machine, for reading */
MountSpec rootfs_mount_read_only(const char *source, const char *target);
