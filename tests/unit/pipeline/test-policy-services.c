#include "compile.h"

#include "base/array.h"
#include "base/strv.h"
#include "pipeline/policy.h"

/* "name alias+host_names image needs" of each step, on a line. */
static void describe(const Plan *plan, Str *out) {
        for (size_t i = 0; i < plan->n_steps; i++) {
                const PlanStep *step = plan->steps[i];
                _cleanup_free_ char *names = strv_join(step->host_names, "+"), *words = strv_join(step->arguments, " ");

                (void) str_appendf(out, "%s%s", i < plan->n_services ? "*" : "", step->name);
                if (step->kind == STEP_SERVICE)
                        (void) str_appendf(out, "=%s%s%s", step->alias, *names ? "+" : "", names);
                (void) str_appendf(out, " %s", step->image_reference);
                for (size_t k = 0; k < step->n_needs; k++)
                        (void) str_appendf(out, " %s", plan->steps[step->needs[k]]->name);
                if (*words)
                        (void) str_appendf(out, " [%s]", words);
                (void) str_append(out, step->is_operators ? " !\n" : "\n");
        }
}

static void add(Policy *policy, const char *image, const char *alias, const char *command) {
        PolicyService service = { .image = strdup(image),
                                  .alias = alias ? strdup(alias) : NULL,
                                  .environment = STRMAP_INIT };

        if (command)
                assert_int_equal(strv_append(&service.command, command), 0);
        assert_int_equal(strmap_put(&service.environment, "A", "operator"), 0);
        assert_int_equal(ARRAY_APPEND(policy->always, policy->n_always, service), 0);
}

#define STEPS "steps: {a: {image: 'x:1', commands: [y]}, b: {image: 'x:1', commands: [y], depends_on: [a]}}"

static void test_add(void **state) {
        static const struct {
                const char *file, *image, *alias, *command;
                const char *want;
        } rows[] = {
                { STEPS, "redis:7", NULL, NULL,
                  "*redis=redis docker.io/library/redis:7 !\na docker.io/library/x:1\nb docker.io/library/x:1 a\n" },
                { STEPS, "example.com:5000/tutum/wordpress:latest", NULL, "go",
                  "*example-com--tutum--wordpress=example-com--tutum--wordpress+example.com__tutum__wordpress+example."
                  "com-tutum-wordpress example.com:5000/tutum/wordpress:latest [go] !\na docker.io/library/x:1\nb "
                  "docker.io/library/x:1 a\n" },
                { "services: {db: {image: 'pg:1'}}\n" STEPS, "mysql:1", "sql, My_SQL", NULL,
                  "*db=db docker.io/library/pg:1\n*sql=sql+My_SQL+mysql docker.io/library/mysql:1 !\n"
                  "a docker.io/library/x:1\nb docker.io/library/x:1 a\n" },
                /* The file's own goes before it. */
                { "services: {db: {image: 'pg:1'}}\n" STEPS, "db:1", NULL, NULL,
                  "*db=db docker.io/library/pg:1\na docker.io/library/x:1\nb docker.io/library/x:1 a\n" },
                { "services: {db: {image: 'pg:1'}}\n" STEPS, "mysql:1", "db", NULL,
                  "*db=db docker.io/library/pg:1\n*mysql=mysql docker.io/library/mysql:1 !\n"
                  "a docker.io/library/x:1\nb docker.io/library/x:1 a\n" },
                { STEPS, "Not An Image", NULL, NULL, NULL },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(plan_freep) Plan *plan = compile_fine(row->file);
                _cleanup_(diag_list_done) DiagList diags = { 0 };
                _cleanup_(policy_done) Policy policy;
                _cleanup_str_ Str out = STR_INIT(64U * 1024);

                print_message("case '%s'\n", row->image);
                policy_init(&policy);
                add(&policy, row->image, row->alias, row->command);
                /* Neither an allow-list nor a limit is about the operator's own. */
                assert_int_equal(strv_append(&policy.images.allowed_services, "pg:*"), 0);
                policy.limit_services = true;
                policy.services_max = 1;
                assert_int_equal(policy_check(&policy, plan, &diags), row->want ? 0 : 1);
                if (!row->want)
                        continue;
                describe(plan, &out);
                assert_string_equal(str_get(&out), row->want);
                for (size_t i = 0; i < plan->n_services; i++)
                        if (plan->steps[i]->is_operators) {
                                assert_string_equal(strmap_get(&plan->steps[i]->environment, "A"), "operator");
                                assert_true(plan->steps[i]->detach && plan->steps[i]->on_success);
                        }
        }
}

/* Where nothing runs, no service does. */
static void test_nothing_to_run(void **state) {
        _cleanup_(plan_freep) Plan *plan = compile_fine("when: {branch: none}\n" STEPS);
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(policy_done) Policy policy;

        policy_init(&policy);
        add(&policy, "redis:7", NULL, NULL);
        assert_int_equal(plan->n_steps, 0);
        assert_int_equal(policy_check(&policy, plan, &diags), 0);
        assert_int_equal(plan->n_steps, 0);
}

/* The file's entrypoint, where the operator keeps that of the image. */
static void test_keep_entrypoint(void **state) {
        for (int keeps = 0; keeps < 2; keeps++) {
                _cleanup_(plan_freep) Plan *plan = compile_fine("steps: {a: {image: 'x:1', entrypoint: [go]}}");
                _cleanup_(diag_list_done) DiagList diags = { 0 };
                _cleanup_(policy_done) Policy policy;
                PolicyProject project = { 0 };

                policy_init(&policy);
                policy.images.keep_entrypoint = keeps;
                assert_int_equal(policy_apply(&policy, &project, plan, &diags, NULL), 0);
                assert_int_equal(diags.n_warnings, keeps);
                assert_int_equal(plan->steps[0]->entrypoint == NULL, keeps);
        }
}

/* The file's own services wait for what fetches the repository, also where one more stands before it. */
static void test_needs(void **state) {
        _cleanup_map_ Map environment = STRMAP_INIT;
        WoodpeckerContext context = { .environment = &environment, .clones = true };
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(policy_done) Policy policy;
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_str_ Str out = STR_INIT(64U * 1024);

        assert_int_equal(strmap_put(&environment, "CI_COMMIT_SHA", "4f1c2e7d0b9a8c6e5d4f3a2b1c0d9e8f7a6b5c4d"), 0);
        plan = compile("clone: [{name: get, image: 'git:1'}]\nservices: {db: {image: 'pg:1'}}\n"
                       "steps: {a: {image: 'x:1', commands: [y]}}",
                       &context, NULL);
        assert_non_null(plan);
        policy_init(&policy);
        add(&policy, "redis:7", NULL, NULL);
        assert_int_equal(policy_check(&policy, plan, &diags), 0);
        describe(plan, &out);
        assert_string_equal(str_get(&out), "*db=db docker.io/library/pg:1 get\n"
                                           "*redis=redis docker.io/library/redis:7 !\n"
                                           "get docker.io/library/git:1\na docker.io/library/x:1 get\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_add),
                cmocka_unit_test(test_needs),
                cmocka_unit_test(test_nothing_to_run),
                cmocka_unit_test(test_keep_entrypoint),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
