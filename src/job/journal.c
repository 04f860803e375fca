/* Noting facts and reading them back; see journal.h for what is noted. */

#include "job/journal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "job/job-internal.h"

#define KEY_BYTES_MAX 64

/* Without its journal the job could not be taken up in the state that it is about to reach: better it ends now. */
static void give_up(Job *job, int r) {
        _cleanup_(error_freep) Error *why = NULL;

        if (job->has_lost_journal)
                return;
        job->has_lost_journal = true;
        (void) error_set(&why, -r, "the job's journal cannot be written: %s", strerror(-r));
        job_set_result(job, JOB_INFRA_FAILED, why);
        job_stop(job, JOB_STOP_CANCEL);
}

static void note(Job *job, const char *key, const char *format, va_list ap) {
        _cleanup_free_ char *value = NULL;
        int r = 0;

        if (!job->spec.journal.put)
                return;
        if (vasprintf(&value, format, ap) < 0) {
                value = NULL;
                r = -ENOMEM;
        }
        if (r >= 0 && !str_equal(job_recorded(job, key), value)) /* who takes a job up notes some things again */
                r = job->spec.journal.put(key, value, job->spec.journal.userdata);
        if (r < 0)
                give_up(job, r);
}

void job_note(Job *job, const char *key, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        note(job, key, format, ap);
        va_end(ap);
}

static void name_part(char key[static KEY_BYTES_MAX], const char *part, size_t index, const char *what) {
        (void) snprintf(key, KEY_BYTES_MAX, "%s.%zu%s%s", part, index, what ? "." : "", what ? what : "");
}

void step_note(Step *step, const char *what, const char *format, ...) {
        char key[KEY_BYTES_MAX];
        va_list ap;

        name_part(key, "step", step->index, what);
        va_start(ap, format);
        note(step->job, key, format, ap);
        va_end(ap);
}

void image_note(Job *job, size_t index, const char *id) {
        char key[KEY_BYTES_MAX];

        name_part(key, "image", index, NULL);
        job_note(job, key, "%s", id);
}

const char *job_recorded(const Job *job, const char *key) {
        return job->spec.record ? strmap_get(job->spec.record, key) : NULL;
}

const char *step_recorded(const Step *step, const char *what) {
        char key[KEY_BYTES_MAX];

        name_part(key, "step", step->index, what);
        return job_recorded(step->job, key);
}

const char *image_recorded(const Job *job, size_t index) {
        char key[KEY_BYTES_MAX];

        name_part(key, "image", index, NULL);
        return job_recorded(job, key);
}
