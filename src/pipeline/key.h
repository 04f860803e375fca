#pragma once

/*
 * Keys are rows. A table says for one kind of map which keys it may hold and what each expects; reading the map checks
 * all of it and leaves each value's node in a struct of nodes, of the right type from there on.
 */

#include "document/yaml.h"

typedef enum KeyType {
        KEY_TEXT,     /* any scalar; its text as written counts */
        KEY_BOOL,     /* true, false, and yes, no, on, off as go-yaml reads them */
        KEY_WORD,     /* one of .words */
        KEY_TEXTS,    /* a list of scalars */
        KEY_STRINGS,  /* a string or a list of strings */
        KEY_STRINGS_OR_MAP,
        KEY_MAP,
        KEY_MAP_OR_LIST,
        KEY_ANY,      /* the reader of the value checks it */
        KEY_IGNORED,  /* known and without meaning here, whatever it holds */
        KEY_OBSOLETE, /* once had a meaning: a warning, .hint says what to do about it */
        KEY_REFUSED,  /* known and an error: .hint says what to do instead */
        KEY_LATER,    /* known, and not yet supported: an error, never ignored */
        _KEY_TYPE_MAX,
} KeyType;

typedef struct Key {
        const char *name;
        KeyType type;
        size_t offset;            /* of a 'const YamlNode *' in the struct that is filled */
        unsigned places;          /* which kinds of maps know it; 0: all that use the table */
        const char *const *words; /* KEY_WORD; ended by NULL */
        bool takes_null;          /* nothing is a value too, to be judged by the reader; else it is a warning */
        const char *hint;         /* what to do instead, where the key is refused, out of place, or of another type */
        const char *doc;          /* reST, for the manual */
} Key;

#define KEYS_MAX 64 /* rows of one table */

/* What a key that no row names is, beside a mistake. */
typedef struct KeyTable {
        const Key *keys;
        size_t n_keys;
        unsigned free_places;  /* kinds of maps in which it is a warning: something else reads it, or once did */
        bool takes_anchors;    /* it is a warning where aliases name what it holds */
        const char *free_hint; /* what to do about such a key */
} KeyTable;

#define KEY_TABLE(rows, ...) ((KeyTable) { (rows), ELEMENTSOF(rows), __VA_ARGS__ })

/**
 * keys_read() - checks a map and hands out its values
 * @mapping: a YAML_MAPPING
 * @place:   bit of this kind of map, to compare with Key.places
 * @owner:   for messages: "step 'test'", "the workflow"
 * @target:  the struct that Key.offset counts in; values that are nothing (null) are left out, with a warning
 *
 * Return: how many errors were added.
 */
size_t keys_read(const KeyTable *table, const YamlNode *mapping, unsigned place, const char *owner, void *target,
                 DiagList *diags);

/** key_find() - a row by name; NULL if there is none */
const Key *key_find(const KeyTable *table, const char *name);

/** key_check_text() - that a node is a scalar that can be handed to a program: not null, no NUL inside; adds an error
 * if not */
bool key_check_text(const YamlNode *node, const char *name, DiagList *diags);

/** key_hint_item() - says what went wrong with an item of a list of strings; most often "- echo foo: bar" is a map */
void key_hint_item(Diag *diag, const YamlNode *item);

/** key_strings() - the texts of a checked KEY_TEXTS or KEY_STRINGS; NULL gives an empty list. 0 or -ENOMEM */
int key_strings(const YamlNode *node, char ***ret);

/** key_bool() - of a checked KEY_BOOL; false for NULL */
bool key_bool(const YamlNode *node);
