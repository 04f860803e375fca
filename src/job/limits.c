/*
 * Limits of the operator's that this machine cannot enforce: the job is told, or it is refused; never are they ignored.
 */

#include <errno.h>

#include "job/job-internal.h"

static void refuse(Job *job, const char *noun, const char *names) {
        _cleanup_(error_freep) Error *why = NULL;

        (void) error_set(&why, EPERM,
                         "the operator wants limits for each %s that hold nothing on this machine: %s; the engine was "
                         "given no such cgroup controllers",
                         noun, names);
        job_set_result(job, JOB_REFUSED, why);
        job->cannot_run = true;
}

static int judge(Job *job, const ContainerOptions *options, const char *noun) {
        _cleanup_free_ char *names = container_options_unenforced(options, &job->spec.engine->info);

        if (!names)
                return -ENOMEM;
        if (!*names)
                return 0;
        if (job->spec.policy->refuse_unenforced)
                refuse(job, noun, names);
        else
                job_emit_text(job, JOB_EVENT_WARNING, NULL,
                              "limits for each %s hold nothing on this machine: %s; the engine was given no such "
                              "cgroup controllers",
                              noun, names);
        return 0;
}

static int judge_all(Job *job) {
        int r = judge(job, &job->step_options, "step");

        return r >= 0 && job->spec.plan->n_services > 0 ? judge(job, &job->service_options, "service") : r;
}

static void on_probed(Task *task, int r, const Error *error, void *userdata) {
        Job *job = userdata;

        if (r >= 0)
                r = judge_all(job);
        job_part_is_made(job, r, error);
}

int job_check_limits(Job *job) {
        if (!container_options_need_probe(&job->step_options) && !container_options_need_probe(&job->service_options))
                return 1;
        if (job->spec.engine->info.is_probed)
                return judge_all(job);
        job->n_making++;
        return engine_probe(job->spec.engine, on_probed, job, &job->probing);
}
