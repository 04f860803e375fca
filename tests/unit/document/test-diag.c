#include "test.h"

#include <string.h>

#include "document/diag.h"

static Source *make(const char *name, const char *text) {
        char *copy = strdup(text);
        Source *source = NULL;

        assert_non_null(copy);
        assert_int_equal(source_new_take(name, copy, strlen(copy), &source, NULL), 0);
        return source;
}

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define TILDES_20 "~~~~~~~~~~~~~~~~~~~~"

static void test_print(void **state) {
        static const struct {
                const char *name, *text;
                Mark mark;
                const char *hint;
                const char *want;
        } rows[] = {
                { "the example of the style guide",
                  "        comands: [make, make check]\n",
                  { 1, 9, 7 },
                  "did you mean 'commands'?",
                  "ci.yml:1:9: error: bad\n"
                  "    1 |         comands: [make, make check]\n"
                  "      |         ^~~~~~~\n"
                  "   hint: did you mean 'commands'?\n" },
                { "no place", "a", { 0 }, NULL, "ci.yml: error: bad\n" },
                { "behind the last line", "a: [\n", { 2, 1, 0 }, NULL, "ci.yml:2:1: error: bad\n" },
                { "a line that is not there", "a", { 9, 1, 0 }, NULL, "ci.yml:9:1: error: bad\n" },
                { "width unknown", "a: b", { 1, 4, 0 }, NULL, "ci.yml:1:4: error: bad\n    1 | a: b\n      |    ^\n" },
                { "wider than the line",
                  "a: b",
                  { 1, 4, 99 },
                  NULL,
                  "ci.yml:1:4: error: bad\n    1 | a: b\n      |    ^\n" },
                { "behind the line's end",
                  "a: b",
                  { 1, 99, 3 },
                  NULL,
                  "ci.yml:1:99: error: bad\n    1 | a: b\n      |     ^\n" },
                { "tabs",
                  "\ta:\tb c",
                  { 1, 5, 3 },
                  NULL,
                  "ci.yml:1:5: error: bad\n"
                  "    1 |         a:      b c\n"
                  "      |                 ^~~\n" },
                { "wide and combining characters",
                  "\xe4\xbd\xa0\xe5\xa5\xbd: e\xcc\x81x y",
                  { 1, 7, 3 },
                  NULL,
                  "ci.yml:1:7: error: bad\n"
                  "    1 | \xe4\xbd\xa0\xe5\xa5\xbd: e\xcc\x81x y\n"
                  "      |        ^~~\n" },
                { "controls and turned text are escaped",
                  "a\x1b[2J\xe2\x80\xae: b",
                  { 1, 9, 1 },
                  NULL,
                  "ci.yml:1:9: error: bad\n"
                  "    1 | a\\x1b[2J\\u202e: b\n"
                  "      |                 ^\n" },
                { "cut at the end",
                  "a: " FIFTY FIFTY,
                  { 1, 1, 1 },
                  NULL,
                  "ci.yml:1:1: error: bad\n"
                  "    1 | a: " FIFTY TEN TEN TEN TEN "0123...\n"
                  "      | ^\n" },
                { "exactly fits",
                  FIFTY FIFTY,
                  { 1, 1, 1 },
                  NULL,
                  "ci.yml:1:1: error: bad\n"
                  "    1 | " FIFTY FIFTY "\n"
                  "      | ^\n" },
                { "cut at both ends",
                  FIFTY FIFTY "abc" FIFTY FIFTY,
                  { 1, 101, 3 },
                  NULL,
                  "ci.yml:1:101: error: bad\n"
                  "    1 | ..." TEN TEN TEN TEN "abc" FIFTY "0...\n"
                  "      |                                            ^~~\n" },
                { "cut at the beginning",
                  FIFTY FIFTY "abc",
                  { 1, 101, 3 },
                  NULL,
                  "ci.yml:1:101: error: bad\n"
                  "    1 | ..." TEN TEN TEN TEN "abc\n"
                  "      |                                            ^~~\n" },
                { "a caret longer than the excerpt",
                  FIFTY FIFTY FIFTY,
                  { 1, 1, 150 },
                  NULL,
                  "ci.yml:1:1: error: bad\n"
                  "    1 | " FIFTY TEN TEN TEN TEN "0123456...\n"
                  "      | ^" TILDES_20 TILDES_20 TILDES_20 TILDES_20 "~~~~~~~~~~~~~~~~\n" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(source_freep) Source *source = make("ci.yml", row->text);
                _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);
                DiagList list = { 0 };

                print_message("case '%s'\n", row->name);
                if (row->hint)
                        diag_set_hint(diag_add(&list, DIAG_ERROR, "bad", row->mark, "bad"), "%s", row->hint);
                else
                        assert_non_null(diag_add(&list, DIAG_ERROR, "bad", row->mark, "bad"));
                diag_print(&list, source, false, &out);
                assert_string_equal(str_get(&out), row->want);
                diag_list_done(&list);
        }
}

