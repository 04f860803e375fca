#include "pipeline/glob.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "base/utf8.h"

/* One pattern without braces is run against the text as doublestar's doMatchWithSeparator() does it. */
typedef struct Match {
        const char *pattern, *text;
        const char *star_pattern, *star_text;             /* where to go on behind the last "*", one character later */
        const char *doublestar_pattern, *doublestar_text; /* the same for "**", one component later */
        bool at_component;                                /* the pattern is at the start of a component */
} Match;

static size_t character_length(const char *text) {
        size_t n = utf8_length(text, strnlen(text, 4));

        return n ? n : 1;
}

/* By code point: UTF-8 sorts as its bytes do. */
static int compare_characters(const char *a, const char *b) {
        size_t n_a = character_length(a), n_b = character_length(b);
        int order = memcmp(a, b, MIN(n_a, n_b));

        return order ? order : (int) n_a - (int) n_b; /* a part of one is none */
}

/* Behind the closing bracket; NULL if the set is empty or not closed. */
static const char *set_end(const char *set) {
        const char *c = set + 1 + (set[1] == '!' || set[1] == '^');

        if (*c == ']')
                return NULL;
        for (; *c && *c != ']'; c++)
                if (*c == '\\' && !*++c)
                        return NULL;
        return *c ? c + 1 : NULL;
}

static bool set_has(const char *set, const char *character) {
        bool is_negated = set[1] == '!' || set[1] == '^', is_in = false;
        const char *end = set_end(set) - 1, *c = set + 1 + is_negated;

        while (c < end) {
                const char *low, *high;

                c += *c == '\\';
                low = high = c;
                c += character_length(c);
                if (c + 1 < end && *c == '-') {
                        c += 1 + (c[1] == '\\');
                        high = c;
                        c += character_length(c);
                }
                is_in |= compare_characters(low, character) <= 0 && compare_characters(character, high) <= 0;
        }
        return is_in != is_negated;
}

/* A "*" or "**" of the pattern; true if it takes all the rest. */
static bool take_star(Match *m) {
        const char *after = m->pattern + 1;

        if (*after == '*') {
                after++;
                if (m->at_component && !*after)
                        return true;
                if (m->at_component && *after == '/') {
                        m->pattern = m->doublestar_pattern = after + 1;
                        m->doublestar_text = m->text;
                        m->star_pattern = NULL;
                        return false;
                }
        }
        m->at_component = false;
        m->pattern = m->star_pattern = after;
        m->star_text = m->text;
        return false;
}

/* One character of both; false if they differ. */
static bool take_character(Match *m) {
        const char *end, *c = m->pattern + (*m->pattern == '\\');
        bool is_slash = false;

        switch (*m->pattern) {
        case '\0':
                return false;
        case '?':
                if (*m->text == '/')
                        return false;
                end = m->pattern + 1;
                break;
        case '[':
                if (!set_has(m->pattern, m->text))
                        return false;
                end = set_end(m->pattern);
                break;
        default:
                if (compare_characters(c, m->text) != 0)
                        return false;
                end = c + character_length(c);
                is_slash = *c == '/';
        }
        m->at_component = is_slash;
        m->pattern = end;
        m->text += character_length(m->text);
        return true;
}

/* The last star takes more; false if there is none that could. */
static bool backtrack(Match *m) {
        if (m->star_pattern && *m->star_text != '/') {
                m->star_text += character_length(m->star_text);
                m->pattern = m->star_pattern;
                m->text = m->star_text;
                m->at_component = false;
                return true;
        }
        if (m->doublestar_pattern) {
                const char *slash = strchr(m->doublestar_text, '/');

                if (!slash)
                        return false;
                m->text = m->doublestar_text = slash + 1;
                m->pattern = m->doublestar_pattern;
                m->star_pattern = NULL;
                m->at_component = true;
                return true;
        }
        return false;
}

