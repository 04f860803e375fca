/* What a container may do and use, in Docker's words: security, limits, devices, namespaces. */

#include "engine/docker-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"

#define SECCOMP_BYTES_MAX (4U * 1024 * 1024)

/* An element of a list, "NAME=VALUE". */
static void put_pair(JsonWriter *w, const char *name, const char *value) {
        _cleanup_free_ char *text = str_printf("%s=%s", name, value);

        json_put_string(w, NULL, text ? text : "");
        if (!text)
                w->error = -ENOMEM;
}

/* Podman is told where the profile is, Docker what is in it. */
static void put_seccomp(JsonWriter *w, const char *profile) {
        _cleanup_free_ char *text = NULL;
        int r;

        if (str_equal(profile, "unconfined")) {
                put_pair(w, "seccomp", profile);
                return;
        }
        r = file_read(profile, SECCOMP_BYTES_MAX, &text, NULL);
        if (r < 0)
                w->error = r;
        else
                put_pair(w, "seccomp", text);
}

/* What Docker hides by itself; a list of ours is in place of it. */
static const char *const hidden[] = { "/proc/asound",
                                      "/proc/acpi",
                                      "/proc/kcore",
                                      "/proc/keys",
                                      "/proc/latency_stats",
                                      "/proc/timer_list",
                                      "/proc/timer_stats",
                                      "/proc/sched_debug",
                                      "/proc/scsi",
                                      "/sys/firmware",
                                      "/sys/devices/virtual/powercap" };

static void put_masks(JsonWriter *w, const SecuritySpec *security) {
        bool shows_all = strv_contains(security->unmask, "ALL");

        if (strv_length(security->mask) == 0 && strv_length(security->unmask) == 0)
                return;
        json_open_array(w, "MaskedPaths");
        FOREACH_ROW(path, hidden)
                if (!shows_all && !strv_contains(security->unmask, *path))
                        json_put_string(w, NULL, *path);
        STRV_FOREACH(path, security->mask)
                json_put_string(w, NULL, *path);
        json_close(w);
        if (shows_all) {
                json_open_array(w, "ReadonlyPaths");
                json_close(w);
        }
}

static void put_security(JsonWriter *w, const SecuritySpec *security) {
        if (security->privileged)
                json_put_bool(w, "Privileged", true);
        json_put_strv(w, "CapAdd", security->cap_add);
        json_put_strv(w, "CapDrop", security->cap_drop);
        put_masks(w, security);
        json_open_array(w, "SecurityOpt");
        if (security->no_new_privileges)
                json_put_string(w, NULL, "no-new-privileges");
        STRV_FOREACH(label, security->labels)
                put_pair(w, "label", *label);
        if (security->apparmor)
                put_pair(w, "apparmor", security->apparmor);
        if (security->seccomp)
                put_seccomp(w, security->seccomp);
        json_close(w);
}

static void put_limits(JsonWriter *w, const LimitSpec *limits) {
        if (limits->memory_bytes)
                json_put_uint(w, "Memory", limits->memory_bytes);
        if (limits->memory_reservation_bytes)
                json_put_uint(w, "MemoryReservation", limits->memory_reservation_bytes);
        if (limits->memory_swap_bytes)
                json_put_int(w, "MemorySwap", limits->memory_swap_bytes);
        if (limits->oom_kill_disable)
                json_put_bool(w, "OomKillDisable", true);
        if (limits->cpu_shares)
                json_put_uint(w, "CpuShares", limits->cpu_shares);
        if (limits->cpu_quota_usec) {
                json_put_int(w, "CpuQuota", limits->cpu_quota_usec);
                json_put_uint(w, "CpuPeriod",
                              limits->cpu_period_usec ? limits->cpu_period_usec : LIMIT_CPU_PERIOD_DEFAULT_USEC);
        }
        json_put_string(w, "CpusetCpus", limits->cpuset_cpus);
        json_put_string(w, "CpusetMems", limits->cpuset_mems);
        if (limits->pids_max)
                json_put_int(w, "PidsLimit", limits->pids_max);
        json_put_string(w, "CgroupParent", limits->cgroup_parent);
}

static void put_ulimits(JsonWriter *w, const ContainerSpec *spec) {
        if (spec->n_ulimits == 0)
                return;
        json_open_array(w, "Ulimits");
        for (size_t i = 0; i < spec->n_ulimits; i++) {
                json_open_object(w, NULL);
                json_put_string(w, "Name", spec->ulimits[i].name);
                json_put_int(w, "Soft", spec->ulimits[i].soft);
                json_put_int(w, "Hard", spec->ulimits[i].hard);
                json_close(w);
        }
        json_close(w);
}

