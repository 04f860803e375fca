#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "job/collect.h"

static void note(const char *text, void *userdata) {
        assert_true(str_appendf(userdata, "%s;", text) >= 0);
}

static void make_file(const char *top, const char *path) {
        _cleanup_free_ char *full = path_join(top, path), *parent = path_parent(full);

        assert_int_equal(file_mkdir_p(parent, 0700), 0);
        assert_int_equal(file_write(full, "1", 1, 0600), 0);
}

/* An upper directory that is empty tells nothing; all else that a job left is told as ever. */
static void test_overlay(void **state) {
        static const char *const deleted[] = { "gone", ".git/index", NULL }, *const pattern[] = { "out", NULL };
        static const struct {
                const char *name, *directory, *file;
                const char *const *deleted, *const *patterns;
                const char *want_changes;
                int want;
                size_t want_exported;
        } rows[] = {
                { "empty", "up", NULL, NULL, NULL, "", 0, 0 },
                { "empty, and deleted", "up", NULL, deleted, NULL, "D gone;", 0, 0 },
                { "empty, and a wish", "up", NULL, NULL, pattern, "", -ENOENT, 0 },
                { "new", "up", "out/new", NULL, NULL, "A out/new;", 0, 0 },
                { "hidden", "up", ".new", NULL, NULL, "A .new;", 0, 0 },
                { "changed", "up", "old", deleted, NULL, "M old;D gone;", 0, 0 },
                { "exported", "up", "out/new", NULL, pattern, "A out/new;", 0, 1 },
                { "git's own", "up", ".git/index", NULL, NULL, "", 0, 0 },
                { "not there", "missing", NULL, NULL, NULL, "", -ENOENT, 0 },
        };

        FOREACH_ROW(row, rows) {
                char top[] = "/tmp/podstep-collect-XXXXXX";
                _cleanup_free_ char *up = NULL, *checkout = NULL, *target = NULL, *changed = NULL;
                _cleanup_str_ Str changes = STR_INIT(4096);
                CollectSpec spec = { .is_overlay = true };
                size_t n_changes = 0, n_exported = 0;

                print_message("%s\n", row->name);
                assert_non_null(mkdtemp(top));
                up = path_join(top, "up");
                checkout = path_join(top, "checkout");
                target = path_join(top, "target");
                changed = path_join(top, row->directory);
                assert_int_equal(file_mkdir_p(up, 0700), 0);
                make_file(checkout, "old");
                if (row->file)
                        make_file(up, row->file);
                spec.changed = changed;
                spec.checkout = checkout;
                spec.target = target;
                spec.deleted = (char *const *) row->deleted;
                spec.patterns = (char *const *) row->patterns;
                assert_int_equal(collect_run(&spec, note, &changes, &n_changes, &n_exported, NULL), row->want);
                assert_string_equal(str_get(&changes), row->want_changes);
                assert_int_equal(n_exported, row->want_exported);
                assert_int_equal(file_remove_tree(top), 0);
        }
}

/* Of a whole copy an empty directory means that all is gone. */
static void test_copy(void **state) {
        char top[] = "/tmp/podstep-collect-XXXXXX";
        _cleanup_free_ char *copy = NULL, *checkout = NULL;
        _cleanup_str_ Str changes = STR_INIT(4096);
        CollectSpec spec = { .is_complete = true };
        size_t n_changes = 0, n_exported = 0;

        assert_non_null(mkdtemp(top));
        spec.changed = copy = path_join(top, "copy");
        spec.checkout = checkout = path_join(top, "checkout");
        assert_int_equal(file_mkdir_p(copy, 0700), 0);
        make_file(checkout, "old");
        assert_int_equal(collect_run(&spec, note, &changes, &n_changes, &n_exported, NULL), 0);
        assert_string_equal(str_get(&changes), "D old;");
        assert_int_equal(n_changes, 1);
        assert_int_equal(file_remove_tree(top), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_overlay),
                cmocka_unit_test(test_copy),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
