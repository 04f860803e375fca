/*
 * One image of a plan: looked for, and fetched as its pull policies say, one after the other until one works.
 *
 * An image that somebody's login opened is not handed to who has none for it. Whether it is such a one stands in
 * image-record.h; then the registry is asked, by a pull of the very digest that is here: two or three small requests,
 * no layer is downloaded. The operator's logins are good for all jobs, so an image that was fetched with one of them is
 * not asked for again where they still give one.
 */

#include "job/job-internal.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/strv.h"
#include "engine/pull-fault.h"
#include "job/image-record.h"
#include "pipeline/image-reference.h"

/* As GitLab Runner: 2 to 10 seconds, less for the first time. */
#define PAUSE_FIRST_USEC (3 * USEC_PER_SEC)
#define PAUSE_MAX_USEC (10 * USEC_PER_SEC)

enum {
        IMAGE_NEW,
        IMAGE_LOOKING, /* is it here? */
        IMAGE_LOGIN,   /* which login is there for it? */
        IMAGE_LOCKING, /* one podstep downloads, the others wait */
        IMAGE_PULLING, /* or it is only checked */
        IMAGE_LOOKING_AT_PULLED,
        IMAGE_READY,
        IMAGE_FAILED,
};

static const char *state_directory(const ImageUse *image) {
        return image->job->spec.state_directory;
}

