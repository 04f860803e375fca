#include "pipeline/policy.h"

#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "pipeline/policy-internal.h"

typedef struct TrustWord {
        const char *name;
        unsigned classes;
} TrustWord;

static const TrustWord trust_words[] = {
        { "network", TRUST_NETWORK },
        { "volumes", TRUST_VOLUMES },
        { "security", TRUST_SECURITY },
        { "all", TRUST_ALL },
        { "none", 0 },
};

static bool has_privileged(const PlanStep *step) {
        return step->privileged;
}
static bool has_network_mode(const PlanStep *step) {
        return step->network_mode && strcmp(step->network_mode, "none") != 0;
}
static bool has_dns(const PlanStep *step) {
        return step->dns && *step->dns;
}
static bool has_dns_search(const PlanStep *step) {
        return step->dns_search && *step->dns_search;
}
static bool has_extra_hosts(const PlanStep *step) {
        return step->n_extra_hosts > 0;
}
static bool has_devices(const PlanStep *step) {
        return step->n_devices > 0;
}
static bool has_volumes(const PlanStep *step) {
        return step->n_volumes > 0;
}
static bool has_tmpfs(const PlanStep *step) {
        return step->n_tmpfs > 0;
}

static const struct {
        unsigned trust;
        const char *class_name, *what;
        bool (*has)(const PlanStep *step);
} grants[_GRANT_MAX] = {
        [GRANT_PRIVILEGED] = { TRUST_SECURITY, "security", "privileged mode", has_privileged },
        [GRANT_NETWORK_MODE] = { TRUST_NETWORK, "network", "its own network mode", has_network_mode },
        [GRANT_DNS] = { TRUST_NETWORK, "network", "its own DNS servers", has_dns },
        [GRANT_DNS_SEARCH] = { TRUST_NETWORK, "network", "its own DNS search domains", has_dns_search },
        [GRANT_EXTRA_HOSTS] = { TRUST_NETWORK, "network", "its own host names", has_extra_hosts },
        [GRANT_DEVICES] = { TRUST_VOLUMES, "volumes", "devices of the host", has_devices },
        [GRANT_VOLUMES] = { TRUST_VOLUMES, "volumes", "volumes", has_volumes },
        [GRANT_TMPFS] = { TRUST_VOLUMES, "volumes", "file systems in memory", has_tmpfs },
};

int trust_parse(const char *text, unsigned *ret, Error **reterr) {
        _cleanup_strv_ char **words = NULL;
        unsigned trusted = 0;

        if (strv_split(text, ',', &words) < 0)
                return error_oom(reterr);
        STRV_FOREACH(word, words) {
                const TrustWord *found = NULL;

                FOREACH_ROW(row, trust_words)
                        if (strcmp(row->name, *word) == 0)
                                found = row;
                if (!found)
                        return error_set(
                                reterr, EINVAL,
                                "'%s' is no class of trust: it is one of network, volumes, security, all, none", *word);
                trusted |= found->classes;
        }
        *ret = trusted;
        return 0;
}

unsigned policy_grant_class(PlanGrant grant) {
        return grants[grant].trust;
}

void policy_refuse(PlanGrant grant, Mark mark, const char *noun, const char *name, DiagList *diags) {
        Diag *diag = diag_add(diags, DIAG_ERROR, "policy", mark, "%s '%s' wants %s, which is not allowed", noun, name,
                              grants[grant].what);

        diag_set_hint(diag, "allow it with --trusted %s", grants[grant].class_name);
}

static size_t check_step(const Policy *policy, const PlanStep *step, DiagList *diags) {
        size_t n_refused = 0;

        for (size_t i = 0; i < _GRANT_MAX; i++) {
                Mark mark = step->grant_marks[i].line ? step->grant_marks[i] : step->mark;

                if (!grants[i].has(step) || (policy->trusted & grants[i].trust))
                        continue;
                policy_refuse(i, mark, policy_step_noun(step), step->name, diags);
                n_refused++;
        }
        return n_refused + policy_check_step(policy, step, diags);
}

size_t policy_check(const Policy *policy, Plan *plan, DiagList *diags) {
        size_t n_refused = policy_check_services(policy, plan, diags);
        int r = policy_add_services(policy, plan);

        if (r < 0) {
                diag_add(diags, DIAG_ERROR, "policy", (Mark) { 0 }, "the operator's services cannot be added: %s",
                         r == -EINVAL ? "one of them is no image" : r == -E2BIG ? "too many steps" : "out of memory");
                n_refused++;
        }
        for (size_t i = 0; i < plan->n_steps; i++) {
                n_refused += check_step(policy, plan->steps[i], diags);
                n_refused += policy_check_images(policy, plan->steps[i], diags);
        }
        if (n_refused > 0)
                diag_sort(diags);
        return n_refused;
}

size_t policy_lint(const Policy *policy, Plan *plan, DiagList *diags) {
        Policy trusting = *policy; /* borrows all that is in it */

        trusting.trusted = TRUST_ALL;
        return policy_check(&trusting, plan, diags);
}
