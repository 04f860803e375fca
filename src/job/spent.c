/*
 * Containers that have done their part go while others still run, so that little is left to remove when the job ends.
 *
 * Not the members of a pod. Podman takes the pod's lock and then the volume's to remove one that had a volume mounted,
 * and the volume's and then the pod's to make one (libpod/runtime_ctr.go, removeContainer() and setupContainer()): at
 * the same time, that blocks both for ever. Nor would it save anything: the pod's lock lets them go only one by one.
 */

#include "job/job-internal.h"

static bool is_spent(const Step *step) {
        return step->is_done && step->is_over && step->container_id && !step->removing && !step->is_removed &&
               !step->has_resisted;
}

bool spent_is_removing(const Job *job) {
        for (size_t i = 0; i < job->spec.plan->n_steps; i++)
                if (job->steps[i].removing)
                        return true;
        return false;
}

/* What fails is tried again, and told, at the end of the job. */
static void on_removed(Task *task, int r, const Error *error, void *userdata) {
        Step *step = userdata;

        step->removing = task_free(step->removing);
        step->is_removed = r >= 0;
        step->has_resisted = r < 0;
        if (!spent_is_removing(step->job))
                job_spent_removed(step->job);
}

/*
 * At once, although Podman's own clean-up of the container, which its monitor starts now, does much of the same: who
 * comes first does it, and the other finds it done.
 */
void spent_remove(Job *job) {
        if (job->spec.keep || !job->sandbox || sandbox_pod(job->sandbox))
                return;
        for (size_t i = 0; i < job->spec.plan->n_steps; i++) {
                Step *step = &job->steps[i];

                if (is_spent(step))
                        step->has_resisted =
                                engine_object_remove(job->spec.engine, OBJECT_CONTAINER, step->container, on_removed,
                                                     step, &step->removing) < 0;
        }
}
