#pragma once

/* Which step waits for which: in the file's order, or as 'depends_on' says once one step has it. */

#include "document/diag.h"

typedef struct GraphNeed {
        const char *name;
        Mark mark;
        bool is_optional; /* unknown or left out: not needed then */
} GraphNeed;

typedef struct GraphNode {
        const char *name;
        Mark mark;
        bool has_needs;   /* says itself what it needs, be it nothing */
        bool is_left_out; /* its conditions are not met: nobody may need it */
        GraphNeed *needs;
        size_t n_needs;
        size_t *resolved; /* set by graph_resolve(): indices of nodes, each once */
        size_t n_resolved;
} GraphNode;

void graph_node_done(GraphNode *node);

/**
 * graph_resolve() - from names to indices; names are unique
 *
 * No node has needs: each needs the one before it. One has: a true graph, without circles. Left out nodes stay without
 * needs.
 *
 * Return: 0; -EBADMSG, with the faults in @diags; -ENOMEM.
 */
int graph_resolve(GraphNode *nodes, size_t n_nodes, DiagList *diags);

/**
 * graph_peel() - takes away, again and again, what waits for nothing: what is left lies on a circle or behind one
 * @is_gone: for each node, false at first
 *
 * Of the nodes only what is resolved counts. Return: 0 or -ENOMEM.
 */
int graph_peel(const GraphNode *nodes, size_t n_nodes, bool *is_gone);
