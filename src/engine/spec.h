#pragma once

/* What is asked of an engine. All pointers are borrowed for the call; fields left 0 are the engine's default. */

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"

typedef enum MountKind {
        MOUNT_BIND,   /* source: a path of the engine's host */
        MOUNT_VOLUME, /* source: a volume's name; made if missing; NULL: anonymous */
        MOUNT_TMPFS,
} MountKind;

typedef struct MountSpec {
        MountKind kind;
        const char *source, *target;
        char *const *options; /* "ro", "rbind", "z", "U", "size=64m" */
} MountSpec;

typedef enum NetworkKind {
        NETWORK_DEFAULT, /* the engine's own default */
        NETWORK_NONE,
        NETWORK_HOST,
        NETWORK_CONTAINER, /* shares that of container 'name' */
        NETWORK_NAMED,     /* joins network 'name', reachable there under 'aliases' */
        NETWORK_BRIDGE,    /* the engine's default bridge */
} NetworkKind;

typedef struct NetworkSpec {
        NetworkKind kind;
        const char *name;
        char *const *aliases;
} NetworkSpec;

typedef struct ContainerSpec {
        const char *name;
        const char *pod;         /* NULL: none */
        const char *image;       /* id or reference; or: */
        const char *rootfs;      /* a directory of the host */
        char *const *entrypoint; /* NULL: the image's */
        char *const *command;    /* NULL: the image's, or nothing where there is an entrypoint */
        const Map *environment, *labels;
        const Map *secret_environment; /* variable to name of an engine secret */
        const char *user, *directory, *hostname;
        bool makes_directory; /* the working directory is made if missing */
        bool keeps_id;        /* the engine's user is uid:gid inside */
        uint32_t uid, gid;
        NetworkSpec network;
        const MountSpec *mounts;
        size_t n_mounts;
        char *const *dns, *const *dns_search, *const *extra_hosts; /* extra_hosts: "name:address" */
        char *const *devices;                                      /* "host:container:rwm" */
        bool privileged;
        const char *log_path;         /* the container's output goes there in k8s-file format; NULL: engine's default */
        const char *monitor_pid_path; /* the pid of the container's monitor is written there */
} ContainerSpec;

typedef struct PodSpec {
        const char *name;
        const Map *labels;
} PodSpec;

typedef struct VolumeSpec {
        const char *name;
        const Map *labels;
        const Map *options; /* of the local driver: type, device, o */
} VolumeSpec;

typedef struct EngineNetworkSpec {
        const char *name;
        const Map *labels;
        bool ipv6;
        uint32_t mtu; /* 0: the engine's */
} EngineNetworkSpec;

typedef struct PullSpec {
        const char *reference;
        const char *policy; /* podman's words: "missing", "always", "newer", "never" */
} PullSpec;

/* What an image says of itself. */
typedef struct ImageInfo {
        char *id;
        char *digest;
        char *user; /* "" : root */
        char **entrypoint, **command;
        char **exposed; /* "5432/tcp" */
        Map labels;
        bool has_health_check;
        uint64_t health_interval_usec, health_start_period_usec;
        uint32_t health_retries;
} ImageInfo;
void image_info_done(ImageInfo *info);

typedef enum ContainerState {
        CONTAINER_CREATED,
        CONTAINER_INITIALIZED,
        CONTAINER_RUNNING,
        CONTAINER_EXITED, /* podman's "stopped" too: ended, not yet cleaned up */
        CONTAINER_OTHER,  /* paused, removing, ... */
        _CONTAINER_STATE_MAX,
} ContainerState;

typedef struct ContainerStatus {
        ContainerState state;
        int exit_code;
        bool oom_killed;
        char *id, *error; /* error: what the engine noted; "" mostly */
        uint64_t pid, monitor_pid;
} ContainerStatus;
void container_status_done(ContainerStatus *status);

typedef enum HealthStatus { HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY } HealthStatus;

/* How a container ended. */
typedef struct ContainerExit {
        int exit_code; /* 0..255; 128+N: killed by signal N (as far as anyone can tell) */
        bool oom_killed;
        bool is_lost; /* the monitor died: nobody knows the exit code */
} ContainerExit;

typedef enum ObjectKind {
        OBJECT_CONTAINER,
        OBJECT_POD,
        OBJECT_VOLUME,
        OBJECT_NETWORK,
        OBJECT_SECRET,
        _OBJECT_KIND_MAX
} ObjectKind;
const char *object_kind_to_string(ObjectKind kind);

/* Something of ours that stands on the engine. */
typedef struct EngineObject {
        ObjectKind kind;
        char *name;
        Map labels;
} EngineObject;
typedef struct EngineObjects {
        EngineObject *objects;
        size_t n_objects;
} EngineObjects;
void engine_objects_done(EngineObjects *objects);
