/*
 * The images of a plan: all looked up and fetched at once, each only once, while the sandbox is being made. See
 * image.c.
 */

#include "job/job-internal.h"

#include "base/array.h"
#include "base/str.h"

size_t image_index(const ImageUse *image) {
        size_t i = 0;

        while (image->job->images[i] != image)
                i++;
        return i;
}

static bool pull_lists_equal(const PullList *a, const PullList *b) {
        for (size_t i = 0; i < a->n && a->n == b->n; i++)
                if (a->list[i] != b->list[i])
                        return false;
        return a->n == b->n;
}

static ImageUse *image_find(Job *job, const PlanStep *step, const PullList *pull) {
        for (size_t i = 0; i < job->n_images; i++) {
                ImageUse *image = job->images[i];

                if (pull_lists_equal(&image->pull, pull) && str_equal(image->reference, step->image_reference) &&
                    str_equal(image->platform, step->platform))
                        return image;
        }
        return NULL;
}

static int image_add(Job *job, size_t index, const PullList *pull, ImageUse **ret) {
        ImageUse *image = NULL;
        int r;

        r = image_use_new(job, index, pull, &image);
        if (r < 0)
                return r;
        r = ARRAY_APPEND(job->images, job->n_images, image);
        if (r < 0) {
                (void) image_use_free(image);
                return r;
        }
        *ret = image;
        return 0;
}

/* For the step that needs none: as if it were there. */
static int image_add_none(Job *job, size_t index, ImageUse **ret) {
        ImageUse *image = calloc(1, sizeof(*image));

        if (!image || ARRAY_APPEND(job->images, job->n_images, image) < 0) {
                free(image);
                return -ENOMEM;
        }
        *image = (ImageUse) { .job = job,
                             .first_step = job->spec.plan->steps[index],
                             .first_index = index,
                             .is_ready = true,
                             .lock = IMAGE_LOCK_NONE };
        image->info.labels = STRMAP_INIT;
        *ret = image;
        return 0;
}

int images_init(Job *job, Error **reterr) {
        for (size_t i = 0; i < job->spec.plan->n_steps; i++) {
                const PlanStep *step = job->spec.plan->steps[i];
                const PullList *pull = job->spec.pull.n > 0 ? &job->spec.pull : &step->pull;
                ImageUse *image = step->is_default_clone ? NULL : image_find(job, step, pull);

                if (!image &&
                    (step->is_default_clone ? image_add_none(job, i, &image) : image_add(job, i, pull, &image)) < 0)
                        return error_oom(reterr);
                job->steps[i].image = image;
        }
        return 0;
}

void images_start(Job *job) {
        for (size_t i = 0; i < job->n_images; i++)
                if (!job->images[i]->is_ready)
                        machine_post(&job->images[i]->machine, MACHINE_START);
}

void images_stop(Job *job) {
        for (size_t i = 0; i < job->n_images; i++)
                image_use_stop(job->images[i]);
}

void images_done(Job *job) {
        for (size_t i = 0; i < job->n_images; i++)
                (void) image_use_free(job->images[i]);
        free(job->images);
        job->images = NULL;
        job->n_images = 0;
}
