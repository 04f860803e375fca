#include "job/options.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/str.h"
#include "base/strv.h"
#include "pipeline/option-text.h"

#define NANO_PER_CPU UINT64_C(1000000000)

/*
 * What is not kept is dropped by name: for users other than root Podman makes of each capability that is added one that
 * they have, so that nothing is added but what the operator adds. Those of newer kernels are missing: nobody gives them
 * by default, and an engine on an older one refuses names that it does not know.
 */
static const char *const all_capabilities[] = {
        "CHOWN",
        "DAC_OVERRIDE",
        "DAC_READ_SEARCH",
        "FOWNER",
        "FSETID",
        "KILL",
        "SETGID",
        "SETUID",
        "SETPCAP",
        "LINUX_IMMUTABLE",
        "NET_BIND_SERVICE",
        "NET_BROADCAST",
        "NET_ADMIN",
        "NET_RAW",
        "IPC_LOCK",
        "IPC_OWNER",
        "SYS_MODULE",
        "SYS_RAWIO",
        "SYS_CHROOT",
        "SYS_PTRACE",
        "SYS_PACCT",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_NICE",
        "SYS_RESOURCE",
        "SYS_TIME",
        "SYS_TTY_CONFIG",
        "MKNOD",
        "LEASE",
        "AUDIT_WRITE",
        "AUDIT_CONTROL",
        "SETFCAP",
        "MAC_OVERRIDE",
        "MAC_ADMIN",
        "SYSLOG",
        "WAKE_ALARM",
        "BLOCK_SUSPEND",
        "AUDIT_READ",
};

/*
 * What builds need: package managers change owners and modes, set file capabilities and switch to users of their own;
 * servers bind low ports; debootstrap and the like change the root directory. Of what engines give by default there is
 * no AUDIT_WRITE, MKNOD, NET_RAW, SETPCAP.
 */
static const char *const kept_capabilities[] = {
        "CHOWN",   "DAC_OVERRIDE", "FOWNER", "FSETID",     "KILL", "NET_BIND_SERVICE",
        "SETFCAP", "SETGID",       "SETUID", "SYS_CHROOT", NULL,
};

static const char *bare_capability(const char *name) {
        return strncasecmp(name, "CAP_", 4) == 0 ? name + 4 : name;
}

static bool has_capability(char *const *list, const char *name) {
        STRV_FOREACH(item, list)
                if (strcasecmp(bare_capability(*item), name) == 0)
                        return true;
        return false;
}

/* Ours are written as all are, without CAP_. */
static bool is_kept(const PolicyContainer *policy, const char *name) {
        return policy->capabilities ? has_capability(policy->capabilities, name)
                                    : strv_contains((char *const *) kept_capabilities, name);
}

/* With a list of the operator's own, what engines do not give by themselves must be added. */
static int make_capabilities(ContainerOptions *options) {
        const PolicyContainer *policy = options->policy;
        bool drops_all = has_capability(policy->cap_drop, "ALL");
        int r = 0;

        STRV_FOREACH(name, policy->cap_add)
                if (r >= 0)
                        r = strv_append(&options->cap_add, *name);
        STRV_FOREACH(name, policy->capabilities)
                if (r >= 0 && !drops_all && !has_capability(policy->cap_drop, bare_capability(*name)) &&
                    !has_capability((char *const *) kept_capabilities, bare_capability(*name)))
                        r = strv_append(&options->cap_add, *name);
        if (r >= 0 && drops_all)
                return strv_append(&options->cap_drop, "ALL");
        FOREACH_ROW(name, all_capabilities)
                if (r >= 0 && (has_capability(policy->cap_drop, *name) || !is_kept(policy, *name)) &&
                    !has_capability(policy->cap_add, *name) && !has_capability(policy->cap_add, "ALL"))
                        r = strv_append(&options->cap_drop, *name);
        return r;
}

static const char *keep(ContainerOptions *options, char *take) {
        return strv_append_take(&options->strings, take) < 0 ? NULL : take;
}

