#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "document/yaml.h"

static int parse_bytes(const char *text, size_t n, DiagList *diags, YamlDocument **ret) {
        _cleanup_(source_freep) Source *source = NULL;
        char *copy = malloc(n + 1);

        assert_non_null(copy);
        memcpy(copy, text, n);
        copy[n] = '\0';
        assert_int_equal(source_new_take("ci.yml", copy, n, &source, NULL), 0);
        return yaml_parse(source, diags, ret);
}

static int parse(const char *text, DiagList *diags, YamlDocument **ret) {
        return parse_bytes(text, strlen(text), diags, ret);
}

/* The whole tree on one line: strings quoted, other scalars as written. */
static void dump(const YamlNode *node, Str *out) {
        switch (node->kind) {
        case YAML_SEQUENCE:
                (void) str_append(out, "[");
                for (size_t i = 0; i < node->n_items; i++) {
                        (void) str_append(out, i > 0 ? "," : "");
                        dump(node->items[i], out);
                }
                (void) str_append(out, "]");
                return;
        case YAML_MAPPING:
                (void) str_append(out, "{");
                for (size_t i = 0; i < node->n_pairs; i++) {
                        (void) str_appendf(out, "%s%s:", i > 0 ? "," : "", node->pairs[i].key->text);
                        dump(node->pairs[i].value, out);
                }
                (void) str_append(out, "}");
                return;
        case YAML_STRING:
                (void) str_appendf(out, "'%s'", node->text);
                return;
        default:
                (void) str_append(out, node->kind == YAML_NULL ? "~" : node->text);
        }
}

static void test_trees(void **state) {
        static const struct {
                const char *in, *want;
        } rows[] = {
                { "a: b\nc: [1, x, {d: e}]\n", "{a:'b',c:[1,'x',{d:'e'}]}" },
                { "- a\n-\n- 'x'\n", "['a',~,'x']" },
                { "just text", "'just text'" },
                { "\xef\xbb\xbf" "a: b\n", "{a:'b'}" },
                { "a: b\r\nc:\r\n  - d\r\n", "{a:'b',c:['d']}" },
                { "a: |\n  x\n  y\nb: >-\n  x\n  y\n", "{a:'x\ny\n',b:'x y'}" },
                { "{}", "{}" },
                { "--- # note\na: 1\n...\n", "{a:1}" },
                { "%YAML 1.1\n---\na: 1\n", "{a:1}" },
                { "1: a\n~: b\ntrue: c\n", "{1:'a',~:'b',true:'c'}" },
                { "? a\n: b\n", "{a:'b'}" },
                { "a: &x [1]\nb: *x\nc: *x\n", "{a:[1],b:[1],c:[1]}" },
                { "a: &x 1\nb: &x 2\nc: *x\n", "{a:1,b:2,c:2}" },
                { "&k a: b\nc: *k\n", "{a:'b',c:'a'}" },
                /* merges into maps */
                { "m: &m {a: 1, b: 2}\nn:\n  <<: *m\n  b: 3\n", "{m:{a:1,b:2},n:{a:1,b:3}}" },
                { "m: &m {a: 1, b: 2}\nn:\n  b: 3\n  <<: *m\n  c: 4\n", "{m:{a:1,b:2},n:{b:3,a:1,c:4}}" },
                { "m: &m {a: 1}\nn: &n {a: 2, b: 2}\no: {<<: [*m, *n]}\n", "{m:{a:1},n:{a:2,b:2},o:{a:1,b:2}}" },
                { "m: &m {a: 1}\nn: &n {<<: *m, b: 2}\no: {<<: *n, c: 3}\n", "{m:{a:1},n:{a:1,b:2},o:{a:1,b:2,c:3}}" },
                { "n:\n  <<: {a: 1}\n  b: 2\n", "{n:{a:1,b:2}}" },
                { "n: {<<: [], b: 2}\n", "{n:{b:2}}" },
                { "n: {<<: {}}\n", "{n:{}}" },
                { "n: {'<<': 1}\n", "{n:{<<:1}}" }, /* quoted it is a key like others */
                { "m: &m {a: 1}\nl:\n  - <<: *m\n    b: 2\n", "{m:{a:1},l:[{a:1,b:2}]}" },
                /* merges into lists */
                { "m: &m [a, b]\nl:\n  - x\n  - <<: *m\n  - y\n", "{m:['a','b'],l:['x','a','b','y']}" },
                { "m: &m [a]\nn: &n [b]\nl:\n  - <<: [*m, *n]\n", "{m:['a'],n:['b'],l:['a','b']}" },
                { "m: &m [a]\nn: &n [b, {<<: *m}]\nl: [{<<: *n}, c]\n", "{m:['a'],n:['b','a'],l:['b','a','c']}" },
                { "m: &m []\nl: [{<<: *m}]\n", "{m:[],l:[]}" },
                { "m: &m [[a]]\nl: [{<<: *m}]\n", "{m:[['a']],l:[['a']]}" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
                _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);
                DiagList diags = { 0 };

                print_message("case '%s'\n", row->in);
                assert_int_equal(parse(row->in, &diags, &document), 0);
                assert_int_equal(diags.n_diags, 0);
                dump(document->root, &out);
                assert_string_equal(str_get(&out), row->want);
                diag_list_done(&diags);
        }
}

