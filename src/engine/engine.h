#pragma once

/*
 * A container engine: one table of functions, filled in by libpod-* and docker-*. No JSON of an engine is seen above
 * it.
 *
 * Every function starts a Task. Answers common to all: 0 done; positive as documented; -ENOENT no such object;
 * -ECONNREFUSED the engine is away (after the retries that make sense); -ETIMEDOUT it does not answer; -EPROTO it
 * answers nonsense; -EREMOTEIO it says no (the Error has its words). Names are chosen by us before the request, so that
 * creating is repeatable: a create whose answer was lost is found again by its name and counts as done.
 */

#include "engine/details.h"
#include "engine/spec.h"
#include "loop/task.h"

typedef struct Engine Engine;

/* What the engine can do: probed, not guessed from a version. */
typedef struct EngineInfo {
        const char *kind;    /* "podman", "docker" */
        const char *version; /* "4.3.1" */
        const char *address; /* where it was found: "unix:///run/user/1000/podman/podman.sock" */
        bool is_local;       /* it sees our files under the same paths, and runs as our user */
        bool is_rootless;
        bool is_foreign;  /* a machine that our programs do not run on */
        bool has_pods;
        bool has_secrets; /* of its own, for containers */
        bool runs_health_checks; /* by itself, by their timers */
        bool has_void_networks; /* EngineNetworkSpec.is_void */
        bool maps_users;  /* a container's user can be the one who runs the engine: ContainerSpec.keeps_id */

        bool is_probed; /* the rest is known: see engine_probe() */
        unsigned controllers; /* Controller, or-ed: the limits that hold on this machine */
        bool has_selinux; /* containers are kept from files without a label for them; of a local engine known at once */
        bool has_apparmor;
} EngineInfo;

/* Output of a container, as it was written. @stream: 1 or 2. The Task that follows must not be dropped inside. */
typedef void (*EngineOutput)(int stream, const char *bytes, size_t n, void *userdata);
/* Progress of a pull: one line of text, not ended. */
typedef void (*EngineProgress)(const char *text, void *userdata);

/*
 * Gives the next bytes of an archive that goes to a container: 1 to @n of them; 0: that was all; a negative errno ends
 * it. Takes the next bytes of one that comes from there; a negative errno ends it.
 */
typedef ssize_t (*EngineSource)(char *buffer, size_t n, void *userdata);
typedef int (*EngineSink)(const char *bytes, size_t n, void *userdata);

typedef struct ArchiveSpec {
        const char *container, *path; /* path: a directory that is there */
        EngineSource source;          /* of engine_archive_put() */
        EngineSink sink;              /* of engine_archive_get() */
        void (*rewind)(void *userdata); /* from the beginning: the engine was away meanwhile */
        void *userdata;
} ArchiveSpec;

typedef struct FollowSpec {
        const char *container, *container_id;
        const char *log_path;         /* as given to create; NULL where that is not possible */
        const char *monitor_pid_path; /* likewise */
        bool keeps_log; /* what was read stays on the disk: it will be read again from the beginning */
        const bool *is_enough; /* once it is true, what comes behind need not stay; NULL: all does */
        EngineOutput output;
        void *userdata;
} FollowSpec;

typedef struct TerminalSize {
        unsigned rows, columns;
} TerminalSize;

/* A program beside the first one of a container. */
typedef struct ExecSpec {
        const char *container;
        char *const *argv;
        char *const *environment; /* "NAME=VALUE", besides the container's; anybody who may ask the engine sees them */
        const char *directory;    /* NULL: the container's */
        bool has_terminal;        /* it is given one, of this size; its two streams are one then */
        TerminalSize size;
        int input_fd; /* read to its end; stays the caller's; -1: none */
        EngineOutput output;
        void *userdata;
} ExecSpec;

