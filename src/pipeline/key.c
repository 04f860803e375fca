#include "pipeline/key.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "base/strv.h"

#define NAME_BYTES_SHOWN 60

static const char *const expected[_KEY_TYPE_MAX] = {
        [KEY_TEXT] = "a string",
        [KEY_BOOL] = "true or false",
        [KEY_WORD] = "a string",
        [KEY_TEXTS] = "a list of strings",
        [KEY_STRINGS] = "a string or a list of strings",
        [KEY_STRINGS_OR_MAP] = "a string, a list of strings or a map",
        [KEY_MAP] = "a map",
        [KEY_MAP_OR_LIST] = "a map or a list",
};

const Key *key_find(const KeyTable *table, const char *name) {
        for (size_t i = 0; i < table->n_keys; i++)
                if (table->keys[i].name[0] == name[0] && strcmp(table->keys[i].name, name) == 0)
                        return &table->keys[i];
        return NULL;
}

static bool is_placed(const Key *key, unsigned place) {
        return key->places == 0 || (key->places & place);
}

/* Depth and count are bounded by document/yaml. */
static bool holds_anchor(const YamlNode *node) {
        for (size_t i = 0; i < node->n_items; i++)
                if (holds_anchor(node->items[i]))
                        return true;
        for (size_t i = 0; i < node->n_pairs; i++)
                if (holds_anchor(node->pairs[i].value))
                        return true;
        return node->has_anchor;
}

/* Woodpecker passes over keys that it does not know. Returns how many errors that makes. */
static size_t add_unknown(const KeyTable *table, const YamlPair *pair, unsigned place, const char *owner,
                          DiagList *diags) {
        _cleanup_free_ char *shown = str_escape(pair->key->text, pair->key->n_text, NAME_BYTES_SHOWN);
        const char *names[KEYS_MAX], *near;
        size_t n_names = 0;
        bool is_free;
        Diag *diag;

        for (size_t i = 0; i < table->n_keys && n_names < KEYS_MAX; i++)
                if (is_placed(&table->keys[i], place) && table->keys[i].type < KEY_OBSOLETE)
                        names[n_names++] = table->keys[i].name;
        near = diag_suggest(pair->key->text, names, n_names);
        is_free = !near && ((table->free_places & place) || (table->takes_anchors && holds_anchor(pair->value)));
        diag = diag_add(diags, is_free ? DIAG_WARNING : DIAG_ERROR, "unknown-key", pair->key->mark,
                        is_free ? "unknown key '%s' in %s, ignoring it" : "unknown key '%s' in %s",
                        shown ? shown : "", owner);
        if (near)
                diag_set_hint(diag, "did you mean '%s'?", near);
        else if (is_free && table->free_hint)
                diag_set_hint(diag, "%s", table->free_hint);
        return !is_free;
}

void key_hint_item(Diag *diag, const YamlNode *item) {
        if (item->kind == YAML_MAPPING && item->n_pairs == 1)
                diag_set_hint(
                        diag,
                        "': ' makes a map of it; put the whole text in quotes, or behind '|' on a line of its own");
        else if (yaml_is_scalar(item) && item->kind != YAML_NULL)
                diag_set_hint(diag, "put it in quotes: \"%s\"", item->text);
        else if (item->kind == YAML_NULL)
                diag_set_hint(diag, "remove the empty item, or put it in quotes");
}

bool key_check_text(const YamlNode *node, const char *name, DiagList *diags) {
        if (!yaml_is_scalar(node) || node->kind == YAML_NULL) {
                diag_add(diags, DIAG_ERROR, "type", node->mark, "%s: expected a string, found %s", name,
                         yaml_kind_name(node->kind));
                return false;
        }
        if (memchr(node->text, '\0', node->n_text)) {
                diag_add(diags, DIAG_ERROR, "value", node->mark, "%s: a NUL character cannot be handed to a program",
                         name);
                return false;
        }
        return true;
}

static size_t check_items(const Key *key, const YamlNode *list, DiagList *diags) {
        size_t n_errors = 0;

        for (size_t i = 0; i < list->n_items; i++) {
                const YamlNode *item = list->items[i];
                bool is_fine = key->type == KEY_TEXTS ? yaml_is_scalar(item) && item->kind != YAML_NULL
                                                      : item->kind == YAML_STRING;

                if (!is_fine) {
                        key_hint_item(diag_add(diags, DIAG_ERROR, "type", item->mark, "%s: expected a string, found %s",
                                               key->name, yaml_kind_name(item->kind)),
                                      item);
                        n_errors++;
                } else if (!key_check_text(item, key->name, diags))
                        n_errors++;
        }
        return n_errors;
}

static size_t check_word(const Key *key, const YamlNode *node, DiagList *diags) {
        _cleanup_free_ char *shown = NULL, *all = NULL;
        const char *near;
        Diag *diag;

        for (size_t i = 0; key->words[i]; i++)
                if (strcmp(key->words[i], node->text) == 0)
                        return 0;
        shown = str_escape(node->text, node->n_text, NAME_BYTES_SHOWN);
        all = strv_join((char *const *) key->words, "', '");
        near = diag_suggest(node->text, key->words, strv_length((char *const *) key->words));
        diag = diag_add(diags, DIAG_ERROR, "value", node->mark, "%s: '%s' is none of '%s'", key->name,
                        shown ? shown : "", all ? all : "");
        if (near)
                diag_set_hint(diag, "did you mean '%s'?", near);
        return 1;
}

