#include "job/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/holder.h"
#include "job/job-internal.h"
#include "loop/process.h"

#define PID_BYTES_MAX 64
#define CHILDREN_BYTES_MAX 4096
#define BLOCK_USEC (5 * USEC_PER_SEC)

/* Where clouds hand out credentials: AWS, GCP, Azure and others; ECS; EKS; Alibaba; the same with IPv6. */
static const char *const metadata_addresses[] = {
        "169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254",
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
 * Docker on this machine, and another user's Podman, see our files under the same paths, too: where a link leads can be told
 * beforehand, if not what was mounted.
 */
static bool is_on_this_machine(const EngineInfo *info) {
        return info->is_local || (info->address && str_starts_with(info->address, "unix:"));
}

/* Where the operator allows all, or mounts it, there is nothing to guard. */
static bool is_guarded(const Step *step, const PlanVolume *volume) {
        return volume->source && volume->source[0] == '/' && !volume->is_operators && step->job->spec.policy->allowed_volumes &&
               is_on_this_machine(&step->job->spec.engine->info);
}

static int open_mount(Step *step, const PlanVolume *volume, Error **reterr) {
        _cleanup_close_ int fd = open(volume->source, O_PATH | O_CLOEXEC);
        _cleanup_free_ char *path = fd >= 0 ? path_of(fd) : NULL;
        GuardedMount mount;

        if (fd < 0)
                return error_set(reterr, errno, "volume '%s:%s': cannot open '%s': %s", volume->source, volume->target, volume->source,
                                 strerror(errno));
        if (!path)
                return error_oom(reterr);
        if (!is_allowed(step->job->spec.policy, path))
                return error_set(reterr, EPERM, "volume '%s:%s': '%s' is really '%s', which is not an allowed directory", volume->source,
                                 volume->target, volume->source, path);
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
                return r < 0 ? error_set(reterr, -r, "cannot make the cache directory '%s': %s", source, strerror(-r)) : 0;
        }
        if (file_exists(volume->source))
                return 0;
        return error_set(reterr, ENOENT, "volume '%s:%s': there is no '%s' on this machine", volume->source, volume->target, volume->source);
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
        (void) snprintf(path, sizeof(path), "/proc/%llu/task/%llu/children", (unsigned long long) monitor, (unsigned long long) monitor);
        return read_pid(path, CHILDREN_BYTES_MAX, ret);
}

/* The target inside the container's root, where links of the image lead nowhere else. */
static int open_inside(uint64_t pid, const char *target) {
        struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
        _cleanup_close_ int root = -1;
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/%llu/root", (unsigned long long) pid);
        root = open(path, O_PATH | O_CLOEXEC | O_DIRECTORY);
        return root < 0 ? -errno : (int) syscall(SYS_openat2, root, target, &how, sizeof(how));
}

/*
 * Between our look and the engine's mount somebody who writes below an allowed directory may have put a link there. So
 * what is mounted is compared with what was allowed: it can no longer change.
 */
static int check_mounts(const Step *step, uint64_t pid, Error **reterr) {
        for (size_t i = 0; i < step->n_mounts; i++) {
                const GuardedMount *mount = &step->mounts[i];
                _cleanup_close_ int fd = open_inside(pid, mount->target);
                struct stat allowed, mounted;

                if (fd < 0 || fstat(fd, &mounted) < 0 || fstat(mount->fd, &allowed) < 0)
                        return error_set(reterr, EPERM, "volume at '%s': what is mounted cannot be checked: %s", mount->target, strerror(errno));
                if (allowed.st_dev != mounted.st_dev || allowed.st_ino != mounted.st_ino)
                        return error_set(reterr, EPERM, "volume at '%s': '%s' was exchanged while it was being mounted", mount->target, mount->source);
        }
        return 0;
}

/* Podman's monitor and the container's processes are ours to look at; Docker's are root's. */
static bool can_look(const Job *job) {
        return job->spec.engine->info.is_local && str_equal(job->spec.engine->info.kind, "podman");
}

