#include "test.h"

#include <string.h>

#include "base/file.h"
#include "document/diag-format.h"

static char *format(DiagFormat kind, const char *name, const char *message, const char *hint, Mark mark) {
        static const char text[] = "steps: x\n";
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_str_ Str out = STR_INIT(64U * 1024);
        DiagFormatter formatter = { .format = kind, .out = &out };
        DiagList list = { 0 };

        assert_int_equal(source_new_take(name, strdup(text), strlen(text), &source, NULL), 0);
        if (message)
                diag_set_hint(diag_add(&list, DIAG_ERROR, "some-rule", mark, "%s", message), "%s", hint ? hint : "x");
        if (message && !hint) {
                free(list.diags[0].hint);
                list.diags[0].hint = NULL;
        }
        diag_format_begin(&formatter);
        assert_int_equal(diag_format_file(&formatter, &list, source, NULL), 0);
        assert_int_equal(diag_format_end(&formatter), 0);
        diag_formatter_done(&formatter);
        diag_list_done(&list);
        return str_take(&out);
}

#define XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<checkstyle version=\"4.3\">\n"

static void test_escapes(void **state) {
        static const Mark place = { 1, 8, 1 };
        static const struct {
                DiagFormat format;
                const char *name, *message, *hint;
                Mark mark;
                const char *want;
        } rows[] = {
                { DIAG_FORMAT_TEXT, "a.yaml", NULL, NULL, { 0 }, "1 file checked: nothing found\n" },
                { DIAG_FORMAT_TEXT, "a.yaml", "bad 'x'", "good", place,
                  "a.yaml:1:8: error: bad 'x'\n    1 | steps: x\n      |        ^\n   hint: good\n1 file checked: 1 "
                  "error\n" },
                { DIAG_FORMAT_JSON, "a.yaml", NULL, NULL, { 0 }, "" },
                { DIAG_FORMAT_JSON,
                  "a.yaml",
                  "no \"place\"",
                  NULL,
                  { 0 },
                  "{\"file\":\"a.yaml\",\"line\":1,\"column\":1,\"end_column\":1,\"severity\":\"error\",\"rule\":"
                  "\"some-rule\",\"message\":\"no "
                  "\\\"place\\\"\"}\n" },
                { DIAG_FORMAT_JSON, "a\x01\xff.yaml", "é", "h", place,
                  "{\"file\":\"a\\u0001\xef\xbf\xbd.yaml\",\"line\":1,\"column\":8,\"end_column\":9,\"severity\":"
                  "\"error\",\"rule\":\"some-rule\",\"message\":\"é\",\"hint\":\"h\"}\n" },
                { DIAG_FORMAT_GITHUB, "a.yaml", NULL, NULL, { 0 }, "" },
                { DIAG_FORMAT_GITHUB, "a:b,c%.yaml", "100%: a, b\n::error::c\r\x1b", "h:", place,
                  "::error file=a%3Ab%2Cc%25.yaml,line=1,col=8,endColumn=9,title=some-rule::100%25: a, "
                  "b%0A::error::c%0D\\x1b%0Ahint: h:\n" },
                { DIAG_FORMAT_GITLAB, "a.yaml", NULL, NULL, { 0 }, "[\n]\n" },
                { DIAG_FORMAT_CHECKSTYLE,
                  "a.yaml",
                  NULL,
                  NULL,
                  { 0 },
                  XML_HEAD "  <file name=\"a.yaml\">\n  </file>\n</checkstyle>\n" },
                { DIAG_FORMAT_CHECKSTYLE, "<&\"'>\n\x01.yaml", "a<b> \"c\" & 'd'\t\xff\xef\xbf\xbf\xc3\xa9", "]]>",
                  place,
                  XML_HEAD
                  "  <file name=\"&#60;&#38;&#34;&#39;&#62;&#10;\xef\xbf\xbd.yaml\">\n"
                  "    <error line=\"1\" column=\"8\" severity=\"error\" message=\"a&#60;b&#62; &#34;c&#34; "
                  "&#38; &#39;d&#39;&#9;\xef\xbf\xbd"
                  "\xef\xbf\xbd\xc3\xa9; hint: ]]&#62;\" source=\"some-rule\"/>\n  </file>\n</checkstyle>\n" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *got = format(row->format, row->name, row->message, row->hint, row->mark);

                print_message("case %s '%s'\n", diag_format_names[row->format], row->message ? row->message : "");
                assert_string_equal(got, row->want);
        }
}

static Json *gitlab(size_t n_lines_above) {
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_str_ Str out = STR_INIT(64U * 1024);
        DiagFormatter formatter = { .format = DIAG_FORMAT_GITLAB, .out = &out };
        DiagList list = { 0 };
        Json *json;

        assert_int_equal(source_new_take("a.yaml", strdup("a\nb\nc\nd\n"), 8, &source, NULL), 0);
        for (size_t i = 0; i < 3; i++)
                diag_add(&list, i < 2 ? DIAG_WARNING : DIAG_ERROR, "some-rule",
                         (Mark) { (uint32_t) (1 + i + n_lines_above), 1, 1 }, i < 2 ? "the same" : "another");
        diag_format_begin(&formatter);
        assert_int_equal(diag_format_file(&formatter, &list, source, "below/a.yaml"), 0);
        assert_int_equal(diag_format_end(&formatter), 0);
        assert_int_equal(json_parse(str_get(&out), out.n, &json, NULL), 0);
        diag_formatter_done(&formatter);
        diag_list_done(&list);
        return json;
}

/* Each finding has its own, and keeps it when lines are added above. */
static void test_fingerprints(void **state) {
        _cleanup_(json_unrefp) Json *a = gitlab(0), *b = gitlab(1);
        const char *prints[3];

        assert_int_equal(json_object_array_length(a), 3);
        for (size_t i = 0; i < 3; i++) {
                Json *finding = json_object_array_get_idx(a, i);
                int64_t line;

                prints[i] = json_find_string(finding, "fingerprint");
                assert_string_equal(prints[i], json_find_string(json_object_array_get_idx(b, i), "fingerprint"));
                assert_string_equal(json_find_string(finding, "location.path"), "below/a.yaml");
                assert_string_equal(json_find_string(finding, "severity"), i < 2 ? "minor" : "major");
                assert_int_equal(json_get_int(finding, "location.lines.begin", &line, NULL), 0);
                assert_int_equal(line, i + 1);
        }
        assert_string_not_equal(prints[0], prints[1]);
        assert_string_not_equal(prints[0], prints[2]);
}

static void test_too_many(void **state) {
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_str_ Str out = STR_INIT(1U << 20);
        DiagFormatter formatter = { .format = DIAG_FORMAT_GITHUB, .out = &out };
        DiagList list = { 0 };

        assert_int_equal(source_new_take("a.yaml", strdup("a\n"), 2, &source, NULL), 0);
        for (size_t i = 0; i < DIAG_LIST_MAX + 7; i++)
                diag_add(&list, DIAG_WARNING, "some-rule", (Mark) { 1, 1, 1 }, "x");
        assert_int_equal(diag_format_file(&formatter, &list, source, NULL), 0);
        assert_non_null(strstr(str_get(&out), "title=not-shown::7 more findings are not shown\n"));
        assert_int_equal(formatter.n_warnings, DIAG_LIST_MAX + 7);
        diag_formatter_done(&formatter);
        diag_list_done(&list);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_escapes),
                cmocka_unit_test(test_fingerprints),
                cmocka_unit_test(test_too_many),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
