#include "pipeline/policy.h"

#include <stdlib.h>

#include "base/strv.h"

static void container_init(PolicyContainer *container) {
        *container = (PolicyContainer) { .tmpfs = STRMAP_INIT, .sysctls = STRMAP_INIT };
}

void policy_init(Policy *policy) {
        *policy = (Policy) { .volumes.driver_options = STRMAP_INIT, .environment = STRMAP_INIT, .labels = STRMAP_INIT };
        container_init(&policy->steps);
        container_init(&policy->services);
}

static void images_done(PolicyImages *images) {
        free(images->default_image);
        free(images->registry);
        free(images->platform);
        strv_free(images->allowed);
        strv_free(images->allowed_services);
        strv_free(images->allowed_privileged);
        strv_free(images->allowed_privileged_services);
}

static void limits_done(PolicyLimits *limits) {
        free(limits->cpuset_cpus);
        free(limits->cpuset_mems);
        free(limits->cgroup_parent);
        strv_free(limits->ulimits);
}

static void container_done(PolicyContainer *container) {
        limits_done(&container->limits);
        free(container->user);
        strv_free(container->allowed_users);
        strv_free(container->capabilities);
        strv_free(container->cap_add);
        strv_free(container->cap_drop);
        strv_free(container->security_opts);
        strv_free(container->devices);
        for (size_t i = 0; i < container->n_image_devices; i++) {
                free(container->image_devices[i].pattern);
                strv_free(container->image_devices[i].devices);
        }
        free(container->image_devices);
        strv_free(container->allowed_devices);
        strv_free(container->device_cgroup_rules);
        free(container->gpus);
        strv_free(container->groups);
        free(container->ipc_mode);
        free(container->pid_mode);
        free(container->userns);
        free(container->runtime);
        free(container->hostname);
        map_done(&container->tmpfs);
        map_done(&container->sysctls);
}

static void volumes_done(PolicyVolumes *volumes) {
        strv_free(volumes->mounts);
        free(volumes->cache_directory);
        free(volumes->driver);
        map_done(&volumes->driver_options);
}

static void network_done(PolicyNetwork *network) {
        free(network->mode);
        free(network->join);
        strv_free(network->dns);
        strv_free(network->dns_search);
        strv_free(network->dns_options);
        strv_free(network->extra_hosts);
}

void policy_service_done(PolicyService *service) {
        free(service->image);
        free(service->alias);
        strv_free(service->command);
        strv_free(service->entrypoint);
        map_done(&service->environment);
}

void policy_done(Policy *policy) {
        strv_free(policy->allowed_volumes);
        images_done(&policy->images);
        container_done(&policy->steps);
        container_done(&policy->services);
        volumes_done(&policy->volumes);
        network_done(&policy->network);
        for (size_t i = 0; i < policy->n_always; i++)
                policy_service_done(&policy->always[i]);
        free(policy->always);
        free(policy->runner);
        free(policy->shell);
        map_done(&policy->environment);
        map_done(&policy->labels);
        policy_init(policy);
}