static void test_print_escaped(void **state) {
        _cleanup_(source_freep) Source *source = make("a\n\x1b.yml", "x");
        _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);
        DiagList list = { 0 };

        diag_set_hint(diag_add(&list, DIAG_WARNING, "bad", (Mark) { 0 }, "a\rb\xff"), "c\x9b");
        diag_print(&list, source, false, &out);
        assert_string_equal(str_get(&out), "a\\x0a\\x1b.yml: warning: a\\x0db\\xff\n   hint: c\\x9b\n");
        diag_list_done(&list);
}

static void test_print_color(void **state) {
        _cleanup_(source_freep) Source *source = make("ci.yml", "a");
        _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);
        DiagList list = { 0 };

        diag_set_hint(diag_add(&list, DIAG_ERROR, "bad", (Mark) { 1, 1, 1 }, "bad"), "way out");
        diag_print(&list, source, true, &out);
        assert_string_equal(
                str_get(&out),
                "\x1b[1mci.yml:1:1:\x1b[0m \x1b[1;31merror:\x1b[0m bad\n    1 | a\n      | \x1b[1;32m^\x1b[0m\n"
                "   \x1b[36mhint:\x1b[0m way out\n");
        diag_list_done(&list);
}

static void test_sort(void **state) {
        static const Mark marks[] = { { 3, 1, 0 }, { 1, 9, 0 }, { 1, 2, 0 }, { 0, 0, 0 }, { 3, 1, 1 }, { 1, 2, 1 } };
        static const char want[] = "dcfbae"; /* those at one place in the order they came */
        DiagList list = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(marks); i++)
                (void) diag_add(&list, DIAG_ERROR, "bad", marks[i], "%c", (char) ('a' + i));
        diag_sort(&list);
        for (size_t i = 0; i < ELEMENTSOF(marks); i++)
                assert_int_equal(list.diags[i].message[0], want[i]);
        diag_list_done(&list);
}

static void test_full(void **state) {
        _cleanup_(source_freep) Source *source = make("ci.yml", "a");
        _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);
        DiagList list = { 0 };

        for (unsigned i = 0; i < DIAG_LIST_MAX; i++)
                assert_non_null(diag_add(&list, DIAG_WARNING, "bad", (Mark) { 0 }, "bad"));
        assert_null(diag_add(&list, DIAG_ERROR, "bad", (Mark) { 0 }, "bad"));
        diag_set_hint(NULL, "no place, no harm");
        assert_int_equal(list.n_errors, 1); /* an error that is not shown still is one */
        assert_int_equal(list.n_dropped, 1);
        diag_print(&list, source, false, &out);
        assert_true(str_ends_with(str_get(&out), "\nci.yml: 1 more not shown\n"));
        diag_list_done(&list);
        assert_int_equal(list.n_diags + list.n_errors + list.n_warnings + list.n_dropped, 0);
}

static void test_suggest(void **state) {
        static const char *const names[] = { "commands", "image", "depends_on", "when", "pull", "settings", "tmpfs" };
        static const struct {
                const char *word, *want;
        } rows[] = {
                { "comands", "commands" },
                { "command", "commands" },
                { "iamge", "image" },
                { "depends-on", "depends_on" },
                { "DEPENDS_ON", "depends_on" },
                { "pul", "pull" },
                { "wehn", "when" },
                { "xyz", NULL },
                { "", NULL },
                { "p", NULL },
                { "script", NULL },
                { "tempfs", "tmpfs" },
                { TEN TEN TEN TEN TEN TEN TEN, NULL },
        };

        FOREACH_ROW(row, rows) {
                const char *got = diag_suggest(row->word, names, ELEMENTSOF(names));

                print_message("case '%s'\n", row->word);
                if (row->want)
                        assert_string_equal(got, row->want);
                else
                        assert_null(got);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_print), cmocka_unit_test(test_print_escaped), cmocka_unit_test(test_print_color),
                cmocka_unit_test(test_sort),  cmocka_unit_test(test_full),          cmocka_unit_test(test_suggest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
