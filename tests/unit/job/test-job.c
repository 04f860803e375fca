/*
 * Jobs on an engine that does not exist: the order of things, and the promise that matters most. Whatever call fails,
 * and wherever it is canceled, the job comes to its end and nothing is left.
 */

#include "test.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "fake-engine.h"
#include "job/directory.h"
#include "pipeline/woodpecker.h"

#define CALLS_MAX 200

typedef struct Run {
        const char *text;
        const char *exit_codes[8][2];
        unsigned fail_at, stop_at;
        const Policy *policy;
        unsigned controllers; /* of the machine */
        const char *stop_in; /* the step in which the job is stopped, twice */
        Job *job;

        sd_event *event;
        JobResult result;
        bool is_done;
        unsigned n_calls;
        StepResult step_results[16];
        char **started, **acts, *left;
        bool keep;
        char **warnings, **lines, *why;
        bool tells_labels, has_selinux;
        bool looks_at_upper, has_moved; /* moved: the engine's storage, since an earlier job */
        char *upper;                    /* what was asked for */
        bool has_full_disk; /* the sandbox comes to be, and the workspace does not */
        char **specs; /* of containers: what the tests look at, as "NAME key=value..." */
} Run;

static const char chain[] = "steps:\n"
                            "  - {name: a, image: x, commands: [one]}\n"
                            "  - {name: b, image: x, commands: [two]}\n"
                            "  - {name: c, image: x, commands: [three], when: [{status: [success, failure]}]}\n"
                            "  - {name: d, image: x, commands: [four], when: [{status: failure}]}\n";
static const char mixed[] =
        "services:\n"
        "  - {name: db, image: x}\n"
        "steps:\n"
        "  - {name: a, image: x, commands: [one], depends_on: []}\n"
        "  - {name: b, image: x, commands: [one], depends_on: [a]}\n"
        "  - {name: c, image: x, settings: {k: {from_secret: s}}, depends_on: [a]}\n"
        "  - {name: d, image: x, commands: [one], backend_options: {docker: {user: build}}, depends_on: [b, c]}\n"
        "  - {name: e, image: x, commands: [one], detach: true, depends_on: []}\n";
static const char single[] = "steps: [{name: a, image: x, commands: [one]}]\n";

static void on_event(const JobEvent *event, void *userdata) {
        Run *run = userdata;

        if (event->kind == JOB_EVENT_WARNING)
                assert_int_equal(strv_append(&run->warnings, event->text), 0);
        if (event->kind == JOB_EVENT_OUTPUT)
                assert_int_equal(strv_append_take(&run->lines, strndup(event->line, event->n_line)), 0);
        if (event->kind == JOB_EVENT_FINISHED && event->text)
                run->why = strdup(event->text);
        if (event->kind == JOB_EVENT_STEP_STATE && event->state == STEP_DONE)
                run->step_results[event->step_index] = event->step_result;
        if (event->kind == JOB_EVENT_STEP_STATE && event->state == STEP_RUNNING &&
            str_equal(event->step->name, run->stop_in)) {
                job_stop(run->job, JOB_STOP_CANCEL);
                job_stop(run->job, JOB_STOP_CANCEL);
        }
}

static void on_look(const ContainerSpec *spec, void *userdata) {
        Run *run = userdata;

        assert_int_equal(
                strv_append_take(&run->specs,
                                 str_printf("%s memory=%u shm=%u nnp=%d owner=%s job=%s", strrchr(spec->name, '-') + 1,
                                            (unsigned) spec->limits.memory_bytes, (unsigned) spec->shm_size_bytes,
                                            spec->security.no_new_privileges, strmap_get(spec->labels, "owner"),
                                            str_equal(strmap_get(spec->labels, "io.podstep.job"), job_id(run->job))
                                                    ? "ours"
                                                    : "?")),
                0);
}

