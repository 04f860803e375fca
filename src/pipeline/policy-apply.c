#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/md5.h"
#include "base/str.h"
#include "base/strv.h"
#include "pipeline/glob.h"
#include "pipeline/option-text.h"
#include "pipeline/policy-internal.h"

#define GLOB_WORK_MAX 1000000
#define OF_SLOT "-concurrent-"

typedef struct Applying {
        const Policy *policy;
        const PolicyContainer *container; /* of the step's kind */
        const PolicyProject *project;
        Plan *plan;
        PlanStep *step;
        DiagList *diags;
} Applying;

const PolicyContainer *policy_container(const Policy *policy, const PlanStep *step) {
        return step->kind == STEP_SERVICE ? &policy->services : &policy->steps;
}

/* A project's path as a part of a name; where that loses something, a hash keeps two of them apart. */
static char *project_slug(const char *name) {
        char hex[MD5_HEX_LENGTH + 1];
        _cleanup_free_ char *slug = strdup(name);
        bool is_changed = false;

        if (!slug)
                return NULL;
        for (char *p = slug; *p; p++)
                if (!isalnum((unsigned char) *p) && *p != '_' && *p != '.') {
                        is_changed |= *p != '-';
                        *p = '-';
                }
        if (!is_changed)
                return TAKE_PTR(slug);
        md5_hex(name, strlen(name), hex);
        return str_printf("%s-%.8s", slug, hex);
}

PolicyProject policy_project(const Policy *policy, const Map *environment) {
        return (PolicyProject) {
                .runner = policy->runner,
                .name = strmap_get(environment, "CI_REPO"),
                .is_protected = str_equal(strmap_get(environment, "CI_COMMIT_REF_PROTECTED"), "true"),
        };
}

static char *owner_name(const PolicyProject *project) {
        _cleanup_free_ char *slug = project_slug(project->name ? project->name : "none");

        return slug ? str_printf("runner-%s-project-%s", project->runner ? project->runner : "podstep", slug) : NULL;
}

/* Protected branches have caches of their own, so that others cannot poison them. */
static const char *suffix(const PolicyProject *project) {
        return project->is_protected ? "-protected" : "";
}

char *policy_cache_name(const PolicyProject *project, const char *target) {
        _cleanup_free_ char *owner = owner_name(project);
        char hex[MD5_HEX_LENGTH + 1];

        md5_hex(target, strlen(target), hex);
        return owner ? str_printf("%s" OF_SLOT "0-cache-%s%s", owner, hex, suffix(project)) : NULL;
}

static char *cache_directory(const PolicyVolumes *volumes, const PolicyProject *project, const char *target) {
        _cleanup_free_ char *owner = owner_name(project);
        char hex[MD5_HEX_LENGTH + 1];

        md5_hex(target, strlen(target), hex);
        return owner ? str_printf("%s/%s" OF_SLOT "0/%s%s", volumes->cache_directory, owner, hex, suffix(project))
                     : NULL;
}

static int matches_any(const PlanStep *step, char *const *patterns) {
        const char *image = step->image ? step->image : "";

        STRV_FOREACH(pattern, patterns) {
                size_t work = GLOB_WORK_MAX;
                int r = glob_match(*pattern, image, &work);

                if (r == -ENOMEM)
                        return r;
                if (r > 0)
                        return 1;
        }
        return 0;
}

/* Reference: GitLab's rule: no list is every image; others lose the privilege, and here they are told. */
static int apply_privileged(Applying *applying, Error **reterr) {
        PlanStep *step = applying->step;
        const PolicyImages *images = &applying->policy->images;
        char *const *allowed =
                step->kind == STEP_SERVICE ? images->allowed_privileged_services : images->allowed_privileged;
        bool wants = step->privileged;
        Diag *diag;
        int r;

        step->privileged |= applying->container->privileged;
        if (!step->privileged || !allowed)
                return 0;
        r = matches_any(step, allowed);
        if (r < 0)
                return error_oom(reterr);
        step->privileged = r > 0;
        if (step->privileged || !wants)
                return 0;
        diag = diag_add(applying->diags, DIAG_WARNING, "policy",
                        step->grant_marks[GRANT_PRIVILEGED].line ? step->grant_marks[GRANT_PRIVILEGED] : step->mark,
                        "%s '%s' runs without privileged mode: its image is not on the list of those that may have it",
                        policy_step_noun(step), step->name);
        diag_set_hint(diag, "see 'allowed_privileged' in the operator's configuration");
        return 0;
}

