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
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "holder/block.h"
#include "holder/look.h"
#include "job/holder.h"
#include "job/job-internal.h"
#include "job/name-server.h"
#include "loop/process.h"

#define VOID_NETWORK "podstep-unreachable" /* made once on an engine, and stays */
#define PID_BYTES_MAX 64
#define CHILDREN_BYTES_MAX 4096
#define GUARD_USEC (30 * USEC_PER_SEC) /* of a child that needs some milliseconds */
#define GUARD_ASK_USEC (30 * USEC_PER_SEC) /* of a service that is started for it */

/* Where clouds hand out credentials: AWS, GCP, Azure and others; ECS; EKS; Alibaba; the same with IPv6. */
static const char *const metadata_addresses[] = {
        "169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200",
        "fd00:ec2::254",   "fd00:ec2::23",  "fd20:ce::254",
};

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

static int read_pid(const char *path, size_t max, uint64_t *ret) {
        _cleanup_free_ char *text = NULL;
        int r = file_read(path, max, &text, NULL);

        if (r < 0)
                return r;
        text[strcspn(text, " \n")] = '\0';
        return parse_u64(text, ret);
}

/* The monitor's one child is the first process of the container, which waits to be told to start. */
static int find_pid(const char *monitor_pid_path, uint64_t *ret) {
        char path[64];
        uint64_t monitor;
        int r = read_pid(monitor_pid_path, PID_BYTES_MAX, &monitor);

        if (r < 0)
                return r;
        (void) snprintf(path, sizeof(path), "/proc/%llu/task/%llu/children", (unsigned long long) monitor,
                        (unsigned long long) monitor);
        return read_pid(path, CHILDREN_BYTES_MAX, ret);
}

/* Podman's monitor and the container's processes are ours to look at; Docker's are root's. */
static bool can_look(const Job *job) {
        return job->spec.engine->info.is_local && str_equal(job->spec.engine->info.kind, "podman");
}

static bool wants_block(const Job *job) {
        return !job->spec.policy->network.allow_metadata;
}

bool guard_network_is_due(const Job *job) {
        return can_look(job) && wants_block(job);
}

static bool has_network_of_its_own(const Step *step) {
        const char *mode = step->plan->network_mode;

        return !str_equal(mode, "none") && !str_equal(mode, "host") &&
               (mode || !sandbox_shares_network(step->job->sandbox));
}

bool guard_is_due(const Step *step) {
        return !step->is_guarded && can_look(step->job) &&
               (step->n_mounts > 0 || (wants_block(step->job) && has_network_of_its_own(step)));
}

void guard_tell_unblocked(Job *job, const char *why) {
        if (!wants_block(job) || job->has_told_unblocked)
                return;
        job->has_told_unblocked = true;
        job_emit_text(job, JOB_EVENT_NOTE, NULL, "addresses where a cloud hands out credentials are not blocked: %.*s",
                      (int) strcspn(why, "\n"), why);
}

bool guard_find_void(const Job *job, EngineNetworkSpec *ret) {
        if (can_look(job) || !job->spec.engine->info.has_void_networks || !wants_block(job) || job->needs_link_local)
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

typedef struct Guard {
        Task task;
        Job *job;
        Step *step; /* NULL: of the holder */
        uint64_t pid;
        char *program;
        bool asks; /* somebody outside of the sandbox */
        Task *child;
        ProcessOutput output;
} Guard;

static Task *guard_free(Task *task) {
        Guard *guard = container_of(task, Guard, task);

        guard->child = task_free(guard->child);
        process_output_done(&guard->output);
        free(guard->program);
        free(guard);
        return NULL;
}

static const TaskClass guard_class = { .name = "guard", .free = guard_free };

/* Seen from the user namespace of a sandbox, even our own containers belong to somebody else. */
static bool is_out_of_reach(uint64_t pid) {
        _cleanup_close_ int fd = -1;
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/%llu/ns/net", (unsigned long long) pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd < 0 && (errno == EACCES || errno == EPERM);
}

/* "podstep-holder VERB PID", which a child of ours does without that program; or by somebody outside of the sandbox. */
static int begin_argv(Guard *guard, const char *verb, char ***argv) {
        const char *socket = guard->job->spec.guard_socket;
        int r = strv_append(argv, guard->program);

        guard->asks = socket && is_out_of_reach(guard->pid);
        if (r >= 0 && guard->asks) {
                r = strv_append(argv, "ask");
                r = r < 0 ? r : strv_append(argv, socket);
        }
        r = r < 0 ? r : strv_append(argv, verb);
        return r < 0 ? r : strv_append_take(argv, str_printf("%llu", (unsigned long long) guard->pid));
}

static int call_block(char *const *argv) {
        return block_addresses((char **) argv + 2);
}

static int call_look(char *const *argv) {
        return look((char **) argv + 2);
}

static int run(Guard *guard, int (*call)(char *const *argv), char *const *argv, TaskDone done) {
        ProcessSpec spec = { .argv = argv,
                             .call = guard->asks ? NULL : call,
                             .timeout_usec = guard->asks ? GUARD_ASK_USEC : GUARD_USEC };

        guard->child = task_free(guard->child);
        process_output_done(&guard->output);
        guard->output = (ProcessOutput) {};
        return process_run(guard->job->event, &spec, &guard->output, done, guard, &guard->child);
}

static const char *what_it_said(const Guard *guard, int r, const Error *error) {
        const char *said = guard->output.err;

        return r < 0 ? error_message(error, r) : str_is_empty(said) ? "podstep-holder failed" : said;
}

static void finish(Guard *guard) {
        if (guard->step)
                guard->step->is_guarded = true;
        task_finish(&guard->task, 0, NULL);
}

/*
 * What cannot be done here (there is nobody to do it, or the kernel refuses) is told, and the container starts without.
 * But what can be done and was not, for want of an answer, of time or of memory, must not be had by a job that brings
 * that about.
 */
static void on_blocked(Task *task, int r, const Error *error, void *userdata) {
        Guard *guard = userdata;
        const char *said = what_it_said(guard, r, error);
        _cleanup_(error_freep) Error *why = NULL;

        if (r == EXIT_SUCCESS || r == EXIT_FAILURE) {
                if (r == EXIT_FAILURE)
                        guard_tell_unblocked(guard->job, said);
                finish(guard);
                return;
        }
        r = error_set(&why, EPERM,
                      "addresses where a cloud hands out credentials were not blocked: %.*s; an operator whose jobs "
                      "may reach them sets 'network.allow_metadata: true'",
                      (int) strcspn(said, "\n"), said);
        task_finish(&guard->task, r, why);
}

static int start_block(Guard *guard) {
        _cleanup_strv_ char **argv = NULL;
        int r = begin_argv(guard, "block", &argv);

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(metadata_addresses); i++)
                r = strv_append(&argv, metadata_addresses[i]);
        return r < 0 ? r : run(guard, call_block, argv, on_blocked);
}

