/* Rows from the examples of Woodpecker's manual and from expr's own tests, restated, and beyond. */

#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "pipeline/expression.h"

#define WORK 100000000U

static Map values = STRMAP_INIT;

static int setup(void **state) {
        return strmap_put(&values, "CI_COMMIT_AUTHOR", "jane") |
               strmap_put(&values, "CI_COMMIT_MESSAGE", "fix: a [deploy] bug") |
               strmap_put(&values, "CI_COMMIT_TAG", "v1.2.3") | strmap_put(&values, "N", "12") |
               strmap_put(&values, "SKIP", "true") | strmap_put(&values, "UMLAUT", "ä\xc3\xb6ü") |
               strmap_put(&values, "LINES", "a\nb\n") |
               strmap_put(&values, "BAD",
                          "a\xff"
                          "b") |
               strmap_put(&values, "LONG", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
}

static int teardown(void **state) {
        map_done(&values);
        return 0;
}

static void test_values(void **state) {
        static const struct {
                const char *text;
                bool want;
        } rows[] = {
                { "true", true },
                { "false", false },
                { "CI_COMMIT_AUTHOR == \"jane\"", true },
                { "CI_COMMIT_AUTHOR != 'jane'", false },
                { "not (CI_COMMIT_MESSAGE contains \"please ignore me\")", true },
                { "CI_COMMIT_MESSAGE contains \"deploy\"", true },
                { "CI_COMMIT_MESSAGE not contains \"deploy\"", false },
                { "SKIP != \"true\"", false },
                { "CI_COMMIT_TAG matches \"^v?[0-9]+\\\\.[0-9]+\\\\.[0-9]+$\"", true },
                { "CI_COMMIT_TAG matches `^v\\d+\\.\\d+\\.\\d+$`", true },
                { "CI_COMMIT_TAG not matches '^v'", false },
                { "UNSET == \"\"", true },
                { "CI_COMMIT_TAG startsWith 'v1' && CI_COMMIT_TAG endsWith '.3'", true },
                { "CI_COMMIT_TAG startsWith 'v2' or CI_COMMIT_TAG endsWith '.3'", true },
                { "true || false && false", true },
                { "(true || false) && false", false },
                { "true or false and false", true },
                { "!true || !false", true },
                { "not true or not false", true },
                { "!!true", true },
                { "CI_COMMIT_AUTHOR in ['joe', \"jane\",]", true },
                { "CI_COMMIT_AUTHOR not in ['joe', 'jim']", true },
                { "1 in [1.0, 'x', nil]", true },
                { "'' in []", false },
                { "1 < 2", true },
                { "2 <= 1", false },
                { "'a' < 'b'", true },
                { "'ab' >= 'b'", false },
                { "1 < 2 < 3", true },
                { "1 < 3 < 2", false },
                { "1 + 2 * 3 == 7", true },
                { "(1 + 2) * 3 == 9", true },
                { "2 ** 3 ** 2 == 512", true },
                { "2 ^ 3 == 8", true },
                { "-2 ** 2 == 4", false },
                { "7 % 4 == 3", true },
                { "1 / 2 == 0.5", true },
                { "1 / 0 > 100", true },
                { "0.1 + 0.2 == 0.3", false },
                { "0x1F == 31 && 0b101 == 5 && 0o17 == 15 && 1_000 == 1e3", true },
                { ".5 == 0.5", true },
                { "1.5e-1 < .2", true },
                { "-1 == 0 - 1", true },
                { "9223372036854775807 + 1 < 0", true },
                { "'a' + 'b' == 'ab'", true },
                { "int(N) > 9", true },
                { "N > '9'", false },
                { "int('-3') == -3 and int('+3') == 3 and int(3.9) == 3", true },
                { "string(12) == N", true },
                { "string(1.50) == '1.5' and string(true) == 'true'", true },
                { "len(CI_COMMIT_AUTHOR) == 4", true },
                { "len(UMLAUT) == 3", true },
                { "len([1, 2]) == 2", true },
                { "lower('ABC') == 'abc' and upper(CI_COMMIT_AUTHOR) == 'JANE'", true },
                { "trim('  a b ') == 'a b'", true },
                { "trim('__a_', '_') == 'a'", true },
                { "trim('öaö', 'ö') == 'a'", true },
                { "split('a,b,c', ',') == ['a', 'b', 'c']", true },
                { "split('a,b,c', ',', 2) == ['a', 'b,c']", true },
                { "split('', ',') == ['']", true },
                { "split('ab', '') == ['a', 'b']", true },
                { "split('', '') == []", true },
                { "split('a,', ',') == ['a', '']", true },
                { "split(CI_COMMIT_TAG, '.')[0] == 'v1'", true },
                { "split(CI_COMMIT_TAG, '.')[-1] == '3'", true },
                { "[1, 2][1] == 2", true },
                { "hasPrefix(CI_COMMIT_TAG, 'v') && hasSuffix(CI_COMMIT_TAG, '3')", true },
                { "SKIP == 'true' ? 1 == 1 : 1 == 2", true },
                { "false ? true : true ? false : true", false },
                { "false ?: true", true },
                { "true ?: false", true },
                { "nil ?? true", true },
                { "(nil ?? 'x') == 'x'", true },
                { "nil == nil && 'x' != nil", true },
                { "true == (1 == 1)", true },
                { "'\\x41\\u00e4\\t\\'\\\"\\101' == \"A\u00e4\t'\\\"A\"", true },
                { "`a\\b` == 'a\\\\b'", true },
                { "// a comment\ntrue", true },
                { "true /* or */ && /* not */ true // end", true },
                { "false && int('x') == 1", false },
                { "LINES matches 'b$'", false },
                { "LINES matches '(?m)b$'", true },
                { "LINES matches '^b'", false },
                { "LINES matches 'a.b'", false },
                { "LINES matches '(?s)a.b'", true },
                { "UMLAUT matches '^...$'", true },
                { "BAD matches 'b$'", true },
                { "CI_COMMIT_MESSAGE matches '(?i)\\\\[DEPLOY\\\\]'", true },
                { "'a]b' matches '[]]' and 'x' matches '[[:alpha:]]' and 'a+' matches '^a\\\\+'", true },
                { "'a' matches ('a' + '|b')", true },
        };

        FOREACH_ROW(row, rows) {
                ExpressionFault fault;
                size_t work = WORK;
                bool got = !row->want;
                int r;

                print_message("case '%s'\n", row->text);
                r = expression_evaluate(row->text, &values, &work, &got, &fault);
                if (r < 0)
                        print_message("%s\n", fault.message);
                assert_int_equal(r, 0);
                assert_int_equal(got, row->want);
                assert_true(work <= WORK);
                expression_fault_done(&fault);
        }
}

/* "offset+length: message; hint" */
static void check_fault(const char *text, const Map *given, const char *want) {
        _cleanup_free_ char *got = NULL;
        ExpressionFault fault;
        size_t work = WORK;
        bool holds;

        print_message("case '%.100s'\n", text);
        assert_int_equal(expression_evaluate(text, given, &work, &holds, &fault), -EBADMSG);
        got = str_printf("%zu+%zu: %s%s%s", fault.offset, fault.n, fault.message, fault.hint ? "; " : "",
                         fault.hint ? fault.hint : "");
        assert_true(str_starts_with(got, want));
        assert_true(fault.offset + fault.n <= strlen(text));
        expression_fault_done(&fault);
}

static const struct {
        const char *text, *want;
} faults[] = {
        { "", "0+0: the expression ends where a value is expected" },
        { "A ==", "4+0: the expression ends where a value" },
        { "A = 'x'", "2+1: there is no operator '='; '==' compares" },
        { "A === 'x'", "2+3: there is no operator '==='" },
        { "A =~ 'x'", "2+2: there is no operator '=~'; 'matches'" },
        { "A & B", "2+1: there is no operator '&'; '&&'" },
        { "A", "0+1: the result must be true or false, and this is a string; compare it: NAME == \"true\"" },
        { "1", "0+1: the result must be true or false, and this is a number" },
        { "A && true", "0+1: a condition must be true or false, and this is a string; compare it" },
        { "true && 5", "8+1: a condition must be" },
        { "!A", "0+2: '!' needs true or false, and this is a string; compare it" },
        { "not A contains 'x'", "0+5: 'not' needs true or false, and this is a string; 'not' takes only" },
        { "A > 5", "0+5: '>' does not go with a string and a number; variables are strings: int(NAME)" },
        { "A == 5", "0+6: '==' does not go with a string and a number; variables" },
        { "A == true", "0+9: '==' does not go with a string and a boolean" },
        { "'x' in A", "0+8: 'in' does not go with a string and a string; 'contains'" },
        { "5 contains 'x'", "0+14: 'contains' does not go with a number and a string" },
        { "A == 'x", "5+2: the string does not end" },
        { "A == \"x\ny\"", "5+2: the string does not end" },
        { "A == 'a\\d'", "7+2: there is no such escape sequence; " },
        { "A == '\\u12'", "6+4: the escape sequence is not complete" },
        { "A == '\\x00'", "6+4: there is no such character" },
        { "A matches '('", "10+3: the regular expression is wrong: " },
        { "A matches '(?=x)'", "10+7: the regular expression has a look ahead or behind, which" },
        { "A matches '(?<!x)'", "10+8: the regular expression has a look ahead" },
        { "A matches `(a)\\1`", "10+7: the regular expression has a reference back" },
        { "A matches 'a++'", "10+5: the regular expression has a possessive" },
        { "A matches '(*ACCEPT)'", "10+11: the regular expression has a verb" },
        { "A matches '(?P=x)'", "10+8: the regular expression has a reference to a group" },
        { "A matches '(?|x)'", "10+7: the regular expression has a group of a kind" },
        { "(true", "5+0: the expression ends where ')' is expected" },
        { "true)", "4+1: expected an operator or the end, found ')'" },
        { "A B", "2+1: expected an operator or the end, found 'B'" },
        { "A containz 'x'", "2+8: expected an operator or the end, found 'containz'; did you mean 'contains'?" },
        { "['a' 'b'] == []", "5+3: expected ',', found ''b''" },
        { "fo(A)", "0+2: there is no function 'fo'" },
        { "lowr(A) == ''", "0+4: there is no function 'lowr'; did you mean 'lower'?" },
        { "filter(A, true)", "0+6: unsupported expression: podstep has no 'filter'; what podstep has" },
        { "len() == 1", "0+5: len() takes 1 arguments, not 0" },
        { "trim(A, A, A) == ''", "0+13: trim() takes 1 or more" },
        { "lower(5) == ''", "6+1: the argument must be a string, and this is a number" },
        { "len(5) == 1", "0+6: a number has no length" },
        { "A.b == 'x'", "1+1: unsupported expression: podstep has no '.'; lists" },
        { "A?.b == 'x'", "1+2: unsupported expression: podstep has no '?.'" },
        { "A | lower == 'x'", "2+1: unsupported expression: podstep has no '|'" },
        { "1..3 == []", "1+2: unsupported expression: podstep has no '..'" },
        { "A[0:2] == 'x'", "3+1: unsupported expression: podstep has no slices" },
        { "A[:2] == 'x'", "2+1: unsupported expression: podstep has no slices" },
        { "{'a': 1} == nil", "0+1: unsupported expression: podstep has no '{'" },
        { "let x = 1; x == 1", "0+3: unsupported expression: podstep has no 'let'" },
        { "A == 'x' # x", "9+1: unsupported expression: podstep has no '#'; a comment begins" },
        { "if true { true }", "0+2: unsupported expression" },
        { "[1, 2][0:1] == []", "8+1: unsupported expression: podstep has no slices" },
        { "@", "0+1: '@' has no place in an expression" },
        { "A == \xc3\xa4", "5+2: '\xc3\xa4' has no place" },
        { "/* x", "0+2: the comment does not end" },
        { "1x == 1", "0+2: this is no number; a string stands in quotes" },
        { "1.2.3 == 1", "0+5: '1.2.3' is no number" },
        { "99999999999999999999 > 1", "0+20: the number is too large" },
        { "0x > 1", "0+2: this is no number" },
        { "true ?? true == true", "13+2: '?" "?' and '==' cannot be mixed" },
        { "1 % 0.5 == 1", "0+7: '%' does not go with" },
        { "A[0] == 'x'", "0+1: what has elements must be a list, and this is a string" },
};

/* These are only known with values. */
static const struct {
        const char *text, *want;
} value_faults[] = {
        { "int(CI_COMMIT_AUTHOR) > 1", "0+21: 'jane' is no whole number; test for it before" },
        { "int(UNSET) > 1", "0+10: '' is no whole number" },
        { "1 % 0 == 1", "0+5: a division by zero" },
        { "[1][1] == 1", "4+1: there is no element 1 in a list of 1" },
        { "[1][-2] == 1", "4+2: there is no element -2" },
        { "[1][0]", "0+6: the result must be true or false, and this is a number" },
        { "['x'][0] > 1", "0+12: '>' does not go with a string and a number" },
        { "['x'][0] && true", "0+8: a condition must be" },
        { "A matches (A + '(')", "11+7: the regular expression is wrong" },
        { "LONG matches '(a+)+$'", "0+21: the regular expression is too much work" },
};

static void test_faults(void **state) {
        FOREACH_ROW(row, faults) {
                if (!strstr(row->want, "has no length"))
                        check_fault(row->text, NULL, row->want);
                check_fault(row->text, &values, row->want);
        }
        FOREACH_ROW(row, value_faults) {
                ExpressionFault fault;
                size_t work = WORK;
                bool holds = false;

                check_fault(row->text, &values, row->want);
                assert_int_equal(expression_evaluate(row->text, NULL, &work, &holds, &fault), 0);
                assert_true(holds);
        }
}

static char *repeat(const char *first, const char *text, size_t n, const char *last) {
        Str out = STR_INIT(1U << 20);

        (void) str_append(&out, first);
        for (size_t i = 0; i < n; i++)
                (void) str_append(&out, text);
        (void) str_append(&out, last);
        return str_take(&out);
}

static void test_bounds(void **state) {
        const struct {
                char *text;
                const char *want;
        } rows[] = {
                { repeat("'", "x", EXPRESSION_BYTES_MAX, "' == ''"), "0+10008: an expression of more than" },
                { repeat("", "(", 200, "true"), "100+1: nested too deep" },
                { repeat("", "!", 200, "true"), "100+1: nested too deep" },
                { repeat("true", "&&true", 1100, ""), "0+0: an expression of more than 2000 parts" },
                { repeat("[1", ",1", 100, "] == []"), "0+1: a list of more than 100" },
        };

        FOREACH_ROW(row, rows) {
                ExpressionFault fault;
                _cleanup_free_ char *got = NULL;
                size_t work = WORK;
                bool holds;

                assert_int_equal(expression_evaluate(row->text, &values, &work, &holds, &fault), -EBADMSG);
                got = str_printf("%zu+%zu: %s", fault.offset, fault.n, fault.message);
                print_message("case '%.30s': %s\n", row->text, got);
                assert_true(str_starts_with(got, row->want));
                expression_fault_done(&fault);
                free(row->text);
        }
}

/* Work is shared by all expressions of a file. */
static void test_work(void **state) {
        ExpressionFault fault;
        size_t work = 300000;
        bool holds;

        assert_int_equal(expression_evaluate("'a' matches 'a'", &values, &work, &holds, &fault), 0);
        assert_int_equal(expression_evaluate("'a' matches 'a'", &values, &work, &holds, &fault), 0);
        assert_int_equal(expression_evaluate("'a' matches 'a'", &values, &work, &holds, &fault), -EBADMSG);
        assert_string_equal(fault.message, "the expressions up to here are too much work");
        assert_int_equal(work, 0);
        expression_fault_done(&fault);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_faults),
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_work),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
