/* The images of a plan: all looked up and fetched at once, each only once, while the sandbox is being made. */

#include "job/job-internal.h"

#include "base/array.h"
#include "base/str.h"

enum { IMAGE_NEW, IMAGE_LOOKING, IMAGE_PULLING, IMAGE_LOOKING_AGAIN, IMAGE_READY, IMAGE_FAILED };

static size_t image_index(const ImageUse *image) {
        size_t i = 0;

        while (image->job->images[i] != image)
                i++;
        return i;
}

static void image_settled(ImageUse *image) {
        job_schedule(image->job);
}

static void image_failed(Machine *machine, int r, const Error *error) {
        ImageUse *image = container_of(machine, ImageUse, machine);

        if (!image->error)
                image->error = error_copy(error);
        if (!image->error)
                (void) error_set(&image->error, -r, "%s", error_message(NULL, r));
        (void) error_wrap(&image->error, r, "image '%s'", image->reference);
}

static void on_looked(Task *task, int r, const Error *error, void *userdata) {
        ImageUse *image = userdata;
        bool is_first = image->machine.state == IMAGE_LOOKING;

        if (r < 0) {
                image_failed(&image->machine, r, error);
                machine_post(&image->machine, MACHINE_STOP);
        } else if (r > 0 && is_first && image->pull != PULL_NEVER)
                machine_post(&image->machine, MACHINE_FAIL); /* not here: fetch it */
        else if (r > 0) {
                (void) error_set(&image->error, ENOENT,
                                 image->pull == PULL_NEVER ? "image '%s' is not on this machine, and the pull policy is 'never'"
                                                           : "image '%s' is not there although it was just pulled",
                                 image->reference);
                machine_post(&image->machine, MACHINE_STOP);
        } else if (is_first && (image->pull == PULL_ALWAYS || image->pull == PULL_NEWER) && !image_recorded(image->job, image_index(image))) {
                image_info_done(&image->info);
                machine_post(&image->machine, MACHINE_FAIL);
        } else
                machine_post(&image->machine, MACHINE_OK);
}

static void on_pulled(Task *task, int r, const Error *error, void *userdata) {
        ImageUse *image = userdata;

        if (r < 0)
                image_failed(&image->machine, r, error);
        else
                image->was_pulled = true;
        machine_post(&image->machine, r < 0 ? MACHINE_STOP : MACHINE_OK);
}

static void on_progress(const char *text, void *userdata) {
        ImageUse *image = userdata;

        job_emit(image->job, (JobEvent) { .kind = JOB_EVENT_PULL, .step = image->first_step, .step_index = image->first_index,
                                          .text = text });
}

static int enter_looking(Machine *machine, Task **ret_task, Error **reterr) {
        ImageUse *image = container_of(machine, ImageUse, machine);

        const char *recorded = image_recorded(image->job, image_index(image));

        /* Who takes up a job goes on with the image that it began with. */
        return engine_image_inspect(image->job->spec.engine, recorded ? recorded : image->reference, &image->info, on_looked, image, ret_task);
}

static int enter_pulling(Machine *machine, Task **ret_task, Error **reterr) {
        ImageUse *image = container_of(machine, ImageUse, machine);
        PullSpec spec = { .reference = image->reference, .policy = pull_policy_to_string(image->pull) };

        step_emit_state(&image->job->steps[image->first_index], STEP_PULLING);
        return engine_image_pull(image->job->spec.engine, &spec, on_progress, &image->pulled, on_pulled, image, ret_task);
}

static int enter_ready(Machine *machine, Task **ret_task, Error **reterr) {
        ImageUse *image = container_of(machine, ImageUse, machine);

        image->is_ready = true;
        if (image->was_pulled) {
                step_emit_state(&image->job->steps[image->first_index], STEP_WAITING);
                job_emit_text(image->job, JOB_EVENT_NOTE, &image->job->steps[image->first_index], "pulled %s (%s)", image->reference,
                              image->info.digest ? image->info.digest : image->info.id);
        }
        image_note(image->job, image_index(image), image->info.id);
        image_settled(image);
        return 0;
}

