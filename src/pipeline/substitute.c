#include "pipeline/substitute.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/strv.h"
#include "base/utf8.h"
#include "pipeline/substitute-function.h"

#define NAME_BYTES_SHOWN 60

typedef struct Scanner {
        const Source *source;
        const Map *values;
        DiagList *diags;
        const char *at;
        size_t work; /* what is left of it */
        bool has_faults;
} Scanner;

/* Reads one "${...}", which stands there. 0; -EBADMSG with a fault; -ENOMEM. */
static int expand(Scanner *s, unsigned depth, Str *out);

static Mark mark_between(const Scanner *s, const char *from, const char *to) {
        Mark mark = { 0 };

        if (s->diags->n_diags < DIAG_LIST_MAX) { /* finding a place in a long line is work */
                mark = source_mark_at(s->source, (size_t) (from - s->source->text));
                mark.n_columns = (uint32_t) utf8_columns(from, (size_t) (to - from));
        }
        return mark;
}

/* @start: of the "${" that is wrong */
static int refuse(Scanner *s, const char *start, const char *what, const char *hint) {
        size_t n = strcspn(start, "}\r\n");

        s->has_faults = true;
        diag_set_hint(diag_add(s->diags, DIAG_ERROR, "substitution",
                               mark_between(s, start, start + n + (start[n] == '}')), "bad substitution: %s", what),
                      "%s", hint ? hint : "'$${' writes '${' for the shell");
        return -EBADMSG;
}

static bool is_name_character(char c) {
        return isalnum((unsigned char) c) || c == '_';
}

static bool is_expansion(const char *text) {
        return text[0] == '$' && text[1] == '{';
}

/* A pair that stands for its second character. */
static bool is_escape(const char *text) {
        return (text[0] == '$' && text[1] == '$') || (text[0] == '\\' && (text[1] == '\\' || text[1] == '/'));
}

/* As Go's "%q" writes it: what has several lines becomes one that YAML reads back, in the place of a value. */
static void append_quoted(Str *out, const char *value) {
        static const char names[] =
                "\aa\bb\ff\nn\rr\tt\vv\"\"\\\\"; /* a character, and what stands for it behind a backslash */
        size_t n = strlen(value);

        (void) str_append_char(out, '"');
        for (size_t i = 0, k; i < n; i += k) {
                unsigned char c = (unsigned char) value[i];
                const char *name = NULL;

                k = MAX(utf8_length(value + i, n - i), 1U);
                for (const char *pair = names; *pair && !name; pair += 2)
                        if ((unsigned char) *pair == c)
                                name = pair + 1;
                if (name)
                        (void) str_appendf(out, "\\%c", *name);
                else if (k == 1 && (c < 0x20 || c >= 0x7f))
                        (void) str_appendf(out, "\\x%02x", c);
                else if (k == 2 && c == 0xc2 && (unsigned char) value[i + 1] < 0xa0)
                        (void) str_appendf(out, "\\u%04x", (unsigned char) value[i + 1]);
                else
                        (void) str_append_n(out, value + i, k);
        }
        (void) str_append_char(out, '"');
}

/* How an operator's arguments are read. */
typedef struct Operator {
        const char *name;      /* for substitute_function() */
        const char *stops[2];  /* what ends each argument; NULL: it has no such argument */
        bool needs_second;     /* else the second one may be missing */
        bool has_escapes, is_default;
} Operator;

static const Operator operators[] = { /* the longer ones first */
        { ":=", { "}" }, .is_default = true },
        { ":-", { "}" }, .is_default = true },
        { ":?", { "}" }, .is_default = true },
        { ":+", { "}" }, .is_default = true },
        { "=", { "}" }, .is_default = true },
        { ":", { ":}", "}" } },
        { "##", { "}" } },
        { "#", { "}" } },
        { "%%", { "}" } },
        { "%", { "}" } },
        { "//", { "/}", "}" }, .needs_second = true, .has_escapes = true },
        { "/#", { "/}", "}" }, .needs_second = true, .has_escapes = true },
        { "/%", { "/}", "}" }, .needs_second = true, .has_escapes = true },
        { "/", { "/}", "}" }, .needs_second = true, .has_escapes = true },
        { ",,", { NULL } },
        { ",", { NULL } },
        { "^^", { NULL } },
        { "^", { NULL } },
};

static const Operator *find_operator(const char *text) {
        FOREACH_ROW(row, operators)
                if (str_starts_with(text, row->name))
                        return row;
        return NULL;
}

