/*
 * A job whose process is killed at any write of its journal, before it or after it, and that the next process takes up:
 * it ends as if nothing had been, each step was started once, each line told once, and nothing is left.
 */

#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "fake-engine.h"
#include "job/directory.h"
#include "job/slot.h"
#include "pipeline/woodpecker.h"

#define WRITES_MAX 100
#define STEPS_MAX 16
#define SETTLE_USEC (20 * USEC_PER_MSEC)

typedef enum Kill { KILL_NOT, KILL_BEFORE, KILL_AFTER } Kill;

typedef struct Run {
        const char *text;
        const char *exit_codes[4][2];
        const char *stop_in; /* the step in which it is canceled */
        bool is_unwanted;    /* it is canceled while nobody runs it: who takes it up is told at once */
        bool has_cache;      /* another job of the project runs until this one is killed */
        bool is_far;          /* the engine is a Docker, which sees no file of ours: git runs here */
        bool is_displaced;    /* where the engine kept its files is no place any more */
        const char *stubborn; /* what the engine does not remove */
        const char *late;     /* the first step: its start is still on its way when the job is taken up */
        bool is_strict;      /* its steps are GitLab's, with a secret */
        unsigned kill_at;    /* the write, from 1 */
        Kill kill;

        sd_event *event;
        FakeEngine *fake;
        Job *job;
        Plan *plan;
        char *state, *checkout;
        Map journal;
        unsigned n_writes;
        bool is_dead, is_done;
        JobResult result;
        StepResult results[STEPS_MAX];
        int exit_codes_seen[STEPS_MAX];
        uint64_t n_lines[STEPS_MAX][2];
        Str logs[STEPS_MAX];
        char *left, *cache; /* what the first container mounted */
        char *upper;        /* where the workspace's upper directory is to lie */
        char *git;          /* a program in its place, which wants an empty directory, as git does */
} Run;

/* Of a process that is dead nothing is heard any more. */
static void on_event(const JobEvent *event, void *userdata) {
        Run *run = userdata;

        if (run->is_dead)
                return;
        if (event->kind == JOB_EVENT_OUTPUT) {
                (void) str_appendf(&run->logs[event->step_index], "%llu/%d %.*s%s",
                                   (unsigned long long) event->line_number, event->stream, (int) event->n_line,
                                   event->line, event->is_partial ? "+" : "\n");
                run->n_lines[event->step_index][event->stream - 1]++;
        }
        if (event->kind == JOB_EVENT_STEP_STATE && event->state == STEP_DONE) {
                run->results[event->step_index] = event->step_result;
                run->exit_codes_seen[event->step_index] = event->exit_code;
        }
        if (event->kind == JOB_EVENT_STEP_STATE && event->state == STEP_RUNNING &&
            str_equal(event->step->name, run->stop_in))
                job_stop(run->job, JOB_STOP_CANCEL);
}

static void on_done(Job *job, JobResult result, void *userdata) {
        Run *run = userdata;

        if (run->is_dead)
                return;
        run->result = result;
        run->is_done = true;
        (void) sd_event_exit(run->event, 0);
}

static void die(Run *run) {
        run->is_dead = true;
        run->fake->holds_starts = run->late;
        (void) sd_event_exit(run->event, 0);
}

static int on_put(const char *key, const char *value, void *userdata) {
        Run *run = userdata;

        if (run->is_dead)
                return 0;
        run->n_writes++;
        if (run->n_writes == run->kill_at && run->kill == KILL_BEFORE) {
                die(run);
                return 0;
        }
        assert_int_equal(strmap_put(&run->journal, key, value), 0);
        if (run->n_writes == run->kill_at)
                die(run);
        return 0;
}

static uint64_t on_count(size_t step_index, int stream, void *userdata) {
        Run *run = userdata;

        return run->n_lines[step_index][stream - 1];
}

static Plan *make_plan(const char *text, bool clones) {
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_map_ Map environment = STRMAP_INIT, secrets = STRMAP_INIT;
        WoodpeckerContext context = { .environment = &environment, .secrets = &secrets, .clones = clones };
        Plan *plan = NULL;

        assert_int_equal(strmap_put(&secrets, "s", "hush-hush"), 0);
        assert_int_equal(strmap_put(&environment, "CI_COMMIT_SHA", "0123456789012345678901234567890123456789"), 0);
        assert_int_equal(strmap_put(&environment, "CI_REPO_CLONE_URL", "https://nowhere/"), 0);
        assert_int_equal(source_new_take("test.yaml", strdup(text), strlen(text), &source, NULL), 0);
        assert_int_equal(woodpecker_compile(source, &context, &diags, &plan), 0);
        return plan;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        return sd_event_exit(sd_event_source_get_event(source), 1);
}

