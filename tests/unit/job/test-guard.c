/*
 * What is mounted where the operator allows only some directories: links are followed before the engine does. And what
 * becomes of a step whose network could not be closed.
 */

#include "../test-loop.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "job/job-internal.h"

static char *make(const char *top, const char *name) {
        char *path = path_join(top, name);

        assert_non_null(path);
        assert_int_equal(file_mkdir_p(path, 0755), 0);
        return path;
}

static void test_links(void **state) {
        static const struct {
                const char *address;
                bool is_local;
                const char *source; /* below the top */
                int want_r;
                const char *want; /* what the engine is told */
        } rows[] = {
                { "unix:///run/podman.sock", true, "allowed/data", 0, "allowed/data" },
                { "unix:///run/podman.sock", true, "allowed/inside", 0, "allowed/data" },
                { "unix:///run/podman.sock", true, "allowed/outside", -EPERM, NULL },
                { "unix:///run/docker.sock", false, "allowed/data", 0, "allowed/data" },
                { "unix:///run/docker.sock", false, "allowed/inside", 0, "allowed/data" },
                { "unix:///run/docker.sock", false, "allowed/outside", -EPERM, NULL },
                { "unix:///run/docker.sock", false, "allowed/nothing", -ENOENT, NULL },
                /* another machine's files: nothing can be told */
                { "tcp://docker.example.com:2376", false, "allowed/outside", 0, "allowed/outside" },
                { NULL, false, "allowed/nothing", 0, "allowed/nothing" },
        };
        char top[] = "/tmp/podstep-test-XXXXXX";
        _cleanup_free_ char *allowed = NULL, *data = NULL, *secret = NULL, *inside = NULL, *outside = NULL;
        char *allowed_volumes[2] = { 0 };

        assert_non_null(mkdtemp(top));
        allowed = make(top, "allowed");
        data = make(top, "allowed/data");
        secret = make(top, "secret");
        inside = path_join(allowed, "inside");
        outside = path_join(allowed, "outside");
        assert_int_equal(symlink("data", inside), 0);
        assert_int_equal(symlink(secret, outside), 0);
        allowed_volumes[0] = allowed;
        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *source = path_join(top, row->source),
                                    *want = row->want ? path_join(top, row->want) : NULL;
                PlanVolume volume = { .source = source, .target = (char *) "/target" };
                PlanStep plan = { .volumes = &volume, .n_volumes = 1 };
                Policy policy = { .allowed_volumes = allowed_volumes };
                Engine engine = { .info = { .address = row->address, .is_local = row->is_local } };
                Job job = { .spec = { .policy = &policy, .engine = &engine } };
                Step step = { .job = &job, .plan = &plan };
                _cleanup_(error_freep) Error *error = NULL;

                print_message("%s: %s\n", row->address ? row->address : "?", row->source);
                assert_int_equal(guard_open_mounts(&step, &error), row->want_r);
                if (want)
                        assert_string_equal(guard_source(&step, &volume), want);
                guard_close_mounts(&step);
        }
        assert_int_equal(file_remove_tree(top), 0);
}

#define NOBODY 65534

static void count_note(const JobEvent *event, void *userdata) {
        unsigned *n_notes = userdata;

        *n_notes += event->kind == JOB_EVENT_NOTE && strstr(event->text, "are not blocked: it cannot be done");
}

/*
 * The first process of a container as the agent sees it from its sandbox: there, and out of reach. We stand in for the
 * monitor.
 */
static pid_t start_out_of_reach(void) {
        int ready[2];
        char byte;
        pid_t pid;

        assert_int_equal(pipe(ready), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) prctl(PR_SET_DUMPABLE, 0); /* not even its own user may look */
                (void) !write(ready[1], "", 1);
                for (;;)
                        pause();
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        close(ready[0]);
        close(ready[1]);
        return pid;
}

static char *write_guard_program(const char *top, int status) {
        _cleanup_free_ char *script =
                str_printf("#!/bin/sh\n[ $1 = ask ] && [ $3 = block ] && echo x >>%s/asked\necho 'it cannot be done' "
                           ">&2\nexit %d\n", top, status);
        char *path = path_join(top, "guard");

        assert_non_null(script);
        assert_int_equal(file_replace(path, script, strlen(script), 0755), 0);
        return path;
}

static char *write_pid(const char *top) {
        _cleanup_free_ char *text = str_printf("%d", getpid());
        char *path = path_join(top, "monitor.pid");

        assert_int_equal(file_write(path, text, strlen(text), 0644), 0);
        return path;
}

static unsigned count_asked(const char *top) {
        _cleanup_free_ char *path = path_join(top, "asked"), *text = NULL;
        size_t n = 0;

        assert_int_equal(file_read(path, 4096, &text, &n), 0);
        assert_int_equal(unlink(path), 0);
        return (unsigned) n / 2;
}

/* Every container is tried: what went wrong with one says nothing of the next. */
static void guard_twice(Job *job, Step *step, int want_r) {
        for (unsigned i = 0; i < 2; i++) {
                Task *task = NULL;
                Seen seen = { 0 };

                step->is_guarded = false;
                assert_true(guard_is_due(step));
                assert_int_equal(guard_step(step, seen_done, &seen, &task), 0);
                turn_until(job->event, &seen.n, 1);
                print_message("%d %s\n", seen.r, seen.text);
                assert_int_equal(seen.r, want_r);
                assert_int_equal(step->is_guarded, want_r == 0);
                if (want_r < 0)
                        assert_non_null(strstr(seen.text, "allow_metadata: true"));
                task_free(task);
        }
}

