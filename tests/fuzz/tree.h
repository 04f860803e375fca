#pragma once

/* What holds of every tree of nodes and every list of faults, whatever was read. */

#include "base/utf8.h"
#include "document/diag.h"
#include "document/yaml.h"
#include "fuzz.h"

typedef struct Walk {
        const Source *source;
        size_t n_seen, nodes_max;
        unsigned depth_max;
        /* What holds of pair @i of @node, beyond what is looked at here. */
        void (*check_pair)(const YamlNode *node, size_t i);
} Walk;

static void check_mark(const Source *source, const Mark *mark) {
        const char *line;
        size_t n;

        require(mark->line >= 1 && mark->line <= source->n_lines && mark->column >= 1);
        line = source_line(source, mark->line, &n);
        require((size_t) mark->column - 1 + mark->n_columns <= utf8_columns(line, n));
}

static void check_scalar(const YamlNode *node) {
        require(node->text && node->text[node->n_text] == '\0');
        require(node->n_items == 0 && node->n_pairs == 0);
}

static void walk(Walk *w, const YamlNode *node, unsigned depth) {
        require(++w->n_seen <= w->nodes_max);
        require(depth <= w->depth_max);
        check_mark(w->source, &node->mark);
        if (yaml_is_scalar(node)) {
                check_scalar(node);
                return;
        }
        for (size_t i = 0; i < node->n_items; i++)
                walk(w, node->items[i], depth + 1);
        for (size_t i = 0; i < node->n_pairs; i++) {
                require(yaml_is_scalar(node->pairs[i].key));
                walk(w, node->pairs[i].key, depth + 1);
                walk(w, node->pairs[i].value, depth + 1);
                w->check_pair(node, i);
        }
}

static void check_diags(DiagList *diags, const Source *source) {
        _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);

        for (size_t i = 0; i < diags->n_diags; i++) {
                check_mark(source, &diags->diags[i].mark);
                require(*diags->diags[i].message && diags->diags[i].rule);
        }
        diag_sort(diags);
        diag_print(diags, source, false, &out);
        require(out.error == 0 && utf8_is_valid(str_get(&out), out.n));
        for (size_t i = 0; i < out.n; i++)
                require(out.bytes[i] == '\n' || (unsigned char) out.bytes[i] >= 0x20);
}
