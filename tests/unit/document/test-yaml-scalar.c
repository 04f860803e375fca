#include "test.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "document/yaml.h"

static YamlDocument *parse(const char *text) {
        _cleanup_(source_freep) Source *source = NULL;
        YamlDocument *document = NULL;
        DiagList diags = { 0 };
        char *copy = strdup(text);

        assert_non_null(copy);
        assert_int_equal(source_new_take("ci.yml", copy, strlen(copy), &source, NULL), 0);
        assert_int_equal(yaml_parse(source, &diags, &document), 0);
        diag_list_done(&diags);
        return document;
}

/* Each as the value of a key: that is how it is written. */
static YamlDocument *parse_value(const char *value) {
        _cleanup_free_ char *text = str_printf("k: %s\n", value);

        assert_non_null(text);
        return parse(text);
}

static void test_kinds(void **state) {
        static const struct {
                const char *in;
                YamlKind want;
        } rows[] = {
                { "", YAML_NULL },
                { "~", YAML_NULL },
                { "null", YAML_NULL },
                { "Null", YAML_NULL },
                { "NULL", YAML_NULL },
                { "nULL", YAML_STRING },
                { "''", YAML_STRING },
                { "\"null\"", YAML_STRING },
                { "yes", YAML_STRING },
                { "no", YAML_STRING },
                { "on", YAML_STRING },
                { "off", YAML_STRING },
                { "y", YAML_STRING },
                { "n", YAML_STRING },
                { "tRue", YAML_STRING },
                { "'true'", YAML_STRING },
                { "2024-01-02", YAML_TIMESTAMP },
                { "2024-1-2", YAML_TIMESTAMP },
                { "2024-02-29", YAML_TIMESTAMP },
                { "2023-02-29", YAML_STRING },
                { "2024-13-01", YAML_STRING },
                { "2024-00-01", YAML_STRING },
                { "2024-01-32", YAML_STRING },
                { "24-01-02", YAML_STRING },
                { "2024-01-02T03:04:05Z", YAML_TIMESTAMP },
                { "2024-01-02t3:4:5Z", YAML_TIMESTAMP },
                { "2024-01-02T03:04:05.123456789012Z", YAML_TIMESTAMP },
                { "2024-01-02T03:04:05+07:00", YAML_TIMESTAMP },
                { "2024-01-02T03:04:05", YAML_STRING },
                { "2024-01-02T03:04:05+0700", YAML_STRING },
                { "2024-01-02 03:04:05", YAML_TIMESTAMP },
                { "2024-01-02 03:04:05.5", YAML_TIMESTAMP },
                { "2024-01-02 03:04:05Z", YAML_STRING },
                { "2024-01-02 24:00:00", YAML_STRING },
                { "2024-01-02 03:04", YAML_STRING },
                { "2024-01-02x", YAML_STRING },
                { "2024-01", YAML_STRING },
                { "'2024-01-02'", YAML_STRING },
                { "2024-", YAML_STRING },
                { "2024--1", YAML_STRING },
                { "1.2.3", YAML_STRING },
                { "1:30", YAML_STRING },
                { "1e", YAML_STRING },
                { "0x", YAML_STRING },
                { "0xg", YAML_STRING },
                { "0b2", YAML_STRING },
                { "0o8", YAML_STRING },
                { "_1", YAML_STRING },
                { "+", YAML_STRING },
                { "+a", YAML_STRING },
                { ".", YAML_STRING },
                { "..", YAML_STRING },
                { ".a", YAML_STRING },
                { "+.", YAML_STRING },
                { "1e999", YAML_STRING },
                { "0x1FFFFFFFFFFFFFFFF", YAML_STRING },
                { ".5_0", YAML_STRING },
                { ".iNf", YAML_STRING },
                { "inf", YAML_STRING },
                { "1 2", YAML_STRING },
                { "12 # note", YAML_INT },
                { "|\n  12", YAML_STRING },
                { "!!str 12", YAML_STRING },
                { "!!str", YAML_STRING },
                { "!!int '12'", YAML_INT },
                { "!!float 12", YAML_FLOAT },
                { "!!bool 'true'", YAML_BOOL },
                { "!!null ''", YAML_NULL },
                { "!!timestamp '2024-01-02'", YAML_TIMESTAMP },
                { "!own 12", YAML_STRING },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(yaml_document_freep) YamlDocument *document = parse_value(row->in);

                print_message("case '%s'\n", row->in);
                assert_string_equal(yaml_kind_name(yaml_get(document->root, "k")->kind), yaml_kind_name(row->want));
        }
}

