/* Rows from drone/envsubst's eval_test.go and Woodpecker's substitution_test.go, restated, and beyond. */

#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "pipeline/substitute.h"

static Source *make_source(const char *text) {
        Source *source = NULL;

        assert_int_equal(source_new_take("test.yaml", strdup(text), strlen(text), &source, NULL), 0);
        return source;
}

static void fill_values(Map *values) {
        assert_int_equal(strmap_put(values, "v", "abcdEFGH28ij"), 0);
        assert_int_equal(strmap_put(values, "up", "ABC"), 0);
        assert_int_equal(strmap_put(values, "empty", ""), 0);
        assert_int_equal(strmap_put(values, "file", "/path/to/file.tar.gz"), 0);
        assert_int_equal(strmap_put(values, "z", "abcABC123ABCabc"), 0);
        assert_int_equal(strmap_put(values, "lines", "one\n\"two\"\t\x01\x7f\\ é"), 0);
        assert_int_equal(strmap_put(values, "e", "é"), 0);
        assert_int_equal(strmap_put(values, "CI_COMMIT_TAG", ""), 0);
        assert_int_equal(strmap_put(values, "star", "a*c"), 0);
}

static void test_expansion(void **state) {
        static const struct {
                const char *in, *want; /* want: NULL if nothing is to be done */
        } rows[] = {
                { "abc $HOME \\d \\n", NULL },
                { "${v}", "abcdEFGH28ij" },
                { "a${up}b${up}c", "aABCbABCc" },
                { "${nothing}", "" },
                { "${#v}", "12" },
                { "${#nothing}", "0" },
                { "${v^}", "AbcdEFGH28ij" },
                { "${v^^}", "ABCDEFGH28IJ" },
                { "${up,}", "aBC" },
                { "${up,,}", "abc" },
                { "${e^^}", "é" },
                { "${v:4}", "EFGH28ij" },
                { "${v:4:2}", "EF" },
                { "${v:-2}", "abcdEFGH28ij" }, /* a default, not the end */
                { "${v:0-2}", "abcdEFGH28ij" },
                { "${v:99}", "" },
                { "${v:99:1}", "" },
                { "${v:4:99}", "EFGH28ij" },
                { "${v:x}", "abcdEFGH28ij" },
                { "${v:1:x}", "abcdEFGH28ij" },
                { "${v: -2}", "abcdEFGH28ij" },
                { "${v=d}", "abcdEFGH28ij" },
                { "${nothing=d}", "d" },
                { "${nothing:=d}", "d" },
                { "${nothing:-d e}", "d e" },
                { "${nothing:?d}", "d" },
                { "${nothing:+d}", "d" },
                { "${v:+d}", "abcdEFGH28ij" },
                { "${empty:-d}", "d" },
                { "${nothing:-}", "" },
                { "${nothing=${up}}", "ABC" },
                { "${nothing=${up}-suffix}", "ABC-suffix" },
                { "${nothing=prefix${up}-suffix}", "prefixABC-suffix" },
                { "${nothing:-${no:-${up,,}}}", "abc" },
                { "${z/%abc/XYZ}", "abcABC123ABCXYZ" },
                { "${z/#abc/XYZ}", "XYZABC123ABCabc" },
                { "${z/%ABC/XYZ}", "abcABC123ABCabc" },
                { "${z/#ABC/XYZ}", "abcABC123ABCabc" },
                { "${z//abc/xyz}", "xyzABC123ABCxyz" },
                { "${z/abc/xyz}", "xyzABC123ABCabc" },
                { "${z/ABC/}", "abc123ABCabc" },
                { "${z//ABC/}", "abc123abc" },
                { "${z/#abc/}", "abcABC123ABCabc" }, /* sic: of an empty end nothing is made */
                { "${file/\\//-}", "-path/to/file.tar.gz" },
                { "${file//\\//-}", "-path-to-file.tar.gz" },
                { "${z/${nothing:-abc}/${up}}", "ABCABC123ABCabc" },
                { "${file#*/}", "path/to/file.tar.gz" },
                { "${file##*/}", "file.tar.gz" },
                { "${file%.*}", "/path/to/file.tar" },
                { "${file%%.*}", "/path/to/file" },
                { "${file%.gz}", "/path/to/file.tar" },
                { "${file#x}", "/path/to/file.tar.gz" },
                { "${v#?b[a-c]}", "dEFGH28ij" },
                { "${v%[!x]j}", "abcdEFGH28ij" }, /* sic */
                { "${v#[}", "abcdEFGH28ij" },
                { "${star#a\\*}", "c" },
                { "${v##*}", "" },
                { "${v%${nothing:-ij}}", "abcdEFGH28" },
                { "$${v}", "${v}" },
                { "$$v", "$v" },
                { "$$$${v}", "$${v}" },
                { "$$${v}", "$abcdEFGH28ij" },
                { "some text ${up}$${v$${v}$v${up}", "some text ABC${v${v}$vABC" },
                { "something $${v=${up}}", "something ${v=ABC}" },
                { "a\\\\b\\/c\\d", "a\\b/c\\d" },
                { "${lines}", "\"one\\n\\\"two\\\"\\t\\x01\\x7f\\\\ é\"" },
                { "# ${up} in a comment", "# ABC in a comment" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(source_freep) Source *source = make_source(row->in);
                _cleanup_map_ Map values = STRMAP_INIT;
                _cleanup_(substituted_done) Substituted got = { 0 };
                DiagList diags = { 0 };

                print_message("case '%s'\n", row->in);
                fill_values(&values);
                assert_int_equal(substitute(source, &values, &diags, &got), 0);
                assert_int_equal(got.source != NULL, row->want != NULL);
                if (row->want)
                        assert_string_equal(got.source->text, row->want);
                assert_int_equal(diags.n_errors, 0);
                diag_list_done(&diags);
        }
}

static void test_fault(void **state) {
        static const struct {
                const char *in, *want, *want_hint;
                unsigned column, n_columns;
        } rows[] = {
                { "a ${}", "names no variable", "$${", 3, 3 },
                { "${#}", "names no variable", "$${", 1, 4 },
                { "${v", "closing '}' is missing", "$${", 1, 3 },
                { "${v\n}", "closing '}' is missing", "$${", 1, 3 },
                { "${v:-x\n}", "closing '}' is missing", "$${", 1, 6 },
                { "${v-d}", "'-' needs a ':'", "${v:-...}", 1, 6 },
                { "${v+d}", "'+' needs a ':'", "${v:+...}", 1, 6 },
                { "${!v}", "letters, digits", "$${", 1, 5 },
                { "${v[0]}", "no lists", "$${", 1, 7 },
                { "${{ github.ref }}", "letters, digits", "$${", 1, 16 },
                { "${v:}", "nothing behind", "$${", 1, 5 },
                { "${v::2}", "nothing behind", "$${", 1, 7 },
                { "${v:1:-2}", "negative length", "$${", 1, 9 },
                { "${v#}", "nothing behind", "$${", 1, 5 },
                { "${v/a}", "a replacement is written", "$${", 1, 6 },
                { "${v#a${up}}", "mixed", "$${", 1, 10 },
                { "${#v:1}", "letters, digits", "$${", 1, 7 },
                { "é ${v^,}", "letters, digits", "$${", 3, 6 },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(source_freep) Source *source = make_source(row->in);
                _cleanup_map_ Map values = STRMAP_INIT;
                _cleanup_(substituted_done) Substituted got = { 0 };
                DiagList diags = { 0 };

                print_message("case '%s'\n", row->in);
                fill_values(&values);
                assert_int_equal(substitute(source, &values, &diags, &got), -EBADMSG);
                assert_null(got.source);
                assert_int_equal(diags.n_errors, 1);
                print_message("  %s\n", diags.diags[0].message);
                assert_non_null(strstr(diags.diags[0].message, row->want));
                assert_non_null(strstr(diags.diags[0].hint, row->want_hint));
                assert_int_equal(diags.diags[0].mark.column, row->column);
                assert_int_equal(diags.diags[0].mark.n_columns, row->n_columns);
                diag_list_done(&diags);
        }
}

static void test_warning(void **state) {
        static const struct {
                const char *in;
                size_t want;
        } rows[] = {
                {"${HOME}", 1},       {"${HOME:-x}", 0},  {"${empty}", 0},        {"${CI_COMMIT_BRANCH}", 0},
                {"  # ${HOME}", 0},   {"x # ${HOME}", 1}, {"${A} ${B}\n${C}", 3}, {"${HOME^^}", 1},
                {"${v:-${HOME}}", 0},
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(source_freep) Source *source = make_source(row->in);
                _cleanup_map_ Map values = STRMAP_INIT;
                _cleanup_(substituted_done) Substituted got = { 0 };
                DiagList diags = { 0 };

                print_message("case '%s'\n", row->in);
                fill_values(&values);
                assert_int_equal(substitute(source, &values, &diags, &got), 0);
                assert_int_equal(diags.n_warnings, row->want);
                diag_list_done(&diags);
        }
}

/* Each place of the result that is asked for, and where it stands in the file. */
static void test_marks(void **state) {
        static const struct {
                const char *in;
                Mark at, want;
        } rows[] = {
                { "a: ${up} b", { 1, 1, 1 }, { 1, 1, 1 } },
                { "a: ${up} b", { 1, 4, 1 }, { 1, 4, 1 } },      /* A */
                { "a: ${up} b", { 1, 5, 1 }, { 1, 4, 1 } },      /* B, of the same value */
                { "a: ${up} b", { 1, 8, 1 }, { 1, 10, 1 } },     /* b */
                { "a: ${v}${up}b", { 1, 16, 1 }, { 1, 8, 1 } },  /* A behind another value */
                { "é${up}é", { 1, 5, 1 }, { 1, 7, 1 } },
                { "${up}\nxyz", { 2, 2, 2 }, { 2, 2, 2 } },
                { "${nothing}x", { 1, 1, 1 }, { 1, 11, 1 } },
                { "$$x", { 1, 2, 1 }, { 1, 3, 1 } },
                { "a\\\\b", { 1, 3, 1 }, { 1, 4, 1 } },
                { "${up}", { 1, 1, 3 }, { 1, 1, 3 } },
                { "${v}", { 1, 1, 12 }, { 1, 1, 4 } },
                { "\r\n${up}\r\nb", { 3, 1, 1 }, { 3, 1, 1 } },
                { "${up}", { 0, 0, 0 }, { 0, 0, 0 } },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(source_freep) Source *source = make_source(row->in);
                _cleanup_map_ Map values = STRMAP_INIT;
                _cleanup_(substituted_done) Substituted got = { 0 };
                DiagList diags = { 0 };
                Mark mark = row->at, last = { 0 }, *marks[] = { &last, &mark };

                print_message("case '%s' %u:%u\n", row->in, row->at.line, row->at.column);
                fill_values(&values);
                assert_int_equal(substitute(source, &values, &diags, &got), 0);
                assert_int_equal(substituted_map_marks(&got, source, marks, ELEMENTSOF(marks)), 0);
                assert_int_equal(mark.line, row->want.line);
                assert_int_equal(mark.column, row->want.column);
                assert_int_equal(mark.n_columns, row->want.n_columns);
                diag_list_done(&diags);
        }
}

/* Which replacement is to blame for a fault at a place in the result. */
static void test_culprit(void **state) {
        static const struct {
                const char *in;
                Mark mark; /* in the result */
                const char *want;
        } rows[] = {
                { "a: \"${quoted}\"", { 1, 6, 1 }, "${quoted}" },
                { "a: \"${quoted}\"\nb: ${quoted}", { 2, 1, 1 }, "${quoted}" }, /* behind the place, in its line */
                { "a: ${quoted}\nb: c", { 2, 1, 1 }, NULL },
                { "b: c\na: ${quoted}", { 1, 1, 1 }, NULL },
                { "a: ${v} ${quoted:-x} ${up}", { 1, 30, 1 }, "${quoted:-x}" }, /* the last that is not harmless */
                { "a: ${quoted} ${star} ${v}", { 1, 8, 1 }, "${quoted}" },
                { "a: ${v}", { 1, 5, 1 }, NULL },
                { "a: ${nothing}", { 1, 4, 1 }, NULL },
                { "a: \"\\\\d ${v}\"", { 1, 5, 1 }, "\\\\" },
                { "a: \"\\\\d ${v}\"", { 1, 9, 1 }, NULL }, /* not there */
                { "a: \\\\${quoted}", { 1, 9, 1 }, "${quoted}" },
                { "${quoted}", { 9, 9, 1 }, NULL },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(source_freep) Source *source = make_source(row->in);
                _cleanup_(substituted_done) Substituted got = { 0 };
                _cleanup_map_ Map values = STRMAP_INIT;
                _cleanup_free_ char *culprit = NULL;
                DiagList diags = { 0 };

                print_message("case '%s' %u\n", row->in, row->mark.column);
                fill_values(&values);
                assert_int_equal(strmap_put(&values, "quoted", "say \"x\""), 0);
                assert_int_equal(substitute(source, &values, &diags, &got), 0);
                culprit = substituted_culprit(&got, source, &row->mark);
                if (row->want)
                        assert_string_equal(culprit, row->want);
                else
                        assert_null(culprit);
                diag_list_done(&diags);
        }
}

static char *repeat(const char *head, const char *item, size_t n, const char *tail) {
        _cleanup_str_ Str text = STR_INIT(SOURCE_BYTES_MAX);

        (void) str_append(&text, head);
        for (size_t i = 0; i < n; i++)
                (void) str_append(&text, item);
        (void) str_append(&text, tail);
        return str_take(&text);
}

static void test_limits(void **state) {
        const struct {
                const char *head, *item;
                size_t n;
                const char *tail, *want; /* part of the message; NULL: no fault */
        } rows[] = {
                { "", "${no:-", SUBSTITUTE_DEPTH_MAX, "}}}}}}}}}}}}}}}}", NULL },
                { "", "${no:-", SUBSTITUTE_DEPTH_MAX + 1, "}}}}}}}}}}}}}}}}}", "too deep" },
                { "", "${no:-", 100000, "", "too deep" },
                { "", "${long}", 40, "", "larger than 4 MiB" },
                { "", "${long%*a*a*a*a*a*a*b}", 150, "", "too much work" },
                { "${long%", "?", 1000, "}", NULL },
                { "${huge", "", 0, "}", "the value is too large" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = repeat(row->head, row->item, row->n, row->tail),
                                    *large = repeat("", "a", SUBSTITUTE_VALUE_BYTES_MAX + 1, "");
                _cleanup_(source_freep) Source *source = make_source(text);
                _cleanup_map_ Map values = STRMAP_INIT;
                _cleanup_(substituted_done) Substituted got = { 0 };
                DiagList diags = { 0 };

                print_message("case '%s' %zu\n", row->item, row->n);
                assert_int_equal(strmap_put(&values, "long", large + SUBSTITUTE_VALUE_BYTES_MAX / 2), 0);
                assert_int_equal(strmap_put(&values, "huge", large), 0);
                assert_int_equal(substitute(source, &values, &diags, &got), row->want ? -EBADMSG : 0);
                if (row->want)
                        assert_non_null(strstr(diags.diags[0].message, row->want));
                diag_list_done(&diags);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_expansion), cmocka_unit_test(test_fault),
                                           cmocka_unit_test(test_warning), cmocka_unit_test(test_marks),
                                           cmocka_unit_test(test_culprit), cmocka_unit_test(test_limits)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