typedef struct EngineClass {
        Engine *(*free)(Engine *engine);
        int (*probe)(Engine *, TaskDone, void *, Task **);
        int (*describe)(Engine *, EngineDetails *ret, TaskDone, void *, Task **);

        int (*image_inspect)(Engine *, const char *image, ImageInfo *ret, TaskDone, void *, Task **);
        int (*image_pull)(Engine *, const PullSpec *, EngineProgress, PullResult *ret, TaskDone, void *, Task **);
        int (*image_import)(Engine *, const char *reference, const char *tar, size_t n, TaskDone, void *, Task **);
        int (*image_remove)(Engine *, const char *image, TaskDone, void *, Task **);
        int (*disk_usage)(Engine *, EngineDisk *ret, TaskDone, void *, Task **);

        int (*pod_create)(Engine *, const PodSpec *, TaskDone, void *, Task **);
        int (*volume_create)(Engine *, const VolumeSpec *, char **ret_mountpoint, TaskDone, void *, Task **);
        int (*network_create)(Engine *, const EngineNetworkSpec *, TaskDone, void *, Task **);
        int (*secret_create)(Engine *, const char *name, const Map *labels, const char *value, TaskDone, void *,
                             Task **);

        int (*container_create)(Engine *, const ContainerSpec *, char **ret_id, TaskDone, void *, Task **);
        int (*container_init)(Engine *, const char *name, TaskDone, void *, Task **);
        int (*container_start)(Engine *, const char *name, TaskDone, void *, Task **);
        int (*container_follow)(Engine *, const FollowSpec *, ContainerExit *ret, TaskDone, void *, Task **);
        int (*container_stop)(Engine *, const char *name, uint64_t grace_usec, TaskDone, void *, Task **);
        int (*container_inspect)(Engine *, const char *name, ContainerStatus *ret, TaskDone, void *, Task **);
        int (*container_check_health)(Engine *, const char *name, HealthStatus *ret, TaskDone, void *, Task **);
        int (*container_read_file)(Engine *, const char *name, const char *path, size_t max_bytes, char **ret,
                                   size_t *ret_n, TaskDone, void *, Task **);
        int (*container_has_path)(Engine *, const char *name, const char *path, TaskDone, void *, Task **);

        int (*exec_start)(Engine *, const ExecSpec *, TaskDone, void *, Task **);
        void (*exec_resize)(Task *, TerminalSize);

        int (*archive_put)(Engine *, const ArchiveSpec *, TaskDone, void *, Task **);
        int (*archive_get)(Engine *, const ArchiveSpec *, TaskDone, void *, Task **);

        int (*object_list)(Engine *, ObjectKind, const char *label, EngineObjects *ret, TaskDone, void *, Task **);
        int (*object_remove)(Engine *, ObjectKind, const char *name, TaskDone, void *, Task **);
} EngineClass;

struct Engine {
        const EngineClass *class;
        EngineInfo info;
        sd_event *event;
        unsigned n_calls; /* requests sent so far, for the benchmark */
};

Engine *engine_free(Engine *engine);
DEFINE_CLEANUP(Engine *, engine_free);

/**
 * engine_probe() - asks what the machine can enforce, for those who need it: fills the engine's info
 *
 * Engines refuse or ignore the limits that it cannot, and some ignore them without a word.
 */
int engine_probe(Engine *engine, TaskDone done, void *userdata, Task **ret_task);

/**
 * engine_describe() - what it tells of itself; *ret is filled before @done, and the caller's: engine_details_done().
 * -EOPNOTSUPP: this kind of engine tells nothing.
 */
int engine_describe(Engine *engine, EngineDetails *ret, TaskDone done, void *userdata, Task **ret_task);

/** engine_image_inspect() - r > 0: no such image here; else *ret is filled */
int engine_image_inspect(Engine *engine, const char *image, ImageInfo *ret, TaskDone done, void *userdata,
                         Task **ret_task);
/**
 * engine_image_pull() - fetches an image
 * @progress: may be NULL
 * @ret:      the image's id; when it failed with -EREMOTEIO or -ENOENT, what kind of failure it was (the Error has the
 *            engine's words). Filled before @done; the caller's: pull_result_done().
 *
 * Dropping the Task cancels the pull. The login is for this reference alone.
 */
int engine_image_pull(Engine *engine, const PullSpec *spec, EngineProgress progress, PullResult *ret, TaskDone done,
                      void *userdata, Task **ret_task);
/** engine_image_import() - an image of one layer, whose files are those of an archive, under a name of ours */
int engine_image_import(Engine *engine, const char *reference, const char *tar, size_t n, TaskDone done, void *userdata,
                        Task **ret_task);
/**
 * engine_image_remove() - never by force: by a name only the name goes while the image has others
 *
 * 0 also if it is not there; 1: it stays, a container uses it (or, by its id, several names point to it).
 */
int engine_image_remove(Engine *engine, const char *image, TaskDone done, void *userdata, Task **ret_task);
/** engine_disk_usage() - all images, containers and volumes of the engine, ours or not; may take seconds */
int engine_disk_usage(Engine *engine, EngineDisk *ret, TaskDone done, void *userdata, Task **ret_task);

