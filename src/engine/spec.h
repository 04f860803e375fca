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
        bool must_exist;      /* its source: Docker makes a directory of a path that is missing */
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
        char *const *also; /* further networks that it joins, without aliases; not of NONE, HOST and CONTAINER */
} NetworkSpec;

typedef struct UlimitSpec {
        const char *name;   /* "nofile" */
        int64_t soft, hard; /* -1: no limit */
} UlimitSpec;

/* Limits of the container's cgroup. Whether the machine can enforce them: EngineInfo. */
typedef struct LimitSpec {
        uint64_t memory_bytes, memory_reservation_bytes;
        int64_t memory_swap_bytes; /* memory and swap together; -1: swap without limit */
        uint64_t cpu_shares;
        int64_t cpu_quota_usec;          /* in each period */
        uint64_t cpu_period_usec;        /* 0: 100 ms */
        const char *cpuset_cpus, *cpuset_mems; /* "0-3,6" */
        int64_t pids_max;                /* -1: no limit, not even the engine's own */
        bool oom_kill_disable;
        const char *cgroup_parent;
} LimitSpec;
#define LIMIT_CPU_PERIOD_DEFAULT_USEC 100000

/* What the kernel needs to be given for that; or-ed. */
typedef enum Controller {
        CONTROLLER_MEMORY = 1 << 0,
        CONTROLLER_CPU = 1 << 1,
        CONTROLLER_CPUSET = 1 << 2,
        CONTROLLER_PIDS = 1 << 3,
} Controller;
/** limit_spec_controllers() - those that enforcing it takes */
unsigned limit_spec_controllers(const LimitSpec *limits);
/** controllers_from_names() - "memory", "cpu", ...; others do not count */
unsigned controllers_from_names(char *const *names);

/* A device that programs may open, without its file: "c 10:229 rwm". */
typedef struct DeviceRuleSpec {
        char type;            /* 'a', 'b' or 'c' */
        int64_t major, minor; /* -1: all */
        const char *access;   /* "rwm" */
} DeviceRuleSpec;

/*
 * What processes may do. Capabilities with or without CAP_, in any case; "all" is all of them. What is added counts
 * more than what is dropped.
 */
typedef struct SecuritySpec {
        bool privileged, no_new_privileges;
        char *const *cap_add, *const *cap_drop;
        char *const *labels;  /* SELinux: "disable", "level:s0:c1,c2", "type:container_t" */
        const char *apparmor; /* a profile, or "unconfined" */
        const char *seccomp;  /* "unconfined", or a profile's path on this machine */
        char *const *mask, *const *unmask; /* paths in the container; unmask "ALL": what engines hide by themselves */
} SecuritySpec;

/* A health check in place of the image's. Engines that can leave it to engine_container_check_health(). */
typedef struct HealthSpec {
        char *const *test; /* "CMD", program, arguments; or "CMD-SHELL", text; or "NONE": no check */
        uint64_t interval_usec, timeout_usec, start_period_usec;
        uint32_t retries;
} HealthSpec;

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
        uint32_t n_subuids, n_subgids; /* how many the engine's user may map besides; 0: not known */
        NetworkSpec network;
        const MountSpec *mounts;
        size_t n_mounts;
        char *const *dns, *const *dns_search, *const *dns_options;
        char *const *extra_hosts; /* "name:address" */
        char *const *groups;      /* further ones of the user: names, ids; "keep-groups": those of the engine's user */
        char *const *devices;     /* "host:container:rwm", or a CDI name: "nvidia.com/gpu=all" */
        const DeviceRuleSpec *device_rules;
        size_t n_device_rules;
        SecuritySpec security;
        LimitSpec limits;
        const UlimitSpec *ulimits;
        size_t n_ulimits;
        int oom_score_adjust; /* -1000..1000 */
        uint64_t shm_size_bytes;
        const Map *sysctls;
        /* "host", "private", "container:NAME", ... as 'podman run --ipc' and '--pid' */
        const char *ipc_mode, *pid_mode;
        const char *userns;              /* likewise; counts more than keeps_id */
        const char *runtime;             /* of OCI: a name or a path */
        bool read_only;                  /* its root file system; /tmp, /run and /dev/shm stay writable */
        bool init;                       /* a small init is process 1 */
        int stop_signal;                 /* a number; 0: the image's, else TERM */
        const HealthSpec *health;        /* NULL: the image's */
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
        const char *driver;  /* NULL: local */
        const Map *options; /* of the driver; of local: type, device, o, size */
} VolumeSpec;

