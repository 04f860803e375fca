/* What doublestar v4.6.1 says of the same. */

#include "test.h"

#include <errno.h>
#include <string.h>

#include "pipeline/glob.h"

static void test_match(void **state) {
        static const struct {
                const char *pattern, *text;
                int want;
        } rows[] = {
                { "main", "main", 1 },
                { "main", "Main", 0 },
                { "main", "mainly", 0 },
                { "", "", 1 },
                { "", "a", 0 },
                { "*", "", 1 },
                { "*", "a.b", 1 },
                { "*", "a/b", 0 },
                { "feature/*", "feature/foo", 1 },
                { "feature/*", "feature/foo/bar", 0 },
                { "a*c*e", "abcde", 1 },
                { "a*c*e", "abcdef", 0 },
                { "*a*", "xxaxx", 1 },
                { "docs/**", "docs/a/b", 1 },
                { "docs/**", "docs", 1 },
                { "docs/**", "doc/a", 0 },
                { "**", "a/b/c", 1 },
                { "**/*.md", "a.md", 1 },
                { "**/*.md", "a/b/c.md", 1 },
                { "**/*.md", "a/b/c.txt", 0 },
                { "a/**/b", "a/b", 1 },
                { "a/**/b", "a/x/y/b", 1 },
                { "a/**/b", "a/x/yb", 0 },
                { "**/a/**/b", "x/a/a/y/b", 1 },
                { "release/**/test", "release/v1.12.1//test", 1 },
                { "release/**/test", "release/v1.12.1/qest", 0 },
                { "a**", "abc", 1 },
                { "a**", "a/b", 0 },
                { "a/b**/c", "a/bx/c", 1 },
                { "?", "a", 1 },
                { "?", "é", 1 },
                { "?", "/", 0 },
                { "?", "", 0 },
                { "v[0-9]*", "v1.2", 1 },
                { "v[0-9]*", "vx", 0 },
                { "[!a]", "b", 1 },
                { "[^a]", "a", 0 },
                { "é", "\xc3", 0 },
                { "\xc3", "é", 0 },
                { "[é]", "\xc3", 0 },
                { "[é-ü]", "ï", 1 },
                { "[é-ü]", "e", 0 },
                { "[a-]", "-", 1 },
                { "[-a]", "-", 1 },
                { "[a\\]]", "]", 1 },
                { "[\\a-c]", "b", 1 },
                { "{main,develop}", "develop", 1 },
                { "{main,develop}", "feature", 0 },
                { "{a,b}/{c,d}", "b/c", 1 },
                { "a{,b}", "a", 1 },
                { "a{,b{c,d}}e", "abde", 1 },
                { "{**/,}x", "a/b/x", 1 },
                { "{a\\,b,c}", "a,b", 1 },
                { "\\*", "*", 1 },
                { "\\*", "a", 0 },
                { "a,b", "a,b", 1 },
                { "}", "}", 1 },
                { "[", "[", 0 },
                { "[]", "]", 0 },
                { "{a", "{a", 0 },
                { "a\\", "a\\", 0 },
        };

        FOREACH_ROW(row, rows) {
                size_t work = 10000;

                print_message("case '%s' '%s'\n", row->pattern, row->text);
                assert_int_equal(glob_match(row->pattern, row->text, &work), row->want);
        }
}

static void test_fault(void **state) {
        static const struct {
                const char *in, *want;
        } rows[] = {
                { "a*[b-c]{d,e}\\[\\{", NULL },
                { "[", "'['" },
                { "a[]", "'['" },
                { "[a\\]", "'['" },
                { "{a,b", "'{'" },
                { "a\\", "'\\'" },
                { "{a\\}", "'{'" },
                { "\\\\[", "'['" },
        };

        FOREACH_ROW(row, rows) {
                const char *fault = glob_fault(row->in);

                print_message("case '%s'\n", row->in);
                assert_int_equal(fault != NULL, row->want != NULL);
                if (row->want)
                        assert_non_null(strstr(fault, row->want));
        }
}

/* Neither braces nor stars take more than they may. */
static void test_limits(void **state) {
        static const char braces[] = "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}";
        char stars[400], text[4000], pattern[GLOB_PATTERN_BYTES_MAX + 2];
        size_t work = 1000000;

        assert_int_equal(glob_match(braces, "aaaaaaaaa", &work), -E2BIG);
        assert_int_equal(glob_match(braces + strlen("{a,b}"), "aaaaaaab", &work), 1);
        memset(text, 'a', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        for (size_t i = 0; i < sizeof(stars) - 2; i += 2)
                memcpy(stars + i, "*a", 2);
        memcpy(stars + sizeof(stars) - 2, "b", 2);
        work = 1000;
        assert_int_equal(glob_match(stars, text, &work), -E2BIG);
        assert_int_equal(work, 0);
        memset(pattern, '*', sizeof(pattern) - 1);
        pattern[sizeof(pattern) - 1] = '\0';
        assert_non_null(glob_fault(pattern));
        assert_null(glob_fault(pattern + 1));
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_match), cmocka_unit_test(test_fault),
                                            cmocka_unit_test(test_limits) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