static void test_integers(void **state) {
        static const struct {
                const char *in;
                int64_t want;
        } rows[] = {
                { "0", 0 },
                { "00", 0 },
                { "7", 7 },
                { "+7", 7 },
                { "-7", -7 },
                { "010", 8 },
                { "-010", -8 },
                { "0x10", 16 },
                { "0XfF", 255 },
                { "-0x10", -16 },
                { "0b101", 5 },
                { "0o17", 15 },
                { "1_000", 1000 },
                { "1__0_", 10 },
                { "0x_f", 15 },
                { "9223372036854775807", INT64_MAX },
                { "-9223372036854775808", INT64_MIN },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(yaml_document_freep) YamlDocument *document = parse_value(row->in);
                const YamlNode *node = yaml_get(document->root, "k");

                print_message("case '%s'\n", row->in);
                assert_int_equal(node->kind, YAML_INT);
                assert_true(node->integer == row->want);
                assert_string_equal(node->text, row->in); /* the text stays: a string field wants it so */
        }
}

static void test_floats(void **state) {
        static const struct {
                const char *in;
                double want;
        } rows[] = {
                { "1.5", 1.5 },
                { "-1.5", -1.5 },
                { ".5", .5 },
                { "+.5", .5 },
                { "1.", 1 },
                { "1e3", 1000 },
                { "1E-1", .1 },
                { "08", 8 },
                { "1_0.5", 10.5 },
                { "019", 19 },
                { ".5e1", 5 },
                { "-0.0", 0 },
                { ".inf", INFINITY },
                { "-.INF", -INFINITY },
                { "+.Inf", INFINITY },
                { "9223372036854775808", 9223372036854775808.0 },
                { "-9223372036854775809", -9223372036854775809.0 },
                { "18446744073709551616", 18446744073709551616.0 },
                { "0xffffffffffffffff", 18446744073709551615.0 },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(yaml_document_freep) YamlDocument *document = parse_value(row->in);
                const YamlNode *node = yaml_get(document->root, "k");

                print_message("case '%s'\n", row->in);
                assert_int_equal(node->kind, YAML_FLOAT);
                assert_true(node->number == row->want);
        }
}

static void test_other(void **state) {
        _cleanup_(yaml_document_freep) YamlDocument *document =
                parse("t: TRUE\nf: False\nnan: .NaN\nb: !!binary aGVs bG8=\nnul: \"a\\0b\"\n");
        const YamlNode *nul = yaml_get(document->root, "nul");

        assert_true(yaml_get(document->root, "t")->boolean);
        assert_int_equal(yaml_get(document->root, "f")->kind, YAML_BOOL);
        assert_false(yaml_get(document->root, "f")->boolean);
        assert_true(isnan(yaml_get(document->root, "nan")->number));
        assert_string_equal(yaml_get(document->root, "b")->text, "hello");
        assert_int_equal(yaml_get(document->root, "b")->n_text, 5);
        assert_int_equal(nul->n_text, 3);
        assert_memory_equal(nul->text, "a\0b", 4);
}

/* Longer than any number that means something: stays text, and quickly so. */
static void test_long_digits(void **state) {
        _cleanup_free_ char *digits = malloc(1000001);
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;

        assert_non_null(digits);
        memset(digits, '1', 1000000);
        digits[1000000] = '\0';
        document = parse_value(digits);
        assert_int_equal(yaml_get(document->root, "k")->kind, YAML_STRING);
        assert_int_equal(yaml_get(document->root, "k")->n_text, 1000000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kinds), cmocka_unit_test(test_integers),    cmocka_unit_test(test_floats),
                cmocka_unit_test(test_other), cmocka_unit_test(test_long_digits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
