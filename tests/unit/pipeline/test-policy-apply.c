#include "compile.h"

#include "base/strv.h"
#include "pipeline/policy.h"

#define LIST(...) strv_of((const char *const[]) { __VA_ARGS__, NULL })

static char **strv_of(const char *const *items) {
        char **list = NULL;

        assert_int_equal(strv_copy((char *const *) items, &list), 0);
        return list;
}

static const PolicyProject project = { .name = "acme/app" };

static Plan *apply_to(const Policy *policy, const PolicyProject *of, const char *text, Str *messages) {
        _cleanup_(error_freep) Error *error = NULL;
        Plan *plan = compile_fine(text);
        DiagList diags = { 0 };
        int r = policy_apply(policy, of, plan, &diags, &error);

        if (r < 0)
                print_message("%s\n", error_message(error, r));
        assert_int_equal(r, 0);
        for (size_t i = 0; i < diags.n_diags; i++) {
                assert_int_equal(diags.diags[i].severity, DIAG_WARNING);
                (void) str_appendf(messages, "%u: %s\n", (unsigned) diags.diags[i].mark.line, diags.diags[i].message);
        }
        diag_list_done(&diags);
        return plan;
}

#define ONE "steps: {a: {image: alpine, commands: x}}\n"

static void test_nothing(void **state) {
        _cleanup_(policy_done) Policy policy;
        _cleanup_str_ Str messages = STR_INIT(4096);
        _cleanup_(plan_freep) Plan *plan = NULL, *untouched = compile_fine(ONE);
        _cleanup_free_ char *a = NULL, *b = NULL;

        policy_init(&policy);
        plan = apply_to(&policy, &project, ONE, &messages);
        assert_int_equal(plan_to_json(plan, false, &a), 0);
        assert_int_equal(plan_to_json(untouched, false, &b), 0);
        assert_string_equal(a, b);
        assert_string_equal(str_get(&messages), "");
}

static void test_privileged(void **state) {
        static const struct {
                bool always, asks;
                const char *list, *image;
                bool want, is_told;
        } rows[] = {
                { false, false, NULL, "alpine", false, false },
                { false, true, NULL, "alpine", true, false },
                { true, false, NULL, "alpine", true, false },
                { true, false, "alpine", "alpine", true, false },
                { true, false, "alpine", "busybox", false, false },
                { false, true, "docker*", "docker:dind", true, false },
                { false, true, "docker", "docker:dind", false, true },
                { false, true, "reg.io/**/*", "reg.io/a/b/c", true, false },
                { false, true, "reg.io/*", "reg.io/a/b/c", false, true },
                { false, false, "alpine", "alpine", false, false },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = str_printf("steps:\n  a: {image: '%s', commands: x, privileged: %s}\n",
                                                       row->image, row->asks ? "true" : "false");
                _cleanup_(policy_done) Policy policy;
                _cleanup_str_ Str messages = STR_INIT(4096);
                _cleanup_(plan_freep) Plan *plan = NULL;

                print_message("case %s %s\n", row->list ? row->list : "any", row->image);
                policy_init(&policy);
                policy.steps.privileged = row->always;
                if (row->list)
                        policy.images.allowed_privileged = LIST(row->list);
                plan = apply_to(&policy, &project, text, &messages);
                assert_int_equal(plan->steps[0]->privileged, row->want);
                assert_int_equal(strstr(str_get(&messages), "2: step 'a' runs without privileged mode") != NULL,
                                 row->is_told);
        }
}

/* Services and steps have settings of their own. */
static void test_kinds(void **state) {
        static const char text[] =
                "services:\n  - {name: db, image: postgres}\nsteps:\n  - {name: a, image: alpine, commands: x}\n";
        _cleanup_(policy_done) Policy policy;
        _cleanup_str_ Str messages = STR_INIT(4096);
        _cleanup_(plan_freep) Plan *plan = NULL;

        policy_init(&policy);
        policy.services.privileged = true;
        policy.steps.user = strdup("1000:1000");
        policy.steps.devices = LIST("/dev/kvm");
        policy.steps.gpus = strdup("all");
        assert_int_equal(strmap_put(&policy.services.tmpfs, "/var/lib/mysql", "rw,noexec"), 0);
        assert_int_equal(strmap_put(&policy.steps.tmpfs, "/tmp", ""), 0);
        plan = apply_to(&policy, &project, text, &messages);
        assert_true(plan->steps[0]->privileged);
        assert_null(plan->steps[0]->user);
        assert_int_equal(plan->steps[0]->n_devices, 0);
        assert_int_equal(plan->steps[0]->n_tmpfs, 1);
        assert_string_equal(plan->steps[0]->tmpfs[0].target, "/var/lib/mysql");
        assert_string_equal(plan->steps[0]->tmpfs[0].options, "rw,noexec");
        assert_false(plan->steps[1]->privileged);
        assert_string_equal(plan->steps[1]->user, "1000:1000");
        assert_int_equal(plan->steps[1]->n_devices, 2);
        assert_string_equal(plan->steps[1]->devices[0].target, "/dev/kvm");
        assert_string_equal(plan->steps[1]->devices[1].source, "nvidia.com/gpu=all");
        assert_null(plan->steps[1]->devices[1].target);
        assert_int_equal(plan->steps[1]->n_tmpfs, 1);
        assert_null(plan->steps[1]->tmpfs[0].options);
}

