#include "document/yaml-write.h"

#include <string.h>
#include <strings.h>

#include "document/yaml.h"

#define FLOW_COLUMNS_MAX 60 /* a longer list gets a line for each item */

/* What older readers take for true or false. */
static const char *const old_words[] = { "yes", "no", "on", "off", "y", "n" };

static bool is_plain_text(const char *text) {
        static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+=-";
        size_t n = strlen(text);

        if (n == 0 || text[strspn(text, safe)] || strchr(":@%=-+", text[0]) || text[n - 1] == ':')
                return false;
        FOREACH_ROW(word, old_words)
                if (strcasecmp(text, *word) == 0)
                        return false;
        return true;
}

/* Whether the reader sees a string in it, not a number, a date, a bool. */
static bool reads_as_string(const char *text) {
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(source_freep) Source *source = NULL;
        char *copy = strdup(text);

        if (!copy || source_new_take("", copy, strlen(copy), &source, NULL) < 0)
                return false;
        return yaml_parse(source, &diags, &document) == 0 && document->root && document->root->kind == YAML_STRING;
}

static void put_quoted(const char *text, Str *out) {
        (void) str_append_char(out, '"');
        for (const char *c = text; *c; c++) {
                if (*c == '"' || *c == '\\')
                        (void) str_appendf(out, "\\%c", *c);
                else if (*c == '\n')
                        (void) str_append(out, "\\n");
                else if (*c == '\t')
                        (void) str_append(out, "\\t");
                else if ((unsigned char) *c < 0x20 || *c == 0x7f)
                        (void) str_appendf(out, "\\x%02x", (unsigned char) *c);
                else
                        (void) str_append_char(out, *c);
        }
        (void) str_append_char(out, '"');
}

void yaml_put_text(const char *text, Str *out) {
        if (is_plain_text(text) && reads_as_string(text))
                (void) str_append(out, text);
        else
                put_quoted(text, out);
}

static void put_scalar(Json *value, Str *out) {
        if (json_object_get_type(value) == json_type_string)
                yaml_put_text(json_object_get_string(value), out);
        else
                (void) str_append(out, value ? json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN) : "null");
}

/* "[a, b]"; false if it is too long, or holds more than scalars. */
static bool put_flow(Json *list, Str *out) {
        size_t n = json_object_array_length(list), start = out->n;

        (void) str_append(out, "[");
        for (size_t i = 0; i < n; i++) {
                Json *item = json_object_array_get_idx(list, i);

                if (json_object_is_type(item, json_type_array) || json_object_is_type(item, json_type_object))
                        return false;
                (void) str_append(out, i > 0 ? ", " : "");
                put_scalar(item, out);
        }
        (void) str_append(out, "]");
        return n <= 1 || out->n - start <= FLOW_COLUMNS_MAX;
}

static void end_line(const char *comment, unsigned column, Str *out) {
        const char *text = str_get(out), *start = strrchr(text, '\n');
        size_t at = out->n - (start ? (size_t) (start + 1 - text) : 0);

        if (comment)
                (void) str_appendf(out, "%*s# %s", (int) (at + 2 < column ? column - at : 2), "", comment);
        (void) str_append_char(out, '\n');
}

static void put_items(Json *list, unsigned indent, const char *comment, unsigned column, Str *out) {
        size_t n = json_object_array_length(list);

        end_line(comment, column, out);
        for (size_t i = 0; i < n; i++) {
                (void) str_appendf(out, "%*s-", (int) indent, "");
                yaml_put_json(json_object_array_get_idx(list, i), indent + 2, NULL, 0, out);
        }
}

void yaml_put_json(Json *value, unsigned indent, const char *comment, unsigned column, Str *out) {
        json_type type = json_object_get_type(value);

        if (type == json_type_object && json_object_object_length(value) > 0) {
                end_line(comment, column, out);
                json_object_object_foreach(value, key, item) {
                        (void) str_appendf(out, "%*s", (int) indent, "");
                        yaml_put_text(key, out);
                        (void) str_append(out, ":");
                        yaml_put_json(item, indent + 2, NULL, 0, out);
                }
                return;
        }
        if (type == json_type_array) {
                _cleanup_str_ Str flow = STR_INIT(STR_MAX_DEFAULT);

                if (!put_flow(value, &flow)) {
                        put_items(value, indent, comment, column, out);
                        return;
                }
                (void) str_appendf(out, " %s", str_get(&flow));
        } else if (type == json_type_object)
                (void) str_append(out, " {}");
        else {
                (void) str_append(out, " ");
                put_scalar(value, out);
        }
        end_line(comment, column, out);
}
