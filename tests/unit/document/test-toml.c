#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "document/toml.h"

static int parse(const char *text, DiagList *diags, YamlDocument **ret) {
        _cleanup_(source_freep) Source *source = NULL;

        assert_int_equal(source_new_take("config.toml", strdup(text), strlen(text), &source, NULL), 0);
        return toml_parse(source, diags, ret);
}

static void dump_scalar(const YamlNode *node, Str *out) {
        switch (node->kind) {
        case YAML_STRING:
                (void) str_appendf(out, "'%s'", node->text);
                return;
        case YAML_INT:
                (void) str_appendf(out, "%lld", (long long) node->integer);
                return;
        case YAML_FLOAT:
                (void) str_appendf(out, "f%g", node->number);
                return;
        case YAML_BOOL:
                (void) str_append(out, node->boolean ? "true" : "false");
                return;
        default:
                (void) str_appendf(out, "<%s>", node->text);
        }
}

/* The whole tree on one line. */
static void dump(const YamlNode *node, Str *out) {
        if (yaml_is_scalar(node)) {
                dump_scalar(node, out);
                return;
        }
        (void) str_append(out, node->kind == YAML_MAPPING ? "{" : "[");
        for (size_t i = 0; i < node->n_items; i++) {
                (void) str_append(out, i > 0 ? "," : "");
                dump(node->items[i], out);
        }
        for (size_t i = 0; i < node->n_pairs; i++) {
                (void) str_appendf(out, "%s%s:", i > 0 ? "," : "", node->pairs[i].key->text);
                dump(node->pairs[i].value, out);
        }
        (void) str_append(out, node->kind == YAML_MAPPING ? "}" : "]");
}

static void test_trees(void **state) {
        static const struct {
                const char *in, *want;
        } rows[] = {
                { "", "{}" },
                { "# nothing\n\n  # but words\n", "{}" },
                { "a = 1\nb = 'x' # why\r\nc.d = true", "{a:1,b:'x',c:{d:true}}" },
                { "\"a b\" = 1\n'c.d' = 2\n\"e\".'f' = 3\n1 = 4", "{a b:1,c.d:2,e:{f:3},1:4}" },
                { "[a]\nb = 1\n[ c . d ]\ne = 2\n[c]\nf = 3", "{a:{b:1},c:{d:{e:2},f:3}}" },
                { "[[r]]\nn = 1\n[r.x]\ny = 1\n[[r]]\n[[r.s]]\n[[r.s]]\nz = 1", "{r:[{n:1,x:{y:1}},{s:[{},{z:1}]}]}" },
                { "a.b = 1\na.c.d = 2\na.c.e = 3", "{a:{b:1,c:{d:2,e:3}}}" },
                { "a = []\nb = [1, 2,]\nc = [ # why\n  'x', # so\n\n  [true]\n]", "{a:[],b:[1,2],c:['x',[true]]}" },
                { "a = {}\nb = { c = 1, d.e = 'x' }\nf = [ { g = 1 }, { g = 2 } ]",
                  "{a:{},b:{c:1,d:{e:'x'}},f:[{g:1},{g:2}]}" },
                { "a = 0\nb = -17\nc = +5\nd = 1_000\ne = 0xdead_beef\nf = 0o755\ng = 0b101",
                  "{a:0,b:-17,c:5,d:1000,e:3735928559,f:493,g:5}" },
                { "a = 3.14\nb = -0.01\nc = 5e+22\nd = 1_0.2_5E-2\ne = inf\nf = -inf\ng = +nan",
                  "{a:f3.14,b:f-0.01,c:f5e+22,d:f0.1025,e:finf,f:f-inf,g:fnan}" },
                { "a = 9223372036854775807\nb = -9223372036854775808",
                  "{a:9223372036854775807,b:-9223372036854775808}" },
                { "a = 1979-05-27\nb = 07:32:00\nc = 1979-05-27T07:32:00.999-07:00\nd = 1979-05-27 07:32:00Z\ne = "
                  "[1979-05-27 , 1]",
                  "{a:<1979-05-27>,b:<07:32:00>,c:<1979-05-27T07:32:00.999-07:00>,d:<1979-05-27 "
                  "07:32:00Z>,e:[<1979-05-27>,1]}" },
                { "a = \"x\\ty\\\"\\\\\\u00e9\\U0001F600\"", "{a:'x\ty\"\\\xc3\xa9\xf0\x9f\x98\x80'}" },
                { "a = 'c:\\users'\nb = ''\nc = \"\"", "{a:'c:\\users',b:'',c:''}" },
                { "a = \"\"\"\none\n  two \\\n   three\"\"\"", "{a:'one\n  two three'}" },
                { "a = '''\r\none\\\n''two''''", "{a:'one\\\n''two''}" },
                { "a = \"\"\"\"\"x\"\"\"\"\"", "{a:'\"\"x\"\"'}" },
                { "a = \"\"\"\"\"\"\nb = ''''''", "{a:'',b:''}" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
                _cleanup_(diag_list_done) DiagList diags = { 0 };
                _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);

                print_message("case '%s'\n", row->in);
                assert_int_equal(parse(row->in, &diags, &document), 0);
                assert_int_equal(diags.n_diags, 0);
                dump(document->root, &out);
                assert_string_equal(str_get(&out), row->want);
        }
}