static size_t add_type_error(const Key *key, const YamlNode *node, DiagList *diags) {
        Diag *diag = diag_add(diags, DIAG_ERROR, "type", node->mark, "%s: expected %s, found %s", key->name,
                              expected[key->type], yaml_kind_name(node->kind));

        if (key->hint)
                diag_set_hint(diag, "%s", key->hint);
        else if (key->type == KEY_TEXTS && yaml_is_scalar(node) && !strchr(node->text, '\n'))
                diag_set_hint(diag, "a single one is a list too: '[%s]'", node->text);
        return 1;
}

static size_t check_value(const Key *key, const YamlNode *node, DiagList *diags) {
        bool is_list = node->kind == YAML_SEQUENCE, is_map = node->kind == YAML_MAPPING, is_true;

        switch (key->type) {
        case KEY_TEXT:
                if (node->kind == YAML_NULL && key->takes_null)
                        return 0;
                return !yaml_is_scalar(node) ? add_type_error(key, node, diags)
                                             : !key_check_text(node, key->name, diags);
        case KEY_WORD:
                return !yaml_is_scalar(node) ? add_type_error(key, node, diags) : check_word(key, node, diags);
        case KEY_BOOL:
                if (node->kind == YAML_BOOL || (node->kind == YAML_STRING && parse_bool(node->text, &is_true) == 0))
                        return 0;
                return add_type_error(key, node, diags);
        case KEY_STRINGS:
        case KEY_STRINGS_OR_MAP:
                if (is_map && key->type == KEY_STRINGS_OR_MAP)
                        return 0;
                if (yaml_is_scalar(node))
                        return !key_check_text(node, key->name, diags);
                return is_list ? check_items(key, node, diags) : add_type_error(key, node, diags);
        case KEY_TEXTS:
                return is_list ? check_items(key, node, diags) : add_type_error(key, node, diags);
        case KEY_MAP:
                return is_map ? 0 : add_type_error(key, node, diags);
        case KEY_MAP_OR_LIST:
                return is_map || is_list ? 0 : add_type_error(key, node, diags);
        default:
                return 0;
        }
}

static size_t read_pair(const KeyTable *table, const YamlPair *pair, unsigned place, const char *owner, void *target,
                        DiagList *diags) {
        const Key *key = key_find(table, pair->key->text);
        Diag *diag;

        if (!key || strlen(pair->key->text) != pair->key->n_text)
                return add_unknown(table, pair, place, owner, diags);
        if (key->type == KEY_REFUSED || !is_placed(key, place)) {
                diag = diag_add(diags, DIAG_ERROR, "refused-key", pair->key->mark, "key '%s' has no place in %s",
                                key->name, owner);
                if (key->hint)
                        diag_set_hint(diag, "%s", key->hint);
                return 1;
        }
        if (key->type == KEY_LATER) {
                diag = diag_add(diags, DIAG_ERROR, "unsupported-key", pair->key->mark,
                                "key '%s' in %s is not yet supported", key->name, owner);
                if (key->hint)
                        diag_set_hint(diag, "%s", key->hint);
                return 1;
        }
        if (key->type == KEY_IGNORED)
                return 0;
        if (key->type == KEY_OBSOLETE) {
                diag = diag_add(diags, DIAG_WARNING, "obsolete-key", pair->key->mark,
                                "key '%s' in %s has no meaning any more", key->name, owner);
                diag_set_hint(diag, "%s", key->hint);
                return 0;
        }
        if (pair->value->kind == YAML_NULL && !key->takes_null) {
                diag_add(diags, DIAG_WARNING, "empty-value", pair->key->mark,
                         "key '%s' in %s has no value, ignoring it", key->name, owner);
                return 0;
        }
        if (check_value(key, pair->value, diags) > 0)
                return 1;
        *(const YamlNode **) ((char *) target + key->offset) = pair->value;
        return 0;
}

size_t keys_read(const KeyTable *table, const YamlNode *mapping, unsigned place, const char *owner, void *target,
                 DiagList *diags) {
        size_t n_errors = 0;

        for (size_t i = 0; i < mapping->n_pairs; i++)
                n_errors += read_pair(table, &mapping->pairs[i], place, owner, target, diags);
        return n_errors;
}

int key_strings(const YamlNode *node, char ***ret) {
        _cleanup_free_ char **borrowed = NULL;

        if (!node)
                return strv_copy(NULL, ret);
        if (yaml_is_scalar(node))
                return strv_copy((char *[]) { node->text, NULL }, ret);
        borrowed = calloc(node->n_items + 1, sizeof(char *));
        if (!borrowed)
                return -ENOMEM;
        for (size_t i = 0; i < node->n_items; i++)
                borrowed[i] = node->items[i]->text;
        return strv_copy(borrowed, ret);
}

bool key_bool(const YamlNode *node) {
        bool is_true = false;

        if (!node)
                return false;
        if (node->kind == YAML_BOOL)
                return node->boolean;
        return parse_bool(node->text, &is_true) == 0 && is_true;
}
