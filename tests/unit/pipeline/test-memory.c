/*
 * Each allocation fails in turn. Whatever fails, nothing crashes or leaks; of a good file there is the same plan as
 * ever or -ENOMEM, of a bad one there are errors or -ENOMEM, and never a plan.
 */

#include "compile.h"
#include "no-memory.h"


#include "pipeline/policy.h"
#include "pipeline/select.h"

static const char good[] =
        "matrix: {AXIS: [1, 2], GO: ['1.25']}\n"
        "depends_on: [x, {name: y, optional: true}]\n"
        "labels: {arch: amd64}\n"
        "when: {evaluate: 'CI_X matches \"o.*\" and split(GO, \".\")[1] + \"x\" == lower(\"25X\")'}\n"
        "variables:\n"
        "  - &go golang:1.25\n"
        "services:\n"
        "  My_DB: {image: postgres, ports: [5432], environment: {P: {from_secret: token}}}\n"
        "steps:\n"
        "  a:\n"
        "    image: *go\n"
        "    commands:\n"
        "    - \"x${Y:-${Z}}\"\n"
        "    - ${CI_X}\n"
        "    directory: x\n"
        "    depends_on: []\n"
        "  b:\n"
        "    image: alpine@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
        "    volumes: [/a:/b:ro, c:/d, /e]\n"
        "    tmpfs: [/tmp:size=1m]\n"
        "    devices: [/dev/fuse]\n"
        "    extra_hosts: [a:1.1.1.1]\n"
        "    dns: 1.1.1.1\n"
        "    dns_search: [a]\n"
        "    network_mode: host\n"
        "    privileged: true\n"
        "    backend_options: {docker: {user: 1:2}}\n"
        "    depends_on: [a, {name: c, optional: true}]\n"
        "  c: {image: p, settings: {a: 1.5, b: [1, x], c: {z: [1.5], a: {from_secret: token}}}, "
        "when: {status: failure}}\n"
        "  C: {image: p}\n";

static const char bad[] =
        "unknown: x\n"
        "runs_on: x\n"
        "when: [{evaluate: 'x &&'}, {evaluate: lowr(A)}, {evaluate: 'A matches \"(\"'}]\n"
        "workspace: {base: x}\n"
        "services: {a: {image: '', commands: [5]}}\n"
        "steps:\n"
        "  a: {image: A, depends_on: [b, x], environment: {A: {from_secret: x}}, failure: x}\n"
        "  b: {image: a, depends_on: a, volumes: [x], when: 5, backend_options: {docker: {user: 'a b'}}}\n"
        "  \"\\x01\": 5\n";

/* And back: the same plan, or -ENOMEM. */
static int read_again(const char *text, const Map *secrets) {
        _cleanup_(json_unrefp) Json *json = NULL;
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_free_ char *again = NULL;
        PlanReading reading = { .secrets = secrets, .registry = NULL, .path = "plan" };
        PolicyProject project = { 0 };
        int r = json_parse(text, strlen(text), &json, NULL);

        if (r == 0)
                r = plan_from_json(json, &reading, &plan, NULL);
        if (r == 0)
                r = plan_to_json(plan, false, &again);
        if (again)
                assert_string_equal(again, text);
        return r == 0 ? policy_strip(&(Policy) { 0 }, &project, plan, NULL) : r;
}

/* One round; the plan as JSON, NULL if there is none. */
static int run(const char *text, size_t n_allocations, char **ret_json, bool *ret_is_refused) {
        _cleanup_map_ Map secrets = STRMAP_INIT, environment = STRMAP_INIT;
        WoodpeckerContext context = { .secrets = &secrets, .environment = &environment };
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_(plan_freep) Plan *plan = NULL;
        DiagList diags = { 0 };
        size_t n_refused = 0;
        int r;

        assert_int_equal(strmap_put(&secrets, "token", "s3cr3t"), 0);
        assert_int_equal(strmap_put(&environment, "CI_X", "one\ntwo"), 0);
        assert_int_equal(source_new_take("test.yaml", strdup(text), strlen(text), &source, NULL), 0);
        n_left = n_allocations;
        r = woodpecker_compile(source, &context, &diags, &plan);
        if (r == 0)
                r = plan_to_json(plan, false, ret_json);
        if (r == 0)
                r = read_again(*ret_json, &secrets);
        if (plan)
                n_refused = policy_check(&(Policy) { 0 }, plan, &diags);
        if (r == 0)
                r = plan_keep_steps(plan, (char *[]) { (char *) "b", NULL }, NULL);
        if (r == 0)
                r = plan_keep_from(plan, "b", NULL);
        n_left = SIZE_MAX;
        *ret_is_refused = n_refused > 0;
        diag_list_done(&diags);
        return r;
}

static void test_good(void **state) {
        _cleanup_free_ char *want = NULL;
        bool is_refused;
        int r = -ENOMEM;

        assert_int_equal(run(good, SIZE_MAX, &want, &is_refused), 0);
        assert_true(is_refused);
        has_failed = true;
        for (size_t n = 0; has_failed; n++) { /* that one failed need not matter: the words of a warning */
                _cleanup_free_ char *got = NULL;

                has_failed = false;
                r = run(good, n, &got, &is_refused);
                if (r != 0 && r != -ENOMEM)
                        print_message("allocation %zu: %d\n", n, r);
                assert_true(r == 0 || r == -ENOMEM);
                if (got) {
                        assert_string_equal(got, want);
                        assert_true(is_refused);
                }
        }
}

static void test_bad(void **state) {
        bool is_refused;

        for (size_t n = 0; n < 2000; n++) {
                _cleanup_free_ char *got = NULL;
                int r = run(bad, n, &got, &is_refused);

                assert_true(r == -EBADMSG || r == -ENOMEM);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_good), cmocka_unit_test(test_bad) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
