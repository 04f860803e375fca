#include "loop/process.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/str.h"
#include "loop/process-internal.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

typedef struct Process {
        Task task;
        sd_event *event;
        Child child;
        char *program; /* for messages */
        uint64_t timeout_usec;
        sd_event_source *exit_source, *out_source, *err_source, *deadline_source;
        Str out, err;
        ProcessOutput *ret_output;
} Process;

static int on_orphan_exit(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        siginfo_t info = { 0 };

        (void) waitid(P_PIDFD, (id_t) fd, &info, WEXITED | WNOHANG);
        (void) sd_event_source_set_floating(source, false); /* the last reference */
        return 0;
}

/* Hands a dying child to the loop, which reaps it when it is dead. If there is no memory for that, it is reaped with
 * us. */
static void leave_to_loop(Process *process) {
        sd_event_source *source = NULL;

        if (sd_event_add_io(process->event, &source, process->child.pid_fd, EPOLLIN, on_orphan_exit, NULL) < 0)
                return;
        (void) sd_event_source_set_io_fd_own(source, true);
        process->child.pid_fd = -1;
        (void) sd_event_source_set_floating(source, true);
        sd_event_source_unref(source);
}

/* Safe as long as the child is not reaped: until then nobody else can have its pid or its group. */
static void kill_group(const Process *process) {
        (void) kill(-process->child.pid, SIGKILL);
        (void) kill(process->child.pid, SIGKILL); /* it may not have come to setsid() yet */
}