static void image_settled(ImageUse *image) {
        image_lock_release(&image->lock);
        login_found_done(&image->login);
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

/* What may pass is tried again, with the same policy, before the next has its turn. */
static bool may_try_again(const ImageUse *image) {
        return pull_fault_may_pass(image->pulled.fault) &&
               image->pause.n_tries < image->job->spec.policy->images.retries;
}

static void try_again(ImageUse *image, int r, const Error *error) {
        job_emit_text(image->job, JOB_EVENT_WARNING, image_use_step(image),
                      "Failed to pull image \"%s\" (attempt #%u), retrying: %s", image->reference,
                      image->pause.n_tries + 1, error_message(error, r));
        image->must_pause = true;
        machine_post(&image->machine, MACHINE_START);
}

/* The present policy did not work: on to the next, or that was it. */
static void attempt_failed(ImageUse *image, int r, const Error *error) {
        image_lock_release(&image->lock);
        if (image->attempt + 1 == image_use_pull_list(image)->n) {
                image_failed(&image->machine, r, error);
                machine_post(&image->machine, MACHINE_STOP);
                return;
        }
        job_emit_text(image->job, JOB_EVENT_WARNING, image_use_step(image),
                      "Failed to pull image '%s' with policy \"%s\": %s", image->reference,
                      image_use_policy_word(image_use_policy(image)), error_message(error, r));
        image->attempt++;
        backoff_reset(&image->pause);
        image->is_check = image->must_pull = false;
        image->n_digests_refused = 0;
        job_emit_text(image->job, JOB_EVENT_NOTE, image_use_step(image), "Attempt #%u: Trying \"%s\" pull policy",
                      image->attempt + 1, image_use_policy_word(image_use_policy(image)));
        machine_post(&image->machine, MACHINE_START);
}

/* Wanted "linux/arm64" is satisfied by "linux/arm64/v8", not the other way round. */
static bool fits_platform(const ImageUse *image) {
        size_t n = image->platform ? strlen(image->platform) : 0;
        const char *has = image->info.platform;

        return n == 0 || !has || (strncmp(has, image->platform, n) == 0 && (!has[n] || has[n] == '/'));
}

static bool is_closed(const ImageUse *image) {
        return image_record_access(state_directory(image), image->repository) != IMAGE_OPEN;
}

static void not_local(ImageUse *image) {
        _cleanup_(error_freep) Error *error = NULL;
        int r;

        if (image->is_local)
                r = error_set(&error, ENOENT,
                              "it is on this machine for %s, not for %s, and the pull policy is 'never'",
                              image->info.platform, image->platform);
        else
                r = error_set(&error, ENOENT, "it is not on this machine, and the pull policy is 'never'");
        attempt_failed(image, r, error);
}

/* It is known what is here; is that enough? */
static void decide(ImageUse *image) {
        PullPolicy policy = image_use_policy(image);
        bool is_usable = image->is_local && fits_platform(image);

        if (image_recorded(image->job, image_index(image)) && image->is_local)
                /* who takes up a job goes on with the image that it began with */
                machine_post(&image->machine, MACHINE_OK);
        else if (!is_usable && policy == PULL_NEVER)
                not_local(image);
        else if (is_usable && !image->must_pull && (policy == PULL_MISSING || policy == PULL_NEVER)) {
                image->is_check = !image->is_cleared && is_closed(image);
                machine_post(&image->machine, image->is_check ? MACHINE_FAIL : MACHINE_OK);
        } else
                machine_post(&image->machine, MACHINE_FAIL);
}

static void on_looked(Task *task, int r, const Error *error, void *userdata) {
        ImageUse *image = userdata;

        if (r < 0) {
                image_failed(&image->machine, r, error);
                machine_post(&image->machine, MACHINE_STOP);
                return;
        }
        image->is_local = r == 0;
        if (image->is_local)
                image_lock_release(&image->lock); /* another one has fetched it meanwhile */
        decide(image);
}

static void on_paused(Task *task, int r, const Error *error, void *userdata) {
        ImageUse *image = userdata;

        image->must_pause = false;
        machine_post(&image->machine, MACHINE_START);
}

static int enter_looking(Machine *machine, Task **ret_task, Error **reterr) {
        ImageUse *image = container_of(machine, ImageUse, machine);
        const char *recorded = image_recorded(image->job, image_index(image));

        if (image->must_pause)
                return timer_start(image->job->event, backoff_next(&image->pause), on_paused, image, ret_task);
        image_info_done(&image->info);
        image->info.labels = STRMAP_INIT;
        return engine_image_inspect(image->job->spec.engine, recorded ? recorded : image->reference, &image->info,
                                    on_looked, image, ret_task);
}

/* The operator's logins are good for every job: what one of them opened is still open. */
static bool needs_no_check(const ImageUse *image, bool has_login) {
        return image->is_check && has_login && image->login.trust == LOGIN_OF_OPERATOR &&
               image_record_access(state_directory(image), image->repository) == IMAGE_OF_OPERATOR;
}

static void on_login(Task *task, int r, const Error *error, void *userdata) {
        ImageUse *image = userdata;

        if (r < 0)
                return attempt_failed(image, r, error);
        if (needs_no_check(image, r == 0)) {
                image->is_cleared = true;
                machine_post(&image->machine, MACHINE_START);
                return;
        }
        if (r == 0 && image->n_digests_refused == 0)
                job_emit_text(image->job, JOB_EVENT_NOTE, image_use_step(image),
                              "Authenticating with credentials from %s", image->login.source);
        machine_post(&image->machine, MACHINE_OK);
}

static int enter_login(Machine *machine, Task **ret_task, Error **reterr) {
        ImageUse *image = container_of(machine, ImageUse, machine);

        login_found_done(&image->login);
        return logins_find_start(image->job->spec.logins, image->job->event, image->repository, &image->login, on_login,
                                 image, ret_task);
}

static void on_waiting(void *userdata) {
        ImageUse *image = userdata;

        step_emit_state(&image->job->steps[image->first_index], STEP_PULLING);
        job_emit_text(image->job, JOB_EVENT_NOTE, image_use_step(image),
                      "another podstep is fetching '%s', waiting for it", image->reference);
}

static void on_locked(Task *task, int r, const Error *error, void *userdata) {
        ImageUse *image = userdata;

        if (r < 0)
                return attempt_failed(image, r, error);
        machine_post(&image->machine, r > 0 ? MACHINE_START : MACHINE_OK); /* it is likely to be here now */
}

/*
 * Only what is not here at all is worth waiting for. Of an image that is here little is downloaded, mostly nothing, and
 * engines share what is being downloaded between pulls; whether this job may have it must be asked anyway.
 */
static int enter_locking(Machine *machine, Task **ret_task, Error **reterr) {
        ImageUse *image = container_of(machine, ImageUse, machine);
        _cleanup_free_ char *directory = NULL, *path = NULL;
        const char *tag = image->reference + strlen(image->repository);
        int r;

        if (image->is_local || image->lock.fd >= 0)
                return machine_post(machine, MACHINE_OK), 0;
        r = image_record_directory(state_directory(image), image->repository, &directory);
        if (r < 0)
                return error_set(reterr, -r, "cannot make a directory for '%s' in '%s': %s", image->repository,
                                 state_directory(image), strerror(-r));
        path = str_printf("%s/.lock-%s", directory, *tag ? tag + 1 : "");
        if (!path)
                return -ENOMEM;
        return image_lock_start(image->job->event, path, &image->lock, on_waiting, on_locked, image, ret_task);
}

static void on_progress(const char *text, void *userdata) {
        ImageUse *image = userdata;

        job_emit(image->job, (JobEvent) { .kind = JOB_EVENT_PULL,
                                         .step = image->first_step,
                                         .step_index = image->first_index,
                                         .text = text });
}

/* What the failure means comes first, then the engine's words. */
static void pull_failed(ImageUse *image, int r, const Error *error) {
        bool is_again = (r == -EREMOTEIO || r == -ENOENT) && may_try_again(image);
        const char *advice = r == -EREMOTEIO || r == -ENOENT
                                     ? pull_fault_advice(image->pulled.fault, image->job->spec.engine->info.kind)
                                     : NULL;
        _cleanup_(error_freep) Error *why = error_copy(error);

        if (advice && str_starts_with(image->reference, "localhost/"))
                advice = "'localhost/' is for images made on this machine, and it is not here: build it first";
        if (advice)
                r = error_set(&why, -r, "%s (%s)", advice, error_message(error, r));
        if (is_again)
                return try_again(image, r, why);
        if (image->is_check)
                r = error_wrap(&why, r, "it is here, but was fetched with a login, and this job may not have it");
        attempt_failed(image, r, why);
}

/* After a pull: what others may have, and what may be pruned some day. */
static int note_pulled(ImageUse *image, Error **reterr) {
        int r = 0;

        if (!registry_login_is_set(&image->login.login))
                r = image_record_set_access(state_directory(image), image->repository, IMAGE_OPEN);
        if (r >= 0 && !(image->is_local && str_equal(image->info.id, image->pulled.id)))
                r = image_record_add(state_directory(image), image->repository, image->reference, image->pulled.id);
        return r < 0 ? error_set(reterr, -r, "cannot note in '%s' that it was fetched: %s", state_directory(image),
                                 strerror(-r))
                     : 0;
}

/* The registry has forgotten this very one: what it has now is for who may read it. */
static bool may_look_further(ImageUse *image) {
        image->n_digests_refused++;
        if (image_use_local_digest(image))
                return true;
        if (image_use_policy(image) == PULL_NEVER)
                return false;
        image->is_check = false;
        image->must_pull = true;
        return true;
}

static void on_pulled(Task *task, int r, const Error *error, void *userdata) {
        ImageUse *image = userdata;
        _cleanup_(error_freep) Error *why = NULL;

        if (r < 0 && image->is_check && image->pulled.fault == PULL_FAULT_NOT_FOUND && may_look_further(image)) {
                machine_post(&image->machine, MACHINE_START);
                return;
        }
        if (r < 0)
                return pull_failed(image, r, error);
        r = note_pulled(image, &why);
        if (r < 0)
                return attempt_failed(image, r, why);
        image->was_pulled = !image->is_check;
        machine_post(&image->machine, MACHINE_OK);
}

static int note_login(ImageUse *image, Error **reterr) {
        ImageAccess access = image->login.trust == LOGIN_OF_JOB ? IMAGE_OF_JOB : IMAGE_OF_OPERATOR;
        int r;

        if (image->is_check || !registry_login_is_set(&image->login.login))
                return 0;
        r = image_record_set_access(state_directory(image), image->repository, access);
        return r < 0 ? error_set(reterr, -r, "cannot note in '%s' that a login was used: %s", state_directory(image),
                                 strerror(-r))
                     : 0;
}

/*
 * What is "missing" we judge ourselves: the engine might find what another job's login has fetched a moment ago.
 * "newer" forgives failures where an image is here; of one that not everybody may have they must count.
 */
static PullPolicy engine_policy(const ImageUse *image) {
        PullPolicy policy = image_use_policy(image);

        if (policy == PULL_NEVER || policy == PULL_MISSING || (image->is_local && is_closed(image)))
                return PULL_ALWAYS;
        return policy;
}

static int enter_pulling(Machine *machine, Task **ret_task, Error **reterr) {
        ImageUse *image = container_of(machine, ImageUse, machine);
        const char *digest = image->is_check ? image_use_local_digest(image) : NULL;
        PullSpec spec = { .reference = digest ? digest : image->reference,
                          .policy = pull_policy_to_string(engine_policy(image)),
                          .platform = image->platform,
                          .login = &image->login.login };
        int r;

        if (!digest && image_use_policy(image) == PULL_NEVER)
                return error_set(
                        reterr, EACCES,
                        "it is here, but was fetched with a login, and where it came from is not known any more");
        image->is_check = digest != NULL;
        r = note_login(image, reterr);
        if (r < 0)
                return r;
        step_emit_state(&image->job->steps[image->first_index], STEP_PULLING);
        pull_result_done(&image->pulled);
        return engine_image_pull(image->job->spec.engine, &spec, image->is_check ? NULL : on_progress, &image->pulled,
                                 on_pulled, image, ret_task);
}

static void on_looked_at_pulled(Task *task, int r, const Error *error, void *userdata) {
        ImageUse *image = userdata;
        _cleanup_(error_freep) Error *why = error_copy(error);

        if (r > 0)
                r = error_set(&why, ENOENT, "it is not there although it was just pulled");
        else if (r == 0 && !fits_platform(image))
                r = error_set(&why, ENOENT, "it is not made for %s: the registry has it for %s", image->platform,
                              image->info.platform);
        if (r < 0)
                attempt_failed(image, r, why);
        else
                machine_post(&image->machine, MACHINE_OK);
}

/* By its id: another job may have pulled the name for another platform meanwhile. */
static int enter_looking_at_pulled(Machine *machine, Task **ret_task, Error **reterr) {
        ImageUse *image = container_of(machine, ImageUse, machine);

        image_lock_release(&image->lock);
        if (image->is_check) /* what was looked at before is what was checked */
                return machine_post(machine, MACHINE_OK), 0;
        image_info_done(&image->info);
        image->info.labels = STRMAP_INIT;
        return engine_image_inspect(image->job->spec.engine, image->pulled.id, &image->info, on_looked_at_pulled, image,
                                    ret_task);
}

static int enter_ready(Machine *machine, Task **ret_task, Error **reterr) {
        ImageUse *image = container_of(machine, ImageUse, machine);
        Step *step = &image->job->steps[image->first_index];

        image->is_ready = true;
        if (image->was_pulled || image->is_check)
                step_emit_state(step, STEP_WAITING);
        image_record_touch(state_directory(image), image->repository, image->info.id);
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

/*
 * START looks (again): with the first policy, with the next, after another podstep has fetched it, when there is no
 * need to ask the registry. FAIL in LOOKING: it is not here, or that is not enough. STOP: it cannot be had.
 */
static const MachineState image_states[] = {
                /* START         OK                       FAIL          STOP */
        [IMAGE_NEW] = { "new", NULL,
                { IMAGE_LOOKING, MACHINE_BUG,             MACHINE_BUG,  IMAGE_FAILED } },
        [IMAGE_LOOKING] = { "looking", enter_looking,
                { IMAGE_LOOKING, IMAGE_READY,             IMAGE_LOGIN,  IMAGE_FAILED } },
        [IMAGE_LOGIN] = { "login", enter_login,
                { IMAGE_LOOKING, IMAGE_LOCKING,           IMAGE_FAILED, IMAGE_FAILED } },
        [IMAGE_LOCKING] = { "locking", enter_locking,
                { IMAGE_LOOKING, IMAGE_PULLING,           IMAGE_FAILED, IMAGE_FAILED } },
        [IMAGE_PULLING] = { "pulling", enter_pulling,
                { IMAGE_LOOKING, IMAGE_LOOKING_AT_PULLED, IMAGE_FAILED, IMAGE_FAILED } },
        [IMAGE_LOOKING_AT_PULLED] = { "looking-at-pulled", enter_looking_at_pulled,
                { IMAGE_LOOKING, IMAGE_READY,             IMAGE_FAILED, IMAGE_FAILED } },
        [IMAGE_READY] = { "ready", enter_ready,
                { MACHINE_BUG,   MACHINE_BUG,             MACHINE_BUG,  MACHINE_STAY } },
        [IMAGE_FAILED] = { "failed", enter_failed,
                { MACHINE_BUG,   MACHINE_STAY,            MACHINE_STAY, MACHINE_STAY } },
};

void image_use_stop(ImageUse *image) {
        machine_done(&image->machine);
        image_lock_release(&image->lock);
}

ImageUse *image_use_free(ImageUse *image) {
        if (!image)
                return NULL;
        image_use_stop(image);
        login_found_done(&image->login);
        image_info_done(&image->info);
        pull_result_done(&image->pulled);
        error_free(image->error);
        free(image->repository);
        free(image);
        return NULL;
}

int image_use_new(Job *job, size_t index, const PullList *pull, ImageUse **ret) {
        const PlanStep *step = job->spec.plan->steps[index];
        ImageUse *image = calloc(1, sizeof(*image));
        int r;

        if (!image)
                return -ENOMEM;
        *image = (ImageUse) { .job = job,
                             .first_step = step,
                             .first_index = index,
                             .reference = step->image_reference,
                             .platform = step->platform,
                             .pull = *pull,
                             .lock = IMAGE_LOCK_NONE,
                             .info.labels = STRMAP_INIT,
                             .pause = { .first_usec = PAUSE_FIRST_USEC, .max_usec = PAUSE_MAX_USEC } };
        image->repository = image_reference_repository(image->reference);
        r = image->repository
                    ? machine_init(&image->machine, job->event, image->reference, image_states, IMAGE_NEW, image_failed)
                    : -ENOMEM;
        if (r < 0) {
                (void) image_use_free(image);
                return r;
        }
        *ret = image;
        return 0;
}