/* One process: from the start, or from the record, to its end or its death. */
static void live(Run *run, const Map *record) {
        JobSpec spec = { .plan = run->plan,
                         .holder = "/bin/true",
                         .state_directory = run->state,
                         .checkout = run->checkout,
                         .timeout_usec = 60 * USEC_PER_SEC,
                         .service_timeout_usec = USEC_PER_SEC,
                         .grace_usec = USEC_PER_SEC,
                         .observer = { on_event, run },
                         .id = "01test",
                         .journal = { on_put, on_count, run, SETTLE_USEC },
                         .record = record };

        if (run->is_far) {
                spec.holder = run->git;
                spec.workspace_mode = WORKSPACE_CLONE;
                spec.clones_from_origin = true;
        }
        run->is_dead = false;
        assert_int_equal(sd_event_new(&run->event), 0);
        run->fake->engine.event = run->event;
        spec.engine = &run->fake->engine;
        run->fake->holds_starts = false;
        run->fake->late = record && map_has(record, "step.0.start") ? run->late : NULL;
        assert_int_equal(
                sd_event_add_time_relative(run->event, NULL, CLOCK_MONOTONIC, 10 * USEC_PER_SEC, 0, on_deadline, NULL),
                0);
        assert_int_equal(job_new(run->event, &spec, on_done, run, &run->job, NULL), 0);
        if (record)
                job_resume(run->job);
        else
                job_start(run->job);
        if (record && run->is_unwanted)
                job_stop(run->job, JOB_STOP_CANCEL);
        assert_true(sd_event_loop(run->event) == 0); /* and not by the deadline */
        run->is_dead = true;
        run->job = job_free(run->job);
        run->event = sd_event_unref(run->event);
}

#define OWNER "runner-podstep-project-17"

/* As policy_apply() does it. */
static void add_caches(Plan *plan) {
        assert_non_null(plan->cache_owner = strdup(OWNER));
        for (size_t i = 0; i < plan->n_steps; i++) {
                PlanVolume volume = { .source = strdup(OWNER "-concurrent-0-cache-x"),
                                      .target = strdup("/c"),
                                      .is_operators = true,
                                      .is_cache = true,
                                      .slot_at = strlen(OWNER "-concurrent-") };

                assert_int_equal(ARRAY_APPEND(plan->steps[i]->volumes, plan->steps[i]->n_volumes, volume), 0);
        }
}

/* As gitlab_compile() does it: where the image has a program of its own, the engine sets the secret. */
static void make_strict(Plan *plan) {
        for (size_t i = 0; i < plan->n_steps; i++) {
                plan->steps[i]->style = SCRIPT_STRICT;
                assert_int_equal(strmap_put(&plan->steps[i]->secret_environment, "S", "hush-hush"), 0);
        }
}

static void make_far(Run *run) {
        static const char git[] = "#!/bin/sh\nmkdir .git && echo cloned\n";
        EngineInfo *info = &run->fake->engine.info;

        info->is_local = info->is_rootless = info->has_pods = info->has_secrets = info->maps_users = false;
        run->git = path_join(run->fake->directory, "git");
        assert_int_equal(file_write(run->git, git, strlen(git), 0755), 0);
}

static void on_volume(const VolumeSpec *spec, void *userdata) {
        Run *run = userdata;
        char *upper = fake_volume_upper(spec);

        if (!upper)
                return;
        free(run->upper);
        run->upper = upper;
}

/* All containers of a job mount the same cache, and find the workspace where the engine was told it would be. */
static void on_container(const ContainerSpec *spec, void *userdata) {
        Run *run = userdata;

        assert_true(!run->upper || file_is_directory(run->upper));
        for (size_t i = 0; i < spec->n_mounts; i++) {
                const char *source = spec->mounts[i].source;

                assert_string_not_equal(spec->mounts[i].target, "/podstep/script"); /* which may be written again */
                if (!source || !str_starts_with(source, OWNER))
                        continue;
                if (!run->cache)
                        run->cache = strdup(source);
                assert_string_equal(source, run->cache);
        }
}

/* The other job has the first slot. */
static JobDirectory begin_other(const Run *run) {
        JobDirectory other;
        unsigned slot;

        assert_int_equal(job_directory_make(run->state, "other", JOB_OWNER_PROCESS, &other, NULL), 0);
        assert_int_equal(slot_take(run->state, OWNER, "other", &slot, NULL), 0);
        assert_int_equal(slot, 0);
        return other;
}

