#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/base64.h"

static void test_rows(void **state) {
        static const struct {
                const char *plain, *encoded;
        } rows[] = {
                { "", "" },        { "f", "Zg==" },        { "fo", "Zm8=" },
                { "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "\xff\xfe\xfd", "//79" },
                { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\xff\xff\xff\xff", "/////w==" },
                { "\xff\xff\xff\xff\xff", "//////8=" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *encoded = base64_encode(row->plain, strlen(row->plain), BASE64_STANDARD);
                _cleanup_free_ char *plain = NULL;
                size_t n;

                assert_string_equal(encoded, row->encoded);
                assert_int_equal(base64_decode(encoded, strlen(encoded), &plain, &n), 0);
                assert_int_equal(n, strlen(row->plain));
                assert_memory_equal(plain, row->plain, n);
        }
}

static void test_bad(void **state) {
        static const char *const rows[] = { "A", "Zg=", "Zg===", "Z=g=", "Zm9v!", "Zm9v=" };
        size_t n;

        FOREACH_ROW(row, rows) {
                char *plain = NULL;

                print_message("case '%s'\n", *row);
                assert_int_equal(base64_decode(*row, strlen(*row), &plain, &n), -EINVAL);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_bad) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
