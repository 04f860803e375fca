#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/str.h"
#include "base/strv.h"
#include "pipeline/graph.h"

#define NODES_MAX 8

/* "a", "a:" (needs nothing), "a:b,?c" (c is optional), "-a" (left out) */
static void parse_node(GraphNode *node, char *text) {
        char *colon = strchr(text, ':'), *end;

        *node = (GraphNode) { .is_left_out = text[0] == '-' };
        node->name = text + node->is_left_out;
        if (!colon)
                return;
        *colon = '\0';
        node->has_needs = true;
        for (char *need = colon + 1; *need; need = end) {
                end = strchrnul(need, ',');
                if (*end)
                        *end++ = '\0';
                assert_int_equal(
                        ARRAY_APPEND(node->needs, node->n_needs,
                                     ((GraphNeed){.name = need + (*need == '?'), .is_optional = *need == '?'})),
                        0);
        }
}

static char *describe(const GraphNode *nodes, size_t n_nodes) {
        _cleanup_str_ Str out = STR_INIT(4096);

        for (size_t i = 0; i < n_nodes; i++) {
                (void) str_appendf(&out, "%s%s:", i ? " " : "", nodes[i].name);
                for (size_t k = 0; k < nodes[i].n_resolved; k++)
                        (void) str_appendf(&out, "%s%s", k ? "," : "", nodes[nodes[i].resolved[k]].name);
        }
        return str_take(&out);
}

static void test_resolve(void **state) {
        static const struct {
                const char *in, *want; /* want: the needs of each, or what a message holds */
                int want_r;
        } rows[] = {
                { "a b c", "a: b:a c:b", 0 },
                { "a -b c", "a: b: c:a", 0 },
                { "-a b", "a: b:", 0 },
                { "a b: c", "a: b: c:", 0 },
                { "a b:a c:a d:b,c", "a: b:a c:a d:b,c", 0 },
                { "d:b,c b:a c:a a", "d:b,c b:a c:a a:", 0 },
                { "a b:a,a,?a", "a: b:a", 0 },
                { "a b:?x", "a: b:", 0 },
                { "-a b:?a", "a: b:", 0 },
                { "-a:x b:", "a: b:", 0 },
                { "-a b:a", "filtered out", -EBADMSG },
                { "build b:biuld", "unknown step 'biuld'", -EBADMSG },
                { "a:a", "circle: a -> a", -EBADMSG },
                { "a:b b:a", "circle: a -> b -> a", -EBADMSG },
                { "x:a a:b b:c c:a", "circle: a -> b -> c -> a", -EBADMSG },
                { "x: y:x,c c:b b:c", "circle: c -> b -> c", -EBADMSG },
                { "a:b,x b:a", "unknown step 'x'", -EBADMSG },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_strv_ char **words = NULL;
                GraphNode nodes[NODES_MAX];
                DiagList diags = { 0 };
                size_t n_nodes;

                print_message("case '%s'\n", row->in);
                assert_int_equal(strv_split(row->in, ' ', &words), 0);
                n_nodes = strv_length(words);
                for (size_t i = 0; i < n_nodes; i++)
                        parse_node(&nodes[i], words[i]);
                assert_int_equal(graph_resolve(nodes, n_nodes, &diags), row->want_r);
                if (row->want_r == 0) {
                        _cleanup_free_ char *got = describe(nodes, n_nodes);

                        assert_string_equal(got, row->want);
                        assert_int_equal(diags.n_diags, 0);
                } else {
                        assert_true(diags.n_diags > 0);
                        assert_non_null(strstr(diags.diags[0].message, row->want));
                }
                for (size_t i = 0; i < n_nodes; i++)
                        graph_node_done(&nodes[i]);
                diag_list_done(&diags);
        }
}

/* A long chain, written backwards, and closed or not: no recursion, no square time. */
static void test_chain(void **state) {
        static char names[2000][8];
        const size_t n = ELEMENTSOF(names);

        for (int is_closed = 0; is_closed <= 1; is_closed++) {
                _cleanup_free_ GraphNode *nodes = calloc(n, sizeof(*nodes));
                DiagList diags = { 0 };

                for (size_t i = 0; i < n; i++) {
                        (void) snprintf(names[i], sizeof(names[i]), "s%zu", i);
                        nodes[i] = (GraphNode) { .name = names[i], .has_needs = true };
                        if (i + 1 < n || is_closed)
                                assert_int_equal(ARRAY_APPEND(nodes[i].needs, nodes[i].n_needs,
                                                              ((GraphNeed){.name = names[(i + 1) % n]})),
                                                 0);
                }
                assert_int_equal(graph_resolve(nodes, n, &diags), is_closed ? -EBADMSG : 0);
                if (is_closed)
                        assert_string_equal(diags.diags[0].message, "steps depend on each other in a circle: s0 -> s1 "
                                                                    "-> s2 -> s3 -> s4 -> s5 -> s6 -> s7 -> s8 -> s9 "
                                                                    "-> s10 -> ... -> s0");
                for (size_t i = 0; i < n; i++)
                        graph_node_done(&nodes[i]);
                diag_list_done(&diags);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_resolve), cmocka_unit_test(test_chain) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
