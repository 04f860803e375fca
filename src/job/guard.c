#include "job/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/guard-internal.h"
#include "job/job-internal.h"
#include "job/name-server.h"

#define VOID_NETWORK "podstep-unreachable" /* made once on an engine, and stays */

/* The path that a descriptor has now. */
static char *path_of(int fd) {
        char link[64], path[PATH_MAX];
        ssize_t n;

        (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        if (n < 0 || n == sizeof(path) - 1)
                return NULL;
        path[n] = '\0';
        return strdup(path);
}

/* The operator's directories may be links themselves: theirs are followed, too. */
static bool is_allowed(const Policy *policy, const char *path) {
        STRV_FOREACH(directory, policy->allowed_volumes) {
                _cleanup_close_ int fd = open(*directory, O_PATH | O_CLOEXEC);
                _cleanup_free_ char *real = fd >= 0 ? path_of(fd) : NULL;

                if (real && path_is_below(path, real))
                        return true;
        }
        return false;
}

/*
 * Docker on this machine, and another user's Podman, see our files under the same paths, too: where a link leads can be
 * told beforehand, if not what was mounted.
 */
static bool is_on_this_machine(const EngineInfo *info) {
        return info->is_local || (info->address && str_starts_with(info->address, "unix:"));
}

/* Where the operator allows all, or mounts it, there is nothing to guard. */
static bool is_guarded(const Step *step, const PlanVolume *volume) {
        return volume->source && volume->source[0] == '/' && !volume->is_operators &&
               step->job->spec.policy->allowed_volumes && is_on_this_machine(&step->job->spec.engine->info);
}

static int open_mount(Step *step, const PlanVolume *volume, Error **reterr) {
        _cleanup_close_ int fd = open(volume->source, O_PATH | O_CLOEXEC);
        _cleanup_free_ char *path = fd >= 0 ? path_of(fd) : NULL;
        GuardedMount mount;

        if (fd < 0)
                return error_set(reterr, errno, "volume '%s:%s': cannot open '%s': %s", volume->source, volume->target,
                                 volume->source, strerror(errno));
        if (!path)
                return error_oom(reterr);
        if (!is_allowed(step->job->spec.policy, path))
                return error_set(reterr, EPERM,
                                 "volume '%s:%s': '%s' is really '%s', which is not an allowed directory",
                                 volume->source, volume->target, volume->source, path);
        mount = (GuardedMount) { volume->target, path, fd };
        if (ARRAY_APPEND(step->mounts, step->n_mounts, mount) < 0)
                return error_oom(reterr);
        (void) TAKE_PTR(path);
        fd = -1;
        return 0;
}

/* A bind whose source is missing is the author's mistake: say so before the engine does, in its own way. */
static int check_source(const Step *step, const PlanVolume *volume, Error **reterr) {
        int r;

        if (!volume->source || volume->source[0] != '/' || !step->job->spec.engine->info.is_local)
                return 0;
        if (volume->is_cache) {
                _cleanup_free_ char *source = plan_volume_source(volume, step->job->slot);

                r = source ? file_mkdir_p(source, 0755) : -ENOMEM;
                return r < 0 ? error_set(reterr, -r, "cannot make the cache directory '%s': %s", source, strerror(-r))
                             : 0;
        }
        if (file_exists(volume->source))
                return 0;
        return error_set(reterr, ENOENT, "volume '%s:%s': there is no '%s' on this machine", volume->source,
                         volume->target, volume->source);
}

int guard_open_mounts(Step *step, Error **reterr) {
        int r = 0;

        for (size_t i = 0; i < step->plan->n_volumes && r >= 0; i++) {
                const PlanVolume *volume = &step->plan->volumes[i];

                r = check_source(step, volume, reterr);
                if (r >= 0 && is_guarded(step, volume))
                        r = open_mount(step, volume, reterr);
        }
        return r;
}

void guard_close_mounts(Step *step) {
        for (size_t i = 0; i < step->n_mounts; i++) {
                free(step->mounts[i].source);
                close(step->mounts[i].fd);
        }
        free(step->mounts);
        step->mounts = NULL;
        step->n_mounts = 0;
}

const char *guard_source(const Step *step, const PlanVolume *volume) {
        for (size_t i = 0; i < step->n_mounts; i++)
                if (str_equal(step->mounts[i].target, volume->target))
                        return step->mounts[i].source;
        return volume->source;
}

/* Podman's monitor and the container's processes are ours to look at; Docker's are root's. */
static bool can_look(const Job *job) {
        return job->spec.engine->info.is_local && str_equal(job->spec.engine->info.kind, "podman");
}

bool guard_wants_block(const Job *job) {
        return !job->spec.policy->network.allow_metadata;
}

bool guard_network_is_due(const Job *job) {
        return can_look(job) && guard_wants_block(job);
}

bool guard_step_has_network(const Step *step) {
        const char *mode = step->plan->network_mode;

        return !str_equal(mode, "none") && !str_equal(mode, "host") &&
               (mode || !sandbox_shares_network(step->job->sandbox));
}

bool guard_is_due(const Step *step) {
        return !step->is_guarded && can_look(step->job) &&
               (step->n_mounts > 0 || (guard_wants_block(step->job) && guard_step_has_network(step)));
}

void guard_tell_unblocked(Job *job, const char *why) {
        if (!guard_wants_block(job) || job->has_told_unblocked)
                return;
        job->has_told_unblocked = true;
        job_emit_text(job, JOB_EVENT_NOTE, NULL, "addresses where a cloud hands out credentials are not blocked: %.*s",
                      (int) strcspn(why, "\n"), why);
}

bool guard_find_void(const Job *job, EngineNetworkSpec *ret) {
        if (can_look(job) || !job->spec.engine->info.has_void_networks || !guard_wants_block(job) ||
            job->needs_link_local)
                return false;
        *ret = (EngineNetworkSpec) {
                .name = VOID_NETWORK, .subnet = "169.254.0.0/16", .range = "169.254.0.0/17", .is_void = true
        };
        return true;
}

/*
 * Containers ask their name server from inside of their network, and in some clouds that is the very address that hands
 * out credentials: a job without names is no job. What a job names for itself changes nothing here. A daemon without
 * root has a network with a name server of its own.
 */
static void keep_names(Job *job) {
        const EngineInfo *info = &job->spec.engine->info;
        char *const *named = job->spec.policy->network.dns;
        bool is_named = strv_length(named) > 0;
        _cleanup_strv_ char **servers = NULL;
        const char *server;
        char why[256];

        if (!is_named && is_on_this_machine(info) && !info->is_rootless)
                (void) name_servers_read("", &servers);
        server = name_server_find_link_local(is_named ? named : servers);
        if (!server)
                return;
        job->needs_link_local = true;
        (void) snprintf(why, sizeof(why),
                        "the name server %s%s is link-local as they are and would be blocked, too; name another one in "
                        "'network.dns'",
                        server, is_named ? "" : " of this machine");
        guard_tell_unblocked(job, why);
}

void guard_begin(Job *job) {
        if (can_look(job))
                return;
        if (!job->spec.engine->info.has_void_networks)
                guard_tell_unblocked(job, "the network of this engine's containers belongs to somebody else");
        else
                keep_names(job);
}