static void test_faults(void **state) {
        static const struct {
                const char *in;
                unsigned line, column;
                const char *want;
        } rows[] = {
                { "a = 1\na = 2\n", 2, 1, "key 'a' is given twice; first in line 1" },
                { "[a]\n[a]\n", 2, 2, "table 'a' is given twice; first in line 1" },
                { "[a]\nb = 1\n[a.b]\n", 3, 4, "table 'b' is given twice; first in line 2" },
                { "[a]\nb = 1\n[a.b.c]\n", 3, 4, "key 'b' is given twice" },
                { "[[a]]\n[a]\n", 2, 2, "table 'a' is given twice" },
                { "[a]\n[[a]]\n", 2, 3, "key 'a' is given twice" },
                { "a = [1]\n[[a]]\n", 2, 3, "key 'a' is given twice" },
                { "a.b = 1\n[a]\n", 2, 2, "table 'a' is given twice" },
                { "[a.b]\n[a]\nb.c = 1\n", 3, 1, "key 'b' is given twice" },
                { "a = {b = 1}\na.c = 2\n", 2, 1, "key 'a' is given twice" },
                { "a = {b = 1}\n[a.c]\n", 2, 2, "key 'a' is given twice" },
                { "a = {b = 1, b = 2}\n", 1, 13, "key 'b' is given twice" },
                { "a = {b = 1,}\n", 1, 12, "expected a key" },
                { "a = {b = 1\n}\n", 1, 11, "expected a ',' or a '}' in the table that begins in column 5" },
                { "a = [1 2]\n", 1, 8, "expected a ',' or a ']'" },
                { "a = [1,\n2\n", 1, 5, "this list has no ']'" },
                { "a = \n", 1, 5, "expected a value" },
                { "a\n", 1, 2, "expected a '='" },
                { "= 1\n", 1, 1, "expected a key" },
                { "a = 1 b = 2\n", 1, 7, "expected the end of the line" },
                { "[a\n", 1, 3, "expected a ']'" },
                { "[[a]\n", 1, 5, "expected a ']'" },
                { "[]\n", 1, 2, "expected a key" },
                { "a = text\n", 1, 5, "'text' is no value: text stands in quotes" },
                { "a = \"x\n", 1, 5, "this text has no quote" },
                { "a = \"\"\"x\ny\"", 1, 5, "this text has no three quotes" },
                { "a = 'x\x01y'\n", 1, 7, "a control character must" },
                { "# x\x02\n", 1, 4, "a control character in a comment" },
                { "a = \"\\x\"\n", 1, 6, "unknown escape" },
                { "a = \"\\ud800\"\n", 1, 6, "there is no such character" },
                { "a = \"\\u12\"\n", 1, 6, "expected 4 hexadecimal digits" },
                { "\"\"\"a\"\"\" = 1\n", 1, 1, "a key is of one line" },
                { "a = 010\n", 1, 5, "'010' is no value" },
                { "a = 1__0\n", 1, 5, "is no value" },
                { "a = _1\n", 1, 5, "is no value" },
                { "a = 1_\n", 1, 5, "is no value" },
                { "a = .5\n", 1, 5, "is no value" },
                { "a = 5.\n", 1, 5, "is no value" },
                { "a = 1e\n", 1, 5, "is no value" },
                { "a = 0x\n", 1, 5, "is no value" },
                { "a = -0x1\n", 1, 5, "is no value" },
                { "a = 9223372036854775808\n", 1, 5, "is no value" },
                { "a = True\n", 1, 5, "is no value" },
                { "a = 1979-5-27\n", 1, 5, "is no value" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
                _cleanup_(diag_list_done) DiagList diags = { 0 };

                print_message("case '%s'\n", row->in);
                assert_int_equal(parse(row->in, &diags, &document), -EBADMSG);
                assert_null(document);
                assert_int_equal(diags.n_errors, 1);
                assert_non_null(strstr(diags.diags[0].message, row->want));
                assert_int_equal(diags.diags[0].mark.line, row->line);
                assert_int_equal(diags.diags[0].mark.column, row->column);
        }
}

/* Keys that are wrong do not stop the reading: all of them are told. */
static void test_all_faults(void **state) {
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        _cleanup_(diag_list_done) DiagList diags = { 0 };

        assert_int_equal(parse("a = 1\na = 2\na.b = 3\n[a]\nc = 1\nc = 2\n[d]\n[d]\n", &diags, &document), -EBADMSG);
        assert_int_equal(diags.n_errors, 5);
}

static void test_limits(void **state) {
        static const struct {
                const char *piece;
                size_t n;
                const char *want;
        } rows[] = {
                { "a = [", 0, NULL },
                { "[", TOML_DEPTH_MAX + 1, "more than 32 values in each other" },
                { "1,", TOML_NODES_MAX, "more than 20000 keys and values" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
                _cleanup_(diag_list_done) DiagList diags = { 0 };
                _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);

                (void) str_append(&text, "a = [");
                for (size_t i = 0; i < row->n; i++)
                        (void) str_append(&text, row->piece);
                assert_int_equal(parse(str_get(&text), &diags, &document), -EBADMSG);
                if (row->want)
                        assert_string_equal(diags.diags[0].message, row->want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_trees),
                cmocka_unit_test(test_faults),
                cmocka_unit_test(test_all_faults),
                cmocka_unit_test(test_limits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
