#pragma once

/*
 * Between the files that read TOML: toml (tables and keys), toml-value (arrays, inline tables), toml-string,
 * toml-number.
 */

#include "document/toml.h"
#include "document/yaml-internal.h"

typedef enum TomlState {
        TOML_VALUE,    /* a scalar, or an array in brackets: it is complete */
        TOML_IMPLICIT, /* a table made by [a.b] for a: [a] may still come */
        TOML_HEADER,   /* a table by [a] */
        TOML_DOTTED,   /* a table by a.b = 1: grows within the same table only */
        TOML_INLINE,   /* { ... }: never grows */
        TOML_ARRAY,    /* by [[a]]: grows by more of them */
} TomlState;

/* Every node of a TOML tree is one of these; see YamlBuilt. */
typedef struct TomlNode {
        YamlBuilt built;
        TomlState state;
        const struct TomlNode *owner; /* of a dotted table: under which header, or in which inline table, it was made */
} TomlNode;

typedef struct TomlReader {
        const Source *source;
        DiagList *diags;
        YamlDocument *document;
        const char *p; /* what is read next; a NUL ends the text */
        unsigned depth;
        size_t n_faults;
        bool is_broken; /* a fault of syntax: nothing more is read */
        bool is_out_of_memory;
} TomlReader;

static inline TomlNode *toml_node(const YamlNode *node) {
        return container_of(yaml_built(node), TomlNode, built);
}

/** toml_fault() - notes a fault of @n bytes at @at, and stops the reading; returns NULL */
YamlNode *toml_fault(TomlReader *t, const char *at, size_t n, const char *format, ...) _printf_(4, 5);
/**
 * toml_new() - a node with its text (@n bytes; NULL: none) at the place from @at to what is read next; NULL if it
 * cannot be
 */
YamlNode *toml_new(TomlReader *t, YamlKind kind, const char *at, const char *text, size_t n);
int toml_put(TomlReader *t, YamlNode *mapping, YamlNode *key, YamlNode *value);
int toml_append(TomlReader *t, YamlNode *sequence, YamlNode *item);

void toml_skip_blanks(TomlReader *t);
/** toml_skip_lines() - blanks, line ends and comments */
void toml_skip_lines(TomlReader *t);
/** toml_end_line() - blanks and a comment may stand before the end of the line, or of the text, nothing else */
void toml_end_line(TomlReader *t);

/** toml_assign() - reads "key = value" into a table */
void toml_assign(TomlReader *t, YamlNode *table);
/** toml_key() - one word of a key, bare or in quotes; NULL after a fault */
YamlNode *toml_key(TomlReader *t);
/** toml_value() - any value; NULL after a fault */
YamlNode *toml_value(TomlReader *t);
/** toml_string() - the four kinds of strings; NULL after a fault */
YamlNode *toml_string(TomlReader *t, bool may_have_lines);
/** toml_number() - numbers, dates, true and false; NULL after a fault */
YamlNode *toml_number(TomlReader *t);
/** toml_dotted() - the table of a word of a dotted key; made if it is not there; NULL after a fault */
YamlNode *toml_dotted(TomlReader *t, YamlNode *table, const TomlNode *owner, YamlNode *key);
