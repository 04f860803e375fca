#include <string.h>

#include "base/str.h"
#include "document/toml-internal.h"

static bool is_control(char c) {
        return (unsigned char) c < 0x20 || c == 0x7f;
}

static void put_code(Str *out, uint32_t c) {
        if (c < 0x80)
                (void) str_append_char(out, (char) c);
        else if (c < 0x800)
                (void) str_append_n(out, (char[]) { (char) (0xc0 | c >> 6), (char) (0x80 | (c & 0x3f)) }, 2);
        else if (c < 0x10000)
                (void) str_append_n(out,
                                    (char[]) { (char) (0xe0 | c >> 12), (char) (0x80 | (c >> 6 & 0x3f)),
                                               (char) (0x80 | (c & 0x3f)) },
                                    3);
        else
                (void) str_append_n(out,
                                    (char[]) { (char) (0xf0 | c >> 18), (char) (0x80 | (c >> 12 & 0x3f)),
                                               (char) (0x80 | (c >> 6 & 0x3f)), (char) (0x80 | (c & 0x3f)) },
                                    4);
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* \uXXXX and \UXXXXXXXX; what is read next stands behind the 'u'. */
static void read_code(TomlReader *t, unsigned n_digits, Str *out) {
        const char *at = t->p - 2;
        uint32_t code = 0;

        for (unsigned i = 0; i < n_digits; i++, t->p++) {
                int digit = hex_digit(*t->p);

                if (digit < 0) {
                        toml_fault(t, at, (size_t) (t->p - at), "expected %u hexadecimal digits", n_digits);
                        return;
                }
                code = code << 4 | (uint32_t) digit;
        }
        if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
                toml_fault(t, at, n_digits + 2, "there is no such character");
        else
                put_code(out, code);
}

/* A '\' at the end of a line takes the line end and all blanks that follow with it. */
static bool skip_folded(TomlReader *t) {
        const char *end = t->p + 1 + strspn(t->p + 1, " \t");

        if (*end != '\n' && !(end[0] == '\r' && end[1] == '\n'))
                return false;
        t->p = end + strspn(end, " \t\r\n");
        return true;
}

static void read_escape(TomlReader *t, bool is_long, Str *out) {
        static const char letters[] = "btnfr\"\\", meant[] = "\b\t\n\f\r\"\\";
        const char *letter = t->p[1] ? strchr(letters, t->p[1]) : NULL;

        if (is_long && skip_folded(t))
                return;
        if (letter) {
                (void) str_append_char(out, meant[letter - letters]);
                t->p += 2;
        } else if (t->p[1] == 'u' || t->p[1] == 'U') {
                t->p += 2;
                read_code(t, t->p[-1] == 'u' ? 4 : 8, out);
        } else
                toml_fault(t, t->p, 2,
                           "unknown escape; a backslash is written '\\\\', or put the text in single quotes");
}

/* How many quotes end it here: three, and up to two more that belong to the text. */
static size_t count_quotes(const char *p, char quote) {
        size_t n = 0;

        while (n < 5 && p[n] == quote)
                n++;
        return n;
}

/* Takes quotes; true if they end the text. */
static bool is_end(TomlReader *t, char quote, bool is_long, Str *out) {
        size_t n = count_quotes(t->p, quote);

        if (n == 0)
                return false;
        if (!is_long) {
                t->p++;
                return true;
        }
        for (size_t i = 0; i < (n >= 3 ? n - 3 : n); i++)
                (void) str_append_char(out, quote);
        t->p += n;
        return n >= 3;
}

static void skip_first_line_end(TomlReader *t) {
        if (t->p[0] == '\r' && t->p[1] == '\n')
                t->p++;
        if (*t->p == '\n')
                t->p++;
}

YamlNode *toml_string(TomlReader *t, bool may_have_lines) {
        _cleanup_str_ Str out = STR_INIT(SOURCE_BYTES_MAX);
        const char *at = t->p, *before;
        char quote = *at;
        bool is_long = at[1] == quote && at[2] == quote;
        YamlNode *node;

        if (is_long && !may_have_lines)
                return toml_fault(t, at, 3, "a key is of one line");
        t->p += is_long ? 3 : 1;
        if (is_long)
                skip_first_line_end(t);
        while (!t->is_broken) {
                bool is_line_end = *t->p == '\n' || (t->p[0] == '\r' && t->p[1] == '\n');

                if (!*t->p || (is_line_end && !is_long))
                        return toml_fault(t, at, strcspn(at, "\r\n"), "this text has no %s at its end",
                                          is_long ? "three quotes" : "quote");
                if (is_control(*t->p) && *t->p != '\t' && !is_line_end)
                        return toml_fault(t, t->p, 1, "a control character must be written as an escape");
                before = t->p;
                if (is_end(t, quote, is_long, &out))
                        break;
                if (t->p != before)
                        continue;
                if (*t->p == '\\' && quote == '"')
                        read_escape(t, is_long, &out);
                else
                        (void) str_append_char(&out, *t->p++);
        }
        if (t->is_broken)
                return NULL;
        if (out.error < 0) {
                t->is_broken = t->is_out_of_memory = true;
                return NULL;
        }
        node = toml_new(t, YAML_STRING, at, str_get(&out), out.n);
        if (node)
                node->is_quoted = true;
        return node;
}