static int append_paths(char ***list, const char *joined) {
        _cleanup_strv_ char **parts = NULL;
        int r = strv_split(joined, ':', &parts);

        STRV_FOREACH(part, parts)
                if (r >= 0)
                        r = strv_append(list, *part);
        return r;
}

static int add_security(ContainerOptions *options, const char *text, Error **reterr) {
        _cleanup_free_ char *value = NULL;
        SecurityKind kind;
        int r;

        r = option_parse_security(text, &kind, &value, reterr);
        if (r < 0)
                return r;
        switch (kind) {
        case SECURITY_APPARMOR:
                options->security.apparmor = keep(options, strdup(value));
                return options->security.apparmor ? 0 : error_oom(reterr);
        case SECURITY_SECCOMP:
                options->security.seccomp = keep(options, strdup(value));
                return options->security.seccomp ? 0 : error_oom(reterr);
        case SECURITY_LABEL:
                return strv_append(&options->labels, value) < 0 ? error_oom(reterr) : 0;
        case SECURITY_MASK:
                return append_paths(&options->mask, value) < 0 ? error_oom(reterr) : 0;
        case SECURITY_UNMASK:
                return append_paths(&options->unmask, value) < 0 ? error_oom(reterr) : 0;
        case SECURITY_NO_NEW_PRIVILEGES:
                options->security.no_new_privileges = str_equal(value, "true");
                return 0;
        }
        return 0;
}

static int make_security(ContainerOptions *options, Error **reterr) {
        const PolicyContainer *policy = options->policy;

        options->security.no_new_privileges = policy->no_new_privileges != POLICY_NO;
        STRV_FOREACH(text, policy->security_opts) {
                int r = add_security(options, *text, reterr);

                if (r < 0)
                        return r;
        }
        if (make_capabilities(options) < 0)
                return error_oom(reterr);
        options->security.cap_add = options->cap_add;
        options->security.cap_drop = options->cap_drop;
        options->security.labels = options->labels;
        options->security.mask = options->mask;
        options->security.unmask = options->unmask;
        return 0;
}

static void make_limits(ContainerOptions *options) {
        const PolicyLimits *limits = &options->policy->limits;

        options->limits = (LimitSpec) {
                .memory_bytes = limits->memory_bytes,
                .memory_reservation_bytes = limits->memory_reservation_bytes,
                .memory_swap_bytes = limits->memory_swap_bytes,
                .cpu_shares = limits->cpu_shares,
                .cpu_quota_usec = limits->cpu_quota_usec,
                .cpu_period_usec = limits->cpu_period_usec,
                .cpuset_cpus = limits->cpuset_cpus,
                .cpuset_mems = limits->cpuset_mems,
                .pids_max = limits->pids_max,
                .oom_kill_disable = limits->oom_kill_disable,
                .cgroup_parent = limits->cgroup_parent,
        };
        if (!limits->cpu_quota_usec && limits->nano_cpus) {
                uint64_t period = limits->cpu_period_usec ? limits->cpu_period_usec : LIMIT_CPU_PERIOD_DEFAULT_USEC;

                options->limits.cpu_quota_usec = (int64_t) (limits->nano_cpus / 1000 * period / (NANO_PER_CPU / 1000));
        }
}

static int add_ulimit(ContainerOptions *options, const char *text, Error **reterr) {
        UlimitSpec ulimit = { 0 };
        char *name = NULL;
        int r;

        r = option_parse_ulimit(text, &name, &ulimit.soft, &ulimit.hard, reterr);
        if (r < 0)
                return r;
        ulimit.name = keep(options, name);
        return !ulimit.name || ARRAY_APPEND(options->ulimits, options->n_ulimits, ulimit) < 0 ? error_oom(reterr) : 0;
}

