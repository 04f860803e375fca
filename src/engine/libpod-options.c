/* The part of a container's spec that says what it may do and use: security, limits, devices, namespaces. */

#include "engine/libpod-internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/strv.h"

#define CAPABILITY_BYTES_MAX 64

/* "sys_ptrace" to "CAP_SYS_PTRACE", "all" to "ALL": the only form that all versions take. */
static void capability_normalize(const char *name, char ret[static CAPABILITY_BYTES_MAX]) {
        bool is_all = strcasecmp(name, "all") == 0, has_prefix = strncasecmp(name, "cap_", 4) == 0;
        char *end = stpcpy(ret, is_all || has_prefix ? "" : "CAP_");

        while (*name && end < ret + CAPABILITY_BYTES_MAX - 1)
                *end++ = (char) toupper((unsigned char) *name++);
        *end = '\0';
}

static bool has_capability(char *const *list, const char *normal) {
        char other[CAPABILITY_BYTES_MAX];

        STRV_FOREACH(name, list) {
                capability_normalize(*name, other);
                if (str_equal(other, normal))
                        return true;
        }
        return false;
}

/* Podman refuses what is both added and dropped. */
static void put_capabilities(JsonWriter *w, const char *key, char *const *list, char *const *except) {
        char name[CAPABILITY_BYTES_MAX];

        if (strv_length(list) == 0)
                return;
        json_open_array(w, key);
        STRV_FOREACH(capability, list) {
                capability_normalize(*capability, name);
                if (!has_capability(except, name))
                        json_put_string(w, NULL, name);
        }
        json_close(w);
}

static void put_security(JsonWriter *w, const SecuritySpec *security) {
        if (security->privileged)
                json_put_bool(w, "privileged", true);
        if (security->no_new_privileges)
                json_put_bool(w, "no_new_privileges", true);
        put_capabilities(w, "cap_add", security->cap_add, NULL);
        put_capabilities(w, "cap_drop", security->cap_drop, security->cap_add);
        json_put_strv(w, "selinux_opts", security->labels);
        json_put_string(w, "apparmor_profile", security->apparmor);
        json_put_string(w, "seccomp_profile_path", security->seccomp);
        json_put_strv(w, "mask", security->mask);
        json_put_strv(w, "unmask", security->unmask);
}

static void put_memory(JsonWriter *w, const LimitSpec *limits) {
        if (!limits->memory_bytes && !limits->memory_reservation_bytes && !limits->memory_swap_bytes &&
            !limits->oom_kill_disable)
                return;
        json_open_object(w, "memory");
        if (limits->memory_bytes)
                json_put_uint(w, "limit", limits->memory_bytes);
        if (limits->memory_reservation_bytes)
                json_put_uint(w, "reservation", limits->memory_reservation_bytes);
        if (limits->memory_swap_bytes)
                json_put_int(w, "swap", limits->memory_swap_bytes);
        if (limits->oom_kill_disable)
                json_put_bool(w, "disableOOMKiller", true);
        json_close(w);
}

static void put_cpu(JsonWriter *w, const LimitSpec *limits) {
        if (!limits->cpu_shares && !limits->cpu_quota_usec && !limits->cpuset_cpus && !limits->cpuset_mems)
                return;
        json_open_object(w, "cpu");
        if (limits->cpu_shares)
                json_put_uint(w, "shares", limits->cpu_shares);
        if (limits->cpu_quota_usec) {
                json_put_int(w, "quota", limits->cpu_quota_usec);
                json_put_uint(w, "period",
                              limits->cpu_period_usec ? limits->cpu_period_usec : LIMIT_CPU_PERIOD_DEFAULT_USEC);
        }
        json_put_string(w, "cpus", limits->cpuset_cpus);
        json_put_string(w, "mems", limits->cpuset_mems);
        json_close(w);
}

static void put_limits(JsonWriter *w, const LimitSpec *limits) {
        if (limit_spec_controllers(limits) || limits->oom_kill_disable || limits->pids_max) {
                json_open_object(w, "resource_limits");
                put_memory(w, limits);
                put_cpu(w, limits);
                if (limits->pids_max) {
                        json_open_object(w, "pids");
                        json_put_int(w, "limit", limits->pids_max);
                        json_close(w);
                }
                json_close(w);
        }
        json_put_string(w, "cgroup_parent", limits->cgroup_parent);
}

static void put_ulimit(JsonWriter *w, const char *key, int64_t value) {
        json_put_uint(w, key, value < 0 ? UINT64_MAX : (uint64_t) value);
}

/* The type has no RLIMIT_ in front: with it the start fails. */
static void put_ulimits(JsonWriter *w, const ContainerSpec *spec) {
        if (spec->n_ulimits == 0)
                return;
        json_open_array(w, "r_limits");
        for (size_t i = 0; i < spec->n_ulimits; i++) {
                json_open_object(w, NULL);
                json_put_string(w, "type", spec->ulimits[i].name);
                put_ulimit(w, "hard", spec->ulimits[i].hard);
                put_ulimit(w, "soft", spec->ulimits[i].soft);
                json_close(w);
        }
        json_close(w);
}

