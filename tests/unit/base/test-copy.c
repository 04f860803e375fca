/* A tree onto another: what is new gets the modes of the first, what is there keeps its own. */

#include "../test.h"

#include <string.h>
#include <sys/stat.h>

#include "base/copy.h"
#include "base/file.h"
#include "base/str.h"

static char *make(const char *top, const char *name, mode_t mode) {
        char *path = path_join(top, name);

        assert_non_null(path);
        assert_int_equal(file_mkdir_p(path, 0755), 0);
        assert_int_equal(chmod(path, mode), 0);
        return path;
}

static void expect_mode(const char *top, const char *name, mode_t want) {
        _cleanup_free_ char *path = path_join(top, name);
        struct stat st;

        assert_non_null(path);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, want);
}

static void test_modes(void **state) {
        char top[] = "/tmp/podstep-test-XXXXXX";
        _cleanup_free_ char *from = NULL, *to = NULL, *old = NULL, *own = NULL, *new = NULL, *file = NULL;
        uint64_t n = 0;

        assert_non_null(mkdtemp(top));
        from = make(top, "from", 0755);
        to = make(top, "to", 0755);
        old = make(from, "private", 0755);
        new = make(from, "private/new", 0711);
        own = make(to, "private", 0700);
        file = path_join(old, "file");
        assert_non_null(file);
        assert_int_equal(file_write(file, "text", 4, 0640), 0);
        assert_int_equal(copy_tree(from, to, &n, NULL), 0);
        assert_int_equal(n, 4);
        expect_mode(to, "private", 0700);
        expect_mode(to, "private/new", 0711);
        expect_mode(to, "private/file", 0640);
        assert_int_equal(file_remove_tree(top), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_modes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
