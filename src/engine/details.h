#pragma once

/*
 * What an engine tells of itself and its host, beyond what a job needs to know. For who looks at a set-up: 'podstep
 * doctor'.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

/* How the ids of containers are spread over those of the host. */
typedef struct IdMapping {
        uint64_t container_id, host_id, size;
} IdMapping;

/* Whom an image's programs run as, where that is a number: "1001", "1001:0". */
typedef struct ImageUser {
        char *image;
        uint64_t uid, gid; /* gid 0 where none is given */
} ImageUser;

/* All strings are on the heap; NULL: the engine does not tell. */
typedef struct EngineDetails {
        char *version, *kernel, *distribution; /* "5.4.2"; "6.12.1"; "debian 13" */
        char *runtime, *runtime_version;       /* "crun"; "1.21" */
        char *monitor_version;                 /* of conmon: "2.1.12" */
        char *network_backend, *network_version, *dns_version; /* "netavark"; "1.14.0"; of aardvark-dns */
        char *network_command;                 /* "pasta", "slirp4netns": the way out of a rootless network */
        char *pasta, *slirp4netns;             /* paths; "" where there is none */
        char *cgroup_manager, *cgroup_version; /* "systemd"; "v2" */
        char **cgroup_controllers;             /* that a container may have */
        bool tells_controllers;
        char *storage_driver, *graph_root, *backing_filesystem; /* "overlay"; ...; "extfs" */
        char *mount_program;                   /* "/usr/bin/fuse-overlayfs"; NULL: the kernel's own overlay */
        char **search_registries;              /* for images without a registry in their name */
        bool is_rootless, has_selinux, has_apparmor, has_seccomp;
        IdMapping *uid_map, *gid_map; /* of rootless containers */
        size_t n_uid_map, n_gid_map;
        uint64_t n_containers, n_images;
        ImageUser *image_users; /* of the images that are here; only the first ones are looked at */
        size_t n_image_users;
} EngineDetails;
void engine_details_done(EngineDetails *details);
