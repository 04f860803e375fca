/* What a job stands on is made, all at once: sandbox, workspace, caches; and what the engine can enforce is asked. */

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/job-internal.h"
#include "job/slot.h"

#define HOSTS_BYTES_MAX (1U * 1024 * 1024)

static int write_hosts(Job *job, Error **reterr) {
        _cleanup_str_ Str text = STR_INIT(HOSTS_BYTES_MAX);
        _cleanup_free_ char *path = path_join(job->directory.path, "hosts");
        int r;

        (void) str_append(&text, "127.0.0.1\tlocalhost localhost.localdomain\n::1\tlocalhost localhost.localdomain\n");
        for (size_t i = 0; i < job->spec.plan->n_steps; i++)
                if (job->spec.plan->steps[i]->alias) {
                        const PlanStep *step = job->spec.plan->steps[i];

                        (void) str_appendf(&text, "127.0.0.1\t%s", step->alias);
                        STRV_FOREACH(name, step->host_names)
                                (void) str_appendf(&text, " %s", *name);
                        (void) str_append_char(&text, '\n');
                }
        if (!path || text.error)
                return error_oom(reterr);
        r = file_write(path, str_get(&text), text.n, 0644);
        return r < 0 ? error_set(reterr, -r, "cannot write '%s': %s", path, strerror(-r)) : 0;
}

void job_part_is_made(Job *job, int r, const Error *error) {
        if (r < 0) {
                _cleanup_(error_freep) Error *why = error_copy(error);

                job_cannot_run(job, r, why);
        }
        if (--job->n_making == 0)
                machine_post(&job->machine, job->cannot_run ? MACHINE_FAIL : MACHINE_OK);
}

static void on_sandbox(Task *task, int r, const Error *error, void *userdata) {
        job_part_is_made(userdata, r, error);
}

static void on_workspace(Task *task, int r, const Error *error, void *userdata) {
        job_part_is_made(userdata, r, error);
}

static void on_caches(Task *task, int r, const Error *error, void *userdata) {
        job_part_is_made(userdata, r, error);
}

/* A job that is taken up has the one that its containers mount. */
static int take_slot(Job *job, Error **reterr) {
        const char *owner = job->spec.plan->cache_owner, *recorded = job_recorded(job, "slot");
        uint64_t slot;
        int r;

        if (!owner)
                return 0;
        if (recorded && parse_u64(recorded, &slot) >= 0 && slot < SLOTS_MAX) {
                job->slot = (unsigned) slot;
                return 0;
        }
        r = slot_take(job->spec.state_directory, owner, job->id, &job->slot, reterr);
        if (r >= 0)
                job_note(job, "slot", "%u", job->slot);
        return r;
}

int job_enter_preparing(Machine *machine, Task **ret_task, Error **reterr) {
        Job *job = container_of(machine, Job, machine);
        int r;

        for (size_t i = 0; i < job->spec.plan->n_steps; i++) {
                r = step_is_background(job->steps[i].plan) ? service_init(&job->steps[i], reterr) : 0;
                if (r < 0)
                        return r;
        }
        r = sandbox_new(job, &job->sandbox, reterr);
        /*
         * Where an earlier process got further it is whole, and containers that run read it: it must not be empty for a
         * moment.
         */
        if (r >= 0 && sandbox_shares_network(job->sandbox) && !job_recorded(job, "sandbox"))
                r = write_hosts(job, reterr);
        if (r >= 0)
                r = workspace_new(job, &job->workspace, reterr);
        if (r < 0)
                return r;
        sandbox_note(job->sandbox);
        job_emit_text(job, JOB_EVENT_STARTED, NULL, "%s %s, %s", job->spec.engine->info.kind,
                      job->spec.engine->info.version, sandbox_describe(job->sandbox));
        guard_begin(job);
        job->n_making = 2;
        r = take_slot(job, reterr);
        if (r >= 0)
                r = job_check_limits(job);
        if (r >= 0)
                r = caches_make(job, on_caches, job, &job->making_caches);
        if (r < 0)
                return r;
        job->n_making += job->making_caches != NULL;
        r = workspace_create(job->workspace, on_workspace, job, &job->making_workspace);
        return r < 0 ? r : sandbox_create(job->sandbox, on_sandbox, job, ret_task);
}
