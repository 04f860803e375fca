#pragma once

/*
 * YAML as a tree in which every node knows its place. Built from libyaml's events; the dialect is go-yaml's as
 * Woodpecker uses
 * it: YAML 1.2 core scalars, aliases, "<<" merges in mappings (explicit keys win) and in sequences ("- <<: *list").
 * Only the first document of a stream counts. Aliases share nodes (no copies), circles are refused; what a walk over
 * the tree
 * would see (aliases expanded) is bounded, so that no "billion laughs" reaches a caller.
 */

#include <stdbool.h>
#include <stdint.h>

#include "document/diag.h"

#define YAML_DEPTH_MAX 64            /* nesting, aliases expanded */
#define YAML_NODES_MAX 100000U       /* written in the file */
#define YAML_EXPANDED_NODES_MAX 500000U /* seen by a walk */

typedef enum YamlKind {
        YAML_NULL,
        YAML_BOOL,
        YAML_INT,
        YAML_FLOAT,
        YAML_STRING,
        YAML_TIMESTAMP, /* a plain scalar such as 2024-01-02: go-yaml makes a time of it */
        YAML_SEQUENCE,
        YAML_MAPPING,
        _YAML_KIND_MAX,
} YamlKind;

typedef struct YamlNode YamlNode;

typedef struct YamlPair {
        YamlNode *key; /* any scalar; its text is key->text */
        YamlNode *value;
} YamlPair;

struct YamlNode {
        YamlKind kind;
        Mark mark;       /* of the node itself; for an alias: where the anchored node stands */
        bool is_quoted;  /* scalar written with quotes or as a block */
        bool has_anchor; /* aliases may name it */
        bool is_reference; /* a list behind GitLab's tag "!reference" */
        char *text;      /* scalars: as written (quotes and escapes resolved); never NULL for scalars */
        size_t n_text;   /* may hold NUL */
        union {
                bool boolean;
                int64_t integer; /* out of range: kind is YAML_FLOAT */
                double number;
        };
        YamlNode **items; /* YAML_SEQUENCE, merges done */
        size_t n_items;
        YamlPair *pairs; /* YAML_MAPPING, merges done, in the file's order */
        size_t n_pairs;
};

typedef struct YamlDocument {
        YamlNode *root; /* NULL: the document is empty */
        YamlNode **nodes; /* all of them, for freeing */
        size_t n_nodes;
} YamlDocument;

/**
 * yaml_parse() - parses a Source; faults go to @diags with their place
 *
 * Faults: syntax, duplicate keys ("key 'x' is given twice; first in line 3"), unknown alias, circular alias, bad
 * merge, too deep, too large.
 *
 * Return: 0; -EBADMSG when there were errors (then no document is given); -ENOMEM.
 */
int yaml_parse(const Source *source, DiagList *diags, YamlDocument **ret);
/** yaml_parse_gitlab() - the same; lists behind "!reference" are marked as such, not warned of */
int yaml_parse_gitlab(const Source *source, DiagList *diags, YamlDocument **ret);
YamlDocument *yaml_document_free(YamlDocument *document);
DEFINE_CLEANUP(YamlDocument *, yaml_document_free);

/** yaml_get() - value of a key in a mapping; NULL if there is none or it is no mapping */
const YamlNode *yaml_get(const YamlNode *mapping, const char *key);
static inline bool yaml_is_scalar(const YamlNode *node) {
        return node->kind < YAML_SEQUENCE;
}
/** yaml_kind_name() - for messages: "a string", "a list", "a map", "nothing", ... */
const char *yaml_kind_name(YamlKind kind);