static void test_image_devices(void **state) {
        _cleanup_(policy_done) Policy policy;
        _cleanup_str_ Str messages = STR_INIT(4096);
        _cleanup_(plan_freep) Plan *alpine = NULL, *other = NULL;

        policy_init(&policy);
        policy.steps.image_devices = calloc(1, sizeof(PolicyImageDevices));
        policy.steps.image_devices[0] = (PolicyImageDevices) { strdup("alpine*"), LIST("/dev/fuse:r") };
        policy.steps.n_image_devices = 1;
        alpine = apply_to(&policy, &project, ONE, &messages);
        other = apply_to(&policy, &project, "steps: {a: {image: busybox, commands: x}}\n", &messages);
        assert_int_equal(alpine->steps[0]->n_devices, 1);
        assert_string_equal(alpine->steps[0]->devices[0].access, "r");
        assert_int_equal(other->steps[0]->n_devices, 0);
}

/* The slot is all that differs, and stands behind the owner. */
static void check_slots(const Plan *plan, const PlanVolume *volume) {
        _cleanup_free_ char *first = plan_volume_source(volume, 0), *other = plan_volume_source(volume, 17);
        const char *owner = strstr(volume->source, plan->cache_owner);
        size_t n = volume->slot_at;

        assert_string_equal(first, volume->source);
        assert_ptr_equal(owner + strlen(plan->cache_owner) + strlen("-concurrent-"), volume->source + n);
        assert_memory_equal(other, volume->source, n);
        assert_memory_equal(other + n, "17", 2);
        assert_string_equal(other + n + 2, volume->source + n + 1);
}

/* Whose caches a job's are: the runner as the operator named it, the project and what is said of its branch. */
static void test_project(void **state) {
        static const struct {
                const char *runner, *repo, *is_protected;
                const char *want;
        } rows[] = {
                { NULL, NULL, NULL, "runner-podstep-project-none-concurrent-0-cache-3c3f060a0374fc8bc39395164f415a70" },
                { "web-1", "17", NULL, "runner-web-1-project-17-concurrent-0-cache-3c3f060a0374fc8bc39395164f415a70" },
                { "web-1", "17", "false",
                  "runner-web-1-project-17-concurrent-0-cache-3c3f060a0374fc8bc39395164f415a70" },
                { "web-1", "17", "true",
                  "runner-web-1-project-17-concurrent-0-cache-3c3f060a0374fc8bc39395164f415a70-protected" },
        };

        FOREACH_ROW(row, rows) {
                Policy policy = { .runner = (char *) row->runner };
                _cleanup_(map_done) Map environment = STRMAP_INIT;
                _cleanup_free_ char *name = NULL;
                PolicyProject of;

                if (row->repo)
                        assert_int_equal(strmap_put(&environment, "CI_REPO", row->repo), 0);
                if (row->is_protected)
                        assert_int_equal(strmap_put(&environment, "CI_COMMIT_REF_PROTECTED", row->is_protected), 0);
                of = policy_project(&policy, &environment);
                name = policy_cache_name(&of, "/cache");
                assert_string_equal(name, row->want);
        }
}

static void test_volumes(void **state) {
        static const struct {
                const char *mount, *cache_directory;
                bool disable_cache;
                PolicyProject project;
                const char *source, *target;
                bool is_cache;
        } rows[] = {
                { "/srv/ca:/etc/ca:ro", NULL, false, { 0 }, "/srv/ca", "/etc/ca", false },
                { "shared:/s", NULL, false, { 0 }, "shared", "/s", false },
                { "/cache",
                  NULL,
                  false,
                  { .runner = "abc", .name = "17" },
                  "runner-abc-project-17-concurrent-0-cache-3c3f060a0374fc8bc39395164f415a70",
                  "/cache",
                  true },
                { "/cache",
                  NULL,
                  false,
                  { .runner = "abc", .name = "17", .is_protected = true },
                  "runner-abc-project-17-concurrent-0-cache-3c3f060a0374fc8bc39395164f415a70-protected",
                  "/cache",
                  true },
                { "/cache/",
                  NULL,
                  false,
                  { .name = "acme/app" },
                  "runner-podstep-project-acme-app-643c82ee-concurrent-0-cache-3c3f060a0374fc8bc39395164f415a70",
                  "/cache",
                  true },
                { "/cache",
                  "/srv/caches",
                  false,
                  { .name = "17" },
                  "/srv/caches/runner-podstep-project-17-concurrent-0/3c3f060a0374fc8bc39395164f415a70",
                  "/cache",
                  true },
                { "/cache", NULL, true, { .name = "17" }, NULL, "/cache", false },
                { "/cache", "/srv/caches", true, { .name = "17" }, NULL, "/cache", false },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(policy_done) Policy policy;
                _cleanup_str_ Str messages = STR_INIT(4096);
                _cleanup_(plan_freep) Plan *plan = NULL;
                const PlanVolume *volume;

                print_message("case %s %s\n", row->mount, row->source ? row->source : "-");
                policy_init(&policy);
                policy.volumes.mounts = LIST(row->mount);
                policy.volumes.cache_directory = row->cache_directory ? strdup(row->cache_directory) : NULL;
                policy.volumes.disable_cache = row->disable_cache;
                plan = apply_to(&policy, &row->project, ONE, &messages);
                assert_int_equal(plan->steps[0]->n_volumes, 1);
                volume = &plan->steps[0]->volumes[0];
                assert_true(volume->is_operators);
                assert_int_equal(volume->is_cache, row->is_cache);
                assert_string_equal(volume->target, row->target);
                if (row->source)
                        assert_string_equal(volume->source, row->source);
                if (row->is_cache)
                        check_slots(plan, volume);
                if (!row->source)
                        assert_null(volume->source);
        }
}

