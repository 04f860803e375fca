/* Plans one after the other, as they are printed, taken apart. */

#include "test.h"

#include <errno.h>
#include <string.h>

#include "cli/plan-file.h"

static void test_split(void **state) {
        static const struct {
                const char *text, *want; /* what is written; or, in the Error: */
                int r;
        } rows[] = {
                { "{\"a\":1}", "{\"plans\":[{\"a\":1}]}", 0 },
                { "{\"a\":1}\n{\"b\":[2,{}]}\n", "{\"plans\":[{\"a\":1},{\"b\":[2,{}]}]}", 0 },
                { " \n{\n  \"a\": 1\n}{}\t", "{\"plans\":[{\"a\":1},{}]}", 0 },
                { "{\"a\":\"}{\\\"}{\\\\\"}{\"é\":\"]\"}",
                  "{\"plans\":[{\"a\":\"}{\\\"}{\\\\\"},{\"é\":\"]\"}]}", 0 },
                { "", "there is no plan in it", -EINVAL },
                { " \n", "there is no plan in it", -EINVAL },
                { "[{}]", "expected a plan, an object of JSON, at byte 0", -EINVAL },
                { "{} x", "expected a plan, an object of JSON, at byte 3", -EINVAL },
                { "{}\n{\"a\":", "plan 2: not JSON: it ends in the middle, after 8 bytes", -EINVAL },
                { "{\"a\":\"", "plan 1: not JSON", -EINVAL },
                { "{\"a\":\"\\", "plan 1: not JSON", -EINVAL },
                { "{} {]}", "plan 2: not JSON: ", -EINVAL },
                { "{}\xff", "not JSON: invalid UTF-8 at byte 2", -EINVAL },
                { "}", "expected a plan", -EINVAL },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_free_ char *written = NULL;
                JsonWriter w = { 0 };
                int r;

                print_message("%s\n", row->text);
                json_open_object(&w, NULL);
                r = plan_text_put(row->text, strlen(row->text), &w, &error);
                assert_int_equal(r, row->r);
                if (r < 0) {
                        json_writer_done(&w);
                        if (!strstr(error_message(error, r), row->want))
                                fail_msg("'%s' lacks '%s'", error_message(error, r), row->want);
                        continue;
                }
                json_close(&w);
                assert_int_equal(json_finish(&w, false, &written), 0);
                assert_string_equal(written, row->want);
        }
}

/* As many as the agent takes. */
static void test_bound(void **state) {
        static const struct {
                unsigned n;
                int r;
        } rows[] = { { 500, 0 }, { 501, -EINVAL } };

        FOREACH_ROW(row, rows) {
                _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);
                JsonWriter w = { 0 };

                for (unsigned i = 0; i < row->n; i++)
                        (void) str_append(&text, "{}");
                json_open_object(&w, NULL);
                assert_int_equal(plan_text_put(str_get(&text), text.n, &w, NULL), row->r);
                json_writer_done(&w);
        }
}

static void test_file(void **state) {
        static const char *const paths[] = { "/nonexistent/plan.json", "/" };

        FOREACH_ROW(path, paths) {
                _cleanup_(error_freep) Error *error = NULL;
                JsonWriter w = { 0 };

                json_open_object(&w, NULL);
                assert_int_equal(plan_file_put(*path, &w, &error), -EINVAL);
                assert_non_null(strstr(error_message(error, 0), *path));
                json_writer_done(&w);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_split), cmocka_unit_test(test_bound),
                                            cmocka_unit_test(test_file) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