/* What SELinux is told of each container and each volume. */
static void on_look_labels(const ContainerSpec *spec, void *userdata) {
        _cleanup_str_ Str text = STR_INIT(10000);
        Run *run = userdata;

        (void) str_appendf(
                &text, "%s%s%s", str_ends_with(spec->name, ".holder") ? "holder" : strrchr(spec->name, '-') + 1,
                spec->security.labels ? " label=" : "", spec->security.labels ? spec->security.labels[0] : "");
        for (size_t i = 0; i < spec->n_mounts; i++) {
                _cleanup_free_ char *options = strv_join(spec->mounts[i].options, ",");

                if (spec->mounts[i].kind == MOUNT_BIND && options && *options)
                        (void) str_appendf(&text, " %s=%s", spec->mounts[i].target, options);
        }
        assert_int_equal(strv_append_take(&run->specs, str_take(&text)), 0);
}

static void on_look_volume(const VolumeSpec *spec, void *userdata) {
        const char *options = spec->options ? strmap_get(spec->options, "o") : NULL;
        Run *run = userdata;

        if (options)
                assert_int_equal(strv_append_take(&run->specs, str_printf("volume %s", strstr(options, "userxattr"))),
                                 0);
}

static void on_look_upper_named(const VolumeSpec *spec, void *userdata) {
        Run *run = userdata;
        _cleanup_free_ char *place = NULL, *link = NULL, *parent = NULL;

        run->upper = fake_volume_upper(spec);
        assert_non_null(run->upper);
        if (!run->has_moved)
                return;
        place = path_parent(run->upper);
        link = path_parent(place);
        parent = path_parent(link);
        assert_int_equal(file_mkdir_p(parent, 0700), 0);
        assert_int_equal(symlink("/proc/nowhere", link), 0);
}

static void on_look_upper_made(const ContainerSpec *spec, void *userdata) {
        Run *run = userdata;

        assert_true(file_is_directory(run->upper));
}

static void on_done(Job *job, JobResult result, void *userdata) {
        Run *run = userdata;

        run->result = result;
        run->is_done = true;
        (void) sd_event_exit(run->event, 0);
}

static Plan *make_plan(const char *text) {
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_map_ Map environment = STRMAP_INIT, secrets = STRMAP_INIT;
        WoodpeckerContext context = { .environment = &environment, .secrets = &secrets };
        Plan *plan = NULL;

        assert_int_equal(strmap_put(&secrets, "s", "hush-hush"), 0);
        assert_int_equal(source_new_take("test.yaml", strdup(text), strlen(text), &source, NULL), 0);
        assert_int_equal(woodpecker_compile(source, &context, &diags, &plan), 0);
        return plan;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        return sd_event_exit(sd_event_source_get_event(source), 1);
}

static char *what_is_left(const FakeEngine *fake, const char *state_directory) {
        _cleanup_str_ Str left = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_strv_ char **jobs = NULL;

        MAP_FOREACH(entry, &fake->objects)
                (void) str_appendf(&left, "%s; ", entry->key);
        assert_int_equal(job_directory_list(state_directory, &jobs), 0);
        STRV_FOREACH(job, jobs)
                (void) str_appendf(&left, "directory %s; ", *job);
        return str_take(&left);
}

/* As good as a full disk: what is written first, once there is a sandbox, cannot be. */
static void fill_disk(const char *state_directory, const char *id) {
        _cleanup_free_ char *hosts = str_printf("%s/jobs/%s/hosts", state_directory, id);

        assert_int_equal(file_mkdir_p(hosts, 0700), 0);
}

