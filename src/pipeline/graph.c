#include "pipeline/graph.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/map.h"

#define CIRCLE_NAMES_SHOWN 10

void graph_node_done(GraphNode *node) {
        free(node->needs);
        free(node->resolved);
        node->needs = NULL;
        node->resolved = NULL;
        node->n_needs = node->n_resolved = 0;
}

static int resolve_sequence(GraphNode *nodes, size_t n_nodes) {
        const GraphNode *before = NULL;

        for (size_t i = 0; i < n_nodes; i++) {
                if (nodes[i].is_left_out)
                        continue;
                if (before && ARRAY_APPEND(nodes[i].resolved, nodes[i].n_resolved, (size_t) (before - nodes)) < 0)
                        return -ENOMEM;
                before = &nodes[i];
        }
        return 0;
}

static int add_unknown(const GraphNode *nodes, size_t n_nodes, const GraphNode *node, const GraphNeed *need,
                       DiagList *diags) {
        _cleanup_free_ const char **names = calloc(n_nodes, sizeof(*names));
        const char *near;
        size_t n_names = 0;
        Diag *diag;

        if (!names)
                return -ENOMEM;
        for (size_t i = 0; i < n_nodes; i++)
                if (&nodes[i] != node)
                        names[n_names++] = nodes[i].name;
        near = diag_suggest(need->name, names, n_names);
        diag = diag_add(diags, DIAG_ERROR, "unknown-step", need->mark, "step '%s' depends on unknown step '%s'",
                        node->name, need->name);
        if (near)
                diag_set_hint(diag, "did you mean '%s'?", near);
        return 1;
}

/* 0, 1 if it was a fault, or -ENOMEM. @seen: per node 1 + the index of who last named it. */
static int resolve_need(GraphNode *nodes, size_t n_nodes, const Map *by_name, size_t *seen, GraphNode *node,
                        const GraphNeed *need, DiagList *diags) {
        const GraphNode *other = map_get(by_name, need->name);
        size_t index = (size_t) (node - nodes);

        if (!other)
                return need->is_optional ? 0 : add_unknown(nodes, n_nodes, node, need, diags);
        if (other->is_left_out) {
                if (need->is_optional)
                        return 0;
                diag_add(diags, DIAG_ERROR, "left-out-step", need->mark,
                         "step '%s' depends on step '%s' which is filtered out by its conditions", node->name,
                         need->name);
                return 1;
        }
        if (seen[other - nodes] == index + 1)
                return 0;
        seen[other - nodes] = index + 1;
        return ARRAY_APPEND(node->resolved, node->n_resolved, (size_t) (other - nodes));
}

static int resolve_names(GraphNode *nodes, size_t n_nodes, DiagList *diags) {
        _cleanup_map_ Map by_name = MAP_INIT(NULL);
        _cleanup_free_ size_t *seen = calloc(n_nodes + 1, sizeof(*seen));
        bool has_faults = false;
        int r;

        if (!seen)
                return -ENOMEM;
        for (size_t i = 0; i < n_nodes; i++)
                if (!map_has(&by_name, nodes[i].name) && map_put_take(&by_name, nodes[i].name, &nodes[i]) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < n_nodes; i++) {
                if (nodes[i].is_left_out)
                        continue;
                for (size_t k = 0; k < nodes[i].n_needs; k++) {
                        r = resolve_need(nodes, n_nodes, &by_name, seen, &nodes[i], &nodes[i].needs[k], diags);
                        if (r < 0)
                                return r;
                        has_faults |= r > 0;
                }
        }
        return has_faults ? -EBADMSG : 0;
}

/* Who needs whom, turned round: nodes[first[i]] to nodes[first[i + 1] - 1] need node i. */
typedef struct Followers {
        size_t *first, *nodes;
} Followers;

static void followers_done(Followers *followers) {
        free(followers->first);
        free(followers->nodes);
}

static int followers_init(Followers *followers, const GraphNode *nodes, size_t n_nodes) {
        size_t n_edges = 0;

        followers->first = calloc(n_nodes + 1, sizeof(size_t));
        if (!followers->first)
                return -ENOMEM;
        for (size_t i = 0; i < n_nodes; i++)
                for (size_t k = 0; k < nodes[i].n_resolved; k++)
                        followers->first[nodes[i].resolved[k]]++;
        for (size_t i = 0; i <= n_nodes; i++) /* where the range of i ends; filling moves it to where it begins */
                followers->first[i] = n_edges += followers->first[i];
        followers->nodes = calloc(n_edges + 1, sizeof(size_t));
        if (!followers->nodes)
                return -ENOMEM;
        for (size_t i = 0; i < n_nodes; i++)
                for (size_t k = 0; k < nodes[i].n_resolved; k++)
                        followers->nodes[--followers->first[nodes[i].resolved[k]]] = i;
        return 0;
}