bool guard_wants_block(const Job *job) {
        return !job->spec.policy->network.allow_metadata && !job->cannot_block;
}

static bool has_network_of_its_own(const Step *step) {
        const char *mode = step->plan->network_mode;

        return !str_equal(mode, "none") && !str_equal(mode, "host") && (mode || !sandbox_shares_network(step->job->sandbox));
}

bool guard_is_due(const Step *step) {
        return !step->is_guarded && can_look(step->job) &&
               (step->n_mounts > 0 || (guard_wants_block(step->job) && has_network_of_its_own(step)));
}

static void tell_unblocked(Job *job, const char *why) {
        if (!guard_wants_block(job))
                return;
        job->cannot_block = true;
        job_emit_text(job, JOB_EVENT_NOTE, NULL, "addresses where a cloud hands out credentials are not blocked: %.*s",
                      (int) strcspn(why, "\n"), why);
}

void guard_begin(Job *job) {
        if (!can_look(job))
                tell_unblocked(job, "the network of this engine's containers belongs to somebody else");
}

typedef struct Guard {
        Task task;
        Job *job;
        Step *step; /* NULL: of the holder */
        char *program;
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

static void on_blocked(Task *task, int r, const Error *error, void *userdata) {
        Guard *guard = userdata;

        if (r != 0)
                tell_unblocked(guard->job, r < 0 ? error_message(error, r) : guard->output.err ? guard->output.err : "podstep-holder failed");
        if (guard->step)
                guard->step->is_guarded = true;
        task_finish(&guard->task, 0, NULL);
}

static int start_block(Guard *guard, uint64_t pid) {
        const char *argv[3 + ELEMENTSOF(metadata_addresses) + 1] = { guard->program, "block" };
        ProcessSpec spec = { .argv = (char *const *) argv, .timeout_usec = BLOCK_USEC };
        char text[24];

        (void) snprintf(text, sizeof(text), "%llu", (unsigned long long) pid);
        argv[2] = text;
        for (size_t i = 0; i < ELEMENTSOF(metadata_addresses); i++)
                argv[3 + i] = metadata_addresses[i];
        return process_run(guard->job->event, &spec, &guard->output, on_blocked, guard, &guard->child);
}

static int guard_start(Job *job, Step *step, uint64_t pid, TaskDone done, void *userdata, Task **ret_task) {
        Guard *guard = calloc(1, sizeof(*guard));
        int r;

        if (!guard)
                return -ENOMEM;
        *guard = (Guard) { .job = job, .step = step };
        task_init(&guard->task, &guard_class, done, userdata);
        r = holder_find_program(job, &guard->program, NULL);
        if (r >= 0)
                r = start_block(guard, pid);
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

        if (step->n_mounts > 0 && r < 0)
                r = error_set(&why, EPERM, "its mounts cannot be checked: its first process is not to be found: %s", strerror(-r));
        else if (step->n_mounts > 0)
                r = check_mounts(step, pid, &why);
        if (why)
                return task_defer(step->job->event, r, why, done, userdata, ret_task);
        if (r < 0)
                tell_unblocked(step->job, "the container's first process is not to be found");
        else if (guard_wants_block(step->job) && has_network_of_its_own(step))
                return guard_start(step->job, step, pid, done, userdata, ret_task);
        step->is_guarded = true;
        return task_defer(step->job->event, 0, NULL, done, userdata, ret_task);
}

int guard_network(Job *job, const char *monitor_pid_path, TaskDone done, void *userdata, Task **ret_task) {
        uint64_t pid = 0;
        int r = find_pid(monitor_pid_path, &pid);

        if (r >= 0)
                return guard_start(job, NULL, pid, done, userdata, ret_task);
        tell_unblocked(job, "the holder's process is not to be found");
        return task_defer(job->event, 0, NULL, done, userdata, ret_task);
}