/* Projects whose paths look alike as a name do not share what is theirs. */
static void test_cache_names(void **state) {
        static const char *const names[] = { "acme/app", "acme-app", "acme.app", "acme app", "Acme/app", "acme/app/" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                for (size_t k = 0; k < i; k++) {
                        _cleanup_free_ char *a = policy_cache_name(&(PolicyProject) { .name = names[i] }, "/c");
                        _cleanup_free_ char *b = policy_cache_name(&(PolicyProject) { .name = names[k] }, "/c");

                        assert_string_not_equal(a, b);
                        assert_int_equal(strspn(a, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"),
                                         strlen(a));
                }
}

static void test_network(void **state) {
        static const char text[] = "steps:\n"
                                   "  - {name: a, image: alpine, commands: x}\n"
                                   "  - {name: b, image: alpine, commands: x, dns: 9.9.9.9, network_mode: none, "
                                   "extra_hosts: ['db:10.0.0.9']}\n";
        _cleanup_(policy_done) Policy policy;
        _cleanup_str_ Str messages = STR_INIT(4096);
        _cleanup_(plan_freep) Plan *plan = NULL;

        policy_init(&policy);
        policy.network.mode = strdup("ci");
        policy.network.dns = LIST("1.1.1.1");
        policy.network.dns_search = LIST("corp");
        policy.network.extra_hosts = LIST("db:10.0.0.1", "web:10.0.0.2");
        assert_int_equal(strmap_put(&policy.environment, "HTTP_PROXY", "http://p"), 0);
        assert_int_equal(strmap_put(&policy.environment, "CI", "no"), 0);
        assert_int_equal(strmap_put(&policy.environment, "CI_WORKSPACE", "no"), 0);
        plan = apply_to(&policy, &project, text, &messages);
        assert_string_equal(plan->steps[0]->network_mode, "ci");
        assert_string_equal(plan->steps[0]->dns[0], "1.1.1.1");
        assert_string_equal(plan->steps[0]->dns_search[0], "corp");
        assert_int_equal(plan->steps[0]->n_extra_hosts, 2);
        assert_string_equal(strmap_get(&plan->steps[0]->environment, "HTTP_PROXY"), "http://p");
        assert_string_not_equal(strmap_get(&plan->steps[0]->environment, "CI_WORKSPACE"), "no");
        assert_string_equal(plan->steps[1]->network_mode, "none");
        assert_string_equal(plan->steps[1]->dns[0], "9.9.9.9");
        assert_int_equal(plan->steps[1]->n_extra_hosts, 2);
        assert_string_equal(plan->steps[1]->extra_hosts[0].address, "10.0.0.9");
}

static void test_bad_settings(void **state) {
        static const struct {
                const char *mount, *device, *host, *gpus, *want;
        } rows[] = {
                { "x", NULL, NULL, NULL, "volume 'x'" },
                { NULL, "kvm", NULL, NULL, "device 'kvm'" },
                { NULL, NULL, "db", NULL, "host 'db'" },
                { NULL, NULL, NULL, "few", "gpus 'few'" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(policy_done) Policy policy;
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_(plan_freep) Plan *plan = compile_fine(ONE);
                DiagList diags = { 0 };

                policy_init(&policy);
                policy.volumes.mounts = row->mount ? LIST(row->mount) : NULL;
                policy.steps.devices = row->device ? LIST(row->device) : NULL;
                policy.network.extra_hosts = row->host ? LIST(row->host) : NULL;
                policy.steps.gpus = row->gpus ? strdup(row->gpus) : NULL;
                assert_int_equal(policy_apply(&policy, &project, plan, &diags, &error), -EINVAL);
                assert_non_null(strstr(error_message(error, 0), row->want));
                diag_list_done(&diags);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing),      cmocka_unit_test(test_privileged),
                cmocka_unit_test(test_kinds),        cmocka_unit_test(test_image_devices),
                cmocka_unit_test(test_volumes),      cmocka_unit_test(test_project),
                cmocka_unit_test(test_cache_names),  cmocka_unit_test(test_network),
                cmocka_unit_test(test_bad_settings),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
