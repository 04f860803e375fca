/* What keeps a file from costing more than it may: the number of nodes, tags, directives, and what aliases multiply. */

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "document/yaml-internal.h"

#define DIRECTIVES_MAX 16 /* libyaml compares each %TAG with all others */

static int check_node_count(const YamlBuilder *b, Mark mark) {
        if (b->document->n_nodes < YAML_NODES_MAX)
                return 0;
        (void) diag_add(b->diags, DIAG_ERROR, "too-large", mark, "too large: more than %u values", YAML_NODES_MAX);
        return -EBADMSG;
}

static int check_tag(const YamlBuilder *b, const char *tag, Mark mark) {
        _cleanup_free_ char *shown = NULL;

        if (!tag || strcmp(tag, "!") == 0 || str_starts_with(tag, "tag:yaml.org,2002:") ||
            (b->knows_references && strcmp(tag, YAML_TAG_REFERENCE) == 0))
                return 0;
        if (strlen(tag) > YAML_TAG_BYTES_MAX) {
                (void) diag_add(b->diags, DIAG_ERROR, "too-large", mark, "too large: a tag of more than %d bytes",
                                YAML_TAG_BYTES_MAX);
                return -EBADMSG;
        }
        shown = str_escape(tag, strlen(tag), YAML_KEY_SHOWN_MAX);
        (void) diag_add(b->diags, DIAG_WARNING, "unknown-tag", mark, "tag '%s' means nothing here, ignoring",
                        shown ? shown : "");
        return 0;
}

int yaml_check_node(const YamlBuilder *b, const char *tag, Mark mark) {
        int r;

        r = check_node_count(b, mark);
        return r < 0 ? r : check_tag(b, tag, mark);
}

static void add_child(const YamlNode *child, uint64_t *n_expanded, unsigned *height) {
        const YamlBuilt *built = yaml_built(child);

        *n_expanded += built->n_expanded;
        *height = MAX(*height, built->height + 1U);
}

/* Each child is at most YAML_EXPANDED_NODES_MAX: the sum cannot wrap. */
int yaml_measure(const YamlBuilder *b, YamlBuilt *built) {
        const YamlNode *node = &built->node;
        uint64_t n_expanded = 1;
        unsigned height = 1;

        for (size_t i = 0; i < node->n_items; i++)
                add_child(node->items[i], &n_expanded, &height);
        for (size_t i = 0; i < node->n_pairs; i++) {
                add_child(node->pairs[i].key, &n_expanded, &height);
                add_child(node->pairs[i].value, &n_expanded, &height);
        }
        if (n_expanded > YAML_EXPANDED_NODES_MAX) {
                (void) diag_add(b->diags, DIAG_ERROR, "too-large", node->mark,
                                "too large: with all aliases followed these are more than %u values",
                                YAML_EXPANDED_NODES_MAX);
                return -EBADMSG;
        }
        built->n_expanded = (uint32_t) n_expanded;
        built->height = (uint16_t) height;
        return 0;
}

/* They can only stand in front of everything else. */
int yaml_check_directives(const YamlBuilder *b) {
        unsigned n_directives = 0;

        for (uint32_t line = 1; line <= b->source->n_lines; line++) {
                size_t n;
                const char *text = source_line(b->source, line, &n);

                if (n > 0 && !strchr("%#. \t", text[0]))
                        break;
                if (n > 0 && text[0] == '%' && ++n_directives > DIRECTIVES_MAX) {
                        (void) diag_add(b->diags, DIAG_ERROR, "too-large", (Mark) { line, 1, 1 },
                                        "too large: more than %d '%%' directives", DIRECTIVES_MAX);
                        return -EBADMSG;
                }
        }
        return 0;
}
