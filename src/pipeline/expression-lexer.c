/* Text to tokens. */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "pipeline/expression-internal.h"

#define NUMBER_BYTES_MAX 64

#define ESCAPE_HINT "'\\\\\\\\' in a workflow file is one '\\' for the expression; `...` takes all as it is"
#define NO_PARTS "lists have elements: NAME[0]; there are no other parts"
#define NO_CLOSURES "podstep has no closures and maps; write the conditions out with 'and' and 'or'"

/* clang-format off */
/* Longer ones first. Precedences are those of expr's parser/operator/operator.go. */
static const Operator operators[] = {
        { "startsWith", OPERATOR_STARTS, .binary = 20 },
        { "endsWith", OPERATOR_ENDS, .binary = 20 },
        { "contains", OPERATOR_CONTAINS, .binary = 20 },
        { "matches", OPERATOR_MATCHES, .binary = 20 },
        { "and", OPERATOR_AND, .binary = 15 },
        { "not", OPERATOR_NOT, .unary = 50 },
        { "let", OPERATOR_UNSUPPORTED, .hint = "write the value where it is used" },
        { "if", OPERATOR_UNSUPPORTED, .hint = "'CONDITION ? THIS : THAT' decides" },
        { "or", OPERATOR_OR, .binary = 10 },
        { "in", OPERATOR_IN, .binary = 20 },
        { "===", OPERATOR_FAULT, .hint = "'==' compares" },
        { "||", OPERATOR_OR, .binary = 10 },
        { "&&", OPERATOR_AND, .binary = 15 },
        { "==", OPERATOR_EQUAL, .binary = 20 },
        { "=~", OPERATOR_FAULT, .hint = "'matches' compares with a regular expression" },
        { "!=", OPERATOR_NOT_EQUAL, .binary = 20 },
        { "<=", OPERATOR_LESS_EQUAL, .binary = 20 },
        { ">=", OPERATOR_GREATER_EQUAL, .binary = 20 },
        { "**", OPERATOR_POWER, .binary = 100, .is_right = true },
        { "??", OPERATOR_COALESCE, .binary = 500 },
        { "?.", OPERATOR_UNSUPPORTED, .hint = NO_PARTS },
        { "..", OPERATOR_UNSUPPORTED, .hint = "write the list out: [1, 2, 3]" },
        { "::", OPERATOR_UNSUPPORTED },
        { "<", OPERATOR_LESS, .binary = 20 },
        { ">", OPERATOR_GREATER, .binary = 20 },
        { "+", OPERATOR_ADD, .binary = 30, .unary = 90 },
        { "-", OPERATOR_SUBTRACT, .binary = 30, .unary = 90 },
        { "*", OPERATOR_MULTIPLY, .binary = 60 },
        { "/", OPERATOR_DIVIDE, .binary = 60 },
        { "%", OPERATOR_MODULO, .binary = 60 },
        { "^", OPERATOR_POWER, .binary = 100, .is_right = true },
        { "!", OPERATOR_NOT, .unary = 50 },
        { "?", OPERATOR_PUNCTUATION },
        { ":", OPERATOR_PUNCTUATION },
        { ",", OPERATOR_PUNCTUATION },
        { "(", OPERATOR_PUNCTUATION },
        { ")", OPERATOR_PUNCTUATION },
        { "[", OPERATOR_PUNCTUATION },
        { "]", OPERATOR_PUNCTUATION },
        { "|", OPERATOR_UNSUPPORTED, .hint = "'||' is 'or'; a function is called with its value: lower(NAME)" },
        { ".", OPERATOR_UNSUPPORTED, .hint = NO_PARTS },
        { "{", OPERATOR_UNSUPPORTED, .hint = NO_CLOSURES },
        { "}", OPERATOR_UNSUPPORTED, .hint = NO_CLOSURES },
        { "#", OPERATOR_UNSUPPORTED, .hint = "a comment begins with '//'" },
        { ";", OPERATOR_UNSUPPORTED, .hint = "there is one expression, and nothing behind it" },
        { "=", OPERATOR_FAULT, .hint = "'==' compares" },
        { "&", OPERATOR_FAULT, .hint = "'&&' is 'and'" },
};
/* clang-format on */

static bool is_name_start(char c) {
        return isalpha((unsigned char) c) || c == '_' || c == '$';
}

