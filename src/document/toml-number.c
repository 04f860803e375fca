#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "document/toml-internal.h"

#define NUMBER_BYTES_MAX 200
#define WORD_SHOWN_MAX 60

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static size_t digits(const char *p) {
        return strspn(p, "0123456789");
}

static bool skip(const char **p, const char *format) {
        for (; *format; format++, (*p)++)
                if (*format == '0' ? !is_digit(**p) : **p != *format)
                        return false;
        return true;
}

/* "1979-05-27", "07:32:00.999", both with a 'T' or a blank between, and "Z" or "+01:00" behind them. */
static bool is_date(const char *p) {
        bool has_date = digits(p) == 4 && p[4] == '-', has_time;

        if (has_date && !skip(&p, "0000-00-00"))
                return false;
        if (has_date && *p && !strchr("Tt ", *p))
                return false;
        has_time = has_date ? *p != '\0' : true;
        p += has_date && has_time;
        if (has_time) {
                if (!skip(&p, "00:00:00"))
                        return false;
                if (*p == '.' && digits(p + 1) > 0)
                        p += 1 + digits(p + 1);
                if (has_date && (*p == 'Z' || *p == 'z'))
                        p++;
                else if (has_date && (*p == '+' || *p == '-') && !(p++, skip(&p, "00:00")))
                        return false;
        }
        return !*p;
}

/* Digits, with single underscores between them; copies them without. */
static const char *take_digits(const char *p, const char *allowed, char **out) {
        const char *start = p;

        for (; *p && (strchr(allowed, *p) || *p == '_'); p++) {
                if (*p == '_' && (p == start || p[-1] == '_' || !p[1] || !strchr(allowed, p[1])))
                        return NULL;
                if (*p != '_')
                        *(*out)++ = *p;
        }
        return p == start ? NULL : p;
}

static bool parse_prefixed(const char *word, int64_t *ret) {
        static const struct {
                const char *prefix, *digits;
                int base;
        } forms[] = { { "0x", "0123456789abcdefABCDEF", 16 }, { "0o", "01234567", 8 }, { "0b", "01", 2 } };
        char plain[NUMBER_BYTES_MAX + 1] = "", *end = plain;
        unsigned long long value;

        FOREACH_ROW(form, forms) {
                const char *rest;

                if (!str_starts_with(word, form->prefix))
                        continue;
                rest = take_digits(word + 2, form->digits, &end);
                if (!rest || *rest)
                        return false;
                errno = 0;
                value = strtoull(plain, NULL, form->base);
                *ret = (int64_t) value;
                return errno == 0 && value <= INT64_MAX;
        }
        return false;
}

/* [+-]digits[.digits][e[+-]digits], without a leading zero. Gives it without underscores. */
static bool copy_decimal(const char *p, char *plain, bool *ret_is_whole) {
        static const char *const ten = "0123456789";

        *ret_is_whole = true;
        if (*p == '+' || *p == '-')
                *plain++ = *p++;
        if (p[0] == '0' && (is_digit(p[1]) || p[1] == '_'))
                return false;
        p = take_digits(p, ten, &plain);
        if (p && *p == '.') {
                *ret_is_whole = false;
                *plain++ = *p;
                p = take_digits(p + 1, ten, &plain);
        }
        if (p && (*p == 'e' || *p == 'E')) {
                *ret_is_whole = false;
                *plain++ = *p++;
                if (*p == '+' || *p == '-')
                        *plain++ = *p++;
                p = take_digits(p, ten, &plain);
        }
        *plain = '\0';
        return p && !*p;
}

static bool parse_special(const char *word, double *ret) {
        const char *name = *word == '+' || *word == '-' ? word + 1 : word;

        if (!str_equal(name, "inf") && !str_equal(name, "nan"))
                return false;
        *ret = *name == 'i' ? INFINITY : NAN;
        *ret = *word == '-' ? -*ret : *ret;
        return true;
}

static bool set_decimal(YamlNode *node, const char *word) {
        char plain[NUMBER_BYTES_MAX + 1];
        bool is_whole;

        if (!copy_decimal(word, plain, &is_whole))
                return false;
        node->kind = is_whole ? YAML_INT : YAML_FLOAT;
        errno = 0;
        if (is_whole)
                node->integer = strtoll(plain, NULL, 10);
        else
                node->number = strtod(plain, NULL); /* LC_NUMERIC is never set: the point is a point */
        return !is_whole || errno == 0;
}

static bool set_scalar(YamlNode *node, const char *word) {
        if (str_equal(word, "true") || str_equal(word, "false")) {
                node->kind = YAML_BOOL;
                node->boolean = *word == 't';
                return true;
        }
        if (is_date(word)) {
                node->kind = YAML_TIMESTAMP;
                return true;
        }
        if (parse_special(word, &node->number)) {
                node->kind = YAML_FLOAT;
                return true;
        }
        if (parse_prefixed(word, &node->integer)) {
                node->kind = YAML_INT;
                return true;
        }
        return set_decimal(node, word);
}

/* The word up to what may stand behind a value. One blank may part a date from its time. */
static size_t measure(const char *p) {
        size_t n = strcspn(p, " \t\r\n,]}#=");

        if (n == 10 && p[4] == '-' && p[n] == ' ' && is_digit(p[n + 1]))
                n += 1 + strcspn(p + n + 1, " \t\r\n,]}#=");
        return n;
}

YamlNode *toml_number(TomlReader *t) {
        const char *at = t->p;
        size_t n = measure(at);
        YamlNode *node;

        if (n == 0)
                return toml_fault(t, at, 0, "expected a value");
        t->p += n;
        node = toml_new(t, YAML_STRING, at, at, n);
        if (node && (n > NUMBER_BYTES_MAX || !set_scalar(node, node->text))) {
                _cleanup_free_ char *shown = str_escape(at, n, WORD_SHOWN_MAX);

                return toml_fault(t, at, n, "'%s' is no value: text stands in quotes", shown ? shown : "");
        }
        return node;
}