static bool is_to_block(const Guard *guard) {
        return wants_block(guard->job) && (!guard->step || has_network_of_its_own(guard->step));
}

static void on_looked(Task *task, int r, const Error *error, void *userdata) {
        Guard *guard = userdata;
        _cleanup_(error_freep) Error *why = NULL;

        if (r != 0) {
                const char *said = what_it_said(guard, r, error);

                r = error_set(&why, EPERM, "%.*s", (int) strcspn(said, "\n"), said);
        } else if (is_to_block(guard)) {
                r = start_block(guard);
                if (r >= 0)
                        return;
                (void) error_oom(&why);
        }
        if (r < 0)
                task_finish(&guard->task, r, why);
        else
                finish(guard);
}

/*
 * Between our look and the engine's mount somebody who writes below an allowed directory may have put a link there. So
 * what is mounted is compared with what was allowed: it can no longer change.
 */
static int start_look(Guard *guard) {
        _cleanup_strv_ char **argv = NULL;
        int r = begin_argv(guard, "look", &argv);

        for (size_t i = 0; r >= 0 && i < guard->step->n_mounts; i++) {
                const GuardedMount *mount = &guard->step->mounts[i];
                struct stat allowed;

                if (fstat(mount->fd, &allowed) < 0)
                        return -errno;
                r = strv_append(&argv, mount->target);
                r = r < 0 ? r : strv_append(&argv, mount->source);
                r = r < 0 ? r : strv_append_take(&argv, str_printf("%llu", (unsigned long long) allowed.st_dev));
                r = r < 0 ? r : strv_append_take(&argv, str_printf("%llu", (unsigned long long) allowed.st_ino));
        }
        return r < 0 ? r : run(guard, call_look, argv, on_looked);
}

static int guard_start(Job *job, Step *step, uint64_t pid, TaskDone done, void *userdata, Task **ret_task) {
        Guard *guard = calloc(1, sizeof(*guard));
        int r;

        if (!guard)
                return -ENOMEM;
        *guard = (Guard) { .job = job, .step = step, .pid = pid };
        task_init(&guard->task, &guard_class, done, userdata);
        r = holder_find_program(job, &guard->program, NULL);
        if (r >= 0)
                r = step && step->n_mounts > 0 ? start_look(guard) : start_block(guard);
        if (r < 0) {
                guard_free(&guard->task);
                return r;
        }
        *ret_task = &guard->task;
        return 0;
}

int guard_step(Step *step, TaskDone done, void *userdata, Task **ret_task) {
        _cleanup_(error_freep) Error *why = NULL;
        uint64_t pid = 0;
        int r = find_pid(step->pid_path, &pid);

        if (r >= 0)
                return guard_start(step->job, step, pid, done, userdata, ret_task);
        if (step->n_mounts > 0) {
                r = error_set(&why, EPERM, "its mounts cannot be checked: its first process is not to be found: %s",
                              strerror(-r));
                return task_defer(step->job->event, r, why, done, userdata, ret_task);
        }
        guard_tell_unblocked(step->job, "the container's first process is not to be found");
        step->is_guarded = true;
        return task_defer(step->job->event, 0, NULL, done, userdata, ret_task);
}

int guard_network(Job *job, const char *monitor_pid_path, TaskDone done, void *userdata, Task **ret_task) {
        uint64_t pid = 0;
        int r = find_pid(monitor_pid_path, &pid);

        if (r >= 0)
                return guard_start(job, NULL, pid, done, userdata, ret_task);
        guard_tell_unblocked(job, "the holder's process is not to be found");
        return task_defer(job->event, 0, NULL, done, userdata, ret_task);
}
