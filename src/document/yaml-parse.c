/*
 * From libyaml's events to the tree. Lists and maps that are open stand in a stack of bounded height; a node is
 * attached
 * to its parent when it is complete, so that aliases only ever name complete nodes.
 */

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/str.h"
#include "document/yaml-internal.h"

/* A node, in the document's care at once. The text of a scalar stands behind it. */
static YamlBuilt *new_node(YamlBuilder *b, YamlKind kind, Mark mark, const char *text, size_t n_text) {
        YamlBuilt *built = malloc(sizeof(*built) + (text ? n_text + 1 : 0));

        if (!built)
                return NULL;
        *built = (YamlBuilt) { .node = { .kind = kind, .mark = mark, .n_text = n_text }, .n_expanded = 1 };
        if (text) {
                built->node.text = (char *) (built + 1);
                memcpy(built->node.text, text, n_text);
                built->node.text[n_text] = '\0';
        }
        if (ARRAY_APPEND(b->document->nodes, b->document->n_nodes, &built->node) < 0) {
                free(built);
                return NULL;
        }
        return built;
}

static int set_anchor(YamlBuilder *b, const yaml_char_t *anchor, YamlBuilt *built) {
        built->node.has_anchor = anchor;
        return anchor ? map_put_take(&b->anchors, (const char *) anchor, built) : 0;
}

static void take_key(YamlBuilder *b, YamlFrame *frame, YamlBuilt *key, Mark mark) {
        frame->key = key;
        if (!yaml_is_scalar(&key->node))
                (void) diag_add(b->diags, DIAG_ERROR, "bad-key", mark, "a key must be a scalar, not %s",
                                yaml_kind_name(key->node.kind));
        else if (memchr(key->node.text, '\0', key->node.n_text))
                (void) diag_add(b->diags, DIAG_ERROR, "bad-key", mark, "a key cannot hold a NUL character");
}

static void take_merge(YamlBuilder *b, YamlFrame *frame, YamlBuilt *key, YamlBuilt *value, Mark mark, bool is_alias) {
        if (frame->merge_value) {
                (void) diag_add(b->diags, DIAG_ERROR, "duplicate-key", key->node.mark,
                                "key '<<' is given twice; first in line %u", frame->merge_key->node.mark.line);
                return;
        }
        frame->merge_key = key;
        frame->merge_value = value;
        frame->merge_mark = mark;
        frame->merge_at = frame->built->node.n_pairs;
        frame->merge_is_alias = is_alias;
}

/*
 * Gives a complete node to the list or map around it.
 * @mark:  where it is used: for an alias not the place of the node itself
 */
static int attach(YamlBuilder *b, YamlBuilt *built, Mark mark, bool is_alias) {
        YamlFrame *frame = b->depth > 0 ? &b->frames[b->depth - 1] : NULL;
        YamlNode *parent;
        YamlBuilt *key;
        YamlPair pair;

        if (!frame) {
                b->document->root = &built->node;
                return 0;
        }
        parent = &frame->built->node;
        if (parent->kind == YAML_SEQUENCE)
                return ARRAY_APPEND(parent->items, parent->n_items, &built->node);
        if (!frame->key) {
                take_key(b, frame, built, mark);
                return 0;
        }
        key = TAKE_PTR(frame->key);
        if (key->is_merge_key) {
                take_merge(b, frame, key, built, mark, is_alias);
                return 0;
        }
        if (!yaml_is_scalar(&key->node))
                return 0; /* that was a fault already */
        pair = (YamlPair) { .key = &key->node, .value = &built->node };
        return ARRAY_APPEND(parent->pairs, parent->n_pairs, pair);
}

static int on_scalar(YamlBuilder *b, const yaml_event_t *event) {
        const char *text = (const char *) event->data.scalar.value, *tag = (const char *) event->data.scalar.tag;
        Mark mark = yaml_mark(b->source, &event->start_mark, &event->end_mark);
        YamlBuilt *built;
        int r;

        r = yaml_check_node(b, tag, mark);
        if (r < 0)
                return r;
        built = new_node(b, YAML_STRING, mark, text, event->data.scalar.length);
        if (!built || set_anchor(b, event->data.scalar.anchor, built) < 0)
                return -ENOMEM;
        built->node.is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        built->is_merge_key = !built->node.is_quoted && (!tag || str_ends_with(tag, ":merge")) &&
                strcmp(text, "<<") == 0;
        r = yaml_scalar_resolve(&built->node, tag);
        if (r == -EBADMSG) {
                _cleanup_free_ char *shown = str_escape(text, strlen(text), YAML_KEY_SHOWN_MAX);

                (void) diag_add(b->diags, DIAG_ERROR, "bad-tag", mark, "'%s' does not fit its tag '!!%s'",
                                shown ? shown : "", strrchr(tag, ':') + 1);
        } else if (r < 0)
                return r;
        return attach(b, built, mark, false);
}

