/* The functions. What a string is made of is characters, as Go's strings and expr's len() have it. */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "base/utf8.h"
#include "document/diag.h"
#include "pipeline/expression-internal.h"
#include "pipeline/go-number.h"

static bool call_len(Expression *e, const Node *node, const Value *arguments, Value *ret) {
        const Value *of = &arguments[0];

        if (of->type != VALUE_STRING && of->type != VALUE_ARRAY)
                return expression_fail(e, node->offset, node->n, NULL, "%s has no length", value_type_name(of->type));
        *ret = VALUE_OF_INT((int64_t) (of->type == VALUE_STRING ? utf8_columns(of->text, of->n) : of->n));
        return true;
}

static bool change_case(Expression *e, const Value *text, int (*change)(int), Value *ret) {
        char *out = expression_allocate(e, text->n + 1);

        if (!out)
                return false;
        for (size_t i = 0; i < text->n; i++)
                out[i] = isascii((unsigned char) text->text[i]) ? (char) change((unsigned char) text->text[i])
                                                                : text->text[i];
        *ret = (Value){ .type = VALUE_STRING, .text = out, .n = text->n };
        return true;
}

static bool call_lower(Expression *e, const Node *node, const Value *arguments, Value *ret) {
        return change_case(e, &arguments[0], tolower, ret);
}

static bool call_upper(Expression *e, const Node *node, const Value *arguments, Value *ret) {
        return change_case(e, &arguments[0], toupper, ret);
}

static size_t character_at(const char *text, size_t n) {
        return MAX(utf8_length(text, n), 1U);
}

static size_t last_character(const char *text, size_t n) {
        size_t k = 1;

        while (k < n && k < 4 && ((unsigned char) text[n - k] & 0xc0) == 0x80)
                k++;
        return utf8_length(text + n - k, k) == k ? k : 1;
}

/* trim(text), trim(text, characters) */
static bool call_trim(Expression *e, const Node *node, const Value *arguments, Value *ret) {
        const char *text = arguments[0].text, *set = node->n_children > 1 ? arguments[1].text : " \t\n\v\f\r";
        size_t n = arguments[0].n, n_set = strlen(set), k;

        if (!expression_spend(e, node, (n + 1) * (n_set + 1)))
                return false;
        for (; n > 0 && (k = character_at(text, n), memmem(set, n_set, text, k)); n -= k)
                text += k;
        while (n > 0 && (k = last_character(text, n), memmem(set, n_set, text + n - k, k)))
                n -= k;
        return expression_text(e, text, n, ret);
}

/* The next part, and what is left behind it; nothing between separators: each character is a part. */
static size_t part_length(const char *rest, size_t n, const Value *separator) {
        const char *end;

        if (separator->n == 0)
                return n > 0 ? character_at(rest, n) : 0;
        end = memmem(rest, n, separator->text, separator->n);
        return end ? (size_t) (end - rest) : n;
}

static size_t count_parts(const Value *text, const Value *separator, size_t max) {
        size_t n_parts = 0, at = 0;

        if (separator->n == 0 && text->n == 0)
                return 0;
        while (n_parts < max) {
                at += part_length(text->text + at, text->n - at, separator) + separator->n;
                n_parts++;
                if (separator->n > 0 ? at > text->n : at >= text->n)
                        break;
        }
        return n_parts;
}

/* split(text, separator), split(text, separator, how many at most) */
static bool call_split(Expression *e, const Node *node, const Value *arguments, Value *ret) {
        const Value *text = &arguments[0], *separator = &arguments[1];
        int64_t limit = node->n_children > 2 ? arguments[2].integer : -1;
        size_t n = count_parts(text, separator, limit < 0 ? SIZE_MAX : (size_t) limit), at = 0;
        Value *items;

        if (n > EXPRESSION_MEMORY_MAX / sizeof(Value))
                return expression_fail(e, node->offset, node->n, NULL, "the expression needs too much memory");
        items = expression_allocate(e, (n + 1) * sizeof(Value));
        if (!items)
                return false;
        for (size_t i = 0; i < n; i++) {
                size_t k = i + 1 == n ? text->n - at : part_length(text->text + at, text->n - at, separator);

                if (!expression_text(e, text->text + at, k, &items[i]))
                        return false;
                at += k + separator->n;
        }
        *ret = (Value){ .type = VALUE_ARRAY, .items = items, .n = n };
        return true;
}

static bool call_has_prefix(Expression *e, const Node *node, const Value *arguments, Value *ret) {
        const Value *text = &arguments[0], *part = &arguments[1];

        *ret = VALUE_OF_BOOL(text->n >= part->n && memcmp(text->text, part->text, part->n) == 0);
        return true;
}

static bool call_has_suffix(Expression *e, const Node *node, const Value *arguments, Value *ret) {
        const Value *text = &arguments[0], *part = &arguments[1];

        *ret = VALUE_OF_BOOL(text->n >= part->n && memcmp(text->text + text->n - part->n, part->text, part->n) == 0);
        return true;
}

