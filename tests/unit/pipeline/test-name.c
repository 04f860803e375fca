#include "test.h"

#include <string.h>

#include "base/array.h"
#include "base/str.h"
#include "pipeline/name.h"

static void test_fault(void **state) {
        static const struct {
                const char *in, *want; /* want: NULL if it is a name */
        } rows[] = {
                { "build", NULL },
                { "build it", NULL },
                { "lint/unit", NULL },
                { "日本", NULL },
                { "", "empty" },
                { " a", "space" },
                { "a ", "space" },
                { "a\nb", "control" },
                { "\x1b[0m", "control" },
                { "a\x7f", "control" },
                { "a\xc2\x85", "control" },
                { "\xff", "UTF-8" },
        };

        FOREACH_ROW(row, rows) {
                const char *fault = step_name_fault(row->in, strlen(row->in));

                print_message("case '%s'\n", row->in);
                assert_int_equal(fault != NULL, row->want != NULL);
                if (row->want)
                        assert_non_null(strstr(fault, row->want));
        }
        assert_non_null(step_name_fault("a\0b", 3));
}

static void test_length(void **state) {
        char name[PLAN_NAME_BYTES_MAX + 1];

        memset(name, 'a', sizeof(name));
        assert_null(step_name_fault(name, PLAN_NAME_BYTES_MAX));
        assert_non_null(step_name_fault(name, PLAN_NAME_BYTES_MAX + 1));
}

#define A60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_alias(void **state) {
        static const struct {
                const char *in, *want;
        } rows[] = {
                { "database", "database" }, { "My_DB", "my-db" }, { "build it", "build-it" }, { "--a--", "a" },
                { "9.5", "9-5" },           { "日本", NULL },     { "_", NULL },              { "a日", "a" },
                { A60 "bcdef", A60 "bcd" }, { A60 "bc--e", A60 "bc" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *got = NULL;

                print_message("case '%s'\n", row->in);
                assert_int_equal(step_name_to_alias(row->in, &got), 0);
                assert_int_equal(got != NULL, row->want != NULL);
                if (row->want)
                        assert_string_equal(got, row->want);
        }
}

static void test_assign(void **state) {
        static const struct {
                const char *name, *want_alias, *want_host_name;
        } rows[] = {
                { "db", "db", NULL },
                { "DB", "db-2", NULL }, /* a host name is one whatever its case */
                { "my_cache", "my-cache", "my_cache" },
                { "my cache", "my-cache-2", NULL },
                { "my.cache", "my-cache-3", NULL },
                { "my-cache-4", "my-cache-4", NULL },
                { "My-Cache", "my-cache-5", NULL },
                { A60 "bcd", A60 "bcd", NULL },
                { A60 "bcde", A60 "b-2", NULL },
                { "日本", NULL, NULL },
        };
        _cleanup_(plan_freep) Plan *plan = calloc(1, sizeof(*plan));
        DiagList diags = { 0 };

        assert_non_null(plan);
        FOREACH_ROW(row, rows) {
                PlanStep *step = calloc(1, sizeof(*step));

                assert_non_null(step);
                step->name = strdup(row->name);
                assert_int_equal(ARRAY_APPEND(plan->steps, plan->n_steps, step), 0);
        }
        assert_int_equal(step_names_assign(plan, &diags), 0);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                print_message("case '%s'\n", rows[i].name);
                assert_true(str_equal(plan->steps[i]->alias, rows[i].want_alias));
                assert_true(str_equal(plan->steps[i]->host_names ? plan->steps[i]->host_names[0] : NULL,
                                      rows[i].want_host_name));
        }
        assert_int_equal(diags.n_errors, 0);
        assert_int_equal(diags.n_warnings, 5);
        diag_list_done(&diags);
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_fault), cmocka_unit_test(test_length),
                                           cmocka_unit_test(test_alias), cmocka_unit_test(test_assign)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