static int on_alias(YamlBuilder *b, const yaml_event_t *event) {
        Mark mark = yaml_mark(b->source, &event->start_mark, &event->end_mark);
        const char *name = (const char *) event->data.alias.anchor;
        YamlBuilt *built = map_get(&b->anchors, name);

        if (built && !built->is_open && b->depth + built->height <= YAML_DEPTH_MAX)
                return attach(b, built, mark, true);
        if (!built)
                yaml_fault_alias(b, name, mark);
        else if (built->is_open)
                (void) diag_add(b->diags, DIAG_ERROR, "alias-circle", mark,
                                "this alias stands inside of what it names (line %u): that has no end",
                                built->node.mark.line);
        else {
                (void) diag_add(b->diags, DIAG_ERROR, "too-deep", mark, "too deep: with this alias more than %d levels",
                                YAML_DEPTH_MAX);
                return -EBADMSG;
        }
        /* Something in its place, so that the rest of the file is looked at too. */
        built = new_node(b, YAML_NULL, mark, "", 0);
        if (!built)
                return -ENOMEM;
        built->is_stand_in = true;
        return attach(b, built, mark, false);
}

static int open_frame(YamlBuilder *b, const yaml_event_t *event, YamlKind kind, const yaml_char_t *anchor,
                      const yaml_char_t *tag) {
        Mark mark = yaml_mark(b->source, &event->start_mark, &event->end_mark);
        YamlBuilt *built;
        int r;

        r = yaml_check_node(b, (const char *) tag, mark);
        if (r < 0)
                return r;
        if (b->depth == YAML_DEPTH_MAX) {
                (void) diag_add(b->diags, DIAG_ERROR, "too-deep", mark, "too deep: more than %d levels",
                                YAML_DEPTH_MAX);
                return -EBADMSG;
        }
        built = new_node(b, kind, mark, NULL, 0);
        if (!built || set_anchor(b, anchor, built) < 0)
                return -ENOMEM;
        built->is_open = true;
        built->node.is_reference = b->knows_references && kind == YAML_SEQUENCE &&
                str_equal((const char *) tag, YAML_TAG_REFERENCE);
        b->frames[b->depth++] = (YamlFrame) { .built = built };
        return 0;
}

static int on_sequence_start(YamlBuilder *b, const yaml_event_t *event) {
        return open_frame(b, event, YAML_SEQUENCE, event->data.sequence_start.anchor, event->data.sequence_start.tag);
}

static int on_mapping_start(YamlBuilder *b, const yaml_event_t *event) {
        return open_frame(b, event, YAML_MAPPING, event->data.mapping_start.anchor, event->data.mapping_start.tag);
}

/* Only "<<" in a map that is an item of a list: it stands for the items of other lists. */
static bool is_sequence_merge(const YamlBuilder *b, const YamlFrame *frame) {
        return frame->merge_value && frame->built->node.n_pairs == 0 && b->depth > 0 &&
                b->frames[b->depth - 1].built->node.kind == YAML_SEQUENCE;
}

static int on_end(YamlBuilder *b, const yaml_event_t *event) {
        YamlFrame frame = b->frames[--b->depth];
        YamlBuilt *built = frame.built;
        int r = 0;

        built->is_open = false;
        if (event->start_mark.line + 1 == built->node.mark.line && event->end_mark.column + 1 > built->node.mark.column)
                built->node.mark.n_columns = (uint32_t) event->end_mark.column + 1 - built->node.mark.column;
        if (is_sequence_merge(b, &frame)) {
                if (built->node.has_anchor)
                        (void) diag_add(b->diags, DIAG_ERROR, "bad-merge", built->node.mark,
                                        "an anchor cannot stand for merged items");
                return yaml_merge_sequence(b, &frame, b->frames[b->depth - 1].built);
        }
        if (built->node.kind == YAML_MAPPING)
                r = yaml_merge_mapping(b, &frame);
        if (r >= 0)
                r = yaml_measure(b, built);
        return r < 0 ? r : attach(b, built, built->node.mark, false);
}