/* Caches are to stay. */
static void forget_caches(Run *run) {
        _cleanup_free_ char *key = run->cache ? str_printf("volume %s", run->cache) : NULL;

        if (key)
                map_remove(&run->fake->objects, key);
}

static char *what_is_left(const Run *run) {
        _cleanup_str_ Str left = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_strv_ char **jobs = NULL;

        MAP_FOREACH(entry, &run->fake->objects)
                (void) str_appendf(&left, "%s; ", entry->key);
        assert_int_equal(job_directory_list(run->state, &jobs), 0);
        STRV_FOREACH(job, jobs)
                (void) str_appendf(&left, "directory %s; ", *job);
        return str_take(&left);
}

static void run_job(Run *run) {
        JobDirectory other = { .lock_fd = -1 };
        sd_event *none = NULL;

        run->journal = STRMAP_INIT;
        run->plan = make_plan(run->text, run->is_far);
        run->fake = fake_engine_new(none);
        run->fake->stubborn = run->stubborn;
        run->state = path_join(run->fake->directory, "state");
        run->checkout = path_join(run->fake->directory, "checkout");
        assert_int_equal(file_mkdir_p(run->checkout, 0755), 0);
        for (size_t i = 0; i < STEPS_MAX; i++)
                run->logs[i] = STR_INIT(STR_MAX_DEFAULT);
        for (size_t i = 0; i < ELEMENTSOF(run->exit_codes) && run->exit_codes[i][0]; i++)
                assert_int_equal(strmap_put(&run->fake->exit_codes, run->exit_codes[i][0], run->exit_codes[i][1]), 0);
        run->fake->look = on_container;
        run->fake->look_at_volume = on_volume;
        run->fake->look_userdata = run;
        if (run->has_cache) {
                add_caches(run->plan);
                other = begin_other(run);
        }
        if (run->is_strict)
                make_strict(run->plan);
        if (run->is_far)
                make_far(run);
        live(run, NULL);
        if (run->has_cache)
                assert_int_equal(job_directory_remove(&other, NULL), 0);
        if (!run->is_done) {
                Map record = STRMAP_INIT;

                assert_int_equal(strmap_update(&record, &run->journal), 0);
                if (run->is_displaced && map_has(&record, "workspace"))
                        assert_int_equal(strmap_put(&record, "workspace", "copy /proc/nowhere/x"), 0);
                live(run, &record);
                map_done(&record);
        }
        assert_true(run->is_done);
        forget_caches(run);
        run->left = what_is_left(run);
}

static void run_done(Run *run) {
        for (size_t i = 0; i < STEPS_MAX; i++)
                str_done(&run->logs[i]);
        fake_engine_free(run->fake);
        plan_free(run->plan);
        map_done(&run->journal);
        free(run->state);
        free(run->checkout);
        free(run->left);
        free(run->cache);
        free(run->upper);
        free(run->git);
}

static bool was_started_once(const Run *run) {
        STRV_FOREACH(name, run->fake->started)
                if (strv_contains(name + 1, *name))
                        return false;
        return true;
}

static const char mixed[] =
        "services:\n"
        "  - {name: db, image: x}\n"
        "steps:\n"
        "  - {name: a, image: x, commands: [one], depends_on: []}\n"
        "  - {name: b, image: x, commands: [one], depends_on: [a]}\n"
        "  - {name: c, image: x, settings: {k: {from_secret: s}}, depends_on: [a]}\n"
        "  - {name: d, image: x, commands: [one], backend_options: {docker: {user: build}}, depends_on: [b, c]}\n"
        "  - {name: e, image: x, commands: [one], detach: true, depends_on: []}\n";
static const char chain[] = "steps:\n"
                            "  - {name: a, image: x, commands: [one]}\n"
                            "  - {name: b, image: x, commands: [two]}\n"
                            "  - {name: c, image: x, commands: [three], when: [{status: [success, failure]}]}\n"
                            "  - {name: d, image: x, commands: [four], when: [{status: failure}]}\n";
static const char entry[] = "steps: [{name: a, image: entry, commands: [one]}]\n";
static const char single[] = "steps: [{name: a, image: x, commands: [one]}]\n";

