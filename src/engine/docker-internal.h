#pragma once

/* Docker's functions, for the engine's table. Source: Docker Engine API v1.25 to v1.52. */

#include "engine/service-internal.h"

#define DOCKER_API_MAJOR 1
#define DOCKER_API_MINOR_MIN 25
#define DOCKER_API_MINOR_VOID 41 /* Docker 20.10: bridges without an address of the machine's */
#define DOCKER_API_MINOR_MAX 52 /* the newest whose words are known here; a newer server speaks it too */

/** docker_spec_to_json() - the body of containers/create */
int docker_spec_to_json(const ContainerSpec *spec, char **ret);
/* Its parts that docker-options.c writes */
void docker_put_options(JsonWriter *w, const ContainerSpec *spec);
void docker_put_health(JsonWriter *w, const HealthSpec *health);

int docker_describe(Engine *, EngineDetails *ret, TaskDone, void *, Task **);
int docker_image_pull(Engine *, const PullSpec *, EngineProgress, PullResult *ret, TaskDone, void *, Task **);
int docker_image_import(Engine *, const char *reference, const char *tar, size_t n, TaskDone, void *, Task **);
int docker_volume_create(Engine *, const VolumeSpec *, char **ret_mountpoint, TaskDone, void *, Task **);
int docker_network_create(Engine *, const EngineNetworkSpec *, TaskDone, void *, Task **);
int docker_container_create(Engine *, const ContainerSpec *, char **ret_id, TaskDone, void *, Task **);
int docker_container_follow(Engine *, const FollowSpec *, ContainerExit *ret, TaskDone, void *, Task **);
int docker_container_check_health(Engine *, const char *name, HealthStatus *ret, TaskDone, void *, Task **);
/** docker_container_start() - makes its networks again, once, if they were made here and are gone */
int docker_container_start(Engine *, const char *name, TaskDone, void *, Task **);
/** docker_object_remove() - what is removed here is not made again */
int docker_object_remove(Engine *, ObjectKind, const char *name, TaskDone, void *, Task **);

extern const ObjectRow docker_object_rows[_OBJECT_KIND_MAX];
extern const DiskRow docker_disk_rows[_DISK_KIND_MAX];

/** docker_has_security_option() - of an answer to /info; @name: "name=seccomp" */
bool docker_has_security_option(Json *json, const char *name);
