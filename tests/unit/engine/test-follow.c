#include "../test-loop.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/str.h"
#include "engine/exits.h"
#include "engine/follow.h"
#include "engine/monitor.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define T "2026-11-21T20:38:55.022517957+00:00 "

/* What the engine answers when it is asked; the last one again and again. */
typedef struct Told {
        int r;
        ContainerState state;
        int exit_code;
        bool oom_killed;
} Told;

typedef struct Scene {
        Engine engine; /* that can be asked for a status, and nothing else */
        Told told[4];
        unsigned n_told, n_asked;
        Listeners *listeners;
        char directory[32];
        char *exits, *exit_file, *log, *pid_file;
        pid_t monitor;
        int monitor_stdin;
        FollowSpec spec;
        ContainerExit exit;
        Str heard;
        Seen seen;
        Task *task;
} Scene;

static int fake_inspect(Engine *engine, const char *name, ContainerStatus *ret, TaskDone done, void *userdata,
                        Task **ret_task) {
        Scene *scene = container_of(engine, Scene, engine);
        const Told *told = &scene->told[MIN(scene->n_asked, scene->n_told - 1)];

        assert_true(scene->n_told > 0); /* else nobody should have asked */
        scene->n_asked++;
        *ret = (ContainerStatus) { .id = strdup(ID),
                                   .state = told->state,
                                   .exit_code = told->exit_code,
                                   .oom_killed = told->oom_killed };
        return task_defer(engine->event, told->r, NULL, done, userdata, ret_task);
}

static const EngineClass fake_class = { .container_inspect = fake_inspect };

static void hear(int stream, const char *bytes, size_t n, void *userdata) {
        Scene *scene = userdata;

        assert_int_equal(str_append_n(&scene->heard, bytes, n), 0);
}

static int setup(void **state) {
        Scene *scene = calloc(1, sizeof(*scene));

        assert_non_null(scene);
        scene->engine = (Engine) { .class = &fake_class, .event = test_event() };
        assert_int_equal(listeners_new(scene->engine.event, &scene->listeners), 0);
        strcpy(scene->directory, "/tmp/podstep-test-XXXXXX");
        assert_non_null(mkdtemp(scene->directory));
        scene->exits = path_join(scene->directory, "exits");
        scene->exit_file = path_join(scene->exits, ID);
        scene->log = path_join(scene->directory, "log");
        scene->pid_file = path_join(scene->directory, "pid");
        assert_int_equal(mkdir(scene->exits, 0700), 0);
        scene->monitor_stdin = -1;
        scene->heard = STR_INIT(64U * 1024 * 1024);
        scene->spec = (FollowSpec) { .container = "c",
                                    .container_id = ID,
                                    .log_path = scene->log,
                                    .monitor_pid_path = scene->pid_file,
                                    .output = hear,
                                    .userdata = scene };
        *state = scene;
        return 0;
}

static void monitor_end(Scene *scene) {
        if (scene->monitor <= 0)
                return;
        assert_int_equal(kill(scene->monitor, SIGKILL), 0);
        assert_int_equal(waitpid(scene->monitor, NULL, 0), scene->monitor);
        scene->monitor = 0;
        scene->monitor_stdin = fd_close(scene->monitor_stdin);
}

static int teardown(void **state) {
        Scene *scene = *state;

        task_free(scene->task);
        listeners_free(scene->listeners);
        sd_event_unref(scene->engine.event);
        monitor_end(scene);
        assert_int_equal(file_remove_tree(scene->directory), 0);
        str_done(&scene->heard);
        free(scene->exits);
        free(scene->exit_file);
        free(scene->log);
        free(scene->pid_file);
        free(scene);
        return 0;
}

static void write_file(const char *path, const char *text) {
        _cleanup_free_ char *fresh = str_printf("%s.new", path);

        assert_int_equal(file_write(fresh, text, strlen(text), 0600), 0);
        assert_int_equal(rename(fresh, path), 0);
}

/* A process that waits, with the id among its arguments, and its pid file. */
static void monitor_begin(Scene *scene, const char *id) {
        char text[16];
        int ends[2];

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        scene->monitor = fork();
        assert_true(scene->monitor >= 0);
        if (scene->monitor == 0) {
                (void) dup2(ends[0], STDIN_FILENO);
                (void) execl("/bin/sh", "sh", "-c", "read x", id, NULL);
                _exit(1);
        }
        (void) close(ends[0]);
        scene->monitor_stdin = ends[1];
        /* Until it has executed, its arguments are ours. */
        for (char *line = NULL;;) {
                _cleanup_free_ char *path = str_printf("/proc/%d/cmdline", (int) scene->monitor);
                size_t n = 0;

                assert_int_equal(file_read(path, 100000, &line, &n), 0);
                if (n > 0 && memmem(line, n, id, strlen(id))) {
                        free(line);
                        break;
                }
                free(line);
        }
        (void) snprintf(text, sizeof(text), "%d", (int) scene->monitor);
        write_file(scene->pid_file, text);
}