static int handle_event(YamlBuilder *b, const yaml_event_t *event) {
        switch (event->type) {
        case YAML_SCALAR_EVENT:
                return on_scalar(b, event);
        case YAML_ALIAS_EVENT:
                return on_alias(b, event);
        case YAML_SEQUENCE_START_EVENT:
                return on_sequence_start(b, event);
        case YAML_MAPPING_START_EVENT:
                return on_mapping_start(b, event);
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
                return on_end(b, event);
        default:
                return 0;
        }
}

/* Of what follows only the kind counts: what is wrong in it is nobody's matter. "---" at the end is nothing. */
static void note_second(YamlBuilder *b, yaml_parser_t *parser, Mark mark) {
        yaml_event_t event;
        bool is_nothing;

        if (!yaml_parser_parse(parser, &event))
                return;
        is_nothing = event.type == YAML_SCALAR_EVENT && event.data.scalar.length == 0;
        yaml_event_delete(&event);
        if (!is_nothing)
                diag_set_hint(diag_add(b->diags, DIAG_WARNING, "second-document", mark,
                                       "a second document begins here, and is not read"),
                              "a file holds one; give the other a file of its own");
}

/* Only the first document counts, but it has to end: "[a]" and then "b: c" is a mistake, not a second document. */
static int check_end(YamlBuilder *b, yaml_parser_t *parser) {
        yaml_event_type_t type;
        yaml_event_t event;
        Mark mark;

        if (!yaml_parser_parse(parser, &event))
                return yaml_fault_syntax(b, parser);
        type = event.type;
        mark = yaml_mark(b->source, &event.start_mark, &event.end_mark);
        yaml_event_delete(&event);
        if (type == YAML_DOCUMENT_START_EVENT)
                note_second(b, parser, mark);
        return 0;
}

/* Until the end of the first document. */
static int read_events(YamlBuilder *b, yaml_parser_t *parser) {
        size_t n_errors_max = b->diags->n_errors + DIAG_LIST_MAX;
        yaml_event_type_t type = YAML_NO_EVENT;
        int r = 0;

        while (r >= 0 && type != YAML_DOCUMENT_END_EVENT && type != YAML_STREAM_END_EVENT) {
                yaml_event_t event;

                if (!yaml_parser_parse(parser, &event))
                        return yaml_fault_syntax(b, parser);
                r = handle_event(b, &event);
                type = event.type;
                yaml_event_delete(&event);
                if (b->diags->n_errors > n_errors_max) /* nobody reads more, and each costs time */
                        return -EBADMSG;
        }
        return r >= 0 && type == YAML_DOCUMENT_END_EVENT ? check_end(b, parser) : r;
}

static int build(YamlBuilder *b) {
        yaml_parser_t parser;
        int r;

        r = yaml_check_directives(b);
        if (r < 0)
                return r;
        if (!yaml_parser_initialize(&parser))
                return -ENOMEM;
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&parser, (const unsigned char *) b->source->text, b->source->n_text);
        r = read_events(b, &parser);
        yaml_parser_delete(&parser);
        return r;
}

/* "---" and nothing else is an empty document too. */
static bool is_nothing(const YamlNode *root) {
        return root && root->kind == YAML_NULL && root->n_text == 0 && !root->is_quoted;
}

static int parse(const Source *source, bool knows_references, DiagList *diags, YamlDocument **ret) {
        _cleanup_(yaml_document_freep) YamlDocument *document = calloc(1, sizeof(*document));
        YamlBuilder b = { .source = source, .diags = diags, .document = document, .anchors = MAP_INIT(NULL),
                          .knows_references = knows_references };
        size_t n_errors = diags->n_errors;
        int r;

        if (!document)
                return -ENOMEM;
        r = build(&b);
        map_done(&b.anchors);
        if (r < 0)
                return r;
        if (diags->n_errors > n_errors)
                return -EBADMSG;
        if (is_nothing(document->root))
                document->root = NULL;
        *ret = TAKE_PTR(document);
        return 0;
}

int yaml_parse(const Source *source, DiagList *diags, YamlDocument **ret) {
        return parse(source, false, diags, ret);
}

int yaml_parse_gitlab(const Source *source, DiagList *diags, YamlDocument **ret) {
        return parse(source, true, diags, ret);
}