static bool is_name_part(char c) {
        return is_name_start(c) || isdigit((unsigned char) c);
}

/* White space, and comments from '//' to the end of the line or in between slashes and stars. */
static bool skip_blanks(Expression *e) {
        for (;;) {
                const char *rest = e->text + e->at, *end;

                if (isspace((unsigned char) *rest))
                        e->at++;
                else if (rest[0] == '/' && rest[1] == '/')
                        e->at += strcspn(rest, "\r\n");
                else if (rest[0] == '/' && rest[1] == '*') {
                        end = strstr(rest + 2, "*/");
                        if (!end)
                                return expression_fail(e, e->at, 2, NULL, "the comment does not end");
                        e->at = (size_t) (end + 2 - e->text);
                } else
                        return true;
        }
}

static bool read_float(Expression *e, Token *token, char digits[static NUMBER_BYTES_MAX + 1]) {
        char *end;
        double number = strtod(digits, &end);

        if (*end)
                return expression_fail(e, token->offset, token->n, NULL, "'%s' is no number", digits);
        token->value = VALUE_OF_FLOAT(number);
        return true;
}

static bool read_integer(Expression *e, Token *token, const char *digits) {
        static const struct {
                char letter;
                int base;
        } rows[] = { { 'x', 16 }, { 'o', 8 }, { 'b', 2 } };
        int base = 10;
        char *end;

        FOREACH_ROW(row, rows)
                if (digits[0] == '0' && tolower((unsigned char) digits[1]) == row->letter) {
                        base = row->base;
                        digits += 2;
                }
        errno = 0;
        token->value = VALUE_OF_INT(strtoll(digits, &end, base));
        if (*end || !isxdigit((unsigned char) *digits))
                return expression_fail(e, token->offset, token->n, "a string stands in quotes", "this is no number");
        if (errno == ERANGE)
                return expression_fail(e, token->offset, token->n, NULL, "the number is too large");
        return true;
}

/* "1_000", "0x1f", "1.5e-3", ".5" */
static bool read_number(Expression *e, Token *token) {
        char digits[NUMBER_BYTES_MAX + 1];
        bool is_hex, is_float = false;
        size_t n = 0;

        token->kind = TOKEN_VALUE;
        is_hex = e->text[e->at] == '0' && tolower((unsigned char) e->text[e->at + 1]) == 'x';
        for (;; e->at++) {
                char c = e->text[e->at];
                bool is_exponent = !is_hex && tolower((unsigned char) c) == 'e';

                if (is_exponent && strchr("+-", e->text[e->at + 1]) && e->text[e->at + 1] && n + 1 < NUMBER_BYTES_MAX)
                        digits[n++] = *(e->text + e->at++), c = e->text[e->at];
                else if (!is_name_part(c) && (c != '.' || e->text[e->at + 1] == '.'))
                        break;
                is_float |= is_exponent || c == '.';
                if (c != '_' && n < NUMBER_BYTES_MAX)
                        digits[n++] = c;
        }
        digits[n] = '\0';
        token->n = e->at - token->offset;
        if (n == NUMBER_BYTES_MAX)
                return expression_fail(e, token->offset, token->n, NULL, "the number is too long");
        return is_float ? read_float(e, token, digits) : read_integer(e, token, digits);
}

static size_t put_utf8(uint32_t c, char *out) {
        size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        static const unsigned char marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

        for (size_t i = n; i-- > 1; c >>= 6)
                out[i] = (char) (0x80 | (c & 0x3f));
        out[0] = (char) (marks[n] | c);
        return n;
}

/* "\x41", "\u00e9", "\U0001f600", "\101"; returns how many bytes it puts, 0 with a fault. */
static size_t read_code(Expression *e, size_t start, char letter, char *out) {
        size_t n_digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 3;
        bool is_octal = n_digits == 3;
        uint32_t code = is_octal ? (uint32_t) (letter - '0') : 0;

        for (size_t i = is_octal; i < n_digits; i++, e->at++) {
                char c = e->text[e->at];

                if (!isxdigit((unsigned char) c) || (is_octal && (c < '0' || c > '7')) || code > 0xfffffff)
                        return expression_fail(e, start, e->at - start, NULL, "the escape sequence is not complete"), 0;
                code = code * (is_octal ? 8 : 16) +
                       (uint32_t) (isdigit((unsigned char) c) ? c - '0' : tolower((unsigned char) c) - 'a' + 10);
        }
        if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) || (is_octal && code > 0xff))
                return expression_fail(e, start, e->at - start, NULL, "there is no such character"), 0;
        if (letter != 'u' && letter != 'U') {
                *out = (char) code; /* a byte */
                return 1;
        }
        return put_utf8(code, out);
}

