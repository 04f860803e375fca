#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "base/utf8.h"

static void test_max(void **state) {
        _cleanup_str_ Str s = STR_INIT(8);

        assert_int_equal(str_append(&s, "12345678"), 0);
        assert_int_equal(str_append(&s, "9"), -E2BIG);
        assert_int_equal(str_append(&s, ""), -E2BIG); /* the failure sticks */
        assert_null(str_take(&s));
        assert_int_equal(str_appendf(&s, "%d", 42), 0); /* taking it made it usable again */
        assert_string_equal(str_get(&s), "42");
}

/* Whether there is room already or not: the text is the same, and what does not fit leaves no trace. */
static void test_format(void **state) {
        for (size_t before = 0; before <= 70; before++)
                for (int width = 0; width <= 70; width++) {
                        _cleanup_str_ Str s = STR_INIT(100);
                        char want[200] = "";

                        for (size_t i = 0; i < before; i++)
                                (void) str_append_char(&s, '.');
                        (void) snprintf(want, sizeof(want), "%.*s%*d", (int) before,
                                        "......................................................................",
                                        width, 7);
                        assert_int_equal(str_appendf(&s, "%*d", width, 7), strlen(want) > 100 ? -E2BIG : 0);
                        if (strlen(want) > 100)
                                want[before] = '\0';
                        assert_string_equal(str_get(&s), want);
                        assert_int_equal(s.n, strlen(want));
                }
}

/* At each bound of what is allocated, and of what is allowed. */
static void test_bounds(void **state) {
        static const char dots[] = "................................................................................";

        for (size_t max = 0; max <= 70; max++)
                for (size_t n = 0; n <= 70; n++)
                        for (size_t more = 0; more <= 2; more++) {
                                _cleanup_str_ Str s = STR_INIT(max), c = STR_INIT(max);

                                assert_int_equal(str_append_n(&s, dots, n), n > max ? -E2BIG : 0);
                                for (size_t i = 0; i < n; i++)
                                        (void) str_append_char(&c, '.');
                                assert_int_equal(str_append_n(&s, "xy", more), n + more > max ? -E2BIG : 0);
                                for (size_t i = 0; i < more; i++)
                                        (void) str_append_char(&c, "xy"[i]);
                                assert_int_equal(s.error, c.error);
                                if (s.error)
                                        continue;
                                assert_int_equal(s.n, n + more);
                                assert_memory_equal(str_get(&s) + n, more == 2 ? "xy" : more == 1 ? "x" : "", more + 1);
                                assert_string_equal(str_get(&c), str_get(&s));
                        }
}

static void test_append_all(void **state) {
        _cleanup_str_ Str s = STR_INIT(8);

        assert_int_equal(str_append_all(&s, "a"), 0);
        assert_int_equal(str_append_all(&s, "", "b: ", NULL, "c"), 0);
        assert_string_equal(str_get(&s), "ab: c");
        assert_int_equal(str_append_all(&s, "1", "23", "4", "5"), -E2BIG);
        assert_string_equal(str_get(&s), "ab: c123");
}

static void test_escape(void **state) {
        _cleanup_free_ char *a = str_escape("a\n\x01\xff\xc3\xa4", 6, 100);
        _cleanup_free_ char *b = str_escape("0123456789", 10, 4);

        assert_string_equal(a, "a\\n\\x01\\xff\xc3\xa4");
        assert_string_equal(b, "0123...");
}

static void test_utf8(void **state) {
        assert_true(utf8_is_valid("a\xc3\xa4\xf0\x9f\x98\x80", 7));
        assert_false(utf8_is_valid("\xc0\x80", 2));     /* overlong */
        assert_false(utf8_is_valid("\xed\xa0\x80", 3)); /* surrogate */
        assert_false(utf8_is_valid("\xc3", 1));
        assert_int_equal(utf8_columns("a\xc3\xa4z", 4), 3);
}

static void test_error(void **state) {
        _cleanup_(error_freep) Error *error = NULL;

        assert_int_equal(error_set(&error, ENOENT, "no such image '%s'", "x"), -ENOENT);
        assert_int_equal(error_wrap(&error, -ENOENT, "step '%s'", "a"), -ENOENT);
        assert_string_equal(error_message(error, 0), "step 'a': no such image 'x'");
        assert_int_equal(error_number(error), -ENOENT);
        assert_string_equal(error_message(NULL, -ENOENT), "No such file or directory");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_max),
                cmocka_unit_test(test_format),
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_append_all),
                cmocka_unit_test(test_escape),
                cmocka_unit_test(test_utf8),
                cmocka_unit_test(test_error),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
