/*
 * The operator's rules for images: which may run, from where short names come, for which platform, and when they are
 * pulled. Source of the rules: GitLab Runner, "executors/docker/docker.go" and "common/allowed_images.go".
 */

#include "pipeline/policy.h"

#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "pipeline/glob.h"
#include "pipeline/image-reference.h"

#define MATCH_WORK_MAX 1000000 /* characters compared, of all patterns together */

static bool is_own_image(const PolicyImages *images, const char *image) {
        return images->default_image && str_equal(image, images->default_image);
}

int policy_allows_image(const Policy *policy, const char *image, bool is_service) {
        char *const *patterns = is_service ? policy->images.allowed_services : policy->images.allowed;
        size_t work = MATCH_WORK_MAX;

        if (!patterns || !*patterns || (!is_service && is_own_image(&policy->images, image)))
                return 1;
        STRV_FOREACH(pattern, patterns) {
                int r = glob_match(*pattern, image, &work);

                if (r == -E2BIG)
                        return 0;
                if (r != 0)
                        return r;
        }
        return 0;
}

static const char *noun_of(const PlanStep *step) {
        return step->kind == STEP_SERVICE ? "service" : "step";
}

static size_t check_allowed(const Policy *policy, const PlanStep *step, DiagList *diags) {
        bool is_service = step->kind == STEP_SERVICE;
        _cleanup_free_ char *allowed = NULL;
        Diag *diag;

        if (policy_allows_image(policy, step->image, is_service) > 0)
                return 0;
        diag = diag_add(diags, DIAG_ERROR, "policy", step->image_mark,
                        "%s '%s': the image '%s' is not on the list of allowed %s", noun_of(step), step->name,
                        step->image, is_service ? "services" : "images");
        allowed = strv_join(is_service ? policy->images.allowed_services : policy->images.allowed, ", ");
        diag_set_hint(diag, "allowed: %s", allowed ? allowed : "");
        return 1;
}

/* The file's policies, else the operator's; of these the allowed ones, in their order. */
static size_t check_pull(const Policy *policy, PlanStep *step, DiagList *diags) {
        const PolicyImages *images = &policy->images;
        const PullList *allowed = images->allowed_pull.n > 0 ? &images->allowed_pull : &images->pull;
        PullList wanted = step->pull.n > 0 ? step->pull : images->pull, left = { 0 };
        _cleanup_free_ char *wanted_text = NULL, *allowed_text = NULL;
        Diag *diag;

        if (wanted.n == 0 && allowed->n > 0) /* nobody says: podstep's own choice, as far as it is allowed */
                wanted = (PullList) {
                        .list = { pull_list_has(allowed, PULL_MISSING) ? PULL_MISSING : allowed->list[0] }, .n = 1
                };
        for (size_t i = 0; i < wanted.n; i++)
                if (allowed->n == 0 || pull_list_has(allowed, wanted.list[i]))
                        left.list[left.n++] = wanted.list[i];
        if (left.n > 0 || wanted.n == 0) {
                step->pull = left;
                return 0;
        }
        wanted_text = pull_list_to_string(&wanted, ", ");
        allowed_text = pull_list_to_string(allowed, ", ");
        diag = diag_add(diags, DIAG_ERROR, "policy", step->pull_mark.line ? step->pull_mark : step->image_mark,
                        "%s '%s': none of its pull policies (%s) is allowed", noun_of(step), step->name,
                        wanted_text ? wanted_text : "");
        diag_set_hint(diag, "allowed: %s", allowed_text ? allowed_text : "");
        return 1;
}

static size_t complete_name(const Policy *policy, PlanStep *step, DiagList *diags) {
        _cleanup_free_ char *hint = NULL;
        _cleanup_(error_freep) Error *error = NULL;
        char *reference = NULL;
        Diag *diag;
        int r;

        if (!policy->images.registry || !image_reference_is_short(step->image))
                return 0;
        r = image_reference_qualify_in(policy->images.registry, step->image, &reference, &hint, &error);
        if (r >= 0) {
                free(step->image_reference);
                step->image_reference = reference;
                return 0;
        }
        diag = diag_add(diags, DIAG_ERROR, "policy", step->image_mark, "%s '%s': image '%s': %s", noun_of(step),
                        step->name, step->image, error_message(error, r));
        if (hint)
                diag_set_hint(diag, "%s", hint);
        return 1;
}

size_t policy_check_images(const Policy *policy, PlanStep *step, DiagList *diags) {
        size_t n_refused;

        if (step->is_default_clone || !step->image)
                return 0;
        n_refused = (step->is_operators ? 0 : check_allowed(policy, step, diags)) + check_pull(policy, step, diags) +
                    complete_name(policy, step, diags);
        if (!step->platform && policy->images.platform) {
                step->platform = strdup(policy->images.platform);
                if (!step->platform) {
                        (void) diag_add(diags, DIAG_ERROR, "policy", step->image_mark, "out of memory");
                        n_refused++;
                }
        }
        return n_refused;
}