/* Only the first document counts, whatever the next ones are. */
static void test_second_document(void **state) {
        static const struct {
                const char *in;
                uint32_t want_line; /* of the warning; 0: none */
        } rows[] = {
                { "a: 1\n---\na: [\n", 2 }, { "a: 1\n--- x\n", 2 },  { "a: 1\n...\n---\nb: 1\n", 3 },
                { "a: 1\n---\n", 0 },        { "a: 1\n...\n", 0 },    { "---\na: 1\n", 0 },
                { "a: 1\n---\n# x\n", 0 },   { "a: 1\n---\n@\n", 0 },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
                DiagList diags = { 0 };

                print_message("case '%s'\n", row->in);
                assert_int_equal(parse(row->in, &diags, &document), 0);
                assert_int_equal(document->root->n_pairs, 1);
                assert_int_equal(diags.n_warnings, row->want_line > 0);
                assert_int_equal(diags.n_errors, 0);
                if (row->want_line > 0)
                        assert_int_equal(diags.diags[0].mark.line, row->want_line);
                diag_list_done(&diags);
        }
}

static void test_empty(void **state) {
        static const char *const rows[] = { "", "\n\n", "# only a comment\n", "---\n", "---\n...\n", "--- # x\n" };

        FOREACH_ROW(row, rows) {
                _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
                DiagList diags = { 0 };

                print_message("case '%s'\n", *row);
                assert_int_equal(parse(*row, &diags, &document), 0);
                assert_null(document->root);
        }
}