static void log_append(Scene *scene, const char *text) {
        _cleanup_close_ int fd = open(scene->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

        assert_int_equal(write(fd, text, strlen(text)), (ssize_t) strlen(text));
}

static void begin(Scene *scene) {
        FollowMeans means = { .engine = &scene->engine,
                              .listeners = scene->listeners,
                              .exits_directory = scene->exits };

        assert_int_equal(follow_start(&means, &scene->spec, &scene->exit, seen_done, &scene->seen, &scene->task, NULL),
                         0);
}

static void turn(Scene *scene) {
        turn_for(scene->engine.event, 10 * USEC_PER_MSEC);
        assert_int_equal(scene->seen.n, 0);
}

static void finish(Scene *scene, ContainerExit want) {
        turn_until(scene->engine.event, &scene->seen.n, 1);
        assert_int_equal(scene->seen.r, 0);
        assert_int_equal(scene->exit.is_lost, want.is_lost);
        assert_int_equal(scene->exit.exit_code, want.exit_code);
        assert_int_equal(scene->exit.oom_killed, want.oom_killed);
}

static void test_plain(void **state) {
        Scene *scene = *state;

        begin(scene);
        turn(scene);
        monitor_begin(scene, ID);
        turn(scene);
        log_append(scene, T "stdout F one\n");
        turn(scene);
        assert_string_equal(str_get(&scene->heard), "one\n"); /* at once */
        log_append(scene, T "stderr P tw");
        log_append(scene, "o\n");
        write_file(scene->exit_file, "3");
        finish(scene, (ContainerExit) { .exit_code = 3 });
        assert_string_equal(str_get(&scene->heard), "one\ntwo");
        assert_int_equal(scene->n_asked, 0);

        /* What comes afterwards is nobody's business, while the Task is still held. */
        monitor_end(scene);
        log_append(scene, T "stdout F more\n");
        write_file(scene->exit_file, "4");
        turn_for(scene->engine.event, 20 * USEC_PER_MSEC);
        assert_int_equal(scene->seen.n, 1);
}

/* What the exit file may hold, there before it is followed. */
static void test_exit_files(void **state) {
        static const struct {
                const char *text;
                int want;
                bool is_asked;
        } rows[] = {
                { "0", 0, false },      { "7\n", 7, false },
                { "255", 255, false },  { "-1", 137, true },
                { "1000", 255, false }, { "", 42, true },
                { "what", 42, true },   { "0123456789012345678901234567890", 42, true },
        };
        Scene *scene = *state;

        log_append(scene, T "stdout F all of it\n");
        FOREACH_ROW(row, rows) {
                scene->told[0] = (Told) { 0, CONTAINER_EXITED, 42, false };
                scene->n_told = 1;
                scene->n_asked = 0;
                scene->seen = (Seen) { 0 };
                str_clear(&scene->heard);
                write_file(scene->exit_file, row->text);
                begin(scene);
                finish(scene, (ContainerExit) { .exit_code = row->want });
                assert_int_equal(scene->n_asked > 0, row->is_asked);
                assert_string_equal(str_get(&scene->heard), "all of it\n");
                scene->task = task_free(scene->task);
        }
}

/* The clean-up took the exit file away before it was read: the engine knows. */
static void test_missed_exit(void **state) {
        Scene *scene = *state;

        scene->told[0] = (Told) { 0, CONTAINER_EXITED, 5, false };
        scene->n_told = 1;
        monitor_begin(scene, ID);
        begin(scene);
        turn(scene);
        write_file(scene->exit_file, "5");
        assert_int_equal(unlink(scene->exit_file), 0);
        finish(scene, (ContainerExit) { .exit_code = 5 });
        assert_int_equal(scene->n_asked, 1);
}

static void test_monitor_gone(void **state) {
        static const struct {
                const char *name;
                Told told[3];
                unsigned n_told, want_asked;
                ContainerExit want;
        } rows[] = {
                { "it has ended", { { 0, CONTAINER_EXITED, 9, false } }, 1, 1, { .exit_code = 9 } },
                { "out of memory",
                  { { 0, CONTAINER_EXITED, 137, true } },
                  1,
                  1,
                  { .exit_code = 137, .oom_killed = true } },
                { "no code was left", { { 0, CONTAINER_EXITED, -1, false } }, 1, 1, { .is_lost = true } },
                { "seen late",
                  { { 0, CONTAINER_RUNNING }, { 0, CONTAINER_EXITED, 4, false } },
                  2,
                  2,
                  { .exit_code = 4 } },
                { "never seen", { { 0, CONTAINER_RUNNING } }, 1, 2, { .is_lost = true } },
                { "removed", { { -ENOENT } }, 1, 1, { .is_lost = true } },
        };
        Scene *scene = *state;

        FOREACH_ROW(row, rows)
                for (unsigned has_exits = 0; has_exits < 2; has_exits++) {
                        FollowMeans means = { &scene->engine, scene->listeners, has_exits ? scene->exits : NULL };

                        print_message("%s, %s exits\n", row->name, has_exits ? "with" : "without");
                        memcpy(scene->told, row->told, sizeof(row->told));
                        scene->n_told = row->n_told;
                        scene->n_asked = 0;
                        scene->seen = (Seen) { 0 };
                        monitor_begin(scene, ID);
                        assert_int_equal(follow_start(&means, &scene->spec, &scene->exit, seen_done, &scene->seen,
                                                      &scene->task, NULL),
                                         0);
                        turn(scene);
                        assert_int_equal(scene->n_asked, 0);
                        monitor_end(scene);
                        finish(scene, row->want);
                        assert_int_equal(scene->n_asked, row->want_asked);
                        scene->task = task_free(scene->task);
                }
}

/* A pid file from long ago, whose pid went to another process: followed again after a restart of ours. */
static void test_stale_pid(void **state) {
        Scene *scene = *state;

        scene->told[0] = (Told) { 0, CONTAINER_EXITED, 6, false };
        scene->n_told = 1;
        monitor_begin(scene, "somebody-else");
        begin(scene);
        finish(scene, (ContainerExit) { .exit_code = 6 });
}

/* It could not be initialised: whoever started it knows. Perhaps it is tried again. */
static void test_second_start(void **state) {
        Scene *scene = *state;

        scene->told[0] = (Told) { 0, CONTAINER_CREATED };
        scene->told[1] = (Told) { 0, CONTAINER_EXITED, 137, true };
        scene->n_told = 2;
        begin(scene);
        monitor_begin(scene, ID);
        turn(scene);
        monitor_end(scene);
        turn_for(scene->engine.event, 50 * USEC_PER_MSEC);
        assert_int_equal(scene->seen.n, 0);
        assert_int_equal(scene->n_asked, 1);
        monitor_begin(scene, ID);
        turn(scene);
        write_file(scene->exit_file, "137");
        finish(scene, (ContainerExit) { .exit_code = 137, .oom_killed = true });
        assert_int_equal(scene->n_asked, 2);
}

static void test_oom(void **state) {
        Scene *scene = *state;

        scene->told[0] = (Told) { 0, CONTAINER_EXITED, 137, true };
        scene->n_told = 1;
        begin(scene);
        write_file(scene->exit_file, "137");
        finish(scene, (ContainerExit) { .exit_code = 137, .oom_killed = true });

        scene->task = task_free(scene->task);
        scene->seen = (Seen) { 0 };
        scene->told[0].r = -ECONNREFUSED; /* then it stays at the code */
        begin(scene);
        finish(scene, (ContainerExit) { .exit_code = 137 });
}

static void test_engine_away(void **state) {
        Scene *scene = *state;

        scene->told[0] = (Told) { -ECONNREFUSED };
        scene->n_told = 1;
        monitor_begin(scene, ID);
        begin(scene);
        turn(scene);
        monitor_end(scene);
        turn_until(scene->engine.event, &scene->seen.n, 1);
        assert_int_equal(scene->seen.r, -ECONNREFUSED);
}

/* Without a monitor's file only the engine can tell whether it has ended before. */
static void test_no_monitor(void **state) {
        Scene *scene = *state;

        scene->spec.monitor_pid_path = NULL;
        scene->told[0] = (Told) { 0, CONTAINER_CREATED };
        scene->n_told = 1;
        begin(scene);
        turn(scene);
        write_file(scene->exit_file, "0");
        finish(scene, (ContainerExit) { .exit_code = 0 });

        scene->task = task_free(scene->task);
        scene->seen = (Seen) { 0 };
        assert_int_equal(unlink(scene->exit_file), 0);
        scene->told[0] = (Told) { 0, CONTAINER_EXITED, 2, false };
        begin(scene);
        finish(scene, (ContainerExit) { .exit_code = 2 });
}

static void test_cannot(void **state) {
        Scene *scene = *state;
        FollowMeans means = { &scene->engine, scene->listeners, NULL };
        _cleanup_(error_freep) Error *error = NULL;

        scene->spec.monitor_pid_path = NULL;
        assert_int_equal(
                follow_start(&means, &scene->spec, &scene->exit, seen_done, &scene->seen, &scene->task, &error),
                -ENOTSUP);
        assert_non_null(strstr(error_message(error, 0), "container 'c'"));
        scene->spec.log_path = "/nowhere/at/all";
        assert_int_equal(follow_start(&means, &scene->spec, &scene->exit, seen_done, &scene->seen, &scene->task, NULL),
                         -ENOENT);
        assert_null(scene->task);
}

/* Much output just before the end: all of it is there when the end is told. */
static void test_much_output(void **state) {
        enum { N = 60000 };
        Scene *scene = *state;
        _cleanup_str_ Str log = STR_INIT(64U * 1024 * 1024);

        for (unsigned i = 0; i < N; i++)
                (void) str_appendf(&log, T "stdout F %08u\n", i);
        begin(scene);
        turn(scene);
        log_append(scene, log.bytes);
        while (scene->heard.n < (size_t) N * 9) /* nothing but the log itself tells that there is more */
                assert_true(sd_event_run(scene->engine.event, 5 * USEC_PER_SEC) > 0);
        write_file(scene->exit_file, "1");
        finish(scene, (ContainerExit) { .exit_code = 1 });
        assert_int_equal(scene->heard.n, (size_t) N * 9);
        assert_true(str_ends_with(str_get(&scene->heard), "00059999\n"));
}

typedef struct Knock {
        Scene *scene;
        int fd;
        size_t n_heard; /* when it was seen to be ready */
} Knock;

static void hear_and_knock(int stream, const char *bytes, size_t n, void *userdata) {
        Knock *knock = userdata;

        hear(stream, bytes, n, knock->scene);
        assert_int_equal(eventfd_write(knock->fd, 1), 0);
}

static int on_knock(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Knock *knock = userdata;

        knock->n_heard = knock->scene->heard.n;
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

/* Who prints without an end keeps no signal, and no reader of what was printed, from their turn. */
static void test_lets_others(void **state) {
        enum { N = 120000 };
        Scene *scene = *state;
        _cleanup_str_ Str log = STR_INIT(64U * 1024 * 1024);
        _cleanup_(sd_event_source_disable_unrefp) sd_event_source *source = NULL;
        _cleanup_close_ int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        Knock knock = { .scene = scene, .fd = fd };

        for (unsigned i = 0; i < N; i++)
                (void) str_appendf(&log, T "stdout F %08u\n", i);
        assert_true(sd_event_add_io(scene->engine.event, &source, fd, EPOLLIN, on_knock, &knock) >= 0);
        log_append(scene, log.bytes);
        write_file(scene->exit_file, "0");
        scene->spec.output = hear_and_knock;
        scene->spec.userdata = &knock;
        begin(scene);
        finish(scene, (ContainerExit) { .exit_code = 0 });
        assert_int_equal(scene->heard.n, (size_t) N * 9);
        assert_in_range(knock.n_heard, 1, N * 9 - 1);
}

/* Many followers, one watch each on two directories; whoever ends leaves the others alone. */
static void test_many(void **state) {
        enum { N = 20 };
        Scene *scene = *state;
        FollowMeans means = { &scene->engine, scene->listeners, scene->exits };
        ContainerExit ends[N];
        Seen seen[N] = { 0 };
        Task *tasks[N];

        for (unsigned i = 0; i < N; i++) {
                _cleanup_free_ char *id = str_printf("id%u", i), *log = str_printf("%s/log%u", scene->directory, i);
                FollowSpec spec = { .container = id,
                                    .container_id = id,
                                    .log_path = log,
                                    .monitor_pid_path = log,
                                    .output = hear,
                                    .userdata = scene };

                assert_int_equal(follow_start(&means, &spec, &ends[i], seen_done, &seen[i], &tasks[i], NULL), 0);
        }
        for (unsigned i = 0; i < N; i += 2)
                tasks[i] = task_free(tasks[i]);
        for (unsigned i = 0; i < N; i++) {
                _cleanup_free_ char *path = str_printf("%s/id%u", scene->exits, i), *code = str_printf("%u", i);

                write_file(path, code);
        }
        for (unsigned i = 1; i < N; i += 2) {
                turn_until(scene->engine.event, &seen[i].n, 1);
                assert_int_equal(ends[i].exit_code, i);
                tasks[i] = task_free(tasks[i]);
        }
        for (unsigned i = 0; i < N; i += 2)
                assert_int_equal(seen[i].n, 0);
}

static void test_monitor_files(void **state) {
        static const struct {
                const char *text;
                int want;
        } rows[] = {
                { "", -EBADMSG },  { "0", -EBADMSG },           { "-1", -EBADMSG },
                { "x", -EBADMSG }, { "99999999999", -EBADMSG }, { "2147483647", 0 },
        };
        Scene *scene = *state;
        int fd = -1;

        assert_int_equal(monitor_open(scene->pid_file, ID, &fd), -ENOENT);
        FOREACH_ROW(row, rows) {
                write_file(scene->pid_file, row->text);
                assert_int_equal(monitor_open(scene->pid_file, ID, &fd), row->want);
                assert_int_equal(fd, -1);
        }
}

/* A monitor with one child; it ends when the child has, with 0 if that was killed. */
static pid_t fork_monitor(unsigned long flags, pid_t *ret_child) {
        int fds[2];
        pid_t monitor;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        monitor = fork();
        assert_true(monitor >= 0);
        if (monitor == 0) {
                pid_t child = (pid_t) syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
                int status;

                if (child == 0)
                        for (;;)
                                pause();
                (void) !write(fds[1], &child, sizeof(child));
                if (child < 0 || waitpid(child, &status, 0) != child)
                        _exit(1);
                _exit(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : 1);
        }
        close(fds[1]);
        assert_int_equal(read(fds[0], ret_child, sizeof(*ret_child)), sizeof(*ret_child));
        close(fds[0]);
        return monitor;
}

/* What a container runs is killed; the engine's own clean-up, which the monitor runs when it has ended, is not. */
static void test_monitor_kill(void **state) {
        static const struct {
                unsigned long flags;
                int want;
        } rows[] = { { CLONE_NEWUSER | CLONE_NEWPID, 1 }, { 0, 0 } };
        Scene *scene = *state;

        assert_int_equal(monitor_kill(scene->pid_file, NULL), 0);
        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = NULL;
                pid_t child, monitor = fork_monitor(row->flags, &child);
                int status;

                text = str_printf("%d", (int) monitor);
                write_file(scene->pid_file, text);
                if (child < 0) {
                        print_message("no user namespaces here\n");
                        assert_int_equal(waitpid(monitor, NULL, 0), monitor);
                        continue;
                }
                assert_int_equal(monitor_kill(scene->pid_file, ID), 0); /* another's */
                assert_int_equal(kill(child, 0), 0);
                assert_int_equal(monitor_kill(scene->pid_file, NULL), row->want);
                if (row->want == 0)
                        assert_int_equal(kill(child, SIGKILL), 0);
                assert_int_equal(waitpid(monitor, &status, 0), monitor);
                assert_int_equal(status, 0);
                assert_int_equal(monitor_kill(scene->pid_file, NULL), 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_plain, setup, teardown),
                cmocka_unit_test_setup_teardown(test_exit_files, setup, teardown),
                cmocka_unit_test_setup_teardown(test_missed_exit, setup, teardown),
                cmocka_unit_test_setup_teardown(test_monitor_gone, setup, teardown),
                cmocka_unit_test_setup_teardown(test_stale_pid, setup, teardown),
                cmocka_unit_test_setup_teardown(test_second_start, setup, teardown),
                cmocka_unit_test_setup_teardown(test_oom, setup, teardown),
                cmocka_unit_test_setup_teardown(test_engine_away, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_monitor, setup, teardown),
                cmocka_unit_test_setup_teardown(test_cannot, setup, teardown),
                cmocka_unit_test_setup_teardown(test_much_output, setup, teardown),
                cmocka_unit_test_setup_teardown(test_lets_others, setup, teardown),
                cmocka_unit_test_setup_teardown(test_many, setup, teardown),
                cmocka_unit_test_setup_teardown(test_monitor_files, setup, teardown),
                cmocka_unit_test_setup_teardown(test_monitor_kill, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
