#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "document/source.h"

static int make(const char *text, size_t n, Source **ret, Error **reterr) {
        char *copy = malloc(n + 1);

        assert_non_null(copy);
        memcpy(copy, text, n);
        copy[n] = '\0';
        return source_new_take("ci.yml", copy, n, ret, reterr);
}

static void test_lines(void **state) {
        static const struct {
                const char *in;
                size_t want_n;
                const char *want[4];
        } rows[] = {
                { "", 1, { "" } },
                { "a", 1, { "a" } },
                { "a\n", 2, { "a", "" } },
                { "a\r\nb\rc\n\nd", 5, { "a", "b", "c", "" } },
                { "\xef\xbb\xbf" "a: b\n", 2, { "a: b", "" } },
                { "a\xc2\x85" "b\xe2\x80\xa8" "c\xe2\x80\xa9", 4, { "a", "b", "c", "" } },
                { "\n\n", 3, { "", "", "" } },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(source_freep) Source *source = NULL;

                print_message("case '%s'\n", row->in);
                assert_int_equal(make(row->in, strlen(row->in), &source, NULL), 0);
                assert_int_equal(source->n_lines, row->want_n);
                for (size_t i = 0; i < MIN(row->want_n, ELEMENTSOF(row->want)); i++) {
                        size_t n;
                        const char *line = source_line(source, (uint32_t) i + 1, &n);

                        assert_int_equal(n, strlen(row->want[i]));
                        assert_memory_equal(line, row->want[i], n);
                }
        }
}

static void test_line_outside(void **state) {
        _cleanup_(source_freep) Source *source = NULL;
        size_t n = 7;

        assert_int_equal(make("a\nb", 3, &source, NULL), 0);
        assert_string_equal(source_line(source, 0, &n), "");
        assert_int_equal(n, 0);
        n = 7;
        assert_string_equal(source_line(source, 3, &n), "");
        assert_int_equal(n, 0);
}

static void test_refused(void **state) {
        static const struct {
                const char *in;
                size_t n;
                const char *want;
        } rows[] = {
                { "a\0b", 3, "'ci.yml' looks like a binary file: it holds a NUL byte" },
                { "\x7f"
                  "ELF\2\1\1\0",
                  8, "'ci.yml' looks like a binary file: it holds a NUL byte" },
                { "\xff\xfe"
                  "a\0",
                  4, "'ci.yml' is UTF-16 text; save it as UTF-8" },
                { "a\nb: caf\xe9\n", 10,
                  "'ci.yml' is not UTF-8 text: byte 0xe9 in line 2, column 7; save it as UTF-8" },
                { "\xc3", 1, "'ci.yml' is not UTF-8 text: byte 0xc3 in line 1, column 1; save it as UTF-8" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                Source *source = NULL;

                assert_int_equal(make(row->in, row->n, &source, &error), -EBADMSG);
                assert_string_equal(error_message(error, 0), row->want);
                assert_null(source);
        }
}

static void test_mark_at(void **state) {
        static const struct {
                size_t offset;
                uint32_t want_line, want_column;
        } rows[] = { { 0, 1, 1 }, { 3, 1, 3 }, { 4, 1, 4 }, { 5, 2, 1 },
                     { 6, 2, 2 }, { 7, 3, 1 }, { 8, 3, 2 }, { 99, 3, 2 } };
        _cleanup_(source_freep) Source *source = NULL;

        assert_int_equal(make("a\xc3\xa9" "b\nc\nd", 8, &source, NULL), 0);
        FOREACH_ROW(row, rows) {
                Mark mark = source_mark_at(source, row->offset);

                assert_int_equal(mark.line, row->want_line);
                assert_int_equal(mark.column, row->want_column);
        }
}

static void test_read(void **state) {
        char directory[] = "/tmp/podstep-test-XXXXXX";
        _cleanup_free_ char *file = NULL, *large = NULL, *message = NULL, *bytes = NULL;
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_(source_freep) Source *source = NULL;

        assert_non_null(mkdtemp(directory));
        file = path_join(directory, "a.yml");
        large = path_join(directory, "large.yml");
        assert_int_equal(source_read(file, &source, &error), -ENOENT);
        message = str_printf("'%s': no such file", file);
        assert_string_equal(error_message(error, 0), message);

        assert_int_equal(source_read(directory, &source, &error), -EISDIR);
        assert_non_null(strstr(error_message(error, 0), "is a directory"));

        assert_int_equal(file_write(file, "steps:\n", 7, 0600), 0);
        assert_int_equal(source_read(file, &source, NULL), 0);
        assert_string_equal(source->name, file);
        assert_string_equal(source->text, "steps:\n");
        source = source_free(source);

        bytes = malloc(SOURCE_BYTES_MAX + 1);
        assert_non_null(bytes);
        memset(bytes, '#', SOURCE_BYTES_MAX + 1);
        assert_int_equal(file_write(large, bytes, SOURCE_BYTES_MAX + 1, 0600), 0);
        assert_int_equal(source_read(large, &source, &error), -EFBIG);
        assert_non_null(strstr(error_message(error, 0), "is too large: the limit is 4 MiB"));
        assert_int_equal(file_write(large, bytes, SOURCE_BYTES_MAX, 0600), 0);
        assert_int_equal(source_read(large, &source, NULL), 0);
        assert_int_equal(file_remove_tree(directory), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines),   cmocka_unit_test(test_line_outside), cmocka_unit_test(test_refused),
                cmocka_unit_test(test_mark_at), cmocka_unit_test(test_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