static void test_faults(void **state) {
        static const struct {
                const char *in, *want; /* line:column+width message [hint], one per line */
        } rows[] = {
                { "a: 1\nb: 2\na: 3\n", "3:1+1 key 'a' is given twice; first in line 1\n" },
                { "1: a\n'1': b\n", "2:1+3 key '1' is given twice; first in line 1\n" },
                { "a: {b: 1, c: 2, b: 3}\nd: {e: 1, e: 2}\n",
                  "1:17+1 key 'b' is given twice; first in line 1\n2:11+1 key 'e' is given twice; first in line 2\n" },
                { "m: &m {}\nn:\n  <<: *m\n  <<: *m\n", "4:3+2 key '<<' is given twice; first in line 3\n" },
                { "a: *nope\n",
                  "1:4+5 alias '*nope' has no anchor '&nope' above it [put a value that begins with '*' in quotes]\n" },
                { "x: &node 1\na: *nod\nb: [\n",
                  "2:4+4 alias '*nod' has no anchor '&nod' above it [did you mean '*node'?]\n"
                  "3:4+1 a value is missing here\n" },
                { "a: &x\n  b: *x\n", "2:6+2 this alias stands inside of what it names (line 1): that has no end\n" },
                { "a: &x [*x]\n", "1:8+2 this alias stands inside of what it names (line 1): that has no end\n" },
                { "n: {<<: 1}\n", "1:9+1 '<<' merges a map or a list of maps, found a whole number\n" },
                { "n: {<<: }\n", "1:9+0 '<<' merges a map or a list of maps, found nothing\n" },
                { "l: &l [a]\nn: {<<: *l}\n", "2:9+2 '<<' merges a map or a list of maps, found a list\n" },
                { "n: {<<: [x]}\n", "1:9+3 '<<' merges a map or a list of maps, found a string\n" },
                { "n: {<<: *m}\n",
                  "1:9+2 alias '*m' has no anchor '&m' above it [put a value that begins with '*' in quotes]\n" },
                { "n: [{<<: *m}]\n",
                  "1:10+2 alias '*m' has no anchor '&m' above it [put a value that begins with '*' in quotes]\n" },
                { "m: &m {a: 1}\nl:\n  - <<: *m\n",
                  "3:9+2 sequence merge failed: an item that is only '<<' merges a list or lists, found a map "
                  "[to merge a map, give the item a key of its own beside '<<'; to repeat it, write '- *name']\n" },
                { "l:\n  - <<: x\n",
                  "2:9+1 sequence merge failed: an item that is only '<<' merges a list or lists, found a string\n" },
                { "l:\n  - <<: [[a], 1]\n", "2:9+8 sequence merge failed: an item that is only '<<' merges a list or "
                                            "lists, found a whole number\n" },
                { "m: &m [1]\nl: [&x {<<: *m}]\n", "2:5+11 an anchor cannot stand for merged items\n" },
                { "a: [b, c", "1:4+0 a ',' or ']' is missing in the list that begins in line 1\n" },
                { "a: 'don't'\n", "1:9+0 this does not fit into the map that begins in line 1 "
                                  "[check the indentation and the quotes, here and in the lines above]\n" },
                { "? [a]\n: b\n", "1:3+3 a key must be a scalar, not a list\n" },
                { "? {a: b}\n: c\nd: e\nd: f\n",
                  "1:3+6 a key must be a scalar, not a map\n4:1+1 key 'd' is given twice; first in line 3\n" },
                { "\"a\\0\": b\n", "1:1+5 a key cannot hold a NUL character\n" },
                { "a: !!int b\n", "1:4+7 'b' does not fit its tag '!!int'\n" },
                { "a: !!binary '='\n", "1:4+12 '=' does not fit its tag '!!binary'\n" },
                /* syntax */
                { "a:\n\tb: c\n", "2:1+0 a tab cannot be used to indent [use spaces]\n" },
                { "a:\n  b: c\n\td: e\n", "3:1+0 a tab cannot be used to indent [use spaces]\n" },
                { "a: @b\n", "1:4+0 a value cannot begin with this character [put the value in quotes]\n" },
                { "a: `b`\n", "1:4+0 a value cannot begin with this character [put the value in quotes]\n" },
                { "a: b: c\n", "1:5+0 a ':' that makes a key is not allowed here "
                               "[put a value that holds ': ' in quotes; otherwise check the indentation]\n" },
                { "a:\n  b: c\n d: e\n", "3:2+0 this does not fit into the map that begins in line 1 "
                                         "[check the indentation and the quotes, here and in the lines above]\n" },
                { "a:\n  - b\n  c: d\n", "3:3+0 this does not fit into the list that begins in line 2 "
                                         "[check the indentation and the quotes, here and in the lines above]\n" },
                { "a: 'b\nc: d\n", "1:4+0 the quote that opens here is never closed\n" },
                { "a: \"\\q\"\n",
                  "1:5+0 this escape is not known in double quotes [in single quotes a backslash is a backslash]\n" },
                { "a: [b, c\nd: e\n", "2:2+0 a ',' or ']' is missing in the list that begins in line 1\n" },
                { "a: {b, c\n", "1:4+0 a ',' or '}' is missing in the map that begins in line 1\n" },
                { "a: * b\n",
                  "1:4+0 the name of an anchor is missing behind '*' [put a value that begins with '*' in quotes]\n" },
                { "a: b\nc\nd: e\n",
                  "2:1+0 a ':' is missing behind this key [text of several lines needs '|', '>' or quotes]\n" },
                { "a: | x\n  y\n",
                  "1:6+0 only a comment may follow '|' or '>' in this line [begin the text in the next line]\n" },
                { "a: - b\n", "1:4+0 a list item '-' is not allowed here [begin the list in a line of its own, or put "
                              "the value in quotes]\n" },
                { "a: !x!y z\n",
                  "1:4+0 the handle of this tag is not declared [put a value that begins with '!' in quotes]\n" },
                { "a: b\x07\n", "1:5+1 the character U+0007 is not allowed in YAML\n" },
                { "# \xc3\xa9\na: \xc3\xa9\x7f\n", "2:5+1 the character U+007F is not allowed in YAML\n" },
                { "[a]\nb\n", "2:1+0 something follows behind the end of the value "
                              "[check the indentation and the quotes, here and in the lines above]\n" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);
                YamlDocument *document = NULL;
                DiagList diags = { 0 };

                print_message("case '%s'\n", row->in);
                assert_int_equal(parse(row->in, &diags, &document), -EBADMSG);
                assert_null(document);
                for (size_t i = 0; i < diags.n_diags; i++) {
                        const Diag *diag = &diags.diags[i];

                        assert_int_equal(diag->severity, DIAG_ERROR);
                        assert_non_null(diag->rule);
                        (void) str_appendf(&out, "%u:%u+%u %s%s%s%s\n", diag->mark.line, diag->mark.column,
                                           diag->mark.n_columns, diag->message, diag->hint ? " [" : "",
                                           diag->hint ? diag->hint : "", diag->hint ? "]" : "");
                }
                assert_string_equal(str_get(&out), row->want);
                diag_list_done(&diags);
        }
}