typedef struct EngineNetworkSpec {
        const char *name;
        const Map *labels;
        bool ipv6;
        bool internal; /* no way out */
        uint32_t mtu;  /* 0: the engine's */
        const char *subnet, *range; /* its addresses, and those that members are given; NULL: the engine chooses */
        bool is_void; /* nobody on it can be reached: neither this machine nor another member */
} EngineNetworkSpec;

/* What a registry is told. Either name and password or the token; never shown, never logged. */
typedef struct RegistryLogin {
        char *username, *password;
        char *identity_token; /* an OAuth refresh token, which counts more */
} RegistryLogin;
/** registry_login_done() - wipes them */
void registry_login_done(RegistryLogin *login);
static inline bool registry_login_is_set(const RegistryLogin *login) {
        return login->identity_token || (login->username && login->password);
}

typedef struct PullSpec {
        const char *reference;      /* qualified, with a tag or a digest */
        const char *policy;         /* podman's words: "missing", "always", "newer", "never" */
        const char *platform;       /* "linux/arm64/v8"; NULL: the engine's own */
        const RegistryLogin *login; /* NULL: none; Podman then looks into the files of who runs its service */
} PullSpec;

/* Why an image could not be fetched: what decides what can be done about it. */
typedef enum PullFault {
        PULL_FAULT_OTHER,
        PULL_FAULT_NOT_FOUND, /* the registry answers, and has no such image or tag */
        PULL_FAULT_DENIED,    /* it wants a login, or the login may not read this. Some registries say so of what does
                                 not exist, too. */
        PULL_FAULT_NO_HOST,   /* the registry's name has no address */
        PULL_FAULT_AWAY,      /* nobody listens, no route, silence, cut off */
        PULL_FAULT_TLS,       /* its certificate is not trusted, or it speaks no TLS */
        PULL_FAULT_RATE_LIMITED, /* 429 */
        PULL_FAULT_BROKEN,       /* 5xx, or what came is not what was promised */
        PULL_FAULT_NO_PLATFORM,  /* the image exists, but not for this platform */
        PULL_FAULT_NOT_LOCAL,    /* policy "never" */
        PULL_FAULT_NO_SPACE,     /* the disk of the engine is full */
        _PULL_FAULT_MAX,
} PullFault;

typedef struct PullResult {
        char *id;        /* of the image; NULL if it failed */
        PullFault fault; /* if it failed */
} PullResult;
void pull_result_done(PullResult *result);

/* What an image says of itself. */
typedef struct ImageInfo {
        char *id;
        char *digest;
        char *platform; /* "linux/amd64", "linux/arm64/v8" */
        char **tags;    /* its names, "docker.io/library/alpine:3"; none: nothing but digests point to it */
        char **digests; /* "docker.io/library/alpine@sha256:...", one for each place it came from */
        uint64_t size_bytes;
        char *user; /* "" : root */
        char **entrypoint, **command;
        char **exposed; /* "5432/tcp" */
        char **environment; /* "NAME=VALUE" */
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

/* What takes room on the engine's disk. */
typedef enum DiskKind { DISK_IMAGE, DISK_CONTAINER, DISK_VOLUME, _DISK_KIND_MAX } DiskKind;
typedef struct DiskItem {
        DiskKind kind;
        char *name;           /* id of an image or a container, name of a volume */
        uint64_t size_bytes;  /* of an image without the layers that others share; of a container what it wrote */
        uint64_t total_bytes; /* of an image with them; else the same */
        bool is_used;         /* an image or volume: by a container, whether it runs or not; a container: it runs */
} DiskItem;
typedef struct EngineDisk {
        DiskItem *items;
        size_t n_items;
} EngineDisk;
void engine_disk_done(EngineDisk *disk);
