#include "job/guard-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/vfork.h"
#include "holder/block.h"
#include "holder/look.h"
#include "job/holder.h"
#include "job/job-internal.h"
#include "loop/process.h"

#define PID_BYTES_MAX 64
#define CHILDREN_BYTES_MAX 4096
#define LOOK_USEC (30 * USEC_PER_SEC) /* of a child that needs some milliseconds, unless a file system hangs */
#define ASK_USEC (30 * USEC_PER_SEC)  /* of a service that is started for it */

/* Where clouds hand out credentials: AWS, GCP, Azure and others; ECS; EKS; Alibaba; the same with IPv6. */
static const char *const metadata_addresses[] = {
        "169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200",
        "fd00:ec2::254",   "fd00:ec2::23",  "fd20:ce::254",   NULL,
};

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

/* What can be done and was not must not be had by a job that brings that about. */
static int refuse(const char *said, Error **reterr) {
        return error_set(reterr, EPERM,
                         "addresses where a cloud hands out credentials were not blocked: %.*s; an operator whose jobs "
                         "may reach them sets 'network.allow_metadata: true'",
                         (int) strcspn(said, "\n"), said);
}

typedef struct Block {
        char pid[24];
        char why[BLOCK_WHY_BYTES];
} Block;

static int call_block(void *userdata) {
        Block *block = userdata;

        return block_addresses(block->pid, metadata_addresses, block->why, sizeof(block->why));
}

/* A job can use these up. */
static bool is_want(int error) {
        return error == ENOMEM || error == ENOBUFS || error == EMFILE || error == ENFILE || error == EAGAIN;
}

/* What cannot be done here, as the kernel has no such thing or refuses, is told, and the container starts without. */
static int block_here(Job *job, uint64_t pid, Error **reterr) {
        Block block = { 0 };
        int r;

        (void) snprintf(block.pid, sizeof(block.pid), "%llu", (unsigned long long) pid);
        r = vfork_call(call_block, &block);
        if (r < 0)
                return refuse(strerror(-r), reterr);
        if (is_want(r))
                return refuse(block.why, reterr);
        if (r > 0)
                guard_tell_unblocked(job, block.why);
        return 0;
}

/* Without a process there is no namespace to be found. For want of what a job can use up, nobody looked. */
static int tell_not_found(Job *job, int r, const char *what, Error **reterr) {
        _cleanup_free_ char *why = str_printf("%s is not to be found: %s", what, strerror(-r));

        if (!why)
                return error_oom(reterr);
        if (is_want(-r))
                return refuse(why, reterr);
        guard_tell_unblocked(job, why);
        return 0;
}

/* One container, where a process is needed: to look at its mounts, or to ask somebody outside of the sandbox. */
typedef struct Guard {
        Task task;
        Job *job;
        Step *step; /* NULL: of the holder */
        uint64_t pid;
        bool asks;
        Task *child;
        ProcessOutput output;
} Guard;