static const Run jobs[] = {
        { .text = single },
        { .text = single, .late = "-a" },
        { .text = chain },
        { .text = chain, .exit_codes = { { "-a", "3" } } },
        { .text = mixed, .exit_codes = { { "-db", "never" }, { "-e", "never" } } },
        { .text = mixed, .exit_codes = { { "-db", "never" }, { "-e", "never" }, { "-d", "1" } } },
        { .text = chain, .exit_codes = { { "-b", "never" } }, .stop_in = "b" },
        { .text = chain, .has_cache = true },
        { .text = entry, .is_strict = true },
        { .text = single, .is_far = true },
};

static void compare(const Run *undisturbed, const Run *killed) {
        print_message("killed %s write %u of %u\n", killed->kill == KILL_BEFORE ? "before" : "after", killed->kill_at,
                      undisturbed->n_writes);
        assert_string_equal(killed->left, "");
        assert_true(was_started_once(killed));
        if (undisturbed->stop_in) {
                /*
                 * Killed before the intent to cancel was noted it is canceled again in the next life; the rest may
                 * differ in time.
                 */
                assert_int_equal(killed->result, undisturbed->result);
                return;
        }
        assert_int_equal(killed->result, undisturbed->result);
        for (size_t i = 0; i < STEPS_MAX; i++) {
                assert_int_equal(killed->results[i], undisturbed->results[i]);
                assert_int_equal(killed->exit_codes_seen[i], undisturbed->exit_codes_seen[i]);
                assert_string_equal(str_get(&killed->logs[i]), str_get(&undisturbed->logs[i]));
        }
}

static void test_kill_at_each_write(void **state) {
        FOREACH_ROW(job, jobs) {
                _cleanup_(run_done) Run undisturbed = *job;

                run_job(&undisturbed);
                assert_string_equal(undisturbed.left, "");
                assert_in_range(undisturbed.n_writes, 5, WRITES_MAX);
                for (unsigned i = 1; i <= undisturbed.n_writes; i++)
                        for (Kill kill = KILL_BEFORE; kill <= KILL_AFTER; kill++) {
                                _cleanup_(run_done) Run killed = *job;

                                killed.kill_at = i;
                                killed.kill = kill;
                                run_job(&killed);
                                compare(&undisturbed, &killed);
                        }
        }
}

/* Whatever it was at, it comes to an end, and nothing is left. */
static void test_cancel_at_each_write(void **state) {
        Run undisturbed = { .text = chain };
        unsigned n_writes;

        run_job(&undisturbed);
        n_writes = undisturbed.n_writes;
        run_done(&undisturbed);
        for (unsigned i = 1; i <= n_writes; i++) {
                _cleanup_(run_done) Run killed = {
                        .text = chain, .is_unwanted = true, .kill_at = i, .kill = KILL_AFTER
                };

                print_message("killed after write %u of %u\n", i, n_writes);
                run_job(&killed);
                assert_true(killed.is_done);
                assert_string_equal(killed.left, "");
        }
}

/* What it stands on cannot be restored: it comes to an end all the same, and the sweep has what is left. */
static void test_displaced(void **state) {
        static const char *const texts[] = { single, mixed };

        FOREACH_ROW(text, texts)
                for (unsigned i = 1, end = 2; i < 2 * end; i += *text == mixed ? 3 : 1) { /* some will do of many */
                        _cleanup_(run_done) Run run = { .text = *text,
                                                        .exit_codes = { { "-db", "never" }, { "-e", "never" } },
                                                        .is_displaced = true,
                                                        .is_unwanted = i % 2,
                                                        .kill_at = (i + 1) / 2,
                                                        .kill = KILL_AFTER };

                        print_message("killed after write %u%s\n", run.kill_at, run.is_unwanted ? ", canceled" : "");
                        run_job(&run);
                        assert_true(run.is_done);
                        if (run.n_writes >= run.kill_at)
                                end = run.kill_at + 3;
                        if (*run.left)
                                assert_int_equal(job_directory_liveness(run.state, "01test"), JOB_DEAD);
                }
}

/* What could not be removed is the sweep's: no agent takes up a job that is over. */
static void test_left_to_sweep(void **state) {
        _cleanup_(run_done) Run run = { .text = single, .stubborn = "container podstep-01test-a" };

        run_job(&run);
        assert_int_equal(run.result, JOB_SUCCESS);
        assert_non_null(strstr(run.left, "container podstep-01test-a; "));
        assert_non_null(strstr(run.left, "directory 01test; "));
        assert_int_equal(job_directory_liveness(run.state, "01test"), JOB_DEAD);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kill_at_each_write),
                cmocka_unit_test(test_cancel_at_each_write),
                cmocka_unit_test(test_left_to_sweep),
                cmocka_unit_test(test_displaced),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