/* "nvidia.com/gpu=all" */
static bool is_cdi(const char *device) {
        return *device != '/' && strchr(device, '=');
}

static void put_device(JsonWriter *w, const char *device) {
        _cleanup_strv_ char **parts = NULL;
        size_t n;

        if (strv_split(device, ':', &parts) < 0)
                w->error = -ENOMEM;
        n = strv_length(parts);
        if (n == 0)
                return;
        json_open_object(w, NULL);
        json_put_string(w, "PathOnHost", parts[0]);
        json_put_string(w, "PathInContainer", n > 1 ? parts[1] : parts[0]);
        json_put_string(w, "CgroupPermissions", n > 2 ? parts[2] : "rwm");
        json_close(w);
}

static void put_cdi_devices(JsonWriter *w, char *const *devices) {
        size_t n = 0;

        STRV_FOREACH(device, devices)
                n += is_cdi(*device);
        if (n == 0)
                return;
        json_open_array(w, "DeviceRequests");
        json_open_object(w, NULL);
        json_put_string(w, "Driver", "cdi");
        json_open_array(w, "DeviceIDs");
        STRV_FOREACH(device, devices)
                if (is_cdi(*device))
                        json_put_string(w, NULL, *device);
        json_close(w);
        json_close(w);
        json_close(w);
}

static void format_number(int64_t number, char ret[static 24]) {
        (void) snprintf(ret, 24, number < 0 ? "*" : "%lld", (long long) number);
}

static void put_devices(JsonWriter *w, const ContainerSpec *spec) {
        if (strv_length(spec->devices) > 0) {
                json_open_array(w, "Devices");
                STRV_FOREACH(device, spec->devices)
                        if (!is_cdi(*device))
                                put_device(w, *device);
                json_close(w);
                put_cdi_devices(w, spec->devices);
        }
        if (spec->n_device_rules == 0)
                return;
        json_open_array(w, "DeviceCgroupRules");
        for (size_t i = 0; i < spec->n_device_rules; i++) {
                const DeviceRuleSpec *rule = &spec->device_rules[i];
                _cleanup_free_ char *text = NULL;
                char major[24], minor[24];

                format_number(rule->major, major);
                format_number(rule->minor, minor);
                text = str_printf("%c %s:%s %s", rule->type, major, minor, rule->access);
                json_put_string(w, NULL, text ? text : "");
                if (!text)
                        w->error = -ENOMEM;
        }
        json_close(w);
}

/* There is no such thing as the groups of Docker's user. */
static void put_groups(JsonWriter *w, char *const *groups) {
        if (strv_length(groups) == 0)
                return;
        json_open_array(w, "GroupAdd");
        STRV_FOREACH(group, groups)
                if (!str_equal(*group, "keep-groups"))
                        json_put_string(w, NULL, *group);
        json_close(w);
}

void docker_put_options(JsonWriter *w, const ContainerSpec *spec) {
        put_groups(w, spec->groups);
        put_security(w, &spec->security);
        put_devices(w, spec);
        put_limits(w, &spec->limits);
        put_ulimits(w, spec);
        if (spec->oom_score_adjust)
                json_put_int(w, "OomScoreAdj", spec->oom_score_adjust);
        if (spec->shm_size_bytes)
                json_put_uint(w, "ShmSize", spec->shm_size_bytes);
        json_put_strmap(w, "Sysctls", spec->sysctls);
        json_put_string(w, "IpcMode", spec->ipc_mode);
        /* private is what it is by itself, and no word of Docker's for this one */
        json_put_string(w, "PidMode", str_equal(spec->pid_mode, "private") ? NULL : spec->pid_mode);
        json_put_string(w, "UsernsMode", spec->userns);
        json_put_string(w, "Runtime", spec->runtime);
        if (spec->read_only)
                json_put_bool(w, "ReadonlyRootfs", true);
        if (spec->init)
                json_put_bool(w, "Init", true);
}

/* What is not named stays the image's. */
void docker_put_health(JsonWriter *w, const HealthSpec *health) {
        if (!health)
                return;
        json_open_object(w, "Healthcheck");
        json_put_strv(w, "Test", health->test);
        json_put_uint(w, "Interval", health->interval_usec * NSEC_PER_USEC);
        json_put_uint(w, "Timeout", health->timeout_usec * NSEC_PER_USEC);
        json_put_uint(w, "StartPeriod", health->start_period_usec * NSEC_PER_USEC);
        json_put_uint(w, "Retries", health->retries);
        json_close(w);
}
