/*
 * Values of settings and variables as text: scalars as Go prints them, lists of scalars joined by commas, all else as
 * the JSON that Go's encoder writes (sorted keys, "<", ">" and "&" escaped), since plugins compare and hash it. Source:
 * pipeline/frontend/yaml/compiler/settings/params.go.
 */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/parse.h"
#include "pipeline/go-json.h"
#include "pipeline/go-number.h"
#include "pipeline/woodpecker-internal.h"

#define VALUE_BYTES_MAX (8U * 1024 * 1024)

typedef struct Value {
        Woodpecker *woodpecker;
        Str text;
        bool is_secret;
} Value;

static bool is_secret_reference(const YamlNode *node) {
        return node->kind == YAML_MAPPING && yaml_get(node, "from_secret");
}

static int note_missing(Woodpecker *wp, const YamlNode *name) {
        PlanMissing missing = { .name = str_escape(name->text, name->n_text, PLAN_NAME_BYTES_MAX), .mark = name->mark };

        if (!missing.name || ARRAY_APPEND(wp->missing_secrets, wp->n_missing_secrets, missing) < 0) {
                free(missing.name);
                return -ENOMEM;
        }
        return 0;
}

/* NULL if there is none of that name, which is noted. */
static int find_secret(Value *value, const YamlNode *node, const char **ret) {
        const YamlNode *name = yaml_get(node, "from_secret");
        const Map *secrets = value->woodpecker->context->secrets;
        _cleanup_free_ char *lower = NULL;
        Diag *diag;

        *ret = NULL;
        if (name->kind != YAML_STRING) {
                WOODPECKER_ERROR(value->woodpecker, "type", name->mark, "from_secret: expected a string, found %s",
                                 yaml_kind_name(name->kind));
                return 0;
        }
        if (node->n_pairs > 1) {
                diag = WOODPECKER_ERROR(value->woodpecker, "secret", name->mark,
                                        "'from_secret' stands beside other keys, which would be lost");
                diag_set_hint(diag, "give it a map of its own");
                return 0;
        }
        lower = strdup(name->text);
        if (!lower)
                return -ENOMEM;
        for (char *c = lower; *c; c++)
                *c = (char) tolower((unsigned char) *c);
        *ret = secrets ? strmap_get(secrets, lower) : NULL;
        value->is_secret = true;
        return *ret || value->woodpecker->is_left_out ? 0 : note_missing(value->woodpecker, name);
}

/* @is_json: as Go's JSON encoder writes it, else as "%v" does. */
static int append_number(Value *value, const YamlNode *node, bool is_json) {
        _cleanup_free_ char *text = NULL;
        uint64_t large;

        if (node->kind == YAML_INT)
                return str_appendf(&value->text, "%" PRId64, node->integer);
        /* Between INT64_MAX and UINT64_MAX go-yaml has an unsigned integer. */
        if (parse_u64(node->text, &large) == 0)
                return str_appendf(&value->text, "%" PRIu64, large);
        if (is_json && !isfinite(node->number)) {
                WOODPECKER_ERROR(value->woodpecker, "value", node->mark, "'%s' has no form in JSON", node->text);
                return 0;
        }
        text = is_json ? go_format_json_float(node->number) : go_format_float(node->number);
        return text ? str_append(&value->text, text) : -ENOMEM;
}

static int append_json(Value *value, const YamlNode *node);

static int compare_pairs(const void *a, const void *b) {
        return strcmp(((const YamlPair *) a)->key->text, ((const YamlPair *) b)->key->text);
}

/* Woodpecker hands "from_secrets: x" on as it is, and a plugin fails far from here. */
static void warn_of_typo(const Value *value, const YamlNode *node) {
        const char *const names[] = { "from_secret" };

        for (size_t i = 0; i < node->n_pairs; i++)
                if (diag_suggest(node->pairs[i].key->text, names, ELEMENTSOF(names)))
                        diag_set_hint(WOODPECKER_WARNING(value->woodpecker, "secret", node->pairs[i].key->mark,
                                                         "'%s' is text like any other", node->pairs[i].key->text),
                                      "did you mean 'from_secret'?");
}

static int append_json_map(Value *value, const YamlNode *node) {
        _cleanup_free_ YamlPair *sorted = calloc(node->n_pairs + 1, sizeof(YamlPair));
        int r = 0;

        if (!sorted)
                return -ENOMEM;
        for (size_t i = 0; i < node->n_pairs; i++)
                sorted[i] = node->pairs[i];
        warn_of_typo(value, node);
        qsort(sorted, node->n_pairs, sizeof(*sorted), compare_pairs);
        (void) str_append_char(&value->text, '{');
        for (size_t i = 0; i < node->n_pairs && r == 0; i++) {
                if (i > 0)
                        (void) str_append_char(&value->text, ',');
                go_json_append_string(&value->text, sorted[i].key->text, sorted[i].key->n_text);
                (void) str_append_char(&value->text, ':');
                r = append_json(value, sorted[i].value);
        }
        (void) str_append_char(&value->text, '}');
        return r;
}