static int enter_failed(Machine *machine, Task **ret_task, Error **reterr) {
        ImageUse *image = container_of(machine, ImageUse, machine);

        image->has_failed = true;
        image_settled(image);
        return 0;
}

/* FAIL means here: not on this machine, or a newer one is wanted. STOP: it cannot be had. */
static const MachineState image_states[] = {
        /*                                                          START          OK                   FAIL           STOP */
        [IMAGE_NEW]           = { "new",           NULL,          { IMAGE_LOOKING, MACHINE_BUG,         MACHINE_BUG,   IMAGE_FAILED } },
        [IMAGE_LOOKING]       = { "looking",       enter_looking, { MACHINE_BUG,   IMAGE_READY,         IMAGE_PULLING, IMAGE_FAILED } },
        [IMAGE_PULLING]       = { "pulling",       enter_pulling, { MACHINE_BUG,   IMAGE_LOOKING_AGAIN, IMAGE_FAILED,  IMAGE_FAILED } },
        [IMAGE_LOOKING_AGAIN] = { "looking-again", enter_looking, { MACHINE_BUG,   IMAGE_READY,         IMAGE_FAILED,  IMAGE_FAILED } },
        [IMAGE_READY]         = { "ready",         enter_ready,   { MACHINE_BUG,   MACHINE_BUG,         MACHINE_BUG,   MACHINE_STAY } },
        [IMAGE_FAILED]        = { "failed",        enter_failed,  { MACHINE_BUG,   MACHINE_STAY,        MACHINE_STAY,  MACHINE_STAY } },
};

static PullPolicy first_policy(const PullList *pull) {
        return pull->n > 0 ? pull->list[0] : PULL_MISSING;
}

static ImageUse *image_find(Job *job, const char *reference, PullPolicy pull) {
        for (size_t i = 0; i < job->n_images; i++)
                if (job->images[i]->pull == pull && str_equal(job->images[i]->reference, reference))
                        return job->images[i];
        return NULL;
}

static int image_add(Job *job, size_t index, PullPolicy pull, ImageUse **ret) {
        const PlanStep *step = job->spec.plan->steps[index];
        ImageUse *image = calloc(1, sizeof(*image));
        int r;

        if (!image)
                return -ENOMEM;
        *image = (ImageUse) { .job = job, .first_step = step, .first_index = index, .reference = step->image_reference, .pull = pull };
        image->info.labels = STRMAP_INIT;
        r = machine_init(&image->machine, job->event, image->reference, image_states, IMAGE_NEW, image_failed);
        if (r >= 0)
                r = ARRAY_APPEND(job->images, job->n_images, image);
        if (r < 0) {
                machine_done(&image->machine);
                free(image);
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
        *image = (ImageUse) { .job = job, .first_step = job->spec.plan->steps[index], .first_index = index, .is_ready = true };
        image->info.labels = STRMAP_INIT;
        *ret = image;
        return 0;
}

int images_init(Job *job, Error **reterr) {
        for (size_t i = 0; i < job->spec.plan->n_steps; i++) {
                const PlanStep *step = job->spec.plan->steps[i];
                PullPolicy pull = first_policy(job->spec.pull.n > 0 ? &job->spec.pull : &step->pull);
                ImageUse *image = step->is_default_clone ? NULL : image_find(job, step->image_reference, pull);

                if (!image && (step->is_default_clone ? image_add_none(job, i, &image) : image_add(job, i, pull, &image)) < 0)
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

void images_done(Job *job) {
        for (size_t i = 0; i < job->n_images; i++) {
                ImageUse *image = job->images[i];

                machine_done(&image->machine);
                image_info_done(&image->info);
                pull_result_done(&image->pulled);
                error_free(image->error);
                free(image);
        }
        free(job->images);
        job->images = NULL;
        job->n_images = 0;
}