int graph_peel(const GraphNode *nodes, size_t n_nodes, bool *is_gone) {
        _cleanup_(followers_done) Followers followers = { 0 };
        _cleanup_free_ size_t *n_open = calloc(n_nodes + 1, sizeof(size_t)),
                              *ready = calloc(n_nodes + 1, sizeof(size_t));
        size_t n_ready = 0;

        if (!n_open || !ready || followers_init(&followers, nodes, n_nodes) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < n_nodes; i++) {
                n_open[i] = nodes[i].n_resolved;
                if (n_open[i] == 0)
                        ready[n_ready++] = i;
        }
        for (size_t next = 0; next < n_ready; next++) {
                size_t node = ready[next];

                is_gone[node] = true;
                for (size_t k = followers.first[node]; k < followers.first[node + 1]; k++)
                        if (--n_open[followers.nodes[k]] == 0)
                                ready[n_ready++] = followers.nodes[k];
        }
        return 0;
}

static size_t first_open_need(const GraphNode *node, const bool *is_gone) {
        for (size_t k = 0; k < node->n_resolved; k++)
                if (!is_gone[node->resolved[k]])
                        return node->resolved[k];
        assert(!"what is not gone waits for something that is not gone");
        return 0;
}

static Mark need_mark(const GraphNode *node, const char *name) {
        for (size_t k = 0; k < node->n_needs; k++)
                if (strcmp(node->needs[k].name, name) == 0)
                        return node->needs[k].mark;
        return node->mark;
}

/* Names the circle that is reached from @from: "a -> b -> a", where "->" is "needs". */
static void add_circle(const GraphNode *nodes, size_t n_nodes, const bool *is_gone, size_t from, DiagList *diags) {
        _cleanup_str_ Str names = STR_INIT(64U * 1024);
        size_t start, node, n_shown = 0;

        for (size_t i = 0; i < n_nodes; i++)
                from = first_open_need(&nodes[from], is_gone); /* surely on the circle now */
        start = from;
        for (node = first_open_need(&nodes[from], is_gone); node != from; node = first_open_need(&nodes[node], is_gone))
                start = MIN(start, node);

        (void) str_append(&names, nodes[start].name);
        node = start;
        do {
                node = first_open_need(&nodes[node], is_gone);
                if (n_shown++ < CIRCLE_NAMES_SHOWN || node == start)
                        (void) str_appendf(&names, " -> %s", nodes[node].name);
                else if (n_shown == CIRCLE_NAMES_SHOWN + 1)
                        (void) str_append(&names, " -> ...");
        } while (node != start);
        node = first_open_need(&nodes[start], is_gone);
        diag_add(diags, DIAG_ERROR, "circle", need_mark(&nodes[start], nodes[node].name),
                 "steps depend on each other in a circle: %s", str_get(&names));
}

static int refuse_circle(const GraphNode *nodes, size_t n_nodes, DiagList *diags) {
        _cleanup_free_ bool *is_gone = calloc(n_nodes + 1, sizeof(*is_gone));
        int r;

        if (!is_gone)
                return -ENOMEM;
        r = graph_peel(nodes, n_nodes, is_gone);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n_nodes; i++)
                if (!is_gone[i]) {
                        add_circle(nodes, n_nodes, is_gone, i, diags);
                        return -EBADMSG;
                }
        return 0;
}

int graph_resolve(GraphNode *nodes, size_t n_nodes, DiagList *diags) {
        bool is_graph = false;
        int r, q;

        for (size_t i = 0; i < n_nodes; i++)
                is_graph |= nodes[i].has_needs;
        if (!is_graph)
                return resolve_sequence(nodes, n_nodes);
        r = resolve_names(nodes, n_nodes, diags);
        if (r < 0 && r != -EBADMSG)
                return r;
        q = refuse_circle(nodes, n_nodes, diags);
        return q < 0 ? q : r;
}
