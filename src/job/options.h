#pragma once

/* The operator's settings for containers, in the engine's terms: read once, put into the spec of each container. */

#include "engine/engine.h"
#include "pipeline/policy.h"

typedef struct ContainerOptions {
        const PolicyContainer *policy;
        UlimitSpec *ulimits;
        size_t n_ulimits;
        DeviceRuleSpec *rules;
        size_t n_rules;
        SecuritySpec security; /* of containers that are not privileged */
        LimitSpec limits;
        char **cap_add, **cap_drop, **labels, **mask, **unmask, **strings; /* what the specs point to */
} ContainerOptions;

/** container_options_init() - -EINVAL if a text is no good. The policy must outlive it. */
int container_options_init(ContainerOptions *options, const PolicyContainer *policy, Error **reterr);
void container_options_done(ContainerOptions *options);

/**
 * container_options_put() - all but what policy_apply() laid onto the plan
 *
 * Limits that this machine cannot enforce are left out: one Podman ignores them, the next refuses to start.
 */
void container_options_put(const ContainerOptions *options, const EngineInfo *info, bool privileged,
                           ContainerSpec *spec);

/** container_options_unenforced() - "memory, pids": the limits that hold nothing here, "" if all do. On the heap. */
char *container_options_unenforced(const ContainerOptions *options, const EngineInfo *info);
/** container_options_need_probe() - whether it takes engine_probe() to know */
bool container_options_need_probe(const ContainerOptions *options);
