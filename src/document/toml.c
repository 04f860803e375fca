#include "document/toml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/str.h"
#include "base/utf8.h"
#include "document/toml-internal.h"

#define KEY_SHOWN_MAX 60

static void add_fault(TomlReader *t, Mark mark, const char *format, va_list ap) {
        _cleanup_free_ char *text = NULL;

        t->n_faults++;
        if (vasprintf(&text, format, ap) < 0) {
                t->is_out_of_memory = true;
                return;
        }
        diag_add(t->diags, DIAG_ERROR, "syntax", mark, "%s", text);
}

static Mark mark_of(const TomlReader *t, const char *at, size_t n) {
        Mark mark = source_mark_at(t->source, (size_t) (at - t->source->text));
        size_t n_line;
        const char *line = source_line(t->source, mark.line, &n_line);

        n = at < line + n_line ? MIN(n, (size_t) (line + n_line - at)) : 0;
        mark.n_columns = (uint32_t) utf8_columns(at, n);
        return mark;
}

YamlNode *toml_fault(TomlReader *t, const char *at, size_t n, const char *format, ...) {
        va_list ap;

        if (t->is_broken)
                return NULL;
        va_start(ap, format);
        add_fault(t, mark_of(t, at, n), format, ap);
        va_end(ap);
        t->is_broken = true;
        return NULL;
}

/* A fault that the reading goes on after. */
static void _printf_(3, 4) note_fault(TomlReader *t, const YamlNode *key, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        add_fault(t, key->mark, format, ap);
        va_end(ap);
}

YamlNode *toml_new(TomlReader *t, YamlKind kind, const char *at, const char *text, size_t n) {
        TomlNode *made;

        if (t->document->n_nodes >= TOML_NODES_MAX)
                return toml_fault(t, at, 0, "more than %u keys and values", TOML_NODES_MAX);
        made = calloc(1, sizeof(*made) + n + 1);
        if (!made || ARRAY_APPEND(t->document->nodes, t->document->n_nodes, &made->built.node) < 0) {
                free(made);
                t->is_broken = t->is_out_of_memory = true;
                return NULL;
        }
        made->built.node = (YamlNode) { .kind = kind, .mark = mark_of(t, at, (size_t) (t->p - at)) };
        if (text) {
                made->built.node.text = (char *) (made + 1);
                made->built.node.n_text = n;
                memcpy(made->built.node.text, text, n);
        }
        return &made->built.node;
}

int toml_put(TomlReader *t, YamlNode *mapping, YamlNode *key, YamlNode *value) {
        YamlPair pair = { key, value };

        if (ARRAY_APPEND(mapping->pairs, mapping->n_pairs, pair) == 0)
                return 0;
        t->is_broken = t->is_out_of_memory = true;
        return -ENOMEM;
}

int toml_append(TomlReader *t, YamlNode *sequence, YamlNode *item) {
        if (ARRAY_APPEND(sequence->items, sequence->n_items, item) == 0)
                return 0;
        t->is_broken = t->is_out_of_memory = true;
        return -ENOMEM;
}

void toml_skip_blanks(TomlReader *t) {
        t->p += strspn(t->p, " \t");
}

static void skip_comment(TomlReader *t) {
        if (*t->p != '#')
                return;
        while ((unsigned char) *t->p >= 0x20 || *t->p == '\t')
                t->p++;
        if (*t->p && *t->p != '\n' && !(t->p[0] == '\r' && t->p[1] == '\n'))
                toml_fault(t, t->p, 1, "a control character in a comment");
}

static bool skip_line_end(TomlReader *t) {
        if (t->p[0] == '\r' && t->p[1] == '\n')
                t->p++;
        if (*t->p != '\n')
                return false;
        t->p++;
        return true;
}

void toml_skip_lines(TomlReader *t) {
        do {
                toml_skip_blanks(t);
                skip_comment(t);
        } while (!t->is_broken && skip_line_end(t));
}