static int apply_user(Applying *applying, Error **reterr) {
        char *user;

        if (!applying->container->user)
                return 0;
        user = strdup(applying->container->user);
        if (!user)
                return error_oom(reterr);
        free(applying->step->user);
        applying->step->user = user;
        return 0;
}

/* "TARGET" alone: what is there stays for the next job of the project. */
static int make_cache(Applying *applying, PlanVolume *volume) {
        const PolicyVolumes *volumes = &applying->policy->volumes;
        size_t n_directory = volumes->cache_directory ? strlen(volumes->cache_directory) + 1 : 0;
        Plan *plan = applying->plan;

        if (volumes->disable_cache)
                return 0;
        if (!plan->cache_owner && !(plan->cache_owner = owner_name(applying->project)))
                return -ENOMEM;
        volume->is_cache = true;
        volume->slot_at = n_directory + strlen(plan->cache_owner) + strlen(OF_SLOT);
        volume->source = volumes->cache_directory ? cache_directory(volumes, applying->project, volume->target)
                                                  : policy_cache_name(applying->project, volume->target);
        return volume->source ? 0 : -ENOMEM;
}

static bool has_volume(const PlanStep *step, const char *target) {
        for (size_t i = 0; i < step->n_volumes; i++)
                if (str_equal(step->volumes[i].target, target))
                        return true;
        return false;
}

static int apply_volumes(Applying *applying, Error **reterr) {
        PlanStep *step = applying->step;

        STRV_FOREACH(text, applying->policy->volumes.mounts) {
                _cleanup_(plan_volume_done) PlanVolume volume = { 0 };
                int r = option_parse_volume(*text, &volume, reterr);

                if (r < 0)
                        return r;
                if (has_volume(step, volume.target))
                        continue;
                volume.is_operators = true;
                if (!volume.source && make_cache(applying, &volume) < 0)
                        return error_oom(reterr);
                if (ARRAY_APPEND(step->volumes, step->n_volumes, volume) < 0)
                        return error_oom(reterr);
                volume = (PlanVolume) { 0 };
        }
        return 0;
}

static int apply_tmpfs(Applying *applying, Error **reterr) {
        PlanStep *step = applying->step;

        MAP_FOREACH(entry, &applying->container->tmpfs) {
                PlanTmpfs tmpfs = { 0 };
                bool is_there = has_volume(step, entry->key);

                for (size_t i = 0; i < step->n_tmpfs; i++)
                        is_there |= str_equal(step->tmpfs[i].target, entry->key);
                if (is_there)
                        continue;
                tmpfs.target = strdup(entry->key);
                if (!str_is_empty(entry->value))
                        tmpfs.options = strdup(entry->value);
                if (!tmpfs.target || (!str_is_empty(entry->value) && !tmpfs.options) ||
                    ARRAY_APPEND(step->tmpfs, step->n_tmpfs, tmpfs) < 0) {
                        plan_tmpfs_done(&tmpfs);
                        return error_oom(reterr);
                }
        }
        return 0;
}

static int add_devices(PlanStep *step, char *const *texts, Error **reterr) {
        STRV_FOREACH(text, texts) {
                PlanDevice device = { 0 };
                int r = option_parse_device(*text, &device, reterr);

                if (r < 0)
                        return r;
                if (ARRAY_APPEND(step->devices, step->n_devices, device) < 0) {
                        plan_device_done(&device);
                        return error_oom(reterr);
                }
        }
        return 0;
}