static int add_rule(ContainerOptions *options, const char *text, Error **reterr) {
        DeviceRuleSpec rule = { 0 };
        char *access = NULL;
        int r;

        r = option_parse_device_rule(text, &rule.type, &rule.major, &rule.minor, &access, reterr);
        if (r < 0)
                return r;
        rule.access = keep(options, access);
        return !rule.access || ARRAY_APPEND(options->rules, options->n_rules, rule) < 0 ? error_oom(reterr) : 0;
}

int container_options_init(ContainerOptions *options, const PolicyContainer *policy, Error **reterr) {
        int r;

        *options = (ContainerOptions) { .policy = policy };
        make_limits(options);
        r = make_security(options, reterr);
        STRV_FOREACH(text, policy->limits.ulimits)
                if (r >= 0)
                        r = add_ulimit(options, *text, reterr);
        STRV_FOREACH(text, policy->device_cgroup_rules)
                if (r >= 0)
                        r = add_rule(options, *text, reterr);
        return r;
}

void container_options_done(ContainerOptions *options) {
        free(options->ulimits);
        free(options->rules);
        strv_free(options->cap_add);
        strv_free(options->cap_drop);
        strv_free(options->labels);
        strv_free(options->mask);
        strv_free(options->unmask);
        strv_free(options->strings);
        *options = (ContainerOptions) { 0 };
}

bool container_options_need_probe(const ContainerOptions *options) {
        return limit_spec_controllers(&options->limits) != 0 || options->limits.oom_kill_disable;
}

static LimitSpec enforceable(const LimitSpec *limits, unsigned controllers) {
        LimitSpec spec = *limits;

        if (!(controllers & CONTROLLER_MEMORY)) {
                spec.memory_bytes = spec.memory_reservation_bytes = 0;
                spec.memory_swap_bytes = 0;
                spec.oom_kill_disable = false;
        }
        if (!(controllers & CONTROLLER_CPU)) {
                spec.cpu_shares = 0;
                spec.cpu_quota_usec = 0;
        }
        if (!(controllers & CONTROLLER_CPUSET))
                spec.cpuset_cpus = spec.cpuset_mems = NULL;
        if (!(controllers & CONTROLLER_PIDS))
                spec.pids_max = 0;
        return spec;
}

char *container_options_unenforced(const ContainerOptions *options, const EngineInfo *info) {
        static const struct {
                Controller controller;
                const char *name;
        } rows[] = {
                { CONTROLLER_MEMORY, "memory" }, { CONTROLLER_CPU, "cpu" },
                { CONTROLLER_CPUSET, "cpuset" }, { CONTROLLER_PIDS, "pids" },
        };
        unsigned missing = limit_spec_controllers(&options->limits) & ~info->controllers;
        _cleanup_strv_ char **names = NULL;

        FOREACH_ROW(row, rows)
                if ((missing & row->controller) && strv_append(&names, row->name) < 0)
                        return NULL;
        return names ? strv_join(names, ", ") : strdup("");
}

void container_options_put(const ContainerOptions *options, const EngineInfo *info, bool privileged,
                           ContainerSpec *spec) {
        const PolicyContainer *policy = options->policy;

        spec->security = privileged ? (SecuritySpec) { .privileged = true } : options->security;
        spec->limits = info->is_probed ? enforceable(&options->limits, info->controllers) : options->limits;
        spec->ulimits = options->ulimits;
        spec->n_ulimits = options->n_ulimits;
        spec->device_rules = options->rules;
        spec->n_device_rules = options->n_rules;
        spec->groups = policy->groups;
        spec->oom_score_adjust = policy->limits.oom_score_adjust;
        spec->shm_size_bytes = policy->limits.shm_size_bytes;
        spec->sysctls = map_size(&policy->sysctls) > 0 ? &policy->sysctls : NULL;
        spec->ipc_mode = policy->ipc_mode;
        spec->pid_mode = policy->pid_mode;
        spec->userns = policy->userns;
        spec->runtime = policy->runtime;
        spec->read_only = policy->read_only;
        spec->init = policy->init;
        if (policy->hostname)
                spec->hostname = policy->hostname;
}
