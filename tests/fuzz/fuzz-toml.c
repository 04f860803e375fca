/*
 * A tree that is given is bounded, has no key twice, and each of its places lies within the file. A fault is said with
 * a place within the file, in words that are safe to print.
 */

#include <errno.h>

#include "base/utf8.h"
#include "document/toml.h"
#include "fuzz.h"

#define DEPTH_MAX (4 * TOML_DEPTH_MAX) /* of a header (each word may be an array), a dotted key, values */

typedef struct Walk {
        const Source *source;
        size_t n_seen;
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

static bool is_same(const YamlNode *a, const YamlNode *b) {
        return a->n_text == b->n_text && memcmp(a->text, b->text, a->n_text) == 0;
}

static void walk(Walk *w, const YamlNode *node, unsigned depth) {
        require(++w->n_seen <= TOML_NODES_MAX);
        require(depth <= DEPTH_MAX);
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
                for (size_t k = 0; k < i; k++)
                        require(!is_same(node->pairs[i].key, node->pairs[k].key));
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_(error_freep) Error *error = NULL;
        DiagList diags = { 0 };
        int r;

        r = source_new_take("config\x1b.toml", fuzz_text(data, size), size, &source, &error);
        if (r < 0) {
                require(error);
                return 0;
        }
        r = toml_parse(source, &diags, &document);
        require(r == 0 || r == -EBADMSG);
        require((r < 0) == (diags.n_errors > 0) && (r < 0) == !document);
        if (r == 0) {
                Walk w = { .source = source };

                walk(&w, document->root, 0);
        }
        check_diags(&diags, source);
        diag_list_done(&diags);
        return 0;
}
