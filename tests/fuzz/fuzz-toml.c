/*
 * A tree that is given is bounded, has no key twice, and each of its places lies within the file. A fault is said with
 * a place within the file, in words that are safe to print.
 */

#include <errno.h>

#include "document/toml.h"
#include "tree.h"

#define DEPTH_MAX (4 * TOML_DEPTH_MAX) /* of a header (each word may be an array), a dotted key, values */

static bool is_same(const YamlNode *a, const YamlNode *b) {
        return a->n_text == b->n_text && memcmp(a->text, b->text, a->n_text) == 0;
}

static void check_pair(const YamlNode *node, size_t i) {
        for (size_t k = 0; k < i; k++)
                require(!is_same(node->pairs[i].key, node->pairs[k].key));
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
                Walk w = { .source = source,
                           .nodes_max = TOML_NODES_MAX,
                           .depth_max = DEPTH_MAX,
                           .check_pair = check_pair };

                walk(&w, document->root, 0);
        }
        check_diags(&diags, source);
        diag_list_done(&diags);
        return 0;
}