static void test_marks(void **state) {
        static const char text[] =
                "a: 1\nlist:\n  - 'x y'  # \xc3\xa9\n  - {\xc3\xa9: z}\n  - |\n    text\n  - [1,\n     2]\nlast: *no";
        static const struct {
                const char *path; /* indices, or the key for the top */
                Mark want;
        } rows[] = {
                { "a", { 1, 4, 1 } },  { "list", { 3, 3, 0 } }, { "0", { 3, 5, 5 } }, { "1", { 4, 5, 6 } },
                { "2", { 5, 5, 0 } }, { "3", { 7, 5, 1 } },
        };
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        DiagList diags = { 0 };

        assert_int_equal(parse_bytes(text, strlen(text) - strlen("last: *no"), &diags, &document), 0);
        FOREACH_ROW(row, rows) {
                const YamlNode *node = row->path[0] <= '9' ? yaml_get(document->root, "list")->items[row->path[0] - '0']
                                                           : yaml_get(document->root, row->path);

                print_message("case '%s'\n", row->path);
                assert_int_equal(node->mark.line, row->want.line);
                assert_int_equal(node->mark.column, row->want.column);
                assert_int_equal(node->mark.n_columns, row->want.n_columns);
        }
        assert_int_equal(document->root->pairs[1].key->mark.line, 2);
        assert_int_equal(document->root->pairs[1].key->mark.n_columns, 4);
}

static void test_tag_warning(void **state) {
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        DiagList diags = { 0 };

        assert_int_equal(parse("a: !reference [b]\n", &diags, &document), 0);
        assert_int_equal(diags.n_warnings, 1);
        assert_string_equal(diags.diags[0].message, "tag '!reference' means nothing here, ignoring");
        diag_list_done(&diags);
}

/* What is shared is one node, not a copy. */
static void test_shared(void **state) {
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        DiagList diags = { 0 };
        const YamlNode *m, *n, *l;

        assert_int_equal(parse("m: &m {a: [1]}\nn: {<<: *m}\nl: &l [*m]\nk: [{<<: *l}]\n", &diags, &document), 0);
        m = yaml_get(document->root, "m");
        n = yaml_get(document->root, "n");
        l = yaml_get(document->root, "l");
        assert_ptr_equal(yaml_get(m, "a"), yaml_get(n, "a"));
        assert_ptr_equal(l->items[0], m);
        assert_ptr_equal(yaml_get(document->root, "k")->items[0], m);
        assert_int_equal(n->pairs[0].key->mark.line, 1);
}

static void test_get(void **state) {
        _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        DiagList diags = { 0 };

        for (unsigned i = 0; i < 5000; i++)
                (void) str_appendf(&text, "key-%u: %u\n", i, i);
        assert_int_equal(parse(str_get(&text), &diags, &document), 0);
        for (unsigned i = 0; i < 5000; i++) {
                _cleanup_free_ char *key = str_printf("key-%u", i);

                assert_int_equal(yaml_get(document->root, key)->integer, i);
        }
        assert_null(yaml_get(document->root, "key-5000"));
        assert_null(yaml_get(yaml_get(document->root, "key-7"), "x"));
        assert_null(yaml_get(NULL, "x"));

        (void) str_append(&text, "key-4999: x\n"); /* a duplicate far behind in a large map */
        yaml_document_freep(&document);
        assert_int_equal(parse(str_get(&text), &diags, &document), -EBADMSG);
        assert_string_equal(diags.diags[0].message, "key 'key-4999' is given twice; first in line 5000");
        diag_list_done(&diags);
}

static void append_times(Str *out, const char *text, unsigned n) {
        while (n-- > 0)
                (void) str_append(out, text);
}

static void bomb_levels(Str *out) {
        append_times(out, "[", 10000);
}

static void bomb_block_levels(Str *out) {
        append_times(out, "- ", 10000);
}

static void bomb_mapping_levels(Str *out) {
        for (unsigned i = 0; i < 2000; i++) {
                append_times(out, " ", i);
                (void) str_append(out, "a:\n");
        }
}

