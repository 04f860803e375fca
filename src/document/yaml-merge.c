/* Keys that are given twice, and "<<" in maps and in lists. What is merged is shared, not copied. */

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/str.h"
#include "document/yaml-internal.h"

static void *index_of(size_t at) {
        return (void *) (uintptr_t) (at + 1);
}

static void fault_duplicate(const YamlBuilder *b, const YamlNode *key, const YamlNode *first) {
        _cleanup_free_ char *shown = str_escape(key->text, key->n_text, YAML_KEY_SHOWN_MAX);

        (void) diag_add(b->diags, DIAG_ERROR, "duplicate-key", key->mark, "key '%s' is given twice; first in line %u",
                        shown ? shown : "", first->mark.line);
}

static const YamlNode *find_key(const YamlNode *mapping, size_t n, const char *text) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(mapping->pairs[i].key->text, text) == 0)
                        return mapping->pairs[i].key;
        return NULL;
}

static void check_small(const YamlBuilder *b, const YamlNode *mapping) {
        for (size_t i = 1; i < mapping->n_pairs; i++) {
                const YamlNode *key = mapping->pairs[i].key, *first = find_key(mapping, i, key->text);

                if (first)
                        fault_duplicate(b, key, first);
        }
}

/* Indexes the keys that stand in the map itself; that finds those given twice. */
static int index_own(const YamlBuilder *b, YamlBuilt *built) {
        const YamlNode *mapping = &built->node;

        built->index = calloc(1, sizeof(*built->index));
        if (!built->index)
                return -ENOMEM;
        for (size_t i = 0; i < mapping->n_pairs; i++) {
                const YamlNode *key = mapping->pairs[i].key;
                size_t first = (size_t) (uintptr_t) map_get(built->index, key->text);

                if (first > 0)
                        fault_duplicate(b, key, mapping->pairs[first - 1].key);
                else if (map_put_take(built->index, key->text, index_of(i)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int too_large(const YamlBuilder *b, Mark mark) {
        (void) diag_add(b->diags, DIAG_ERROR, "too-large", mark, "too large: merges bring in more than %u values",
                        YAML_EXPANDED_NODES_MAX);
        return -EBADMSG;
}

typedef struct Pairs {
        YamlPair *pairs;
        size_t n_pairs;
} Pairs;

static int append_own(YamlBuilt *built, size_t from, size_t to, Pairs *out) {
        for (size_t i = from; i < to; i++) {
                YamlPair *pair = &built->node.pairs[i];

                if (map_put_take(built->index, pair->key->text, index_of(out->n_pairs)) < 0 ||
                    ARRAY_APPEND(out->pairs, out->n_pairs, *pair) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* Pairs whose key is not there yet: the map's own keys win, and of several merged maps the first. */
static int append_merged(YamlBuilder *b, YamlBuilt *built, const YamlFrame *frame, const YamlNode *from, Pairs *out) {
        if (yaml_built(from)->is_stand_in)
                return 0;
        if (from->kind != YAML_MAPPING) {
                (void) diag_add(b->diags, DIAG_ERROR, "bad-merge", frame->merge_mark,
                                "'<<' merges a map or a list of maps, found %s", yaml_kind_name(from->kind));
                return 0;
        }
        b->n_merged += from->n_pairs;
        if (b->n_merged > YAML_EXPANDED_NODES_MAX)
                return too_large(b, frame->merge_mark);
        for (size_t i = 0; i < from->n_pairs; i++) {
                const YamlPair *pair = &from->pairs[i];

                if (map_has(built->index, pair->key->text))
                        continue;
                if (map_put_take(built->index, pair->key->text, index_of(out->n_pairs)) < 0 ||
                    ARRAY_APPEND(out->pairs, out->n_pairs, *pair) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int append_all_merged(YamlBuilder *b, YamlBuilt *built, const YamlFrame *frame, Pairs *out) {
        const YamlNode *value = &frame->merge_value->node;
        int r = 0;

        if (value->kind != YAML_SEQUENCE || frame->merge_is_alias)
                return append_merged(b, built, frame, value, out);
        for (size_t i = 0; i < value->n_items && r >= 0; i++)
                r = append_merged(b, built, frame, value->items[i], out);
        return r;
}

static void drop_small_index(YamlBuilt *built) {
        if (built->node.n_pairs >= YAML_INDEX_MIN)
                return;
        map_done(built->index);
        free(TAKE_PTR(built->index));
}

static int merge_pairs(YamlBuilder *b, YamlBuilt *built, const YamlFrame *frame) {
        YamlNode *mapping = &built->node;
        Pairs out = { 0 };
        int r;

        r = append_own(built, 0, frame->merge_at, &out);
        if (r >= 0)
                r = append_all_merged(b, built, frame, &out);
        if (r >= 0)
                r = append_own(built, frame->merge_at, mapping->n_pairs, &out);
        if (r < 0) {
                free(out.pairs);
                return r;
        }
        free(mapping->pairs);
        mapping->pairs = out.pairs;
        mapping->n_pairs = out.n_pairs;
        drop_small_index(built);
        return 0;
}

int yaml_merge_mapping(YamlBuilder *b, YamlFrame *frame) {
        YamlBuilt *built = frame->built;
        int r;

        if (!frame->merge_value && built->node.n_pairs < YAML_INDEX_MIN) {
                check_small(b, &built->node);
                return 0;
        }
        r = index_own(b, built);
        if (r < 0 || !frame->merge_value)
                return r;
        return merge_pairs(b, built, frame);
}

static int append_items(YamlBuilder *b, const YamlFrame *frame, const YamlBuilt *from, YamlBuilt *to) {
        if (from->merge_level + 1 > YAML_MERGE_LEVELS_MAX) {
                (void) diag_add(b->diags, DIAG_ERROR, "bad-merge", frame->merge_mark,
                                "sequence merge failed: lists are merged into lists more than %d times",
                                YAML_MERGE_LEVELS_MAX);
                return 0;
        }
        to->merge_level = MAX(to->merge_level, (uint8_t) (from->merge_level + 1));
        b->n_merged += from->node.n_items;
        if (b->n_merged > YAML_EXPANDED_NODES_MAX)
                return too_large(b, frame->merge_mark);
        for (size_t i = 0; i < from->node.n_items; i++)
                if (ARRAY_APPEND(to->node.items, to->node.n_items, from->node.items[i]) < 0)
                        return -ENOMEM;
        return 0;
}

static void fault_sequence_merge(const YamlBuilder *b, const YamlFrame *frame, const YamlNode *value) {
        YamlKind found = value->kind;
        Diag *diag;

        if (yaml_built(value)->is_stand_in)
                return;
        diag = diag_add(b->diags, DIAG_ERROR, "bad-merge", frame->merge_mark,
                        "sequence merge failed: an item that is only '<<' merges a list or lists, found %s",
                        yaml_kind_name(found));
        if (found == YAML_MAPPING)
                diag_set_hint(diag, "to merge a map, give the item a key of its own beside '<<'; "
                                    "to repeat it, write '- *name'");
}

int yaml_merge_sequence(YamlBuilder *b, const YamlFrame *from, YamlBuilt *to) {
        const YamlNode *value = &from->merge_value->node;
        int r = 0;

        if (value->kind != YAML_SEQUENCE) {
                fault_sequence_merge(b, from, value);
                return 0;
        }
        if (from->merge_is_alias)
                return append_items(b, from, from->merge_value, to);
        for (size_t i = 0; i < value->n_items && r >= 0; i++) {
                if (value->items[i]->kind == YAML_SEQUENCE)
                        r = append_items(b, from, yaml_built(value->items[i]), to);
                else
                        fault_sequence_merge(b, from, value->items[i]);
        }
        return r;
}
