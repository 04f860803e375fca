/* Which image it is, by which policy it came, and what is said of it. */

#include <string.h>

#include "base/strv.h"
#include "job/job-internal.h"

static const PullList default_pull = { .list = { PULL_MISSING }, .n = 1 };

const PullList *image_use_pull_list(const ImageUse *image) {
        return image->pull.n > 0 ? &image->pull : &default_pull;
}

PullPolicy image_use_policy(const ImageUse *image) {
        return image_use_pull_list(image)->list[image->attempt];
}

/* GitLab's word for the one where theirs differs from podman's, as these lines are GitLab's. */
const char *image_use_policy_word(PullPolicy policy) {
        return policy == PULL_MISSING ? "if-not-present" : pull_policy_to_string(policy);
}

const Step *image_use_step(const ImageUse *image) {
        return &image->job->steps[image->first_index];
}

/*
 * "REPOSITORY@sha256:..." of the image that is here; NULL if the engine knows no further one. It may know several, of
 * which the registry has one: the same layers have another digest where they were packed anew.
 */
const char *image_use_local_digest(const ImageUse *image) {
        size_t n = strlen(image->repository), n_refused = image->n_digests_refused;

        STRV_FOREACH(digest, image->info.digests)
                if (strncmp(*digest, image->repository, n) == 0 && (*digest)[n] == '@' && n_refused-- == 0)
                        return *digest;
        return NULL;
}

void image_use_tell(ImageUse *image) {
        const char *id = image->info.id && str_starts_with(image->info.id, "sha256:")
                                 ? image->info.id + strlen("sha256:")
                                 : image->info.id;
        const char *digest = image->info.digest, *from;

        if (image->is_told || !image->reference)
                return;
        image->is_told = true;
        if (str_is_empty(digest)) { /* Docker tells only where it came from */
                from = image_use_local_digest(image);
                digest = from ? strchr(from, '@') + 1 : "";
        }
        if (image->attempt > 0 && !image->was_pulled)
                job_emit_text(image->job, JOB_EVENT_NOTE, image_use_step(image),
                              "Using locally found image version due to \"%s\" pull policy",
                              image_use_policy_word(image_use_policy(image)));
        job_emit_text(image->job, JOB_EVENT_NOTE, image_use_step(image), "%s image %s (%s%s%sid %.12s)",
                      image->was_pulled ? "pulled" : "using", image->reference, *digest ? "digest " : "", digest,
                      *digest ? ", " : "", id);
}