/* One "${...}" while it is read. */
typedef struct Expansion {
        const char *start;
        unsigned depth;
        char *name;
        const Operator *operator; /* NULL: the value as it is, or its length */
        bool is_length;
        char **arguments;
} Expansion;

static void expansion_done(Expansion *e) {
        free(e->name);
        strv_free(e->arguments);
}

/* Up to one of @stops: text, or one "${...}"; in a default, both and several. Never beyond the line. */
static int take_argument(Scanner *s, Expansion *e, const char *stops) {
        _cleanup_str_ Str out = STR_INIT(SUBSTITUTE_VALUE_BYTES_MAX);
        const char *first = s->at;
        int r;

        while (*s->at && !strchr(stops, *s->at) && !strchr("\r\n", *s->at)) {
                if (is_expansion(s->at)) {
                        if (s->at != first && !e->operator->is_default)
                                return refuse(s, e->start, "text and '${' cannot be mixed here", NULL);
                        r = expand(s, e->depth + 1, &out);
                        if (r < 0)
                                return r;
                        if (!e->operator->is_default)
                                break;
                        continue;
                }
                if (e->operator->has_escapes && is_escape(s->at))
                        s->at++;
                (void) str_append_char(&out, *s->at++);
        }
        if (s->at == first && !e->operator->is_default)
                return refuse(s, e->start, "an operator has nothing behind it", NULL);
        if (out.error == -E2BIG)
                return refuse(s, e->start, "the value is too large", NULL);
        return strv_append_take(&e->arguments, str_take(&out));
}

static int take_arguments(Scanner *s, Expansion *e) {
        const Operator *operator = e->operator;
        char separator = operator->needs_second ? '/' : ':';
        int r;

        if (!operator->stops[0])
                return 0;
        r = take_argument(s, e, operator->stops[0]);
        if (r < 0 || !operator->stops[1])
                return r;
        if (*s->at != separator)
                return operator->needs_second ? refuse(s, e->start, "a replacement is written '${NAME/from/to}'", NULL)
                                              : 0;
        while (*s->at == separator) /* Woodpecker takes any number of them */
                s->at++;
        if (operator->needs_second && *s->at == '}')
                return 0;
        return take_argument(s, e, operator->stops[1]);
}

/* Not in a comment, and not for what Woodpecker sets in some runs only. */
static void warn_unset(Scanner *s, const Expansion *e) {
        const char *line = e->start;

        while (line > s->source->text && !strchr("\r\n", line[-1]))
                line--;
        if (line[strspn(line, " \t")] == '#' || e->depth > 1 || str_starts_with(e->name, "CI_"))
                return;
        diag_set_hint(diag_add(s->diags, DIAG_WARNING, "unset-variable", mark_between(s, e->start, s->at),
                               "variable '%s' is not set: nothing is put here", e->name),
                      "'$${%s}' is left to the shell; '--env %s=VALUE' sets it for the file", e->name, e->name);
}

static int apply(Scanner *s, const Expansion *e, Str *out) {
        const char *value = s->values ? strmap_get(s->values, e->name) : NULL, *function, *fault = NULL;
        _cleanup_str_ Str quoted = STR_INIT(4 * SUBSTITUTE_VALUE_BYTES_MAX);
        bool is_default = e->operator && e->operator->is_default;

        if (!value && !is_default)
                warn_unset(s, e);
        if (value && strlen(value) > SUBSTITUTE_VALUE_BYTES_MAX)
                return refuse(s, e->start, "the value is too large", NULL);
        if (value && strchr(value, '\n')) {
                append_quoted(&quoted, value);
                value = str_get(&quoted);
        }
        if (is_default) {
                (void) str_append(out, str_is_empty(value) ? e->arguments[0] : value);
                return quoted.error;
        }
        function = e->is_length ? "length" : e->operator ? e->operator->name : "";
        substitute_function(function, value ? value : "", e->arguments, &s->work, out, &fault);
        return fault ? refuse(s, e->start, fault, NULL) : quoted.error;
}

/* The best guess at what was meant by what does not fit. */
static int refuse_rest(Scanner *s, const Expansion *e) {
        _cleanup_free_ char *what = NULL, *hint = NULL;

        switch (*s->at) {
        case '\0':
        case '\r':
        case '\n':
                return refuse(s, e->start, "the closing '}' is missing", NULL);
        case '}':
                return refuse(s, e->start, "it names no variable", NULL);
        case '-':
        case '+':
        case '?':
                what = str_printf("'%c' needs a ':' in front", *s->at);
                hint = str_printf("'${%s:%c...}' gives a default; '$${' writes '${' for the shell", e->name, *s->at);
                return what && hint ? refuse(s, e->start, what, hint) : -ENOMEM;
        case '[':
                return refuse(s, e->start, "there are no lists here", NULL);
        default:
                return refuse(s, e->start, "the name of a variable is made of letters, digits and '_'", NULL);
        }
}