void toml_end_line(TomlReader *t) {
        const char *at;

        toml_skip_blanks(t);
        at = t->p;
        skip_comment(t);
        if (!t->is_broken && *t->p && !skip_line_end(t))
                toml_fault(t, at, strcspn(at, "\r\n"), "expected the end of the line");
}

static bool is_key_byte(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

YamlNode *toml_key(TomlReader *t) {
        const char *at = t->p;

        if (*at == '"' || *at == '\'')
                return toml_string(t, false);
        while (is_key_byte(*t->p))
                t->p++;
        if (t->p == at)
                return toml_fault(t, at, 1, "expected a key: letters, digits, '_' and '-', or text in quotes");
        return toml_new(t, YAML_STRING, at, at, (size_t) (t->p - at));
}

/* Reads the dot between the words of a key; false: this was the last one. */
static bool next_word(TomlReader *t) {
        toml_skip_blanks(t);
        if (t->is_broken || *t->p != '.')
                return false;
        t->p++;
        toml_skip_blanks(t);
        return true;
}

static YamlNode *find(const YamlNode *table, const YamlNode *key) {
        for (size_t i = 0; i < table->n_pairs; i++) {
                const YamlNode *known = table->pairs[i].key;

                if (known->n_text == key->n_text && memcmp(known->text, key->text, key->n_text) == 0)
                        return table->pairs[i].value;
        }
        return NULL;
}

static void refuse_again(TomlReader *t, const YamlNode *key, const YamlNode *first, const char *what) {
        _cleanup_free_ char *shown = str_escape(key->text, key->n_text, KEY_SHOWN_MAX);

        note_fault(t, key, "%s '%s' is given twice; first in line %u", what, shown ? shown : "", first->mark.line);
}

static YamlNode *add_table(TomlReader *t, YamlNode *table, YamlNode *key, TomlState state, const TomlNode *owner) {
        YamlNode *made = toml_new(t, YAML_MAPPING, t->p, NULL, 0);

        if (!made || toml_put(t, table, key, made) < 0)
                return NULL;
        made->mark = key->mark;
        toml_node(made)->state = state;
        toml_node(made)->owner = owner;
        return made;
}

YamlNode *toml_dotted(TomlReader *t, YamlNode *table, const TomlNode *owner, YamlNode *key) {
        YamlNode *found = find(table, key);

        if (!found)
                return add_table(t, table, key, TOML_DOTTED, owner);
        if (found->kind == YAML_MAPPING && toml_node(found)->state == TOML_DOTTED && toml_node(found)->owner == owner)
                return found;
        refuse_again(t, key, found, "key");
        return NULL;
}

void toml_assign(TomlReader *t, YamlNode *table) {
        const TomlNode *owner = toml_node(table);
        YamlNode *key = toml_key(t), *value, *found;
        unsigned depth = 0;

        while (key && next_word(t)) {
                table = table ? toml_dotted(t, table, owner, key) : NULL;
                if (++depth > TOML_DEPTH_MAX)
                        toml_fault(t, t->p, 0, "more than %d tables in each other", TOML_DEPTH_MAX);
                key = toml_key(t);
        }
        if (!key || t->is_broken)
                return;
        if (*t->p != '=') {
                toml_fault(t, t->p, 0, "expected a '=' behind the key");
                return;
        }
        t->p++;
        toml_skip_blanks(t);
        value = toml_value(t);
        if (!value || !table)
                return;
        found = find(table, key);
        if (found)
                refuse_again(t, key, found, "key");
        else
                (void) toml_put(t, table, key, value);
}

/* The table that a header's word leads to, on the way to its last one. */
static YamlNode *descend(TomlReader *t, YamlNode *table, YamlNode *key) {
        YamlNode *found = find(table, key);
        TomlState state = found ? toml_node(found)->state : TOML_IMPLICIT;

        if (!found)
                return add_table(t, table, key, TOML_IMPLICIT, NULL);
        if (state == TOML_ARRAY)
                return found->items[found->n_items - 1];
        if (found->kind == YAML_MAPPING && state != TOML_INLINE)
                return found;
        refuse_again(t, key, found, "key");
        return NULL;
}

static YamlNode *open_table(TomlReader *t, YamlNode *table, YamlNode *key) {
        YamlNode *found = find(table, key);

        if (!found)
                return add_table(t, table, key, TOML_HEADER, NULL);
        if (found->kind != YAML_MAPPING || toml_node(found)->state != TOML_IMPLICIT) {
                refuse_again(t, key, found, "table");
                return NULL;
        }
        toml_node(found)->state = TOML_HEADER;
        found->mark = key->mark;
        return found;
}

static YamlNode *open_element(TomlReader *t, YamlNode *table, YamlNode *key) {
        YamlNode *array = find(table, key), *made;

        if (array && toml_node(array)->state != TOML_ARRAY) {
                refuse_again(t, key, array, "key");
                return NULL;
        }
        if (!array) {
                array = toml_new(t, YAML_SEQUENCE, t->p, NULL, 0);
                if (!array || toml_put(t, table, key, array) < 0)
                        return NULL;
                array->mark = key->mark;
                toml_node(array)->state = TOML_ARRAY;
        }
        made = toml_new(t, YAML_MAPPING, t->p, NULL, 0);
        if (!made || toml_append(t, array, made) < 0)
                return NULL;
        made->mark = key->mark;
        toml_node(made)->state = TOML_HEADER;
        return made;
}

static void expect(TomlReader *t, char c) {
        if (t->is_broken)
                return;
        if (*t->p == c)
                t->p++;
        else
                toml_fault(t, t->p, 0, "expected a '%c' at the end of the table's name", c);
}

/* "[a.b]" and "[[a.b]]"; gives the table, NULL after a fault: what follows is read all the same. */
static YamlNode *read_header(TomlReader *t, YamlNode *table) {
        bool is_element = t->p[1] == '[';
        unsigned depth = 0;
        YamlNode *key;

        t->p += is_element ? 2 : 1;
        toml_skip_blanks(t);
        key = toml_key(t);
        while (key && next_word(t)) {
                table = table ? descend(t, table, key) : NULL;
                if (++depth > TOML_DEPTH_MAX)
                        toml_fault(t, t->p, 0, "more than %d tables in each other", TOML_DEPTH_MAX);
                key = toml_key(t);
        }
        expect(t, ']');
        if (is_element)
                expect(t, ']');
        if (!key || t->is_broken || !table)
                return NULL;
        return is_element ? open_element(t, table, key) : open_table(t, table, key);
}

static void read_file(TomlReader *t) {
        YamlNode *root = toml_new(t, YAML_MAPPING, t->p, NULL, 0), *table = root;
        YamlNode *ignored = toml_new(t, YAML_MAPPING, t->p, NULL, 0); /* takes what stands below a faulty header */

        if (!root || !ignored)
                return;
        t->document->root = root;
        toml_node(root)->state = TOML_HEADER;
        for (;;) {
                toml_skip_lines(t);
                if (t->is_broken || !*t->p)
                        return;
                if (*t->p == '[') {
                        table = read_header(t, root);
                        table = table ? table : ignored;
                } else
                        toml_assign(t, table);
                if (!t->is_broken)
                        toml_end_line(t);
        }
}

int toml_parse(const Source *source, DiagList *diags, YamlDocument **ret) {
        _cleanup_(yaml_document_freep) YamlDocument *document = calloc(1, sizeof(*document));
        TomlReader t = { .source = source, .diags = diags, .document = document, .p = source->text };

        if (!document)
                return -ENOMEM;
        read_file(&t);
        if (t.is_out_of_memory)
                return -ENOMEM;
        if (t.n_faults > 0)
                return -EBADMSG;
        *ret = TAKE_PTR(document);
        return 0;
}
