/*
 * What a plain scalar is, as go-yaml v4 decides it: YAML 1.2's core schema, and from 1.1 "010" for 8, underscores in
 * numbers and dates. "yes" and "on" are strings.
 */

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/base64.h"
#include "base/str.h"
#include "document/yaml-internal.h"

#define TAG_PREFIX "tag:yaml.org,2002:"

typedef struct Word {
        const char *text;
        YamlKind kind;
        double number; /* of a bool: 0 or 1 */
} Word;

/* clang-format off */
static const Word words[] = {
        { "", YAML_NULL, 0 },         { "~", YAML_NULL, 0 },        { "null", YAML_NULL, 0 },
        { "Null", YAML_NULL, 0 },     { "NULL", YAML_NULL, 0 },     { "true", YAML_BOOL, 1 },
        { "True", YAML_BOOL, 1 },     { "TRUE", YAML_BOOL, 1 },     { "false", YAML_BOOL, 0 },
        { "False", YAML_BOOL, 0 },    { "FALSE", YAML_BOOL, 0 },    { "-0", YAML_FLOAT, -0.0 },
        { "-0.0", YAML_FLOAT, -0.0 }, { ".nan", YAML_FLOAT, NAN },  { ".NaN", YAML_FLOAT, NAN },
        { ".NAN", YAML_FLOAT, NAN },
        { ".inf", YAML_FLOAT, INFINITY },   { ".Inf", YAML_FLOAT, INFINITY },   { ".INF", YAML_FLOAT, INFINITY },
        { "+.inf", YAML_FLOAT, INFINITY },  { "+.Inf", YAML_FLOAT, INFINITY },  { "+.INF", YAML_FLOAT, INFINITY },
        { "-.inf", YAML_FLOAT, -INFINITY }, { "-.Inf", YAML_FLOAT, -INFINITY }, { "-.INF", YAML_FLOAT, -INFINITY },
};
/* clang-format on */

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

/* Most scalars are strings, and tell so by their first character. */
static bool may_be_other_than_string(const char *text) {
        return !*text || strchr("~nNtTfF.+-0123456789", *text);
}

static bool resolve_word(YamlNode *node) {
        FOREACH_ROW(word, words) {
                if (strcmp(node->text, word->text) != 0)
                        continue;
                node->kind = word->kind;
                if (word->kind == YAML_BOOL)
                        node->boolean = word->number != 0;
                else
                        node->number = word->number;
                return true;
        }
        return false;
}

/* A number of one or two digits (or, from other places, @most) in [low, high]; *text is moved behind it. */
static bool take_number(const char **text, unsigned least, unsigned most, unsigned low, unsigned high, unsigned *ret) {
        unsigned value = 0, n = 0;

        for (; n < most && is_digit(**text); n++, (*text)++)
                value = value * 10 + (unsigned) (**text - '0');
        if (ret)
                *ret = value;
        return n >= least && value >= low && value <= high;
}

static bool take_char(const char **text, const char *any) {
        if (!**text || !strchr(any, **text))
                return false;
        (*text)++;
        return true;
}

static unsigned days_in_month(unsigned year, unsigned month) {
        static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

        return days[month - 1] + (month == 2 && is_leap);
}

/* "15:4:5.999"; then a zone if @with_zone, and nothing more. */
static bool is_time(const char *p, bool with_zone) {
        if (!take_number(&p, 1, 2, 0, 23, NULL) || !take_char(&p, ":") || !take_number(&p, 1, 2, 0, 59, NULL) ||
            !take_char(&p, ":") || !take_number(&p, 1, 2, 0, 59, NULL))
                return false;
        if ((*p == '.' || *p == ',') && is_digit(p[1]))
                for (p++; is_digit(*p);)
                        p++;
        if (with_zone && !take_char(&p, "Z")) {
                if (!take_char(&p, "+-") || !take_number(&p, 2, 2, 0, 24, NULL) || !take_char(&p, ":") ||
                    !take_number(&p, 2, 2, 0, 60, NULL))
                        return false;
        }
        return *p == '\0';
}

/* "2006-1-2", "2006-1-2 15:4:5.999", "2006-1-2T15:4:5.999Z", "2006-1-2t15:4:5+07:00" */
static bool is_timestamp(const char *p) {
        unsigned year, month, day;

        if (!take_number(&p, 4, 4, 0, 9999, &year) || !take_char(&p, "-") || !take_number(&p, 1, 2, 1, 12, &month) ||
            !take_char(&p, "-") || !take_number(&p, 1, 2, 1, 31, &day) || day > days_in_month(year, month))
                return false;
        if (*p == '\0')
                return true;
        return *p == ' ' ? is_time(p + 1, false) : take_char(&p, "Tt") && is_time(p, true);
}