static Task *guard_free(Task *task) {
        Guard *guard = container_of(task, Guard, task);

        guard->child = task_free(guard->child);
        process_output_done(&guard->output);
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
static int begin_argv(const Guard *guard, const char *verb, char ***argv) {
        _cleanup_free_ char *program = NULL;
        int r = holder_find_program(guard->job, &program, NULL);

        r = r < 0 ? r : strv_append(argv, program);
        if (r >= 0 && guard->asks) {
                r = strv_append(argv, "ask");
                r = r < 0 ? r : strv_append(argv, guard->job->spec.guard_socket);
        }
        r = r < 0 ? r : strv_append(argv, verb);
        return r < 0 ? r : strv_append_take(argv, str_printf("%llu", (unsigned long long) guard->pid));
}

static int call_look(char *const *argv) {
        return look((char **) argv + 2);
}

static int run(Guard *guard, int (*call)(char *const *argv), char *const *argv, TaskDone done) {
        ProcessSpec spec = { .argv = argv, .call = call, .timeout_usec = call ? LOOK_USEC : ASK_USEC };

        guard->child = task_free(guard->child);
        process_output_done(&guard->output);
        guard->output = (ProcessOutput) {};
        return process_run(guard->job->event, &spec, &guard->output, done, guard, &guard->child);
}

static const char *what_it_said(const Guard *guard, int r, const Error *error) {
        const char *said = guard->output.err;

        return r < 0 ? error_message(error, r) : str_is_empty(said) ? "podstep-holder failed" : said;
}

static void finish(Guard *guard, int r, const Error *error) {
        if (r >= 0 && guard->step)
                guard->step->is_guarded = true;
        task_finish(&guard->task, r, error);
}

static void on_asked_to_block(Task *task, int r, const Error *error, void *userdata) {
        Guard *guard = userdata;
        const char *said = what_it_said(guard, r, error);
        _cleanup_(error_freep) Error *why = NULL;

        if (r == EXIT_FAILURE)
                guard_tell_unblocked(guard->job, said);
        r = r == EXIT_SUCCESS || r == EXIT_FAILURE ? 0 : refuse(said, &why);
        finish(guard, r, why);
}

static int ask_to_block(Guard *guard) {
        _cleanup_strv_ char **argv = NULL;
        int r = begin_argv(guard, "block", &argv);

        for (const char *const *address = metadata_addresses; r >= 0 && *address; address++)
                r = strv_append(&argv, *address);
        return r < 0 ? r : run(guard, NULL, argv, on_asked_to_block);
}

static bool is_to_block(const Guard *guard) {
        return guard_wants_block(guard->job) && (!guard->step || guard_step_has_network(guard->step));
}

static void on_looked(Task *task, int r, const Error *error, void *userdata) {
        Guard *guard = userdata;
        _cleanup_(error_freep) Error *why = NULL;

        if (r != 0) {
                const char *said = what_it_said(guard, r, error);

                r = error_set(&why, EPERM, "%.*s", (int) strcspn(said, "\n"), said);
        } else if (is_to_block(guard) && guard->asks) {
                r = ask_to_block(guard);
                if (r >= 0)
                        return;
                (void) error_oom(&why);
        } else if (is_to_block(guard))
                r = block_here(guard->job, guard->pid, &why);
        finish(guard, r, why);
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
        return r < 0 ? r : run(guard, guard->asks ? NULL : call_look, argv, on_looked);
}

static int start_process(const Guard *spec, TaskDone done, void *userdata, Task **ret_task) {
        Guard *guard = calloc(1, sizeof(*guard));
        int r;

        if (!guard)
                return -ENOMEM;
        *guard = *spec;
        task_init(&guard->task, &guard_class, done, userdata);
        r = guard->step && guard->step->n_mounts > 0 ? start_look(guard) : ask_to_block(guard);
        if (r < 0) {
                guard_free(&guard->task);
                return r;
        }
        *ret_task = &guard->task;
        return 0;
}

static int start(Job *job, Step *step, uint64_t pid, TaskDone done, void *userdata, Task **ret_task) {
        Guard guard = { .job = job, .step = step, .pid = pid, .asks = job->spec.guard_socket && is_out_of_reach(pid) };
        _cleanup_(error_freep) Error *why = NULL;
        int r;

        if (guard.asks || (step && step->n_mounts > 0))
                return start_process(&guard, done, userdata, ret_task);
        r = block_here(job, pid, &why);
        if (step)
                step->is_guarded = r >= 0;
        return task_defer(job->event, r, why, done, userdata, ret_task);
}

int guard_step(Step *step, TaskDone done, void *userdata, Task **ret_task) {
        _cleanup_(error_freep) Error *why = NULL;
        uint64_t pid = 0;
        int r = find_pid(step->pid_path, &pid);

        if (r >= 0)
                return start(step->job, step, pid, done, userdata, ret_task);
        r = step->n_mounts > 0 ? error_set(&why, EPERM,
                                           "its mounts cannot be checked: its first process is not to be found: %s",
                                           strerror(-r))
                               : tell_not_found(step->job, r, "the container's first process", &why);
        step->is_guarded = r >= 0;
        return task_defer(step->job->event, r, why, done, userdata, ret_task);
}

int guard_network(Job *job, const char *monitor_pid_path, TaskDone done, void *userdata, Task **ret_task) {
        _cleanup_(error_freep) Error *why = NULL;
        uint64_t pid = 0;
        int r = find_pid(monitor_pid_path, &pid);

        if (r >= 0)
                return start(job, NULL, pid, done, userdata, ret_task);
        r = tell_not_found(job, r, "the holder's process", &why);
        return task_defer(job->event, r, why, done, userdata, ret_task);
}