static void put_devices(JsonWriter *w, const ContainerSpec *spec) {
        if (strv_length(spec->devices) > 0) {
                json_open_array(w, "devices");
                STRV_FOREACH(device, spec->devices) {
                        json_open_object(w, NULL);
                        json_put_string(w, "path", *device);
                        json_close(w);
                }
                json_close(w);
        }
        if (spec->n_device_rules == 0)
                return;
        json_open_array(w, "device_cgroup_rule");
        for (size_t i = 0; i < spec->n_device_rules; i++) {
                const DeviceRuleSpec *rule = &spec->device_rules[i];

                json_open_object(w, NULL);
                json_put_bool(w, "allow", true);
                json_put_string(w, "type", (char[]) { rule->type, '\0' });
                if (rule->major >= 0)
                        json_put_int(w, "major", rule->major);
                if (rule->minor >= 0)
                        json_put_int(w, "minor", rule->minor);
                json_put_string(w, "access", rule->access);
                json_close(w);
        }
        json_close(w);
}

/* "keep-id:uid=7" is mode "keep-id" with value "uid=7". */
static void put_mode(JsonWriter *w, const char *key, const char *text) {
        char mode[32];
        size_t n = text ? strcspn(text, ":") : 0;

        if (!text)
                return;
        (void) snprintf(mode, sizeof(mode), "%.*s", (int) MIN(n, sizeof(mode) - 1), text);
        json_open_object(w, key);
        json_put_string(w, "nsmode", str_equal(mode, "ns") ? "path" : mode);
        if (text[n] == ':')
                json_put_string(w, "value", text + n + 1);
        json_close(w);
}

static void put_health(JsonWriter *w, const HealthSpec *health) {
        if (!health)
                return;
        json_open_object(w, "healthconfig");
        json_put_strv_always(w, "Test", health->test);
        json_put_uint(w, "Interval", health->interval_usec * NSEC_PER_USEC);
        json_put_uint(w, "Timeout", health->timeout_usec * NSEC_PER_USEC);
        json_put_uint(w, "StartPeriod", health->start_period_usec * NSEC_PER_USEC);
        json_put_uint(w, "Retries", health->retries);
        json_close(w);
}

/* The command line does the second; over the API it is asked for by an annotation, and that of crun only. */
static void put_groups(JsonWriter *w, char *const *groups) {
        if (!strv_contains(groups, "keep-groups")) {
                json_put_strv(w, "groups", groups);
                return;
        }
        json_open_object(w, "annotations");
        json_put_string(w, "run.oci.keep_original_groups", "1");
        json_close(w);
}

void libpod_put_options(JsonWriter *w, const ContainerSpec *spec) {
        put_groups(w, spec->groups);
        put_security(w, &spec->security);
        put_devices(w, spec);
        put_limits(w, &spec->limits);
        put_ulimits(w, spec);
        if (spec->oom_score_adjust)
                json_put_int(w, "oom_score_adj", spec->oom_score_adjust);
        if (spec->shm_size_bytes)
                json_put_uint(w, "shm_size", spec->shm_size_bytes);
        json_put_strmap(w, "sysctl", spec->sysctls);
        put_mode(w, "ipcns", spec->ipc_mode);
        put_mode(w, "pidns", spec->pid_mode);
        json_put_string(w, "oci_runtime", spec->runtime);
        if (spec->read_only) {
                json_put_bool(w, "read_only_filesystem", true);
                json_put_bool(w, "read_write_tmpfs", true); /* of 5.x: else /dev/shm would be read-only too */
        }
        if (spec->init)
                json_put_bool(w, "init", true);
        if (spec->stop_signal)
                json_put_int(w, "stop_signal", spec->stop_signal);
        put_health(w, spec->health);
}

static void put_range(JsonWriter *w, uint32_t container_id, uint32_t host_id, uint32_t size) {
        if (size == 0)
                return;
        json_open_object(w, NULL);
        json_put_uint(w, "container_id", container_id);
        json_put_uint(w, "host_id", host_id);
        json_put_uint(w, "size", size);
        json_close(w);
}

/* As keep-id has it: the engine's own id, which is 0 where it maps from, is @id inside; all others keep their order. */
static void put_id_map(JsonWriter *w, const char *name, uint32_t id, uint32_t n_more) {
        json_open_array(w, name);
        put_range(w, 0, 1, MIN(id, n_more));
        put_range(w, id, 0, 1);
        if (n_more > id)
                put_range(w, id + 1, id + 1, n_more - id);
        json_close(w);
}

/*
 * Podman 4.3 makes a range of no ids of 'keep-id:gid=0', which the kernel refuses. So group 0, which is that of every
 * user that the image does not know, is mapped by hand; where nobody knows how many ids there are it stays a foreign
 * one.
 */
static void put_kept_id(JsonWriter *w, const ContainerSpec *spec) {
        char value[64];

        if (spec->gid != 0)
                (void) snprintf(value, sizeof(value), "keep-id:uid=%u,gid=%u", (unsigned) spec->uid,
                                (unsigned) spec->gid);
        else
                (void) snprintf(value, sizeof(value), "keep-id:uid=%u", (unsigned) spec->uid);
        if (spec->gid != 0 || spec->n_subuids == 0 || spec->n_subgids == 0) {
                put_mode(w, "userns", value);
                return;
        }
        put_mode(w, "userns", "private");
        json_open_object(w, "idmappings");
        put_id_map(w, "UIDMap", spec->uid, spec->n_subuids);
        put_id_map(w, "GIDMap", spec->gid, spec->n_subgids);
        json_close(w);
}

void libpod_put_user(JsonWriter *w, const ContainerSpec *spec) {
        json_put_string(w, "user", spec->user);
        if (spec->userns)
                put_mode(w, "userns", spec->userns);
        else if (spec->keeps_id)
                put_kept_id(w, spec);
}