static void test_unblocked(void **state) {
        static const struct {
                int status;
                int want_r;
                unsigned want_notes;
        } rows[] = {
                { 0, 0, 0 },
                { 1, 0, 1 },      /* it cannot be done: told once, and the steps run */
                { 2, -EPERM, 0 }, /* nobody answered */
                { 137, -EPERM, 0 },
        };
        char top[] = "/tmp/podstep-test-XXXXXX";
        _cleanup_free_ char *pid_path = NULL;
        pid_t container;
        bool is_root = geteuid() == 0;

        assert_non_null(mkdtemp(top));
        assert_int_equal(chmod(top, 0777), 0);
        pid_path = write_pid(top);
        container = start_out_of_reach();
        if (is_root)
                assert_int_equal(seteuid(NOBODY), 0);
        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *program = write_guard_program(top, row->status);
                unsigned n_notes = 0;
                Policy policy = { 0 };
                Plan jobs_plan = { 0 };
                PlanStep plan = { .network_mode = (char *) "bridge" };
                Engine engine = { .info = { .kind = "podman", .is_local = true } };
                Job job = { .event = test_event(),
                            .spec = { .plan = &jobs_plan,
                                      .policy = &policy,
                                      .engine = &engine,
                                      .holder = program,
                                      .guard_socket = "/nonexistent",
                                      .observer = { count_note, &n_notes } } };
                Step step = { .job = &job, .plan = &plan, .pid_path = pid_path };
                Map no_secrets = STRMAP_INIT;

                print_message("exit status %d\n", row->status);
                assert_int_equal(mask_new(&no_secrets, &job.mask, NULL), 0);
                guard_twice(&job, &step, row->want_r);
                assert_int_equal(n_notes, row->want_notes);
                assert_int_equal(count_asked(top), 2);
                mask_free(job.mask);
                sd_event_unref(job.event);
        }
        if (is_root)
                assert_int_equal(seteuid(0), 0);
        assert_int_equal(kill(container, SIGKILL), 0);
        assert_int_equal(waitpid(container, NULL, 0), container);
        assert_int_equal(file_remove_tree(top), 0);
}

/* A child without descriptors to open: what a job can bring about must not open the network to it. */
static void test_want(void **state) {
        char top[] = "/tmp/podstep-test-XXXXXX";
        _cleanup_free_ char *pid_path = NULL;
        pid_t container = start_out_of_reach();
        Policy policy = { 0 };
        Plan jobs_plan = { 0 };
        PlanStep plan = { .network_mode = (char *) "bridge" };
        Engine engine = { .info = { .kind = "podman", .is_local = true } };
        unsigned n_notes = 0;
        Job job = { .event = test_event(),
                    .spec = { .plan = &jobs_plan,
                              .policy = &policy,
                              .engine = &engine,
                              .observer = { count_note, &n_notes } } };
        Step step = { .job = &job, .plan = &plan };
        struct rlimit before, none;
        int lowest_free;

        assert_non_null(mkdtemp(top));
        step.pid_path = pid_path = write_pid(top);
        lowest_free = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(lowest_free >= 0);
        close(lowest_free);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        none = (struct rlimit) { (rlim_t) lowest_free, before.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        guard_twice(&job, &step, -EPERM);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(n_notes, 0);
        sd_event_unref(job.event);
        assert_int_equal(kill(container, SIGKILL), 0);
        assert_int_equal(waitpid(container, NULL, 0), container);
        assert_int_equal(file_remove_tree(top), 0);
}

static void count_unblocked(const JobEvent *event, void *userdata) {
        unsigned *n_notes = userdata;

        *n_notes += event->kind == JOB_EVENT_NOTE && strstr(event->text, "are not blocked: the ");
}

/* The network where the addresses lead nowhere is not for a job whose name server is one of them. */
static void test_void(void **state) {
        static const struct {
                const char *dns;
                bool has_void, allows;
                bool want;
                unsigned n_notes;
        } rows[] = {
                { NULL, true, false, true, 0 },
                { "10.0.0.2", true, false, true, 0 },
                { "169.254.169.254", true, false, false, 1 },
                { "169.254.169.254", true, true, false, 0 },
                { NULL, true, true, false, 0 },
                { NULL, false, false, false, 1 },
        };

        FOREACH_ROW(row, rows) {
                char *dns[] = { (char *) row->dns, NULL };
                Policy policy = { .network = { .dns = dns, .allow_metadata = row->allows } };
                Engine engine = { .info = { .kind = "docker",
                                            .address = "tcp://docker.example.com:2376",
                                            .has_void_networks = row->has_void } };
                unsigned n_notes = 0;
                Job job = { .spec = { .policy = &policy,
                                      .engine = &engine,
                                      .observer = { count_unblocked, &n_notes } } };
                Map no_secrets = STRMAP_INIT;
                EngineNetworkSpec spec;

                assert_int_equal(mask_new(&no_secrets, &job.mask, NULL), 0);
                guard_begin(&job);
                assert_int_equal(guard_find_void(&job, &spec), row->want);
                assert_int_equal(n_notes, row->n_notes);
                mask_free(job.mask);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_links),
                cmocka_unit_test(test_unblocked),
                cmocka_unit_test(test_want),
                cmocka_unit_test(test_void),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