static bool call_int(Expression *e, const Node *node, const Value *arguments, Value *ret) {
        const Value *of = &arguments[0];
        int64_t number;

        if (of->type == VALUE_INT)
                *ret = *of;
        else if (of->type == VALUE_FLOAT && fabs(of->number) < 9e18)
                *ret = VALUE_OF_INT((int64_t) of->number);
        else if (of->type == VALUE_STRING &&
                 parse_i64(of->text + (of->text[0] == '+' && isdigit((unsigned char) of->text[1])), &number) == 0)
                *ret = VALUE_OF_INT(number);
        else if (of->type == VALUE_STRING) {
                _cleanup_free_ char *shown = str_escape(of->text, of->n, 40);

                return expression_fail(e, node->offset, node->n, "test for it before: NAME != \"\" and int(NAME) > 1",
                                       "'%s' is no whole number", shown ? shown : "");
        } else
                return expression_fail(e, node->offset, node->n, NULL, "%s is no whole number",
                                       value_type_name(of->type));
        return true;
}

static bool call_string(Expression *e, const Node *node, const Value *arguments, Value *ret) {
        const Value *of = &arguments[0];
        _cleanup_free_ char *text = NULL;

        if (of->type == VALUE_STRING) {
                *ret = *of;
                return true;
        }
        if (of->type == VALUE_ARRAY)
                return expression_fail(e, node->offset, node->n, NULL, "a list cannot be made a string");
        text = of->type == VALUE_INT     ? str_printf("%" PRId64, of->integer)
               : of->type == VALUE_FLOAT ? go_format_float(of->number)
               : of->type == VALUE_BOOL  ? strdup(of->boolean ? "true" : "false")
                                         : strdup("<nil>");
        return text ? expression_text(e, text, strlen(text), ret) : expression_oom(e);
}

#define UNSUPPORTED_HINT "what podstep has: len lower upper trim split hasPrefix hasSuffix int string"
#define STRING VALUE_STRING

/* clang-format off */
static const Function functions[] = {
        { "len", 1, 1, { VALUE_ANY }, VALUE_INT, call_len },
        { "lower", 1, 1, { STRING }, STRING, call_lower },
        { "upper", 1, 1, { STRING }, STRING, call_upper },
        { "trim", 1, 2, { STRING, STRING }, STRING, call_trim },
        { "split", 2, 3, { STRING, STRING, VALUE_INT }, VALUE_ARRAY, call_split },
        { "hasPrefix", 2, 2, { STRING, STRING }, VALUE_BOOL, call_has_prefix },
        { "hasSuffix", 2, 2, { STRING, STRING }, VALUE_BOOL, call_has_suffix },
        { "int", 1, 1, { VALUE_ANY }, VALUE_INT, call_int },
        { "string", 1, 1, { VALUE_ANY }, STRING, call_string },
};
/* clang-format on */

/* What the language has besides: builtin/builtin.go. */
static const char *const unsupported[] = {
        "all",       "none",          "any",      "one",      "filter",      "map",        "find",       "findIndex",
        "findLast",  "findLastIndex", "count",    "sum",      "groupBy",     "sortBy",     "reduce",     "type",
        "abs",       "ceil",          "floor",    "round",    "float",       "trimPrefix", "trimSuffix", "splitAfter",
        "replace",   "repeat",        "join",     "indexOf",  "lastIndexOf", "max",        "min",        "mean",
        "median",    "toJSON",        "fromJSON", "toBase64", "fromBase64",  "now",        "duration",   "date",
        "timezone",  "first",         "last",     "get",      "take",        "keys",       "values",     "toPairs",
        "fromPairs", "reverse",       "uniq",     "concat",   "flatten",     "sort",       "bitand",     "bitor",
        "bitxor",    "bitnand",       "bitnot",   "bitshl",   "bitshr",      "bitushr",
};

const Function *function_find(const char *name) {
        FOREACH_ROW(row, functions)
                if (strcmp(row->name, name) == 0)
                        return row;
        return NULL;
}

bool function_refuse(Expression *e, const char *name, size_t offset) {
        _cleanup_free_ char *hint = NULL, *shown = str_escape(name, strlen(name), 40);
        const char *names[ELEMENTSOF(functions)], *near;

        FOREACH_ROW(row, unsupported)
                if (strcmp(*row, name) == 0)
                        return expression_fail(e, offset, strlen(name), UNSUPPORTED_HINT,
                                               "unsupported expression: podstep has no '%s'", name);
        for (size_t i = 0; i < ELEMENTSOF(functions); i++)
                names[i] = functions[i].name;
        near = diag_suggest(name, names, ELEMENTSOF(names));
        if (near)
                hint = str_printf("did you mean '%s'?", near);
        return expression_fail(e, offset, strlen(name), hint, "there is no function '%s'", shown ? shown : "");
}