static Task *process_free(Task *task) {
        Process *process = container_of(task, Process, task);

        sd_event_source_disable_unref(process->exit_source);
        sd_event_source_disable_unref(process->out_source);
        sd_event_source_disable_unref(process->err_source);
        sd_event_source_disable_unref(process->deadline_source);
        if (process->child.pid > 0) {
                siginfo_t info = { 0 };

                kill_group(process);
                if (waitid(P_PID, (id_t) process->child.pid, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0 &&
                    process->child.pid_fd >= 0)
                        leave_to_loop(process);
        }
        child_done(&process->child);
        sd_event_unref(process->event);
        str_done(&process->out);
        str_done(&process->err);
        free(process->program);
        free(process);
        return NULL;
}

static const TaskClass process_class = { "process", process_free };

/* Stops all: nothing of it may be heard after the callback, whenever the Task is dropped. */
static void finish(Process *process, int r, const Error *error) {
        if (process->child.pid > 0)
                kill_group(process);
        process->exit_source = sd_event_source_disable_unref(process->exit_source);
        process->out_source = sd_event_source_disable_unref(process->out_source);
        process->err_source = sd_event_source_disable_unref(process->err_source);
        process->deadline_source = sd_event_source_disable_unref(process->deadline_source);
        task_finish(&process->task, r, error);
}

/* One piece. Returns 1 if there may be more, 0 at the end or if there is nothing now, -E2BIG. */
static int read_piece(int fd, Str *text, bool *ret_end) {
        char piece[16 * 1024];
        ssize_t n = read(fd, piece, sizeof(piece));

        *ret_end = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
        if (n <= 0)
                return 0;
        if (text->n + (size_t) n > text->max) {
                (void) str_append_n(text, piece, text->max - text->n);
                return -E2BIG;
        }
        return str_append_n(text, piece, (size_t) n) < 0 ? -ENOMEM : 1;
}

static void finish_too_large(Process *process, int r) {
        _cleanup_(error_freep) Error *error = NULL;

        if (r == -E2BIG)
                (void) error_set(&error, E2BIG, "'%s' printed more than %zu bytes", process->program, process->out.max);
        finish(process, r, error);
}

static int on_out(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Process *process = userdata;
        bool end;
        int r;

        r = read_piece(fd, &process->out, &end);
        if (r < 0)
                finish_too_large(process, r);
        else if (end)
                process->out_source = sd_event_source_disable_unref(process->out_source);
        return 0;
}

static int on_err(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Process *process = userdata;
        bool end;

        (void) read_piece(fd, &process->err, &end);
        if (end)
                process->err_source = sd_event_source_disable_unref(process->err_source);
        return 0;
}

/* What is still in the pipes; a grandchild that keeps them open is not waited for. */
static int drain(Process *process) {
        bool end;
        int r;

        do
                r = read_piece(process->child.out_fd, &process->out, &end);
        while (r > 0);
        while (read_piece(process->child.err_fd, &process->err, &end) > 0)
                ;
        return r;
}

static int tell_failure(Process *process, const ChildFailure *failure, Error **reterr) {
        if (failure->where == CHILD_FAILED_DIRECTORY)
                return error_set(reterr, failure->errnum, "starting '%s': its directory: %s", process->program,
                                 strerror(failure->errnum));
        if (failure->errnum == ENOENT)
                return error_set(reterr, ENOENT, "there is no program '%s'", process->program);
        return error_set(reterr, failure->errnum, "starting '%s': %s", process->program, strerror(failure->errnum));
}

static int fill_output(Process *process) {
        ProcessOutput output = { .n_out = process->out.n, .n_err = process->err.n };

        if (!process->ret_output)
                return 0;
        process->err.error = 0; /* that it was cut is no failure */
        output.out = str_take(&process->out);
        output.err = str_take(&process->err);
        if (!output.out || !output.err) {
                process_output_done(&output);
                return -ENOMEM;
        }
        *process->ret_output = output;
        return 0;
}

static int on_exit_of_child(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Process *process = userdata;
        _cleanup_(error_freep) Error *error = NULL;
        ChildFailure failure;
        siginfo_t info = { 0 };
        int r;

        /* Not reaped yet, so the group is still ours: what it left in the background goes with it. */
        if (waitid(P_PID, (id_t) process->child.pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
                return 0;
        (void) kill(-process->child.pid, SIGKILL);
        (void) waitid(P_PID, (id_t) process->child.pid, &info, WEXITED | WNOHANG);
        process->child.pid = 0;

        r = drain(process);
        if (r < 0) {
                finish_too_large(process, r);
                return 0;
        }
        if (read(process->child.failure_fd, &failure, sizeof(failure)) == sizeof(failure))
                r = tell_failure(process, &failure, &error);
        else
                r = fill_output(process);
        if (r >= 0)
                r = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
        finish(process, r, error);
        return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        Process *process = userdata;
        _cleanup_(error_freep) Error *error = NULL;
        char duration[CLOCK_DURATION_MAX];
        int r;

        r = error_set(&error, ETIMEDOUT, "'%s' did not end within %s", process->program,
                      clock_format_duration(process->timeout_usec, duration));
        finish(process, r, error);
        return 0;
}

static int start(Process *process, const ProcessSpec *spec, Error **reterr) {
        uint64_t now = clock_monotonic_usec();
        int r;

        r = child_spawn(spec, &process->child, reterr);
        if (r < 0)
                return r;
        process->child.pid_fd = (int) syscall(SYS_pidfd_open, process->child.pid, 0);
        if (process->child.pid_fd < 0)
                return error_set(reterr, errno, "watching '%s': %s", process->program, strerror(errno));
        r = sd_event_add_io(process->event, &process->exit_source, process->child.pid_fd, EPOLLIN, on_exit_of_child,
                            process);
        if (r >= 0)
                r = sd_event_add_io(process->event, &process->out_source, process->child.out_fd, EPOLLIN, on_out,
                                    process);
        if (r >= 0)
                r = sd_event_add_io(process->event, &process->err_source, process->child.err_fd, EPOLLIN, on_err,
                                    process);
        if (r >= 0 && spec->timeout_usec > 0 && spec->timeout_usec < USEC_INFINITY - now)
                r = sd_event_add_time(process->event, &process->deadline_source, CLOCK_MONOTONIC,
                                      now + spec->timeout_usec, USEC_PER_MSEC, on_deadline, process);
        return r;
}

int process_run(sd_event *event, const ProcessSpec *spec, ProcessOutput *ret_output, TaskDone done, void *userdata,
                Task **ret_task) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_(task_freep) Task *task = NULL;
        Process *process;
        int r;

        process = calloc(1, sizeof(*process));
        if (!process)
                return -ENOMEM;
        task = &process->task;
        task_init(task, &process_class, done, userdata);
        process->event = sd_event_ref(event);
        process->child = CHILD_NONE;
        process->timeout_usec = spec->timeout_usec;
        process->ret_output = ret_output;
        process->out = STR_INIT(spec->output_max ? spec->output_max : PROCESS_OUTPUT_MAX);
        process->err = STR_INIT(PROCESS_ERROR_MAX);
        process->program = strdup(spec->argv[0]);
        if (!process->program)
                return -ENOMEM;
        r = start(process, spec, &error);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return task_defer(event, r, error, done, userdata, ret_task);
        *ret_task = TAKE_PTR(task);
        return 0;
}

void process_output_done(ProcessOutput *output) {
        free(output->out);
        free(output->err);
        *output = (ProcessOutput) { 0 };
}