static int append_json_list(Value *value, const YamlNode *node) {
        int r = 0;

        (void) str_append_char(&value->text, '[');
        for (size_t i = 0; i < node->n_items && r == 0; i++) {
                if (i > 0)
                        (void) str_append_char(&value->text, ',');
                r = append_json(value, node->items[i]);
        }
        (void) str_append_char(&value->text, ']');
        return r;
}

/* Depth is bounded by YAML_DEPTH_MAX. */
static int append_json(Value *value, const YamlNode *node) {
        _cleanup_free_ char *time = NULL;
        const char *secret;
        int r;

        switch (node->kind) {
        case YAML_NULL:
                return str_append(&value->text, "null");
        case YAML_BOOL:
                return str_append(&value->text, node->boolean ? "true" : "false");
        case YAML_INT:
        case YAML_FLOAT:
                return append_number(value, node, true);
        case YAML_TIMESTAMP:
                time = go_format_time(node->text);
                if (!time)
                        return -ENOMEM;
                go_json_append_string(&value->text, time, strlen(time));
                return 0;
        case YAML_SEQUENCE:
                return append_json_list(value, node);
        case YAML_MAPPING:
                if (!is_secret_reference(node))
                        return append_json_map(value, node);
                r = find_secret(value, node, &secret);
                if (r == 0)
                        go_json_append_string(&value->text, secret ? secret : "", secret ? strlen(secret) : 0);
                return r;
        default:
                go_json_append_string(&value->text, node->text, node->n_text);
                return 0;
        }
}

static bool is_simple(const YamlNode *node) {
        return yaml_is_scalar(node) && node->kind != YAML_TIMESTAMP;
}

/* A number's or bool's text is put right, a string's is kept; nothing is nothing. */
static int append_simple(Value *value, const YamlNode *node) {
        switch (node->kind) {
        case YAML_NULL:
                return 0;
        case YAML_BOOL:
                return str_append(&value->text, node->boolean ? "true" : "false");
        case YAML_INT:
        case YAML_FLOAT:
                return append_number(value, node, false);
        default:
                if (memchr(node->text, '\0', node->n_text))
                        WOODPECKER_ERROR(value->woodpecker, "value", node->mark,
                                         "a NUL character cannot be handed to a program");
                return str_append(&value->text, node->text);
        }
}

static int append_list(Value *value, const YamlNode *node) {
        int r = 0;

        if (node->n_items == 0)
                return 0;
        for (size_t i = 0; i < node->n_items; i++)
                if (!is_simple(node->items[i]))
                        return append_json(value, node);
        for (size_t i = 0; i < node->n_items && r == 0; i++) {
                if (i > 0)
                        (void) str_append_char(&value->text, ',');
                r = append_simple(value, node->items[i]);
        }
        return r;
}

static int append_value(Value *value, const YamlNode *node) {
        const char *secret;
        Diag *diag;
        int r;

        if (node->kind == YAML_TIMESTAMP) {
                diag = WOODPECKER_WARNING(value->woodpecker, "timestamp", node->mark,
                                          "'%s' without quotes is a time, as YAML reads it", node->text);
                diag_set_hint(diag, "put it in quotes to have the text itself");
                return append_json(value, node);
        }
        if (is_simple(node))
                return append_simple(value, node);
        if (node->kind == YAML_SEQUENCE)
                return append_list(value, node);
        if (!is_secret_reference(node))
                return append_json(value, node);
        r = find_secret(value, node, &secret);
        return r == 0 && secret ? str_append(&value->text, secret) : r;
}

int woodpecker_value(Woodpecker *woodpecker, const YamlNode *node, char **ret, bool *ret_is_secret) {
        Value value = { .woodpecker = woodpecker, .text = STR_INIT(VALUE_BYTES_MAX) };
        size_t n_errors = woodpecker->n_errors;
        int r;

        *ret = NULL;
        *ret_is_secret = false;
        if (node->kind == YAML_NULL)
                return 0;
        r = append_value(&value, node);
        if (value.text.error == -E2BIG) {
                WOODPECKER_ERROR(woodpecker, "too-large", node->mark, "the value is larger than %u MiB",
                                 VALUE_BYTES_MAX >> 20);
                r = 0;
        } else if (value.text.error < 0)
                r = value.text.error;
        if (r == 0 && woodpecker->n_errors == n_errors) {
                *ret = str_take(&value.text);
                *ret_is_secret = value.is_secret;
                r = *ret ? 0 : -ENOMEM;
        }
        str_done(&value.text);
        return r;
}
