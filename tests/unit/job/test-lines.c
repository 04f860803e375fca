#include "test.h"

#include <stdbool.h>
#include <string.h>

#include "job/lines.h"

/* Lines as "text|" and pieces as "text+"; long ones as their length. */
static void note_line(const char *line, size_t n, bool is_partial, void *userdata) {
        Str *seen = userdata;

        if (n > 100)
                (void) str_appendf(seen, "%zu", n);
        else
                (void) str_append_n(seen, line, n);
        (void) str_append_char(seen, is_partial ? '+' : '|');
}

static void test_lines(void **state) {
        static const struct {
                const char *in, *want;
        } rows[] = {
                { "", "" },
                { "\n", "|" },
                { "a", "a+" },
                { "a\n", "a|" },
                { "a\nb", "a|b+" },
                { "a\n\nb\n", "a||b|" },
                { "a\r\nb\r\n", "a\r|b\r|" },
                { "10%\r20%\n", "10%\r20%|" },
        };

        FOREACH_ROW(row, rows) {
                size_t n = strlen(row->in);

                print_message("case '%s'\n", row->want);
                for (size_t cut = 0; cut <= n; cut++) {
                        _cleanup_str_ Str seen = STR_INIT(1000);
                        _cleanup_(lines_done) Lines lines;

                        lines_init(&lines, note_line, &seen);
                        assert_int_equal(lines_feed(&lines, row->in, cut), 0);
                        assert_int_equal(lines_feed(&lines, row->in + cut, n - cut), 0);
                        lines_end(&lines);
                        assert_string_equal(str_get(&seen), row->want);
                }
        }
}

static void test_long_lines(void **state) {
        static const struct {
                size_t n;
                const char *end, *want;
        } rows[] = {
                { LINE_BYTES_MAX - 1, "\nx\n", "1048575|x|" },
                { LINE_BYTES_MAX, "\nx\n", "1048576|x|" },
                { LINE_BYTES_MAX, "", "1048576+" },
                { LINE_BYTES_MAX + 1, "\nx\n", "1048576+x|x|" },
                { 3 * LINE_BYTES_MAX, "\n", "1048576+1048576+1048576|" },
        };
        static const size_t chunks[] = { 1000, 65536, SIZE_MAX };

        FOREACH_ROW(row, rows) FOREACH_ROW(chunk, chunks) {
                _cleanup_free_ char *text = str_printf("%*s%s", (int) row->n, "x", row->end);
                size_t n = strlen(text);
                _cleanup_str_ Str seen = STR_INIT(1000);
                _cleanup_(lines_done) Lines lines;

                print_message("case %zu in chunks of %zu\n", row->n, *chunk);
                lines_init(&lines, note_line, &seen);
                for (size_t i = 0; i < n; i += MIN(*chunk, n - i))
                        assert_int_equal(lines_feed(&lines, text + i, MIN(*chunk, n - i)), 0);
                lines_end(&lines);
                assert_string_equal(str_get(&seen), row->want);
                assert_true(lines.pending.allocated <= 65536);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_long_lines),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