static int apply_devices(Applying *applying, Error **reterr) {
        const PolicyContainer *container = applying->container;
        _cleanup_strv_ char **gpus = NULL;
        int r = add_devices(applying->step, container->devices, reterr);

        for (size_t i = 0; r >= 0 && i < container->n_image_devices; i++) {
                char *const patterns[] = { container->image_devices[i].pattern, NULL };

                r = matches_any(applying->step, patterns);
                if (r < 0)
                        return error_oom(reterr);
                if (r > 0)
                        r = add_devices(applying->step, container->image_devices[i].devices, reterr);
        }
        if (r >= 0 && container->gpus)
                r = option_parse_gpus(container->gpus, &gpus, reterr);
        return r < 0 ? r : add_devices(applying->step, gpus, reterr);
}

static int copy_unless_set(char *const *from, char ***to, Error **reterr) {
        if (*to || strv_length(from) == 0)
                return 0;
        return strv_copy(from, to) < 0 || !*to ? error_oom(reterr) : 0;
}

static bool has_host(const PlanStep *step, const char *name) {
        for (size_t i = 0; i < step->n_extra_hosts; i++)
                if (str_equal(step->extra_hosts[i].name, name))
                        return true;
        return false;
}

static int apply_hosts(Applying *applying, Error **reterr) {
        PlanStep *step = applying->step;

        STRV_FOREACH(text, applying->policy->network.extra_hosts) {
                PlanHost host = { 0 };
                int r = option_parse_host(*text, &host, reterr);
                bool is_there;

                if (r < 0)
                        return r;
                is_there = has_host(step, host.name);
                if (!is_there)
                        r = ARRAY_APPEND(step->extra_hosts, step->n_extra_hosts, host);
                if (is_there || r < 0)
                        plan_host_done(&host);
                if (r < 0)
                        return error_oom(reterr);
        }
        return 0;
}

static int apply_network(Applying *applying, Error **reterr) {
        const PolicyNetwork *network = &applying->policy->network;
        PlanStep *step = applying->step;
        int r = copy_unless_set(network->dns, &step->dns, reterr);

        if (r >= 0)
                r = copy_unless_set(network->dns_search, &step->dns_search, reterr);
        if (r >= 0)
                r = apply_hosts(applying, reterr);
        if (r < 0 || step->network_mode || !network->mode)
                return r;
        step->network_mode = strdup(network->mode);
        return step->network_mode ? 0 : error_oom(reterr);
}

static int apply_environment(Applying *applying, Error **reterr) {
        PlanStep *step = applying->step;

        MAP_FOREACH(entry, &applying->policy->environment) {
                if (map_has(&step->environment, entry->key) || map_has(&step->secret_environment, entry->key))
                        continue;
                if (strmap_put(&step->environment, entry->key, entry->value) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

/* GitLab's 'disable_entrypoint_overwrite'. */
static int apply_entrypoint(Applying *applying, Error **reterr) {
        PlanStep *step = applying->step;

        if (!applying->policy->images.keep_entrypoint || !step->entrypoint || step->is_operators)
                return 0;
        diag_add(applying->diags, DIAG_WARNING, "policy", step->mark,
                 "%s '%s': its entrypoint is not used: the operator's settings keep that of the image",
                 policy_step_noun(step), step->name);
        step->entrypoint = strv_free(step->entrypoint);
        return 0;
}

int policy_apply_step(const Policy *policy, const PolicyProject *project, Plan *plan, PlanStep *step, DiagList *diags,
                      Error **reterr) {
        static int (*const parts[])(Applying *, Error **) = {
                apply_privileged, apply_user,    apply_volumes,     apply_tmpfs,
                apply_devices,    apply_network, apply_environment, apply_entrypoint,
        };
        Applying applying = { policy, policy_container(policy, step), project, plan, step, diags };

        FOREACH_ROW(part, parts) {
                int r = (*part)(&applying, reterr);

                if (r < 0)
                        return error_wrap(reterr, r, "%s '%s': the operator's settings", policy_step_noun(step),
                                          step->name);
        }
        return 0;
}

int policy_apply(const Policy *policy, const PolicyProject *project, Plan *plan, DiagList *diags, Error **reterr) {
        int r = 0;

        /* What fetches the repository runs programs of this machine, not of an image. */
        for (size_t i = 0; i < plan->n_steps && r >= 0; i++)
                if (!plan->steps[i]->is_default_clone)
                        r = policy_apply_step(policy, project, plan, plan->steps[i], diags, reterr);
        return r;
}