static int digit_value(char c) {
        if (is_digit(c))
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

static unsigned take_base(const char **digits) {
        const char *p = *digits;

        if (p[0] != '0' || p[1] == '\0')
                return 10;
        *digits += 2;
        switch (p[1] | 0x20) {
        case 'x':
                return 16;
        case 'o':
                return 8;
        case 'b':
                return 2;
        default:
                *digits -= 1;
                return 8;
        }
}

static bool resolve_integer(YamlNode *node, const char *text) {
        bool is_negative = *text == '-';
        const char *p = text + (*text == '-' || *text == '+');
        unsigned base = take_base(&p);
        uint64_t value = 0;

        if (!*p)
                return false;
        for (; *p; p++) {
                int digit = digit_value(*p);

                if (digit >= (int) base || __builtin_mul_overflow(value, base, &value) ||
                    __builtin_add_overflow(value, (uint64_t) digit, &value))
                        return false;
        }
        if (is_negative && value > (uint64_t) INT64_MAX + 1)
                return false;
        if (!is_negative && value > INT64_MAX) {
                node->kind = YAML_FLOAT;
                node->number = (double) value;
                return true;
        }
        node->kind = YAML_INT;
        node->integer = is_negative ? (int64_t) (0 - value) : (int64_t) value;
        return true;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_float(const char *p) {
        size_t n_before, n_after = 0;

        (void) take_char(&p, "+-");
        n_before = strspn(p, "0123456789");
        p += n_before;
        if (take_char(&p, "."))
                n_after = strspn(p, "0123456789");
        p += n_after;
        if (n_before + n_after == 0)
                return false;
        if (take_char(&p, "eE")) {
                (void) take_char(&p, "+-");
                if (!is_digit(*p))
                        return false;
                p += strspn(p, "0123456789");
        }
        return *p == '\0';
}

static bool resolve_float(YamlNode *node, const char *text) {
        double number;

        if (!is_float(text))
                return false;
        number = strtod(text, NULL);
        if (!isfinite(number)) /* too large for a number: it stays the text that it is */
                return false;
        node->kind = YAML_FLOAT;
        node->number = number;
        return true;
}

static bool resolve_number(YamlNode *node) {
        char plain[YAML_NUMBER_BYTES_MAX + 1];
        size_t n = 0;

        if (node->n_text > YAML_NUMBER_BYTES_MAX)
                return false;
        if (node->text[0] == '.')
                return resolve_float(node, node->text);
        for (const char *p = node->text; *p; p++)
                if (*p != '_')
                        plain[n++] = *p;
        plain[n] = '\0';
        return resolve_integer(node, plain) || resolve_float(node, plain);
}

/* The type that the text has by itself. */
static void resolve_plain(YamlNode *node) {
        node->kind = YAML_STRING;
        if (!may_be_other_than_string(node->text) || memchr(node->text, '\0', node->n_text) || resolve_word(node))
                return;
        if (is_digit(node->text[0]) && is_timestamp(node->text))
                node->kind = YAML_TIMESTAMP;
        else if (is_digit(node->text[0]) || (node->text[0] && strchr("+-.", node->text[0])))
                (void) resolve_number(node);
}

static int decode_binary(YamlNode *node) {
        _cleanup_free_ char *bytes = NULL;
        size_t n;
        int r;

        node->kind = YAML_STRING;
        r = base64_decode(node->text, node->n_text, &bytes, &n);
        if (r < 0)
                return r == -ENOMEM ? r : -EBADMSG;
        assert(n <= node->n_text);
        memcpy(node->text, bytes, n);
        node->text[n] = '\0';
        node->n_text = n;
        return 0;
}

int yaml_scalar_resolve(YamlNode *node, const char *tag) {
        static const struct {
                const char *tag;
                YamlKind kind;
        } tags[] = {
                { "null", YAML_NULL },   { "bool", YAML_BOOL },           { "int", YAML_INT },
                { "float", YAML_FLOAT }, { "timestamp", YAML_TIMESTAMP },
        };

        if (!tag && !node->is_quoted) {
                resolve_plain(node);
                return 0;
        }
        node->kind = YAML_STRING;
        if (!tag || !str_starts_with(tag, TAG_PREFIX))
                return 0;
        tag += strlen(TAG_PREFIX);
        if (strcmp(tag, "binary") == 0)
                return decode_binary(node);
        FOREACH_ROW(row, tags) {
                if (strcmp(tag, row->tag) != 0)
                        continue;
                resolve_plain(node);
                if (row->kind == YAML_FLOAT && node->kind == YAML_INT) {
                        node->kind = YAML_FLOAT;
                        node->number = (double) node->integer;
                }
                return node->kind == row->kind ? 0 : -EBADMSG;
        }
        return 0;
}