/* Ten times ten times ... */
static void bomb_laughs(Str *out) {
        (void) str_append(out, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for (unsigned i = 1; i < 10; i++)
                (void) str_appendf(out, "a%u: &a%u [*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u]\n", i, i, i - 1,
                                   i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
}

/* Few values each time, but the aliases go deep. */
static void bomb_deep_aliases(Str *out) {
        (void) str_append(out, "a0: &a0 [x]\n");
        for (unsigned i = 1; i < 100; i++)
                (void) str_appendf(out, "a%u: &a%u [*a%u]\n", i, i, i - 1);
}

static void bomb_merged_items(Str *out) {
        (void) str_append(out, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for (unsigned i = 1; i < 10; i++)
                (void) str_appendf(out, "a%u: &a%u [{<<: [*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u]}]\n", i, i,
                                   i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
}

static void bomb_merged_pairs(Str *out) {
        (void) str_append(out, "m: &m {");
        for (unsigned i = 0; i < 1000; i++)
                (void) str_appendf(out, "k%u: 1, ", i);
        (void) str_append(out, "}\nl:\n");
        append_times(out, " - {a: 1, <<: *m}\n", 1000);
}

static void bomb_merge_levels(Str *out) {
        (void) str_append(out, "a0: &a0 [x]\n");
        for (unsigned i = 1; i < 20; i++)
                (void) str_appendf(out, "a%u: &a%u [{<<: *a%u}]\n", i, i, i - 1);
}

static void bomb_nodes(Str *out) {
        append_times(out, "- x\n", YAML_NODES_MAX);
}

static void bomb_directives(Str *out) {
        append_times(out, "# none\n\n...\n", 3);
        for (unsigned i = 0; i < 20000; i++)
                (void) str_appendf(out, "%%TAG !a%u! x\n", i);
        (void) str_append(out, "--- a\n");
}

static void bomb_tags(Str *out) {
        (void) str_append(out, "%TAG !a! x");
        append_times(out, "0123456789", 10000);
        (void) str_append(out, "\n---\n");
        append_times(out, "- !a!b c\n", 10000);
}

static void bomb_faults(Str *out) {
        append_times(out, "- *x\n", 100000);
}

static void test_bombs(void **state) {
        static const struct {
                const char *name;
                void (*make)(Str *out);
                const char *want; /* first message */
        } rows[] = {
                { "levels", bomb_levels, "too deep: more than 64 levels" },
                { "block levels", bomb_block_levels, "too deep: more than 64 levels" },
                { "mapping levels", bomb_mapping_levels, "too deep: more than 64 levels" },
                { "billion laughs", bomb_laughs,
                  "too large: with all aliases followed these are more than 500000 values" },
                { "deep aliases", bomb_deep_aliases, "too deep: with this alias more than 64 levels" },
                { "merged items", bomb_merged_items,
                  "too large: with all aliases followed these are more than 500000 values" },
                { "merged pairs", bomb_merged_pairs, "too large: merges bring in more than 500000 values" },
                { "merge levels", bomb_merge_levels,
                  "sequence merge failed: lists are merged into lists more than 15 times" },
                { "nodes", bomb_nodes, "too large: more than 100000 values" },
                { "directives", bomb_directives, "too large: more than 16 '%' directives" },
                { "tags", bomb_tags, "too large: a tag of more than 1024 bytes" },
                { "faults", bomb_faults, "alias '*x' has no anchor '&x' above it" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);
                YamlDocument *document = NULL;
                DiagList diags = { 0 };

                print_message("case '%s'\n", row->name);
                row->make(&text);
                assert_int_equal(text.error, 0);
                assert_int_equal(parse(str_get(&text), &diags, &document), -EBADMSG);
                assert_string_equal(diags.diags[0].message, row->want);
                assert_in_range(diags.n_errors, 1, DIAG_LIST_MAX + 1);
                diag_list_done(&diags);
        }
}

static void test_levels_allowed(void **state) {
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);
        DiagList diags = { 0 };

        append_times(&text, "[", YAML_DEPTH_MAX);
        append_times(&text, "]", YAML_DEPTH_MAX);
        assert_int_equal(parse(str_get(&text), &diags, &document), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_trees), cmocka_unit_test(test_second_document), cmocka_unit_test(test_empty),
                cmocka_unit_test(test_faults), cmocka_unit_test(test_marks), cmocka_unit_test(test_shared),
                cmocka_unit_test(test_get), cmocka_unit_test(test_tag_warning), cmocka_unit_test(test_bombs),
                cmocka_unit_test(test_levels_allowed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