static void run_job(Run *run) {
        _cleanup_(plan_freep) Plan *plan = make_plan(run->text);
        _cleanup_(fake_engine_freep) FakeEngine *fake = NULL;
        _cleanup_free_ char *state = NULL, *checkout = NULL;
        JobSpec spec;

        assert_int_equal(sd_event_new(&run->event), 0);
        fake = fake_engine_new(run->event);
        fake->fail_at = run->fail_at;
        fake->stop_at = run->stop_at;
        fake->engine.info.controllers = run->controllers;
        fake->look = run->policy ? on_look : NULL;
        if (run->tells_labels) {
                fake->engine.info.has_selinux = run->has_selinux;
                fake->look = on_look_labels;
                fake->look_at_volume = on_look_volume;
        }
        if (run->looks_at_upper) {
                fake->look = on_look_upper_made;
                fake->look_at_volume = on_look_upper_named;
        }
        fake->look_userdata = run;
        state = path_join(fake->directory, "state");
        checkout = path_join(fake->directory, "checkout");
        assert_int_equal(file_mkdir_p(checkout, 0755), 0);
        for (size_t i = 0; i < ELEMENTSOF(run->exit_codes) && run->exit_codes[i][0]; i++)
                assert_int_equal(strmap_put(&fake->exit_codes, run->exit_codes[i][0], run->exit_codes[i][1]), 0);
        spec = (JobSpec) { .plan = plan,
                          .policy = run->policy,
                          .engine = &fake->engine,
                          .holder = "/bin/true",
                          .keep = run->keep,
                          .state_directory = state,
                          .checkout = checkout,
                          .timeout_usec = USEC_INFINITY,
                          .service_timeout_usec = USEC_PER_SEC,
                          .grace_usec = USEC_PER_SEC,
                          .observer = { on_event, run } };
        assert_int_equal(
                sd_event_add_time_relative(run->event, NULL, CLOCK_MONOTONIC, 10 * USEC_PER_SEC, 0, on_deadline, NULL),
                0);
        assert_int_equal(job_new(run->event, &spec, on_done, run, &fake->job, NULL), 0);
        run->job = fake->job;
        if (run->has_full_disk)
                fill_disk(state, job_id(fake->job));
        job_start(fake->job);
        assert_true(sd_event_loop(run->event) >= 0);
        run->n_calls = fake->n_calls;
        run->left = what_is_left(fake, state);
        run->started = TAKE_PTR(fake->started);
        run->acts = TAKE_PTR(fake->acts);
        fake->job = job_free(fake->job);
        run->event = sd_event_unref(run->event);
        assert_true(run->is_done); /* and not by the deadline */
}

static void run_done(Run *run) {
        strv_free(run->started);
        strv_free(run->acts);
        free(run->left);
        free(run->upper);
        strv_free(run->warnings);
        strv_free(run->lines);
        strv_free(run->specs);
        free(run->why);
}

static void test_success(void **state) {
        static const char *const texts[] = { chain, mixed, single };

        FOREACH_ROW(text, texts) {
                _cleanup_(run_done)
                        Run run = { .text = *text, .exit_codes = { { "-db", "never" }, { "-e", "never" } } };

                run_job(&run);
                assert_int_equal(run.result, JOB_SUCCESS);
                assert_string_equal(run.left, "");
        }
}