/* What may stay of a pattern when the text is at its end: doublestar takes "a" for "a" and all below it. */
static bool may_be_nothing(const char *pattern) {
        static const char *const rests[] = { "", "*", "**", "/**", "**/", "/**/" };

        for (size_t i = 0; i < ELEMENTSOF(rests); i++)
                if (strcmp(pattern, rests[i]) == 0)
                        return true;
        return false;
}

static int match_simple(const char *pattern, const char *text, size_t *work) {
        Match m = { .pattern = pattern, .text = text, .at_component = true };

        while (*m.text) {
                if ((*work)-- == 0)
                        return *work = 0, -E2BIG;
                if (*m.pattern == '*') {
                        if (take_star(&m))
                                return 1;
                } else if (!take_character(&m) && !backtrack(&m))
                        return 0;
        }
        return may_be_nothing(m.pattern);
}

/* The brace that closes the one before @text, or the next comma on its level; NULL if there is none. */
static const char *find_brace_part(const char *text, bool stops_at_comma) {
        unsigned depth = 1;

        for (const char *c = text; *c; c++) {
                if (*c == '\\') {
                        if (!*++c)
                                return NULL;
                } else if (*c == '{')
                        depth++;
                else if (*c == '}' && --depth == 0)
                        return c;
                else if (*c == ',' && depth == 1 && stops_at_comma)
                        return c;
        }
        return NULL;
}

/* The first "{" that is one: not escaped, not in a set. */
static const char *find_brace(const char *pattern) {
        for (const char *c = pattern; *c; c++) {
                if (*c == '\\') {
                        if (!*++c)
                                return NULL;
                } else if (*c == '[') {
                        if (!set_end(c))
                                return NULL;
                        c = set_end(c) - 1;
                } else if (*c == '{')
                        return c;
        }
        return NULL;
}

/* Writes out the first braces of the first pattern that has some, until none has any. */
static int write_out(const char *pattern, char ***ret) {
        _cleanup_strv_ char **open = NULL, **done = NULL;
        size_t n_open = 1, n_done = 0;

        if (strv_append(&open, pattern) < 0)
                return -ENOMEM;
        while (n_open > 0) {
                _cleanup_free_ char *next = open[--n_open];
                const char *brace = find_brace(next), *end = brace ? find_brace_part(brace + 1, false) : NULL;

                open[n_open] = NULL;
                if (!end) {
                        n_done++;
                        if (strv_append_take(&done, TAKE_PTR(next)) < 0)
                                return -ENOMEM;
                        continue;
                }
                for (const char *part = brace + 1; part <= end; part = find_brace_part(part, true) + 1) {
                        const char *part_end = find_brace_part(part, true);

                        if (n_open + n_done >= GLOB_ALTERNATIVES_MAX)
                                return -E2BIG;
                        n_open++;
                        if (strv_append_take(&open, str_printf("%.*s%.*s%s", (int) (brace - next), next,
                                                               (int) (part_end - part), part, end + 1)) < 0)
                                return -ENOMEM;
                }
        }
        *ret = TAKE_PTR(done);
        return 0;
}

const char *glob_fault(const char *pattern) {
        if (strlen(pattern) > GLOB_PATTERN_BYTES_MAX)
                return "it is too long";
        for (const char *c = pattern; *c; c++) {
                if (*c == '\\') {
                        if (!*++c)
                                return "a '\\' stands at its end";
                } else if (*c == '[') {
                        if (!set_end(c))
                                return "a '[' is not closed, or empty";
                        c = set_end(c) - 1;
                } else if (*c == '{' && !find_brace_part(c + 1, false))
                        return "a '{' is not closed";
        }
        return NULL;
}

int glob_match(const char *pattern, const char *text, size_t *work) {
        _cleanup_strv_ char **alternatives = NULL;
        int r;

        if (glob_fault(pattern))
                return 0;
        if (!find_brace(pattern))
                return match_simple(pattern, text, work);
        r = write_out(pattern, &alternatives);
        if (r < 0)
                return r;
        STRV_FOREACH(alternative, alternatives) {
                r = glob_fault(*alternative) ? 0 : match_simple(*alternative, text, work);
                if (r != 0)
                        return r;
        }
        return 0;
}