static size_t read_escape(Expression *e, char *out) {
        static const char names[] = "a\ab\bf\fn\nr\rt\tv\v\\\\''\"\"``??";
        size_t start = e->at++;
        char letter = e->text[e->at];

        if (letter)
                e->at++;
        for (const char *pair = names; *pair; pair += 2)
                if (*pair == letter) {
                        *out = pair[1];
                        return 1;
                }
        if ((letter && strchr("xuU", letter)) || (letter >= '0' && letter <= '3'))
                return read_code(e, start, letter, out);
        return expression_fail(e, start, e->at - start, ESCAPE_HINT, "there is no such escape sequence"), 0;
}

static bool read_string(Expression *e, Token *token) {
        char quote = e->text[e->at++], *out = expression_allocate(e, e->n_text - token->offset + 1);
        size_t n = 0, k;

        token->kind = TOKEN_VALUE;
        if (!out)
                return false;
        while (e->text[e->at] != quote) {
                if (!e->text[e->at] || (quote != '`' && strchr("\r\n", e->text[e->at])))
                        return expression_fail(e, token->offset, e->at - token->offset, NULL,
                                               "the string does not end");
                if (e->text[e->at] == '\\' && quote != '`') {
                        k = read_escape(e, out + n);
                        if (k == 0)
                                return false;
                        n += k;
                } else
                        out[n++] = e->text[e->at++];
        }
        e->at++;
        token->value = (Value){ .type = VALUE_STRING, .text = out, .n = n };
        return true;
}

static const Operator *find_operator(const char *text, size_t n) {
        FOREACH_ROW(row, operators)
                if (strlen(row->text) == n && strncmp(row->text, text, n) == 0)
                        return row;
        return NULL;
}

static bool read_name(Expression *e, Token *token) {
        static const struct {
                const char *name;
                Value value;
        } constants[] = {
                { "true", { .type = VALUE_BOOL, .boolean = true } },
                { "false", { .type = VALUE_BOOL, .boolean = false } },
                { "nil", { .type = VALUE_NIL } },
        };
        Value copy;

        while (is_name_part(e->text[e->at]))
                e->at++;
        token->operator= find_operator(e->text + token->offset, e->at - token->offset);
        if (token->operator) {
                token->kind = TOKEN_OPERATOR;
                return true;
        }
        if (!expression_text(e, e->text + token->offset, e->at - token->offset, &copy))
                return false;
        token->kind = TOKEN_NAME;
        token->name = copy.text;
        FOREACH_ROW(row, constants)
                if (strcmp(row->name, token->name) == 0) {
                        token->kind = TOKEN_VALUE;
                        token->value = row->value;
                }
        return true;
}

static bool read_operator(Expression *e, Token *token) {
        size_t n;

        for (n = 3; n > 0 && !token->operator; n--)
                if (strnlen(e->text + e->at, n) == n)
                        token->operator= find_operator(e->text + e->at, n);
        if (!token->operator) {
                n = MAX(utf8_length(e->text + e->at, e->n_text - e->at), 1U);
                return expression_fail(e, e->at, n, "strings stand in quotes", "'%s' has no place in an expression",
                                       expression_shown(e, e->at, n));
        }
        token->kind = TOKEN_OPERATOR;
        e->at += strlen(token->operator->text);
        return true;
}

static bool read_token(Expression *e, Token *token) {
        char c;

        if (!skip_blanks(e))
                return false;
        *token = (Token){ .kind = TOKEN_END, .offset = e->at };
        c = e->text[e->at];
        if (!c)
                return true;
        if (isdigit((unsigned char) c) || (c == '.' && isdigit((unsigned char) e->text[e->at + 1])))
                return read_number(e, token);
        if (strchr("'\"`", c))
                return read_string(e, token);
        return is_name_start(c) ? read_name(e, token) : read_operator(e, token);
}

void expression_next(Expression *e) {
        if (e->error != 0 || !read_token(e, &e->token))
                e->token = (Token){ .kind = TOKEN_END, .offset = e->at };
        e->token.n = e->at - e->token.offset;
}
