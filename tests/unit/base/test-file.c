#include "test.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"

static void test_clean(void **state) {
        static const struct {
                const char *in, *want;
        } rows[] = {
                { "", "." },
                { "/", "/" },
                { "/a/./b//c/", "/a/b/c" },
                { "/../a", "/a" },
                { "a/../..", ".." },
                { "../../a", "../../a" },
                { "a/..", "." },
                { "/a/b/../../../c", "/c" },
                { "./a", "a" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *clean = path_clean(row->in);

                print_message("case '%s'\n", row->in);
                assert_string_equal(clean, row->want);
        }
}

static void test_below(void **state) {
        assert_true(path_is_below("/a/b", "/a"));
        assert_true(path_is_below("/a", "/a"));
        assert_true(path_is_below("/a", "/"));
        assert_false(path_is_below("/ab", "/a"));
}

static void test_tree(void **state) {
        char top[] = "/tmp/podstep-test-XXXXXX";
        _cleanup_free_ char *deep = NULL, *file = NULL, *text = NULL;
        size_t n;

        assert_non_null(mkdtemp(top));
        deep = path_join(top, "a/b/c");
        assert_int_equal(file_mkdir_p(deep, 0755), 0);
        file = path_join(deep, "f");
        assert_int_equal(file_write(file, "12345", 5, 0640), 0);
        assert_int_equal(file_read(file, 4, &text, &n), -EFBIG);
        assert_int_equal(file_read(file, 5, &text, &n), 0);
        assert_string_equal(text, "12345");
        assert_int_equal(chmod(deep, 0), 0);
        assert_int_equal(file_remove_tree(top), 0);
        assert_false(file_exists(top));
        assert_int_equal(file_remove_tree(top), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_clean),
                cmocka_unit_test(test_below),
                cmocka_unit_test(test_tree),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
