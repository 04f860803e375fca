#include "test.h"

#include <errno.h>

#include "base/clock.h"
#include "base/parse.h"

static void test_duration(void **state) {
        static const struct {
                const char *in;
                int want_r;
                uint64_t want_usec;
        } rows[] = {
                { "90s", 0, 90 * USEC_PER_SEC },
                { "90", 0, 90 * USEC_PER_SEC },
                { "1h30m", 0, 90 * USEC_PER_MIN },
                { "10min", 0, 10 * USEC_PER_MIN },
                { "250ms", 0, 250 * USEC_PER_MSEC },
                { "", -EINVAL, 0 },
                { "1x", -EINVAL, 0 },
                { "-1s", -EINVAL, 0 },
                { "99999999999999h", -ERANGE, 0 },
                { "18446744073709551615", -ERANGE, 0 },
        };

        FOREACH_ROW(row, rows) {
                uint64_t usec = 0;

                print_message("case '%s'\n", row->in);
                assert_int_equal(parse_duration(row->in, &usec), row->want_r);
                assert_int_equal(usec, row->want_usec); /* untouched on failure */
        }
}

static void test_size(void **state) {
        static const struct {
                const char *in;
                int want_r;
                uint64_t want_bytes;
        } rows[] = {
                { "0", 0, 0 },      { "512", 0, 512 },     { "64k", 0, 65536 },  { "64m", 0, 64U << 20 },
                { "2GiB", 0, 2ULL << 30 }, { "1b", 0, 1 }, { "", -EINVAL, 0 },   { "m", -EINVAL, 0 },
                { "1mm", -EINVAL, 0 },     { "99999999999999999999", -ERANGE, 0 }, { "99999999999999999g", -ERANGE, 0 },
        };

        FOREACH_ROW(row, rows) {
                uint64_t bytes = 0;

                print_message("case '%s'\n", row->in);
                assert_int_equal(parse_size(row->in, &bytes), row->want_r);
                assert_int_equal(bytes, row->want_bytes);
        }
}

static void test_numbers(void **state) {
        int64_t i;
        uint64_t u;
        uint16_t s;
        bool b;

        assert_int_equal(parse_i64("-9223372036854775808", &i), 0);
        assert_true(i == INT64_MIN);
        assert_int_equal(parse_i64("9223372036854775808", &i), -ERANGE);
        assert_int_equal(parse_u64("18446744073709551615", &u), 0);
        assert_int_equal(parse_u64("18446744073709551616", &u), -ERANGE);
        assert_int_equal(parse_u64(" 1", &u), -EINVAL);
        assert_int_equal(parse_u16("65536", &s), -ERANGE);
        assert_int_equal(parse_bool("Yes", &b), 0);
        assert_true(b);
        assert_int_equal(parse_bool("maybe", &b), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_duration),
                cmocka_unit_test(test_size),
                cmocka_unit_test(test_numbers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