static int expand(Scanner *s, unsigned depth, Str *out) {
        _cleanup_(expansion_done) Expansion e = { .start = s->at, .depth = depth };
        const char *begin;
        int r;

        if (depth > SUBSTITUTE_DEPTH_MAX)
                return refuse(s, e.start, "nested too deep", NULL);
        s->at += strlen("${");
        e.is_length = *s->at == '#';
        begin = s->at += e.is_length;
        while (is_name_character(*s->at))
                s->at++;
        e.name = strndup(begin, (size_t) (s->at - begin));
        if (!e.name)
                return -ENOMEM;
        if (!*e.name)
                return refuse_rest(s, &e);
        e.operator = e.is_length ? NULL : find_operator(s->at);
        if (e.operator) {
                s->at += strlen(e.operator->name);
                r = take_arguments(s, &e);
                if (r < 0)
                        return r;
        }
        if (*s->at != '}')
                return refuse_rest(s, &e);
        s->at++;
        return apply(s, &e, out);
}

static int add_piece(const Scanner *s, const Str *out, Substituted *ret) {
        SubstitutedPiece piece = { .from = (size_t) (s->at - s->source->text), .to = out->n };

        return ARRAY_APPEND(ret->pieces, ret->n_pieces, piece);
}

/* All of the text; faults are noted and the scan goes on behind them. */
static int scan(Scanner *s, Str *out, Substituted *ret) {
        int r = add_piece(s, out, ret);

        while (r == 0 && *s->at) {
                size_t n = strcspn(s->at, "$\\");

                (void) str_append_n(out, s->at, n);
                s->at += n;
                if (is_expansion(s->at)) {
                        const char *start = s->at;

                        r = add_piece(s, out, ret); /* what comes of it, comes from here */
                        if (r == 0)
                                r = expand(s, 1, out);
                        if (r == -EBADMSG) {
                                s->at = MAX(s->at, start + 2);
                                r = 0;
                        }
                        if (r == 0)
                                r = add_piece(s, out, ret);
                } else if (is_escape(s->at)) {
                        (void) str_append_char(out, s->at[1]);
                        s->at += 2;
                        r = add_piece(s, out, ret);
                } else if (*s->at)
                        (void) str_append_char(out, *s->at++);
        }
        return r;
}

bool substitute_has_work(const Source *source) {
        for (const char *c = source->text + strcspn(source->text, "$\\"); *c; c += 1 + strcspn(c + 1, "$\\"))
                if (is_expansion(c) || is_escape(c))
                        return true;
        return false;
}

int substitute(const Source *source, const Map *values, DiagList *diags, Substituted *ret) {
        _cleanup_(substituted_done) Substituted substituted = { 0 };
        _cleanup_str_ Str out = STR_INIT(SOURCE_BYTES_MAX);
        Scanner s = {
                .source = source, .values = values, .diags = diags, .at = source->text, .work = SUBSTITUTE_WORK_MAX};
        char *text;
        size_t n;
        int r;

        *ret = (Substituted) { 0 };
        if (!substitute_has_work(source))
                return 0;
        r = scan(&s, &out, &substituted);
        if (r < 0)
                return r;
        if (out.error == -E2BIG) {
                diag_add(diags, DIAG_ERROR, "too-large", (Mark){0},
                         "with all '${}' written out, the file is larger than %u MiB", SOURCE_BYTES_MAX >> 20);
                return -EBADMSG;
        }
        if (s.has_faults)
                return -EBADMSG;
        n = out.n;
        text = str_take(&out);
        if (!text)
                return -ENOMEM;
        r = source_new_take(source->name, text, n, &substituted.source, NULL);
        if (r == -EBADMSG || r == -EFBIG) /* a character was cut in two, or a value is not UTF-8 */
                diag_add(diags, DIAG_ERROR, "substitution", (Mark){0},
                         "after the substitution of '${}' the file is no UTF-8 text");
        if (r < 0)
                return r == -EFBIG ? -EBADMSG : r;
        *ret = substituted;
        substituted = (Substituted) { 0 };
        return 0;
}

void substituted_done(Substituted *substituted) {
        source_free(substituted->source);
        free(substituted->pieces);
}
