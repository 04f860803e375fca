#include "pipeline/substitute-function.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/strv.h"

#define PATTERN_TOKENS_MAX 1000

/* A shell pattern as a list of tokens; it can be run against a text from its end as well. */
typedef enum TokenKind {
        TOKEN_CHAR,
        TOKEN_ANY,
        TOKEN_STAR,
        TOKEN_SET,
} TokenKind;

typedef struct Token {
        TokenKind kind;
        char character;
        bool is_negated;
        const char *set; /* between the brackets */
        size_t n_set;
} Token;

static bool set_has(const Token *token, char c) {
        bool is_in = false;

        for (size_t i = 0; i < token->n_set; i++)
                if (i + 2 < token->n_set && token->set[i + 1] == '-') {
                        is_in |= token->set[i] <= c && c <= token->set[i + 2];
                        i += 2;
                } else
                        is_in |= token->set[i] == c;
        return is_in != token->is_negated;
}

static bool token_has(const Token *token, char c) {
        switch (token->kind) {
        case TOKEN_CHAR:
                return token->character == c;
        case TOKEN_SET:
                return set_has(token, c);
        default:
                return true;
        }
}

/* The number of tokens; -EINVAL for a bracket that is not closed, a backslash at the end, or too many. */
static int parse_pattern(const char *pattern, Token *tokens) {
        int n = 0;

        for (const char *c = pattern; *c; c++) {
                Token token = { .kind = TOKEN_CHAR, .character = *c };

                if (n == PATTERN_TOKENS_MAX)
                        return -EINVAL;
                if (*c == '*')
                        token.kind = TOKEN_STAR;
                else if (*c == '?')
                        token.kind = TOKEN_ANY;
                else if (*c == '\\') {
                        if (!*++c)
                                return -EINVAL;
                        token.character = *c;
                } else if (*c == '[') {
                        const char *end;

                        token.kind = TOKEN_SET;
                        token.is_negated = c[1] == '^' || c[1] == '!';
                        token.set = c + 1 + token.is_negated;
                        end = *token.set ? strchr(token.set + 1, ']') : NULL;
                        if (!end)
                                return -EINVAL;
                        token.n_set = (size_t) (end - token.set);
                        c = end;
                }
                tokens[n++] = token;
        }
        return n;
}

/* Which beginnings (or ends) of a text the pattern is: the length of the shortest or the longest, 0 if none. */
static size_t match_length(const Token *tokens, size_t n_tokens, const char *text, bool from_end, bool is_longest) {
        bool states[2][PATTERN_TOKENS_MAX + 1] = {{true}}, (*now)[PATTERN_TOKENS_MAX + 1] = states,
                                            (*next)[PATTERN_TOKENS_MAX + 1] = states + 1;
        size_t n_text = strlen(text), found = 0;

        for (size_t i = 0; i < n_text; i++) {
                char c = from_end ? text[n_text - 1 - i] : text[i];
                bool (*swap)[PATTERN_TOKENS_MAX + 1] = now, is_alive = false;

                memset(*next, 0, n_tokens + 1);
                for (size_t k = 0; k < n_tokens; k++) {
                        const Token *token = &tokens[from_end ? n_tokens - 1 - k : k];

                        if (!(*now)[k])
                                continue;
                        if (token->kind == TOKEN_STAR) {
                                (*now)[k + 1] = true; /* it may be nothing */
                                (*next)[k] = is_alive = true;
                        } else if (token_has(token, c))
                                (*next)[k + 1] = is_alive = true;
                }
                now = next;
                next = swap;
                /* Stars at the end may be nothing too. */
                for (size_t k = 0; k < n_tokens; k++)
                        if ((*now)[k] && tokens[from_end ? n_tokens - 1 - k : k].kind == TOKEN_STAR)
                                (*now)[k + 1] = true;
                if ((*now)[n_tokens]) {
                        found = i + 1;
                        if (!is_longest)
                                break;
                }
                if (!is_alive)
                        break;
        }
        return found;
}

