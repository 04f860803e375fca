/* What even a trusted file cannot have: other jobs' things, and what stands on no list of the operator's. */

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "pipeline/option-text.h"
#include "pipeline/policy-internal.h"

/* Names that we give to what belongs to one job or one project. */
static const char *const own_prefixes[] = { "podstep-", "runner-" };

static bool is_own_name(const char *name) {
        FOREACH_ROW(prefix, own_prefixes)
                if (str_starts_with(name, *prefix))
                        return true;
        return false;
}

static Diag *refuse(const PlanStep *step, Mark mark, DiagList *diags, const char *what, const char *why) {
        return diag_add(diags, DIAG_ERROR, "policy", mark.line ? mark : step->mark, "%s '%s' wants %s, %s",
                        policy_step_noun(step), step->name, what, why);
}

static bool is_allowed_path(const Policy *policy, const char *path) {
        STRV_FOREACH(directory, policy->allowed_volumes)
                if (path_is_below(path, *directory))
                        return true;
        return !policy->allowed_volumes;
}

static bool is_operators_target(const Policy *policy, const char *target) {
        STRV_FOREACH(text, policy->volumes.mounts) {
                _cleanup_strv_ char **parts = NULL;

                if (strv_split(*text, ':', &parts) >= 0 && str_equal(parts[strv_length(parts) > 1], target))
                        return true;
        }
        return false;
}

static size_t check_volume(const Policy *policy, const PlanStep *step, const PlanVolume *volume, DiagList *diags) {
        _cleanup_free_ char *what = str_printf("to mount '%s'", volume->source ? volume->source : volume->target);
        _cleanup_free_ char *allowed = strv_join(policy->allowed_volumes, ", ");

        if (!what)
                what = strdup("a volume");
        if (is_operators_target(policy, volume->target)) {
                diag_set_hint(refuse(step, volume->mark, diags, what, "where the operator mounts something"),
                              "every container has something at '%s'", volume->target);
                return 1;
        }
        if (!volume->source)
                return 0;
        if (volume->source[0] != '/' && is_own_name(volume->source)) {
                diag_set_hint(refuse(step, volume->mark, diags, what, "which belongs to another job or project"),
                              "names that begin with 'podstep-' or 'runner-' are made by the runner");
                return 1;
        }
        if (volume->source[0] == '/' && !is_allowed_path(policy, volume->source)) {
                diag_set_hint(refuse(step, volume->mark, diags, what, "which is not an allowed directory"),
                              "allowed, with all below them: %s", allowed ? allowed : "");
                return 1;
        }
        return 0;
}

static size_t check_device(const Policy *policy, const PlanStep *step, const PlanDevice *device, DiagList *diags) {
        char *const *allowed = policy_container(policy, step)->allowed_devices;
        _cleanup_free_ char *what = str_printf("the device '%s'", device->source), *list = strv_join(allowed, ", ");

        if (!allowed || strv_contains(allowed, device->source))
                return 0;
        diag_set_hint(refuse(step, step->grant_marks[GRANT_DEVICES], diags, what ? what : "a device",
                             "which is not an allowed one"),
                      "allowed: %s", list ? list : "");
        return 1;
}

/* Reference: GitLab Runner's rule; its vectors are in the unit test. */
static size_t check_user(const Policy *policy, const PlanStep *step, DiagList *diags) {
        const PolicyContainer *container = policy_container(policy, step);
        _cleanup_free_ char *what = NULL, *list = strv_join(container->allowed_users, ", ");

        if (!step->user || (!container->allowed_users && !container->user) ||
            strv_contains(container->allowed_users, step->user) ||
            (!container->allowed_users && str_equal(container->user, step->user)))
                return 0;
        what = str_printf("to run as user '%s'", step->user);
        diag_set_hint(refuse(step, step->mark, diags, what ? what : "a user", "who is not an allowed one"),
                      "allowed: %s", container->allowed_users ? (list ? list : "") : container->user);
        return 1;
}

/* Namespaces of other containers are other jobs'. */
static size_t check_network(const Policy *policy, const PlanStep *step, DiagList *diags) {
        static const char *const others[] = { "container:", "ns:", "path:" };
        const char *mode = step->network_mode;
        _cleanup_free_ char *what = mode ? str_printf("network mode '%s'", mode) : NULL;
        bool is_others = mode && is_own_name(mode);

        FOREACH_ROW(prefix, others)
                is_others |= mode && str_starts_with(mode, *prefix);
        if (!is_others)
                return 0;
        diag_set_hint(refuse(step, step->grant_marks[GRANT_NETWORK_MODE], diags, what ? what : "a network",
                             "which belongs to another container or job"),
                      "containers of one job share their network anyway");
        return 1;
}

size_t policy_check_step(const Policy *policy, const PlanStep *step, DiagList *diags) {
        size_t n_refused = check_user(policy, step, diags);

        if (policy->trusted & TRUST_NETWORK)
                n_refused += check_network(policy, step, diags);
        if (!(policy->trusted & TRUST_VOLUMES))
                return n_refused; /* refused already */
        for (size_t i = 0; i < step->n_volumes; i++)
                n_refused += check_volume(policy, step, &step->volumes[i], diags);
        for (size_t i = 0; i < step->n_devices; i++)
                n_refused += check_device(policy, step, &step->devices[i], diags);
        return n_refused;
}

size_t policy_check_services(const Policy *policy, const Plan *plan, DiagList *diags) {
        Diag *diag;

        if (!policy->limit_services || plan->n_services <= policy->services_max)
                return 0;
        diag = diag_add(diags, DIAG_ERROR, "policy", plan->steps[policy->services_max]->mark,
                        "too many services requested: %zu, only %u allowed", plan->n_services, policy->services_max);
        diag_set_hint(diag, "the operator's services.max says so");
        return 1;
}
