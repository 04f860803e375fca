/*
 * A tree that is given is bounded, has no key twice, and each of its places lies within the file. A fault is said with
 * a place within the file, in words that are safe to print.
 */

#include <errno.h>

#include "document/yaml.h"
#include "tree.h"

static void check_pair(const YamlNode *node, size_t i) {
        require(yaml_get(node, node->pairs[i].key->text) == node->pairs[i].value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_(error_freep) Error *error = NULL;
        DiagList diags = { 0 };
        int r;

        r = source_new_take("ci\x1b.yml", fuzz_text(data, size), size, &source, &error);
        if (r < 0) {
                require(error);
                return 0;
        }
        r = yaml_parse(source, &diags, &document);
        require(r == 0 || r == -EBADMSG);
        require((r < 0) == (diags.n_errors > 0) && (r < 0) == !document);
        if (r == 0 && document->root) {
                Walk w = { .source = source,
                           .nodes_max = YAML_EXPANDED_NODES_MAX,
                           .depth_max = YAML_DEPTH_MAX,
                           .check_pair = check_pair };

                walk(&w, document->root, 0);
        }
        check_diags(&diags, source);
        diag_list_done(&diags);
        return 0;
}
