/* What a container prints, on its way to the observer: masked, then cut into lines, each stream for itself. */

#include "base/log.h"
#include "job/job-internal.h"
#include "loop/timer.h"

#define OUTPUT_CHUNK_MAX (8U * 1024 * 1024)
/* A line that ends like the beginning of a secret is not held back for longer than this. */
#define RELEASE_USEC (100 * USEC_PER_MSEC)

static void on_line(const char *line, size_t n, bool is_partial, void *userdata) {
        Step *step = userdata;
        uint64_t max = step->job->spec.policy->log_bytes_max;
        JobEvent *event = &step->output;

        service_saw_line(step, line, n);
        if (step->is_cut)
                return;
        step->n_bytes += n + !is_partial;
        if (max > 0 && step->n_bytes > max) {
                step->is_cut = true;
                job_emit_text(step->job, JOB_EVENT_WARNING, step,
                              "its output is larger than %llu bytes: the rest is cut, the %s goes on",
                              (unsigned long long) max, step->plan->kind == STEP_SERVICE ? "service" : "step");
                return;
        }
        if (!is_partial || n > 0)
                step->n_lines++;
        if (step->n_lines_kept[event->stream - 1] > 0) {
                step->n_lines_kept[event->stream - 1]--;
                return;
        }
        event->line = line;
        event->n_line = n;
        event->line_number = step->n_lines;
        event->is_partial = is_partial;
        step->job->spec.observer.event(event, step->job->spec.observer.userdata);
}

int step_output_init(Step *step) {
        step->masked = STR_INIT(OUTPUT_CHUNK_MAX);
        for (int i = 0; i < 2; i++) {
                int r = mask_stream_new(step->job->mask, &step->mask[i]);

                if (r < 0)
                        return r;
                lines_init(&step->lines[i], on_line, step);
        }
        return 0;
}

static void hand_on(Step *step, int stream) {
        step->output = (JobEvent) { .kind = JOB_EVENT_OUTPUT,
                                    .job_id = step->job->id,
                                    .realtime_usec = clock_realtime_usec(),
                                    .step = step->plan,
                                    .step_index = step->index,
                                    .exit_code = -1,
                                    .stream = stream };
        if (lines_feed(&step->lines[stream - 1], str_get(&step->masked), step->masked.n) < 0)
                log_warning("out of memory: a part of the output of step '%s' is lost", step->plan->name);
        str_clear(&step->masked);
}

static void on_pause(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;

        step->release = task_free(step->release);
        for (int i = 0; i < 2; i++) {
                (void) mask_stream_release(step->mask[i], &step->masked);
                hand_on(step, i + 1);
        }
}

void step_output(int stream, const char *bytes, size_t n, void *userdata) {
        Step *step = userdata;
        int i = stream == 2;

        if (mask_stream_feed(step->mask[i], bytes, n, &step->masked) < 0)
                log_warning("out of memory: a part of the output of step '%s' is lost", step->plan->name);
        hand_on(step, i + 1);
        if (!step->release && map_size(&step->job->spec.plan->secrets) > 0)
                (void) timer_start(step->job->event, RELEASE_USEC, on_pause, step, &step->release);
}

void step_output_end(Step *step) {
        step->release = task_free(step->release);
        for (int i = 0; i < 2; i++) {
                if (!step->mask[i])
                        continue;
                (void) mask_stream_end(step->mask[i], &step->masked);
                hand_on(step, i + 1);
                lines_end(&step->lines[i]);
        }
}

void step_output_done(Step *step) {
        step->release = task_free(step->release);
        for (int i = 0; i < 2; i++) {
                step->mask[i] = mask_stream_free(step->mask[i]);
                lines_done(&step->lines[i]);
        }
        str_done(&step->masked);
}
