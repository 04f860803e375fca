/* What a setting or a variable of the file becomes. Rows from pipeline/frontend/yaml/compiler/settings/params_test.go
 * and beyond. */

#include "compile.h"

static void test_value(void **state) {
        static const struct {
                const char *in, *want; /* want: NULL if the variable is not set */
                bool is_secret;
        } rows[] = {
                { "stringz", "stringz" },
                { "1", "1" },
                { "1.20", "1.2" },
                { "1000000.0", "1e+06" },
                { "0x10", "16" },
                { "010", "8" },
                { "1_000", "1000" },
                { "18446744073709551615", "18446744073709551615" },
                { "true", "true" },
                { "TRUE", "true" },
                { "yes", "yes" },
                { "\"0x10\"", "0x10" },
                { "''", "" },
                { "~", NULL },
                { "", NULL },
                { "[1, 2, 3]", "1,2,3" },
                { "[a, null]", "a," },
                { "[]", "" },
                { "{}", "{}" },
                { "[[1, 2]]", "[[1,2]]" },
                { "{hello: world}", "{\"hello\":\"world\"}" },
                { "[{name: Jack}, {name: Jill}]", "[{\"name\":\"Jack\"},{\"name\":\"Jill\"}]" },
                { "{z: 1, a: {c: 1.0, b: null}}", "{\"a\":{\"b\":null,\"c\":1},\"z\":1}" },
                { "[\"copy a b\", {foo: null}]", "[\"copy a b\",{\"foo\":null}]" },
                { "{key: value, entry2: [a, b, 3], secret: {from_secret: token}}",
                  "{\"entry2\":[\"a\",\"b\",3],\"key\":\"value\",\"secret\":\"s3cr3t\"}", true },
                { "{from_secret: token}", "s3cr3t", true },
                { "{from_secret: TOKEN}", "s3cr3t", true },
                { "[{from_secret: token}]", "[\"s3cr3t\"]", true },
                { "2024-1-2", "\"2024-01-02T00:00:00Z\"" },
                { "[2024-1-2, a]", "[\"2024-01-02T00:00:00Z\",\"a\"]" },
                { "{a: 1e6, b: 1e21, c: 0.0000001}", "{\"a\":1000000,\"b\":1e+21,\"c\":1e-7}" },
                { "{a: \"<&>\\u2028\\u2029\\x01\\b\\f\\n\\r\\t\\\"\\x5c/é\\x7f\"}",
                  "{\"a\":\"\\u003c\\u0026\\u003e\\u2028\\u2029\\u0001\\b\\f\\n\\r\\t\\\"\\\\/é\x7f\"}" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text =
                        str_printf("steps: {a: {image: alpine, environment: {KEY: %s}}}\n", row->in);
                _cleanup_map_ Map secrets = STRMAP_INIT;
                WoodpeckerContext context = { .secrets = &secrets };
                _cleanup_(plan_freep) Plan *plan = NULL;
                _cleanup_str_ Str messages = STR_INIT(4096);
                const PlanStep *step;
                const char *got;

                print_message("case '%s'\n", row->in);
                assert_int_equal(strmap_put(&secrets, "token", "s3cr3t"), 0);
                plan = compile(text, &context, &messages);
                print_message("%s", str_get(&messages));
                assert_non_null(plan);
                step = plan->steps[0];
                got = strmap_get(row->is_secret ? &step->secret_environment : &step->environment, "KEY");
                assert_false(map_has(row->is_secret ? &step->environment : &step->secret_environment, "KEY"));
                assert_int_equal(got != NULL, row->want != NULL);
                if (row->want)
                        assert_string_equal(got, row->want);
        }
}

static void test_setting_names(void **state) {
        static const struct {
                const char *in, *want;
        } rows[] = {
                {"dry-run", "PLUGIN_DRY_RUN"},
                {"dry_Run", "PLUGIN_DRY_RUN"},
                {"from.address", "PLUGIN_FROM_ADDRESS"},
                {"UPPER", "PLUGIN_UPPER"},
                {"5", "PLUGIN_5"},
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text =
                        str_printf("steps: {a: {image: alpine, settings: {%s: x, '': y}}}\n", row->in);
                _cleanup_(plan_freep) Plan *plan = compile_fine(text);

                print_message("case '%s'\n", row->in);
                assert_int_equal(plan->steps[0]->kind, STEP_PLUGIN);
                assert_string_equal(strmap_get(&plan->steps[0]->environment, row->want), "x");
                assert_false(map_has(&plan->steps[0]->environment, "PLUGIN_"));
        }
}

/* Later ones win, also over a secret, and a secret over them. */
static void test_order(void **state) {
        _cleanup_map_ Map secrets = STRMAP_INIT, environment = STRMAP_INIT;
        WoodpeckerContext context = { .secrets = &secrets, .environment = &environment };
        _cleanup_(plan_freep) Plan *plan = NULL;
        const PlanStep *step;

        assert_int_equal(strmap_put(&secrets, "token", "s3cr3t"), 0);
        assert_int_equal(strmap_put(&environment, "CI", "woodpecker"), 0);
        assert_int_equal(strmap_put(&environment, "FROM_RUN", "run"), 0);
        assert_int_equal(strmap_put(&environment, "PLUGIN_A", "run"), 0);
        assert_int_equal(strmap_put(&environment, "CI_WORKSPACE", "run"), 0);
        plan = compile("steps:\n"
                       "  a:\n"
                       "    image: alpine\n"
                       "    settings: {a: {from_secret: token}, b: {from_secret: token}, c: 1}\n"
                       "    environment: {FROM_RUN: file, PLUGIN_B: file, PLUGIN_C: {from_secret: token}, EMPTY: ~}\n",
                       &context, NULL);
        assert_non_null(plan);
        step = plan->steps[0];
        assert_int_equal(step->kind, STEP_COMMANDS);
        assert_string_equal(strmap_get(&step->environment, "CI"), "woodpecker");
        assert_string_equal(strmap_get(&step->environment, "FROM_RUN"), "file");
        assert_string_equal(strmap_get(&step->environment, "CI_WORKSPACE"), "/woodpecker/src");
        assert_string_equal(strmap_get(&step->secret_environment, "PLUGIN_A"), "s3cr3t");
        assert_false(map_has(&step->environment, "PLUGIN_A"));
        assert_string_equal(strmap_get(&step->environment, "PLUGIN_B"), "file");
        assert_false(map_has(&step->secret_environment, "PLUGIN_B"));
        assert_string_equal(strmap_get(&step->secret_environment, "PLUGIN_C"), "s3cr3t");
        assert_false(map_has(&step->environment, "PLUGIN_C"));
        assert_false(map_has(&step->environment, "EMPTY"));
        assert_string_equal(strmap_get(&plan->secrets, "token"), "s3cr3t");
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_value), cmocka_unit_test(test_setting_names),
                                           cmocka_unit_test(test_order)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
