#include "document/yaml.h"

#include <stdint.h>
#include <string.h>

#include "document/yaml-internal.h"

static void node_free(YamlNode *node) {
        YamlBuilt *built = yaml_built(node);

        if (built->index)
                map_done(built->index);
        free(built->index);
        if (node->kind == YAML_SEQUENCE)
                free(node->items);
        else if (node->kind == YAML_MAPPING)
                free(node->pairs);
        free(built); /* the text of a scalar stands in the same piece of memory */
}

YamlDocument *yaml_document_free(YamlDocument *document) {
        if (!document)
                return NULL;
        for (size_t i = 0; i < document->n_nodes; i++)
                node_free(document->nodes[i]);
        free(document->nodes);
        free(document);
        return NULL;
}

const YamlNode *yaml_get(const YamlNode *mapping, const char *key) {
        const Map *index;

        if (!mapping || mapping->kind != YAML_MAPPING)
                return NULL;
        index = mapping->n_pairs >= YAML_INDEX_MIN ? yaml_built(mapping)->index : NULL;
        if (index) {
                size_t at = (size_t) (uintptr_t) map_get(index, key);

                return at > 0 ? mapping->pairs[at - 1].value : NULL;
        }
        for (size_t i = 0; i < mapping->n_pairs; i++) {
                const char *text = mapping->pairs[i].key->text;

                if (text[0] == key[0] && strcmp(text, key) == 0)
                        return mapping->pairs[i].value;
        }
        return NULL;
}

const char *yaml_kind_name(YamlKind kind) {
        static const char *const names[_YAML_KIND_MAX] = {
                [YAML_NULL] = "nothing",       [YAML_BOOL] = "true or false",  [YAML_INT] = "a whole number",
                [YAML_FLOAT] = "a number",     [YAML_STRING] = "a string",     [YAML_TIMESTAMP] = "a date",
                [YAML_SEQUENCE] = "a list",    [YAML_MAPPING] = "a map",
        };

        return names[kind];
}
