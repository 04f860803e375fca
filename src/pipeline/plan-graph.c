/* What waits for what: for people, and for Graphviz. */

#include <errno.h>
#include <string.h>

#include "pipeline/plan.h"

#define LINE_COLUMNS 100 /* of a chain of steps */
#define LABEL_BYTES_MAX 200

/* Needs may point forward, so until nothing changes. */
size_t *plan_levels(const Plan *plan) {
        size_t *before = calloc(plan->n_steps + 1, sizeof(*before));
        bool has_changed = before != NULL;

        while (has_changed) {
                has_changed = false;
                for (size_t i = plan->n_services; i < plan->n_steps; i++)
                        for (size_t k = 0; k < plan->steps[i]->n_needs; k++) {
                                size_t n = before[plan->steps[i]->needs[k]] + 1;

                                if (n > before[i]) {
                                        before[i] = n;
                                        has_changed = true;
                                }
                        }
        }
        return before;
}

/* Each needs the one before it, and nothing else. */
static bool is_chain(const Plan *plan) {
        for (size_t i = plan->n_services; i < plan->n_steps; i++) {
                const PlanStep *step = plan->steps[i];
                bool is_first = i == plan->n_services;

                if (step->n_needs != !is_first || (!is_first && step->needs[0] != i - 1))
                        return false;
        }
        return true;
}

static void print_chain(const Plan *plan, Str *out) {
        size_t n_line = 0;

        for (size_t i = plan->n_services; i < plan->n_steps; i++) {
                const char *name = plan->steps[i]->name;
                size_t n = strlen(name) + strlen(" -> ");

                if (i == plan->n_services)
                        (void) str_append(out, "  ");
                else if (n_line + n > LINE_COLUMNS) {
                        (void) str_append(out, " ->\n    ");
                        n_line = 0;
                } else
                        (void) str_append(out, " -> ");
                (void) str_append(out, name);
                n_line += n;
        }
        (void) str_append_char(out, '\n');
}

static void print_level_step(const Plan *plan, const PlanStep *step, Str *out) {
        (void) str_append(out, step->name);
        for (size_t k = 0; k < step->n_needs; k++)
                (void) str_appendf(out, "%s%s%s", k == 0 ? " (after " : ", ", plan->steps[step->needs[k]]->name,
                                   k + 1 == step->n_needs ? ")" : "");
}

static void print_levels(const Plan *plan, const size_t *before, Str *out) {
        size_t n_left = plan->n_steps - plan->n_services;

        for (size_t level = 0; n_left > 0; level++) {
                bool is_first = true;

                for (size_t i = plan->n_services; i < plan->n_steps; i++) {
                        if (before[i] != level)
                                continue;
                        if (is_first)
                                (void) str_appendf(out, "  %-3zu ", level + 1);
                        else
                                (void) str_append(out, "      ");
                        print_level_step(plan, plan->steps[i], out);
                        (void) str_append_char(out, '\n');
                        is_first = false;
                        n_left--;
                }
        }
}

void plan_print_graph(const Plan *plan, Str *out) {
        _cleanup_free_ size_t *before = NULL;

        if (plan->n_steps < plan->n_services + 2) /* one alone waits for nothing */
                return;
        (void) str_append(out, "\norder:\n");
        if (is_chain(plan)) {
                print_chain(plan, out);
                return;
        }
        before = plan_levels(plan);
        if (before)
                print_levels(plan, before, out);
        else
                out->error = -ENOMEM;
}

/* A label in quotes; what Graphviz reads as its own ("\N") is doubled. */
static void put_label(Str *out, const char *text) {
        _cleanup_free_ char *shown = str_escape(text, strlen(text), LABEL_BYTES_MAX);

        (void) str_append_char(out, '"');
        for (const char *c = shown ? shown : ""; *c; c++) {
                if (*c == '"' || *c == '\\')
                        (void) str_append_char(out, '\\');
                (void) str_append_char(out, *c);
        }
        (void) str_append_char(out, '"');
}

static void put_step(Str *out, const PlanStep *step, size_t w, size_t s) {
        (void) str_appendf(out, "    w%zus%zu [label=", w, s);
        put_label(out, step->name);
        if (step->kind == STEP_SERVICE)
                (void) str_append(out, ", shape=cylinder");
        else if (step->on_failure && !step->on_success)
                (void) str_append(out, ", color=red");
        (void) str_append(out, "];\n");
        for (size_t k = 0; k < step->n_needs; k++)
                (void) str_appendf(out, "    w%zus%zu -> w%zus%zu;\n", w, step->needs[k], w, s);
}

static void put_left_out(Str *out, const PlanLeftOut *entry, size_t w, size_t s) {
        (void) str_appendf(out, "    w%zuo%zu [label=", w, s);
        put_label(out, entry->name);
        (void) str_append(out, ", style=dashed, fontcolor=gray, tooltip=");
        put_label(out, entry->why ? entry->why : "");
        (void) str_append(out, "];\n");
}

/* Each workflow has a point at its left side, which lines between workflows begin and end at. */
static void put_workflow(Str *out, const Plan *plan, size_t w) {
        (void) str_appendf(out, "  subgraph cluster_w%zu {\n    label=", w);
        put_label(out, plan->name);
        (void) str_appendf(out, ";\n%s    w%zu [shape=point, style=invis];\n",
                           plan->n_steps == 0 ? "    style=dashed; fontcolor=gray;\n" : "", w);
        for (size_t i = 0; i < plan->n_steps; i++)
                put_step(out, plan->steps[i], w, i);
        for (size_t i = 0; i < plan->n_left_out; i++)
                put_left_out(out, &plan->left_out[i], w, i);
        (void) str_append(out, "  }\n");
}

static void put_needs(Str *out, Plan *const *plans, size_t n_plans, size_t w) {
        for (size_t k = 0; k < plans[w]->n_depends_on; k++)
                for (size_t i = 0; i < n_plans; i++)
                        if (strcmp(plans[i]->workflow, plans[w]->depends_on[k].name) == 0)
                                (void) str_appendf(
                                        out, "  w%zu -> w%zu [ltail=cluster_w%zu, lhead=cluster_w%zu, style=%s];\n", i,
                                        w, i, w, plans[w]->depends_on[k].is_optional ? "dotted" : "solid");
}

void plans_to_dot(Plan *const *plans, size_t n_plans, Str *out) {
        (void) str_append(
                out, "digraph podstep {\n  rankdir=LR; compound=true;\n  node [shape=box, fontname=\"sans-serif\"];\n");
        for (size_t w = 0; w < n_plans; w++)
                put_workflow(out, plans[w], w);
        for (size_t w = 0; w < n_plans; w++)
                put_needs(out, plans, n_plans, w);
        (void) str_append(out, "}\n");
}