int engine_pod_create(Engine *engine, const PodSpec *spec, TaskDone done, void *userdata, Task **ret_task);
/** engine_volume_create() - *ret_mountpoint: where the engine keeps it on its host */
int engine_volume_create(Engine *engine, const VolumeSpec *spec, char **ret_mountpoint, TaskDone done, void *userdata,
                         Task **ret_task);
int engine_network_create(Engine *engine, const EngineNetworkSpec *spec, TaskDone done, void *userdata,
                          Task **ret_task);
int engine_secret_create(Engine *engine, const char *name, const Map *labels, const char *value, TaskDone done,
                         void *userdata, Task **ret_task);

/** engine_container_create() - *ret_id: the full id */
int engine_container_create(Engine *engine, const ContainerSpec *spec, char **ret_id, TaskDone done, void *userdata,
                            Task **ret_task);
/** engine_container_init() - everything but the start itself; 0 also where the engine knows no such thing */
int engine_container_init(Engine *engine, const char *name, TaskDone done, void *userdata, Task **ret_task);
/**
 * engine_container_start() - -EREMOTEIO when the container could not be started: its command is missing, a mount
 * fails, ...
 */
int engine_container_start(Engine *engine, const char *name, TaskDone done, void *userdata, Task **ret_task);

/**
 * engine_container_follow() - the output and the end of a container
 *
 * Begin it before engine_container_start(). Output comes from the first byte on; the callback comes after the last,
 * with 0 and *ret filled. Complete whatever happens to the API meanwhile. Dropping the Task stops following; the
 * container goes on.
 */
int engine_container_follow(Engine *engine, const FollowSpec *spec, ContainerExit *ret, TaskDone done, void *userdata,
                            Task **ret_task);

/**
 * engine_container_stop() - TERM, after the grace KILL; 0 also if it does not run. Its end is seen by who follows it.
 */
int engine_container_stop(Engine *engine, const char *name, uint64_t grace_usec, TaskDone done, void *userdata,
                          Task **ret_task);
int engine_container_inspect(Engine *engine, const char *name, ContainerStatus *ret, TaskDone done, void *userdata,
                             Task **ret_task);
/** engine_container_check_health() - runs the image's HEALTHCHECK once */
int engine_container_check_health(Engine *engine, const char *name, HealthStatus *ret, TaskDone done, void *userdata,
                                  Task **ret_task);
/**
 * engine_container_read_file() - a file inside the container, links resolved there by the engine; also before it runs.
 * -EFBIG if it is larger.
 */
int engine_container_read_file(Engine *engine, const char *name, const char *path, size_t max_bytes, char **ret,
                               size_t *ret_n, TaskDone done, void *userdata, Task **ret_task);
/** engine_container_has_path() - 1 if there is such a path in the container, 0 if not */
int engine_container_has_path(Engine *engine, const char *name, const char *path, TaskDone done, void *userdata,
                              Task **ret_task);

/**
 * engine_exec_start() - runs a program in a container that runs, as its user and with its environment
 *
 * Done with its exit code, 0..255, when all it wrote was handed on. Dropping the Task closes its input and output; what
 * becomes of the program then is its own affair. -EOPNOTSUPP: this engine's connection has no way for it (TCP).
 */
int engine_exec_start(Engine *engine, const ExecSpec *spec, TaskDone done, void *userdata, Task **ret_task);
/** engine_exec_resize() - of a Task of engine_exec_start() that is not done: its terminal has this size now */
void engine_exec_resize(Engine *engine, Task *exec, TerminalSize size);

/**
 * engine_archive_put() - unpacks an archive of tar(5) into a container, which need not run; into volumes too
 *
 * Whose the files are then: where users are not mapped, the archive says so; else root's of the container.
 */
int engine_archive_put(Engine *engine, const ArchiveSpec *spec, TaskDone done, void *userdata, Task **ret_task);
/** engine_archive_get() - the content of a directory as an archive, its names relative to it */
int engine_archive_get(Engine *engine, const ArchiveSpec *spec, TaskDone done, void *userdata, Task **ret_task);

/** engine_object_list() - everything with the label ("key" or "key=value") */
int engine_object_list(Engine *engine, ObjectKind kind, const char *label, EngineObjects *ret, TaskDone done,
                       void *userdata, Task **ret_task);
/**
 * engine_object_remove() - by force and without grace, members and anonymous volumes too; 0 also if it is not there
 * any more
 */
int engine_object_remove(Engine *engine, ObjectKind kind, const char *name, TaskDone done, void *userdata,
                         Task **ret_task);