static const char *remove_match(const char *value, const char *pattern, bool from_end, bool is_longest, size_t *work,
                                Str *out) {
        Token tokens[PATTERN_TOKENS_MAX];
        int n_tokens = parse_pattern(pattern, tokens);
        size_t n = strlen(value), cost = (n + 1) * (size_t) MAX(n_tokens, 1), n_match;

        /* Woodpecker turns pattern and value round to find an end; of a set that makes what never matches. */
        if (n_tokens < 0 || (from_end && strchr(pattern, '['))) {
                (void) str_append(out, value);
                return NULL;
        }
        if (cost > *work)
                return "the patterns of this file are too much work";
        *work -= cost;
        n_match = match_length(tokens, (size_t) n_tokens, value, from_end, is_longest);
        (void) str_append_n(out, value + (from_end ? 0 : n_match), n - n_match);
        return NULL;
}

static const char *replace(const char *value, const char *from, const char *to, bool is_all, size_t *work, Str *out) {
        const char *found;
        size_t n_from = strlen(from);

        if (strlen(value) + 1 > *work)
                return "the replacements of this file are too much work";
        *work -= strlen(value) + 1;
        while (n_from > 0 && (found = strstr(value, from))) {
                (void) str_append_n(out, value, (size_t) (found - value));
                (void) str_append(out, to);
                value = found + n_from;
                if (!is_all)
                        break;
        }
        (void) str_append(out, value);
        return NULL;
}

static const char *substring(const char *value, const char *position, const char *length, Str *out) {
        int64_t n = (int64_t) strlen(value), from, count;

        if (parse_i64(position + (*position == '+'), &from) < 0 ||
            (length && parse_i64(length + (*length == '+'), &count) < 0)) {
                (void) str_append(out, value); /* as bash does with what is no number */
                return NULL;
        }
        if (length && count < 0)
                return "a negative length is not supported";
        if (from < 0)
                from = from < -n ? 0 : n + from;
        from = MIN(from, n);
        count = length ? MIN(count, n - from) : n - from;
        (void) str_append_n(out, value + from, (size_t) count);
        return NULL;
}

static void change_case(const char *value, bool is_upper, bool is_all, Str *out) {
        for (const char *c = value; *c; c++)
                (void) str_append_char(
                        out, c > value && !is_all ? *c : (char) (is_upper ? toupper : tolower)((unsigned char) *c));
}

void substitute_function(const char *name, const char *value, char *const *arguments, size_t *work, Str *out,
                         const char **ret_fault) {
        const char *first = arguments ? arguments[0] : NULL, *second = first ? arguments[1] : NULL;
        bool is_double = strlen(name) == 2 && name[0] == name[1];

        *ret_fault = NULL;
        if (strcmp(name, "length") == 0)
                (void) str_appendf(out, "%zu", strlen(value));
        else if (name[0] == '#' || name[0] == '%')
                *ret_fault = remove_match(value, first, name[0] == '%', is_double, work, out);
        else if (name[0] == ',' || name[0] == '^')
                change_case(value, name[0] == '^', is_double, out);
        else if (strcmp(name, "/#") == 0) {
                bool is_match = second && str_starts_with(value, first);

                (void) str_appendf(out, "%s%s", is_match ? second : "", value + (is_match ? strlen(first) : 0));
        } else if (strcmp(name, "/%") == 0) {
                bool is_match = second && str_ends_with(value, first);

                (void) str_append_n(out, value, strlen(value) - (is_match ? strlen(first) : 0));
                (void) str_append(out, is_match ? second : "");
        } else if (name[0] == '/')
                *ret_fault = replace(value, first, second ? second : "", is_double, work, out);
        else if (strcmp(name, ":") == 0)
                *ret_fault = substring(value, first, second, out);
        else
                (void) str_append(out, value);
}
