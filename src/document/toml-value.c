#include "document/toml-internal.h"

/* Comments and line ends may stand everywhere between the brackets, and a ',' behind the last one. */
static YamlNode *read_array(TomlReader *t) {
        const char *at = t->p++;
        YamlNode *array = toml_new(t, YAML_SEQUENCE, at, NULL, 0), *item;

        while (array) {
                toml_skip_lines(t);
                if (t->is_broken)
                        return NULL;
                if (*t->p == ']') {
                        t->p++;
                        return array;
                }
                if (!*t->p)
                        return toml_fault(t, at, 1, "this list has no ']' at its end");
                item = toml_value(t);
                if (!item || toml_append(t, array, item) < 0)
                        return NULL;
                toml_skip_lines(t);
                if (*t->p == ',')
                        t->p++;
                else if (*t->p && *t->p != ']')
                        return toml_fault(t, t->p, 0, "expected a ',' or a ']' behind an item of the list");
        }
        return NULL;
}

/* { a = 1, b.c = 2 }: on one line, without a ',' at its end. */
static YamlNode *read_inline_table(TomlReader *t) {
        const char *at = t->p++;
        YamlNode *table = toml_new(t, YAML_MAPPING, at, NULL, 0);

        if (!table)
                return NULL;
        toml_node(table)->state = TOML_HEADER;
        toml_skip_blanks(t);
        while (*t->p != '}' || table->n_pairs > 0) {
                toml_assign(t, table);
                if (t->is_broken)
                        return NULL;
                toml_skip_blanks(t);
                if (*t->p == '}')
                        break;
                if (*t->p != ',')
                        return toml_fault(t, t->p, 0, "expected a ',' or a '}' in the table that begins in column %u",
                                          table->mark.column);
                t->p++;
                toml_skip_blanks(t);
        }
        t->p++;
        toml_node(table)->state = TOML_INLINE;
        return table;
}

YamlNode *toml_value(TomlReader *t) {
        YamlNode *value;

        if (++t->depth > TOML_DEPTH_MAX)
                return toml_fault(t, t->p, 0, "more than %d values in each other", TOML_DEPTH_MAX);
        value = *t->p == '"' || *t->p == '\'' ? toml_string(t, true)
                : *t->p == '['                ? read_array(t)
                : *t->p == '{'                ? read_inline_table(t)
                                              : toml_number(t);
        t->depth--;
        return t->is_broken ? NULL : value;
}
