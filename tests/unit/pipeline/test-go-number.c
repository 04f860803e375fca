#include "test.h"

#include <float.h>
#include <math.h>

#include "pipeline/go-number.h"

/* Made by Go 1.22: fmt.Printf("%v") and json.Marshal(). */
static void test_float(void **state) {
        const struct {
                double in;
                const char *want, *want_json;
        } rows[] = {
                { 1.2, "1.2", "1.2" },
                { 0, "0", "0" },
                { -0.0, "-0", "-0" },
                { 0.1, "0.1", "0.1" },
                { -2.5, "-2.5", "-2.5" },
                { 100000, "100000", "100000" },
                { 123456, "123456", "123456" },
                { 1000000, "1e+06", "1000000" },
                { 1234567, "1.234567e+06", "1234567" },
                { 12345678.9, "1.23456789e+07", "12345678.9" },
                { 1000000.5, "1.0000005e+06", "1000000.5" },
                { 123456.789, "123456.789", "123456.789" },
                { 1e20, "1e+20", "100000000000000000000" },
                { 1e21, "1e+21", "1e+21" },
                { 1e-4, "0.0001", "0.0001" },
                { 1e-5, "1e-05", "0.00001" },
                { 1.5e-7, "1.5e-07", "1.5e-7" },
                { 5e-324, "5e-324", "5e-324" },
                { DBL_MAX, "1.7976931348623157e+308", "1.7976931348623157e+308" },
                { NAN, "NaN", NULL },
                { INFINITY, "+Inf", NULL },
                { -INFINITY, "-Inf", NULL },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *got = go_format_float(row->in),
                                    *json = row->want_json ? go_format_json_float(row->in) : NULL;

                print_message("case '%s'\n", row->want);
                assert_string_equal(got, row->want);
                if (row->want_json)
                        assert_string_equal(json, row->want_json);
        }
}

static void test_time(void **state) {
        static const struct {
                const char *in, *want;
        } rows[] = {
                { "2024-1-2", "2024-01-02T00:00:00Z" },
                { "2024-01-02T03:04:05+00:00", "2024-01-02T03:04:05Z" },
                { "2024-01-02T03:04:05+02:00", "2024-01-02T03:04:05+02:00" },
                { "2024-01-02t3:04:05.120Z", "2024-01-02T03:04:05.12Z" },
                { "2024-01-02 03:04:05", "2024-01-02T03:04:05Z" },
                { "2024-01-02 03:04:05.500", "2024-01-02T03:04:05.5Z" },
                { "2024-01-02T03:04:05.000-11:30", "2024-01-02T03:04:05-11:30" },
                { "2024-01-02x", "2024-01-02x" },
                { "tomorrow", "tomorrow" },
                { "2024-01-02T03", "2024-01-02T03" },
                { "2024-01-02T03:04:05+2", "2024-01-02T03:04:05+2" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *got = go_format_time(row->in);

                print_message("case '%s'\n", row->in);
                assert_string_equal(got, row->want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_float), cmocka_unit_test(test_time) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
