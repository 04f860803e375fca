#include "test.h"

#include <string.h>

#include "cli/terminal.h"

static void test_append(void **state) {
        static const struct {
                const char *in, *want, *want_color;
        } rows[] = {
                { "", "", NULL },
                { "plain text", "plain text", NULL },
                { "a\tb", "a\tb", NULL },
                { "\x1b[31mred\x1b[0m", "red", "\x1b[31mred\x1b[0m\x1b[0m" },
                { "\x1b[1;38;5;12mx", "x", "\x1b[1;38;5;12mx\x1b[0m" },
                { "\x1b[38:2::1:2:3mx", "x", "\x1b[38:2::1:2:3mx\x1b[0m" },
                { "\x1b[2Jx\x1b[10;10Hy\x1b[?25l\x1b[Az", "xyz", NULL },
                { "\x1b[>4;1mx", "x", NULL }, /* not a colour: it sets key modes */
                { "\x1b[?4mx", "x", NULL },
                { "\x1b[1 mx", "x", NULL },
                { "\x1b]0;title\ax", "x", NULL },
                { "\x1b]8;;http://x\x1b\\link", "link", NULL },
                { "\x1b]0;never ended", "", NULL },
                { "\x1bPq#0\x1b\\x", "x", NULL },
                { "\x1b" "cx\x1b(0y\x1b#8z", "xyz", NULL },
                { "x\x1b", "x", NULL },
                { "x\x1b[", "x", NULL },
                { "x\x1b[31", "x", NULL },
                { "\x1b[31\x1b[32mx", "x", "\x1b[32mx\x1b[0m" },
                { "a\a\b\x7f\x01z", "az", NULL },
                { "10%\r20%\r", "20%", NULL },
                { "10%\r20%", "20%", NULL },
                { "\r\r", "", NULL },
                { "\xc3\xa4\xe2\x9c\x93\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x9c\x93\xf0\x9f\x98\x80", NULL },
                { "\xff" "a\xc3", "\xef\xbf\xbd" "a\xef\xbf\xbd", NULL },
                { "a\xc2\x9b" "31mb", "a31mb", NULL },      /* eight-bit CSI */
                { "a\xe2\x80\xae" "b\xe2\x81\xa6", "ab", NULL }, /* right to left */
                { "a\xe2\x80\xa6", "a\xe2\x80\xa6", NULL },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_str_ Str out = STR_INIT(1000), colored = STR_INIT(1000);

                print_message("case '%s'\n", row->want);
                terminal_append(&out, row->in, strlen(row->in), (TerminalStyle) { .unicode = true });
                assert_string_equal(str_get(&out), row->want);
                terminal_append(&colored, row->in, strlen(row->in), (TerminalStyle) { .unicode = true, .color = true });
                assert_string_equal(str_get(&colored), row->want_color ? row->want_color : row->want);
        }
}

static void test_append_zero_bytes(void **state) {
        _cleanup_str_ Str out = STR_INIT(100);

        terminal_append(&out, "a\0b\x1b\0c", 6, (TerminalStyle) { 0 });
        assert_string_equal(str_get(&out), "abc");
        str_clear(&out);
        terminal_append(&out, "a\xff", 2, (TerminalStyle) { 0 });
        assert_string_equal(str_get(&out), "a?");
}

/* Whatever comes: the only escapes that leave are colours. */
static void test_random(void **state) {
        static const char letters[] = "\x1b\x1b\x1b[[]0;mAJ\x07\\P?\r\x9b\xc2 x";
        uint32_t seed = 7;

        for (int round = 0; round < 20000; round++) {
                _cleanup_str_ Str out = STR_INIT(1000);
                char text[24];

                for (size_t i = 0; i < sizeof(text); i++) {
                        seed = seed * 1664525 + 1013904223;
                        text[i] = letters[(seed >> 16) % (sizeof(letters) - 1)];
                }
                terminal_append(&out, text, sizeof(text), (TerminalStyle) { .color = true });
                for (const char *s = str_get(&out); (s = strchr(s, '\x1b'));) {
                        size_t n;

                        assert_int_equal(s[1], '[');
                        n = strspn(s + 2, "0123456789:;");
                        assert_int_equal(s[2 + n], 'm');
                        s += 2 + n;
                }
                assert_null(strpbrk(str_get(&out), "\a\r\n"));
        }
}

static void test_columns(void **state) {
        static const struct {
                const char *text;
                size_t columns, bytes_in_4;
        } rows[] = {
                { "", 0, 0 },
                { "abcdef", 6, 4 },
                { "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 5, 8 },
                { "\xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97", 6, 6 }, /* wide ones */
                { "a\xe4\xb8\xad\xe6\x96\x87", 5, 4 },
                { "\xe2\x9c\x93\xe2\x96\xb8 x", 4, 8 },
                { "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 6, 8 },
        };

        FOREACH_ROW(row, rows) {
                print_message("case '%s'\n", row->text);
                assert_int_equal(terminal_columns(row->text, strlen(row->text)), row->columns);
                assert_int_equal(terminal_cut(row->text, strlen(row->text), 4), row->bytes_in_4);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_append),
                cmocka_unit_test(test_append_zero_bytes),
                cmocka_unit_test(test_random),
                cmocka_unit_test(test_columns),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
