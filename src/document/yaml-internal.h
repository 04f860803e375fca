#pragma once

/*
 * Between the files that build a YAML tree: yaml-parse (events), yaml-scalar (types), yaml-merge ("<<"), yaml-bounds
 * (limits),
 * yaml-fault (messages).
 */

#include <yaml.h>

#include "base/map.h"
#include "document/yaml.h"

#define YAML_INDEX_MIN 16      /* pairs; in a smaller mapping a walk is faster than a Map */
#define YAML_NUMBER_BYTES_MAX 512 /* a longer scalar is no number to us */
#define YAML_KEY_SHOWN_MAX 60  /* bytes of a key or a value in a message */
#define YAML_TAG_BYTES_MAX 1024 /* with its %TAG prefix, which libyaml copies for each node */
#define YAML_TAG_REFERENCE "!reference"
#define YAML_MERGE_LEVELS_MAX 15 /* of lists that merge lists, as xyaml has it */

/* A node with what only the builder and the look-up need. Every YamlNode is one of these. */
typedef struct YamlBuilt {
        YamlNode node;
        Map *index;          /* large mappings: key to 1 + its place in node.pairs */
        uint32_t n_expanded; /* nodes that a walk from here on sees, this one too; known when it is complete */
        uint16_t height;     /* levels of lists and maps from here down; 0 for a scalar */
        uint8_t merge_level; /* of a list: how deep it was merged together */
        bool is_open;        /* not complete: an alias to it would make a circle */
        bool is_merge_key;   /* the plain scalar "<<" */
        bool is_stand_in;    /* for an alias that led nowhere; that was reported */
} YamlBuilt;

/* A list or a map that is being read. */
typedef struct YamlFrame {
        YamlBuilt *built;
        YamlBuilt *key;         /* waits for its value */
        YamlBuilt *merge_key;   /* "<<", if there was one, ... */
        YamlBuilt *merge_value; /* ... what it brings, ... */
        Mark merge_mark;        /* ... where that is named, ... */
        size_t merge_at;        /* ... and in front of which pair */
        bool merge_is_alias;
} YamlFrame;

typedef struct YamlBuilder {
        const Source *source;
        DiagList *diags;
        YamlDocument *document;
        Map anchors; /* name to YamlBuilt */
        YamlFrame frames[YAML_DEPTH_MAX];
        unsigned depth;
        size_t n_merged; /* pairs and items that merges looked at so far */
        bool knows_references;
} YamlBuilder;

static inline YamlBuilt *yaml_built(const YamlNode *node) {
        return container_of(node, YamlBuilt, node);
}

/** yaml_mark() - the place between two of libyaml's marks */
Mark yaml_mark(const Source *source, const yaml_mark_t *start, const yaml_mark_t *end);

/**
 * yaml_scalar_resolve() - finds the type of a scalar whose text is there
 * @tag:  as libyaml gives it, NULL if there is none
 *
 * Return: 0; -EBADMSG if the text does not fit the tag; -ENOMEM.
 */
int yaml_scalar_resolve(YamlNode *node, const char *tag);

/** yaml_check_directives() - refuses more of them than libyaml takes in good time; before parsing: 0, -EBADMSG */
int yaml_check_directives(const YamlBuilder *b);
/** yaml_check_node() - whether one more node may be made; warns of a tag that has no meaning: 0, -EBADMSG */
int yaml_check_node(const YamlBuilder *b, const char *tag, Mark mark);
/** yaml_measure() - counts what a walk over a complete list or map will see: 0, -EBADMSG if that is too much */
int yaml_measure(const YamlBuilder *b, YamlBuilt *built);

/** yaml_fault_syntax() - says what libyaml found wrong: -EBADMSG, or -ENOMEM if that was it */
int yaml_fault_syntax(const YamlBuilder *b, const yaml_parser_t *parser);
/** yaml_fault_alias() - an alias without an anchor */
void yaml_fault_alias(const YamlBuilder *b, const char *name, Mark mark);

/**
 * yaml_merge_mapping() - refuses keys that are given twice, brings in what "<<" names: 0, -EBADMSG (to stop), -ENOMEM
 */
int yaml_merge_mapping(YamlBuilder *b, YamlFrame *frame);
/**
 * yaml_merge_sequence() - puts the items that "- <<: *list" (@from) names into the list @to: 0, -EBADMSG (to stop),
 * -ENOMEM
 */
int yaml_merge_sequence(YamlBuilder *b, const YamlFrame *from, YamlBuilt *to);