/* Our own files get a label, the checkout a view of it that has one, and who sees the machine's /usr is left alone. */
static void test_selinux(void **state) {
        static const char text[] = "services: [{name: db, image: x}]\nsteps: [{name: a, image: x, commands: [one]}]\n";
        static const struct {
                bool has_selinux;
                const char *want;
        } rows[] = {
                { false, "volume userxattr|holder /usr=rbind,ro /podstep-holder=rbind,ro /etc/hosts=rbind,ro|db "
                         "/etc/hosts=rbind,ro|a /podstep/script=rbind,ro /etc/hosts=rbind,ro" },
                { true, "volume userxattr,context=system_u:object_r:container_file_t:s0|holder label=disable "
                        "/usr=rbind,ro /podstep-holder=rbind,ro /etc/hosts=rbind,ro|db /etc/hosts=rbind,ro,z|a "
                        "/podstep/script=rbind,ro,z /etc/hosts=rbind,ro,z" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(run_done) Run run = { .text = text,
                                                .tells_labels = true,
                                                .has_selinux = row->has_selinux,
                                                .exit_codes = { { "-db", "never" } } };
                _cleanup_free_ char *got = NULL;

                run_job(&run);
                assert_int_equal(run.result, JOB_SUCCESS);
                got = strv_join(run.specs, "|");
                assert_string_equal(got, row->want);
        }
}

/* What was named before anybody knew where it would be is there when the first container needs it. */
static void test_upper(void **state) {
        for (int has_moved = 0; has_moved < 2; has_moved++) {
                _cleanup_(run_done) Run run = { .text = single, .looks_at_upper = true, .has_moved = has_moved };

                run_job(&run);
                assert_int_equal(run.result, JOB_SUCCESS);
                assert_non_null(run.upper);
        }
}

/* The script alone where nothing else is given, now or to who enters it later; else the directory it lies in. */
static void test_script_alone(void **state) {
        static const char hosts[] = "services: [{name: db, image: x}]\n"
                                    "steps: [{name: a, image: x, commands: [one], extra_hosts: ['h:192.0.2.1']}]\n";
        static const char over[] = "steps: [{name: a, image: x, commands: [one], tmpfs: [/podstep]}]\n";
        static const struct {
                const char *text;
                bool keep;
                const char *want;
        } rows[] = {
                { single, false, "a /podstep/script=rbind,ro" },
                { single, true, "a /podstep=rbind,ro" },
                { hosts, false, "a /podstep=rbind,ro /etc/hosts=rbind,ro" },
                { over, false, "a /podstep=rbind,ro" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(run_done) Run run = { .text = row->text,
                                                .keep = row->keep,
                                                .tells_labels = true,
                                                .exit_codes = { { "-db", "never" } } };

                run_job(&run);
                assert_int_equal(run.result, JOB_SUCCESS);
                assert_true(strv_contains(run.specs, row->want));
        }
}

static void test_conditions(void **state) {
        _cleanup_(run_done) Run run = { .text = chain, .exit_codes = { { "-a", "3" } } };

        run_job(&run);
        assert_int_equal(run.result, JOB_FAILED);
        assert_int_equal(run.step_results[0], STEP_SCRIPT_FAILED);
        assert_int_equal(run.step_results[1], STEP_SKIPPED);
        assert_int_equal(run.step_results[2], STEP_SUCCESS);
        assert_int_equal(run.step_results[3], STEP_SUCCESS);
        assert_string_equal(run.left, "");
}

static void test_order(void **state) {
        _cleanup_(run_done) Run run = { .text = mixed, .exit_codes = { { "-db", "never" }, { "-e", "never" } } };
        static const char *const before[][2] = { { ".holder", "-db" }, { "-db", "-a" }, { "-a", "-b" },
                                                 { "-a", "-c" },       { "-b", "-d" },  { "-c", "-d" } };

        run_job(&run);
        FOREACH_ROW(row, before) {
                size_t first = SIZE_MAX, second = SIZE_MAX;

                for (size_t i = 0; run.started[i]; i++) {
                        if (str_ends_with(run.started[i], (*row)[0]))
                                first = i;
                        if (str_ends_with(run.started[i], (*row)[1]))
                                second = i;
                }
                print_message("%s before %s\n", (*row)[0], (*row)[1]);
                assert_true(first < second && second != SIZE_MAX);
        }
}

static size_t find_act(const Run *run, const char *what, const char *end) {
        for (size_t i = 0; run->acts[i]; i++)
                if (str_starts_with(run->acts[i], what) && str_ends_with(run->acts[i], end))
                        return i;
        return SIZE_MAX;
}

/* Where nothing holds the containers together each goes as soon as it has ended; a pod goes as a whole. */
static void test_removal(void **state) {
        static const struct {
                const char *text;
                bool keep;
                size_t want_gone_early; /* of a and b: before the last step starts */
                bool want_pod;
        } rows[] = {
                { chain, false, 2, false },
                { chain, true, 0, false },
                { mixed, false, 0, true },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(run_done) Run run = { .text = row->text,
                                                .keep = row->keep,
                                                .exit_codes = { { "-db", "never" }, { "-e", "never" } } };
                size_t last, n = 0;

                run_job(&run);
                assert_int_equal(run.result, JOB_SUCCESS);
                last = find_act(&run, "start ", row->want_pod ? "-d" : "-c");
                assert_true(last != SIZE_MAX);
                n += find_act(&run, "remove container", "-a") < last;
                n += find_act(&run, "remove container", "-b") < last;
                assert_int_equal(n, row->want_gone_early);
                assert_int_equal(find_act(&run, "remove pod", "") != SIZE_MAX, row->want_pod);
                assert_string_equal(run.left, "");
        }
}

static void test_missing_image(void **state) {
        _cleanup_(run_done) Run run = {
                .text = "steps: [{name: a, image: missing, commands: [one]}, {name: b, image: x, commands: [two]}]\n"
        };

        run_job(&run);
        assert_int_equal(run.result, JOB_INFRA_FAILED);
        assert_int_equal(run.step_results[0], STEP_INFRA_FAILED);
        assert_int_equal(run.step_results[1], STEP_SKIPPED);
        assert_string_equal(run.left, "");
}

/* More ports than the holder takes: it is told before there is anything. */
static void test_many_ports(void **state) {
        _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_(run_done) Run run = { .exit_codes = { { "-a", "never" } } };

        (void) str_append(&text, "services: [{name: a, image: x, ports: [1");
        for (unsigned i = 2; i <= 513; i++)
                (void) str_appendf(&text, ", %u", i);
        (void) str_append(&text, "]}]\nsteps: [{name: s, image: x, commands: [one]}]\n");
        run.text = str_get(&text);
        run_job(&run);
        assert_int_equal(run.result, JOB_INFRA_FAILED);
        assert_string_equal(run.why, "the services have 513 ports to wait for, and a job can wait for 512: 'a' has "
                                     "513; say of one when it can be used: with its key 'ready', or the variable "
                                     "HEALTHCHECK_TCP_PORT");
        assert_null(run.started);
        assert_null(run.acts);
        assert_string_equal(run.left, "");
}

static bool is_removal_failure(const Run *run) {
        return strlen(run->left) > 0;
}

/*
 * The failure of a removal leaves that object, and the job's directory, so that the next run finds it; anything else
 * leaves nothing.
 */
static void test_each_call_fails(void **state) {
        static const char *const texts[] = { chain, mixed, single };

        FOREACH_ROW(text, texts)
                for (unsigned call = 1; call < CALLS_MAX; call++) {
                        _cleanup_(run_done) Run run = { .text = *text,
                                                        .fail_at = call,
                                                        .exit_codes = { { "-db", "never" }, { "-e", "never" } } };

                        run_job(&run);
                        if (run.n_calls < call)
                                break;
                        print_message("call %u fails: %s, left: %s\n", call, job_result_to_string(run.result),
                                      run.left);
                        if (is_removal_failure(&run))
                                assert_non_null(strstr(run.left, "directory "));
                        else if (run.result == JOB_SUCCESS) /* only where nothing depends on the answer */
                                assert_true(call > 1);
                        assert_true(run.result == JOB_INFRA_FAILED || run.result == JOB_SUCCESS);
                }
}

/* Without a workspace there is nothing to make room of; the removal is tried again all the same, and then works. */
static void test_full_disk(void **state) {
        unsigned call = 0;

        for (;; call++) {
                _cleanup_(run_done) Run run = { .text = mixed, .fail_at = call, .has_full_disk = true };

                run_job(&run);
                print_message("full disk, call %u fails: %s\n", call, job_result_to_string(run.result));
                assert_int_equal(run.result, JOB_INFRA_FAILED);
                assert_string_equal(run.left, "");
                if (run.n_calls < call)
                        break;
        }
        assert_true(call > 2); /* the image, and what is removed */
}

static void test_canceled_at_each_call(void **state) {
        static const char *const texts[] = { chain, mixed, single };

        FOREACH_ROW(text, texts)
                for (unsigned call = 1; call < CALLS_MAX; call++) {
                        _cleanup_(run_done) Run run = { .text = *text,
                                                        .stop_at = call,
                                                        .exit_codes = { { "-db", "never" }, { "-e", "never" } } };

                        run_job(&run);
                        if (run.n_calls < call)
                                break;
                        print_message("canceled at call %u: %s, left: %s\n", call, job_result_to_string(run.result),
                                      run.left);
                        assert_string_equal(run.left, "");
                        assert_true(run.result == JOB_CANCELED || run.result == JOB_SUCCESS);
                }
}

static void test_canceled_while_it_runs(void **state) {
        _cleanup_(run_done) Run run = { .text = chain, .stop_in = "b", .exit_codes = { { "-b", "never" } } };

        run_job(&run);
        assert_int_equal(run.result, JOB_CANCELED);
        assert_int_equal(run.step_results[0], STEP_SUCCESS);
        assert_int_equal(run.step_results[1], STEP_CANCELED);
        assert_int_equal(run.step_results[2], STEP_CANCELED);
        assert_string_equal(run.left, "");
}

/* Limits that hold nothing are told or refused, never ignored, and never sent. */
static void test_limits(void **state) {
        static const struct {
                unsigned controllers;
                bool refuse;
                JobResult want;
                const char *warning, *spec;
        } rows[] = {
                { CONTROLLER_MEMORY, false, JOB_SUCCESS, NULL, "a memory=64 shm=32 nnp=1 owner=me job=ours" },
                { CONTROLLER_MEMORY, true, JOB_SUCCESS, NULL, "a memory=64 shm=32 nnp=1 owner=me job=ours" },
                { 0, false, JOB_SUCCESS, "limits for each step hold nothing on this machine: memory",
                  "a memory=0 shm=32 nnp=1 owner=me job=ours" },
                { 0, true, JOB_REFUSED, NULL, NULL },
        };

        FOREACH_ROW(row, rows) {
                Policy policy;
                _cleanup_(run_done) Run run = { .text = single, .policy = &policy, .controllers = row->controllers };

                policy_init(&policy);
                policy.steps.limits.memory_bytes = 64;
                policy.steps.limits.shm_size_bytes = 32;
                policy.refuse_unenforced = row->refuse;
                assert_int_equal(strmap_put(&policy.labels, "owner", "me"), 0);
                assert_int_equal(strmap_put(&policy.labels, "io.podstep.job", "theirs"), 0);
                run_job(&run);
                assert_int_equal(run.result, row->want);
                assert_int_equal(strv_length(run.warnings), row->warning ? 1 : 0);
                if (row->warning)
                        assert_true(str_starts_with(run.warnings[0], row->warning));
                assert_int_equal(strv_length(run.specs), row->spec ? 1 : 0);
                if (row->spec)
                        assert_string_equal(run.specs[0], row->spec);
                assert_string_equal(run.left, "");
                policy_done(&policy);
        }
}

static void test_log_limit(void **state) {
        static const struct {
                uint64_t max;
                size_t n_lines;
                bool is_cut;
        } rows[] = {
                { 0, 3, false }, { 14, 3, false }, { 12, 2, true }, { 8, 2, true }, { 7, 1, true }, { 1, 0, true }
        };

        FOREACH_ROW(row, rows) {
                Policy policy = { .log_bytes_max = row->max };
                _cleanup_(run_done) Run run = { .text = single, .policy = &policy };

                run_job(&run);
                assert_int_equal(run.result, JOB_SUCCESS);
                assert_int_equal(strv_length(run.lines), row->n_lines);
                assert_int_equal(strv_length(run.warnings), row->is_cut);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_success),
                cmocka_unit_test(test_selinux),
                cmocka_unit_test(test_upper),
                cmocka_unit_test(test_script_alone),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_log_limit),
                cmocka_unit_test(test_conditions),
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_removal),
                cmocka_unit_test(test_missing_image),
                cmocka_unit_test(test_many_ports),
                cmocka_unit_test(test_each_call_fails),
                cmocka_unit_test(test_full_disk),
                cmocka_unit_test(test_canceled_at_each_call),
                cmocka_unit_test(test_canceled_while_it_runs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
