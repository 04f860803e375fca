#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void test_join(void **state) {
        static const struct {
                const char *directory, *name, *want;
        } rows[] = {
                { "/a", "b", "/a/b" },   { "/a/", "b", "/a/b" }, { "/", "b", "/b" },     { "", "b", "b" },
                { "/a", "/b/c", "/b/c" }, { "a/b", "c/", "a/b/c/" }, { "/a", "", "/a/" }, { "", "", "" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *path = path_join(row->directory, row->name);

                assert_string_equal(path, row->want);
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

/* Whatever it is goes; what a link points to stays. */
static void test_remove(void **state) {
        static const char *const names[] = { "file", "fifo", "link", "dangling", "directory", "locked", "missing" };
        char top[] = "/tmp/podstep-test-XXXXXX";
        _cleanup_free_ char *tree = NULL, *kept = NULL, *mine = NULL;

        assert_non_null(mkdtemp(top));
        tree = path_join(top, "tree");
        kept = path_join(top, "kept");
        mine = path_join(kept, "mine");
        for (unsigned alone = 0; alone < 2; alone++) {
                assert_int_equal(file_mkdir_p(tree, 0700), 0);
                assert_int_equal(file_mkdir_p(kept, 0700), 0);
                assert_int_equal(file_write(mine, "1", 1, 0600), 0);
                FOREACH_ROW(name, names) {
                        _cleanup_free_ char *path = path_join(tree, *name), *below = path_join(path, "below");

                        if (str_equal(*name, "file"))
                                assert_int_equal(file_write(path, "1", 1, 0), 0);
                        else if (str_equal(*name, "fifo"))
                                assert_int_equal(mkfifo(path, 0), 0);
                        else if (str_equal(*name, "link"))
                                assert_int_equal(symlink("../kept", path), 0);
                        else if (str_equal(*name, "dangling"))
                                assert_int_equal(symlink("/nonexistent", path), 0);
                        else if (!str_equal(*name, "missing"))
                                assert_int_equal(file_mkdir_p(below, 0700), 0);
                        if (str_equal(*name, "locked"))
                                assert_int_equal(chmod(path, 0), 0);
                        if (!alone)
                                continue;
                        assert_int_equal(file_remove_tree(path), 0);
                        assert_false(file_exists(path));
                }
                assert_int_equal(alone ? rmdir(tree) : file_remove_tree(tree), 0);
                assert_false(file_exists(tree));
                assert_true(file_exists(mine));
        }
        assert_int_equal(file_remove_tree(top), 0);
}

static char *make_text(size_t n) {
        char *text = calloc(n + 1, 1);

        assert_non_null(text);
        for (size_t i = 0; i < n; i++)
                text[i] = (char) ('a' + i % 26);
        return text;
}

/* The same bytes by a file, which tells its size, and by a pipe, which does not. */
static void test_read(void **state) {
        static const struct {
                size_t n, max, skipped; /* skipped: what somebody else read of it before */
                int want;
        } rows[] = {
                { 0, 10, 0, 0 },
                { 1, 10, 0, 0 },
                { 10, 10, 0, 0 },
                { 11, 10, 0, -EFBIG },
                { 100, 200, 60, 0 },
                { 100, 200, 100, 0 },
                { 4095, 65536, 0, 0 },
                { 4096, 65536, 0, 0 },
                { 4097, 65536, 0, 0 },
                { 30000, 30000, 0, 0 },
                { 30001, 30000, 0, -EFBIG },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = make_text(row->n);
                _cleanup_close_ int file = memfd_create("test", MFD_CLOEXEC);

                print_message("%zu of at most %zu, behind %zu\n", row->n, row->max, row->skipped);
                assert_int_equal(file_write_fd(file, text, row->n), 0);
                for (int is_pipe = 0; is_pipe < 2; is_pipe++) {
                        _cleanup_free_ char *got = NULL;
                        int ends[2], fd = file;
                        size_t n = 999;

                        if (is_pipe) {
                                assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
                                assert_int_equal(file_write_fd(ends[1], text + row->skipped, row->n - row->skipped), 0);
                                close(ends[1]);
                                fd = ends[0];
                        } else
                                assert_int_equal(lseek(file, (off_t) row->skipped, SEEK_SET), row->skipped);
                        assert_int_equal(file_read_fd(fd, row->max, &got, &n), row->want);
                        if (row->want == 0) {
                                assert_int_equal(n, row->n - row->skipped);
                                assert_string_equal(got, text + row->skipped);
                        } else
                                assert_null(got);
                        if (is_pipe)
                                close(ends[0]);
                }
        }
}

/* Files of the kernel say that they are empty, or as large as a page. */
static void test_kernel_files(void **state) {
        static const char *const files[] = { "/proc/self/status", "/sys/kernel/mm/transparent_hugepage/enabled" };

        FOREACH_ROW(file, files) {
                _cleanup_free_ char *text = NULL;
                size_t n;

                if (access(*file, R_OK) < 0)
                        continue;
                assert_int_equal(file_read(*file, 65536, &text, &n), 0);
                assert_true(n > 0 && text[n - 1] == '\n' && strlen(text) == n);
        }
        assert_int_equal(file_read("/proc", 65536, NULL, NULL), -EISDIR);
}

/* The file stays the one it is, which somebody may have mounted. */
static void test_fill(void **state) {
        char path[] = "/tmp/podstep-test-XXXXXX";
        _cleanup_free_ char *text = NULL;
        struct stat before, after;
        int fd = mkstemp(path);

        assert_true(fd >= 0 && fstat(fd, &before) == 0);
        (void) close(fd);
        assert_int_equal(file_fill(path, "text", 4, 0444), 0);
        assert_int_equal(stat(path, &after), 0);
        assert_true(before.st_ino == after.st_ino);
        assert_int_equal(after.st_mode & 0777, 0444);
        assert_int_equal(file_read(path, 4, &text, NULL), 0);
        assert_string_equal(text, "text");
        assert_int_equal(unlink(path), 0);
        assert_int_equal(file_fill(path, "text", 4, 0444), -ENOENT);
        assert_false(file_exists(path));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_clean),
                cmocka_unit_test(test_join),
                cmocka_unit_test(test_below),
                cmocka_unit_test(test_tree),
                cmocka_unit_test(test_remove),
                cmocka_unit_test(test_read),
                cmocka_unit_test(test_kernel_files),
                cmocka_unit_test(test_fill),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
