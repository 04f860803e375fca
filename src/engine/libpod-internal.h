#pragma once

/* Podman's functions, for the engine's table. Source: libpod API v4. */

#include "engine/service-internal.h"

#define LIBPOD_PREFIX "/v4.0.0/libpod/"
#define LIBPOD_VERSION_MAJOR_MIN 4
#define LIBPOD_VERSION_MINOR_MIN 3

int libpod_describe(Engine *, EngineDetails *ret, TaskDone, void *, Task **);
/** libpod_spec_to_json() - the body of containers/create */
int libpod_spec_to_json(const ContainerSpec *spec, char **ret);
/* Its parts that libpod-options.c writes */
void libpod_put_options(JsonWriter *w, const ContainerSpec *spec);
void libpod_put_user(JsonWriter *w, const ContainerSpec *spec);

int libpod_image_pull(Engine *, const PullSpec *, EngineProgress, PullResult *ret, TaskDone, void *, Task **);
int libpod_image_import(Engine *, const char *reference, const char *tar, size_t n, TaskDone, void *, Task **);
int libpod_pod_create(Engine *, const PodSpec *, TaskDone, void *, Task **);
int libpod_volume_create(Engine *, const VolumeSpec *, char **ret_mountpoint, TaskDone, void *, Task **);
int libpod_network_create(Engine *, const EngineNetworkSpec *, TaskDone, void *, Task **);
int libpod_secret_create(Engine *, const char *name, const Map *labels, const char *value, TaskDone, void *, Task **);
int libpod_container_create(Engine *, const ContainerSpec *, char **ret_id, TaskDone, void *, Task **);
int libpod_container_init(Engine *, const char *name, TaskDone, void *, Task **);
int libpod_container_follow(Engine *, const FollowSpec *, ContainerExit *ret, TaskDone, void *, Task **);
int libpod_container_check_health(Engine *, const char *name, HealthStatus *ret, TaskDone, void *, Task **);

extern const ObjectRow libpod_object_rows[_OBJECT_KIND_MAX];
extern const DiskRow libpod_disk_rows[_DISK_KIND_MAX];
