/*
 * How findings look: the file and the place, the line, a caret, the hint. Nothing of the file reaches the terminal
 * unescaped.
 */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "document/diag.h"

#define EXCERPT_COLUMNS_MAX 100 /* of a source line */
#define EXCERPT_CHARACTERS_MAX 400 /* some take no column at all */
#define EXCERPT_BEFORE 40       /* characters shown in front of the caret when the beginning is cut off */
#define TAB_COLUMNS 8
#define CELL_MAX 16
#define CUT "..."

typedef enum Color {
        COLOR_PLACE,
        COLOR_ERROR,
        COLOR_WARNING,
        COLOR_CARET,
        COLOR_HINT,
        _COLOR_MAX,
} Color;

static const char *const colors[_COLOR_MAX] = {
        [COLOR_PLACE] = "\x1b[1m",      [COLOR_ERROR] = "\x1b[1;31m", [COLOR_WARNING] = "\x1b[1;35m",
        [COLOR_CARET] = "\x1b[1;32m",   [COLOR_HINT] = "\x1b[36m",
};
#define COLOR_OFF "\x1b[0m"

typedef struct CodeRange {
        uint32_t first, last;
        unsigned columns; /* CODE_HIDDEN: must not reach a terminal */
} CodeRange;

#define CODE_HIDDEN 9

/*
 * Characters that do not take one column: C0/C1 controls and what turns the writing direction, marks that combine,
 * East Asian.
 */
static const CodeRange code_ranges[] = {
        { 0x0, 0x1f, CODE_HIDDEN },     { 0x7f, 0x9f, CODE_HIDDEN },     { 0x300, 0x36f, 0 },
        { 0x1100, 0x115f, 2 },          { 0x200b, 0x200f, CODE_HIDDEN }, { 0x2028, 0x202e, CODE_HIDDEN },
        { 0x2060, 0x206f, CODE_HIDDEN }, { 0x2e80, 0x303e, 2 },          { 0x3041, 0xa4cf, 2 },
        { 0xac00, 0xd7a3, 2 },          { 0xf900, 0xfaff, 2 },           { 0xfe00, 0xfe0f, 0 },
        { 0xfe30, 0xfe6f, 2 },          { 0xfeff, 0xfeff, CODE_HIDDEN }, { 0xff00, 0xff60, 2 },
        { 0xffe0, 0xffe6, 2 },          { 0x1f300, 0x1f64f, 2 },         { 0x1f680, 0x1f6ff, 2 },
        { 0x1f900, 0x1f9ff, 2 },        { 0x20000, 0x3fffd, 2 },         { 0xe0000, 0xe007f, CODE_HIDDEN },
};

static uint32_t code_point(const char *p, size_t k) {
        static const unsigned char first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
        uint32_t c = (unsigned char) p[0] & first_bits[k];

        for (size_t i = 1; i < k; i++)
                c = c << 6 | ((unsigned char) p[i] & 0x3f);
        return c;
}

/*
 * One character as it may be shown.
 * @at:   the column it would stand in, from 0: a tab reaches as far as it does in an editor
 * @ret:  the text to print
 * @ret_k: bytes of the character
 *
 * Return: how many columns it takes.
 */
static unsigned cell_make(const char *p, size_t n, unsigned at, char ret[static CELL_MAX], size_t *ret_k) {
        size_t k = utf8_length(p, n);
        uint32_t c;

        *ret_k = k ? k : 1;
        if (k == 0)
                return (unsigned) snprintf(ret, CELL_MAX, "\\x%02x", (unsigned char) *p);
        if (*p == '\t')
                return (unsigned) snprintf(ret, CELL_MAX, "%*s", (int) (TAB_COLUMNS - at % TAB_COLUMNS), "");
        c = code_point(p, k);
        (void) snprintf(ret, CELL_MAX, "%.*s", (int) k, p);
        if (c >= 0x20 && c < 0x7f)
                return 1;
        FOREACH_ROW(range, code_ranges)
                if (c >= range->first && c <= range->last) {
                        if (range->columns != CODE_HIDDEN)
                                return range->columns;
                        return (unsigned) snprintf(ret, CELL_MAX, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
                }
        return 1;
}

static bool is_wider(const char *text, size_t n, unsigned at, unsigned columns) {
        char cell[CELL_MAX];
        size_t k;

        for (size_t i = 0, characters = 0; i < n; i += k) {
                at += cell_make(text + i, n - i, at, cell, &k);
                if (at > columns || ++characters > EXCERPT_CHARACTERS_MAX)
                        return true;
        }
        return false;
}

/* How much of it can be shown as it is, one column for each byte. */
static size_t plain_length(const char *text) {
        size_t n = 0;

        while (text[n] >= 0x20 && text[n] < 0x7f)
                n++;
        return n;
}

static void append_shown(Str *out, const char *text) {
        size_t n = strlen(text), k;
        char cell[CELL_MAX];

        for (size_t i = 0; i < n; i += k) {
                k = plain_length(text + i);
                if (k > 0) {
                        (void) str_append_n(out, text + i, k);
                        continue;
                }
                (void) cell_make(text + i, n - i, 0, cell, &k);
                (void) str_append(out, cell);
        }
}

static size_t offset_of_column(const char *line, size_t n, size_t column) {
        size_t i = 0, k;

        for (; column > 1 && i < n; column--) {
                k = utf8_length(line + i, n - i);
                i += k ? k : 1;
        }
        return i;
}

static size_t step_back(const char *line, size_t at, size_t characters) {
        for (; characters > 0 && at > 0; characters--)
                do
                        at--;
                while (at > 0 && ((unsigned char) line[at] & 0xc0) == 0x80);
        return at;
}

/* Appends the line, cut around the part that is meant; gives the columns of that part, from 0. */
static void append_excerpt(Str *out, const char *line, size_t n, const Mark *mark, unsigned *ret_from,
                           unsigned *ret_to) {
        size_t from = offset_of_column(line, n, mark->column), to, k, i = 0;
        unsigned at = 0, from_at = UINT32_MAX, to_at = UINT32_MAX;
        char cell[CELL_MAX];

        /* The caret is in sight of the line's beginning, or else only its surroundings are shown. */
        to = from + offset_of_column(line + from, n - from, (size_t) mark->n_columns + 1);
        if (is_wider(line, from, 0, EXCERPT_COLUMNS_MAX * 2 / 3) && is_wider(line, n, 0, EXCERPT_COLUMNS_MAX)) {
                i = step_back(line, from, EXCERPT_BEFORE);
                (void) str_append(out, CUT);
                at = strlen(CUT);
        }
        for (size_t characters = 0; i < n; i += k) {
                unsigned columns = cell_make(line + i, n - i, at, cell, &k);

                if (i >= from)
                        from_at = MIN(from_at, at);
                if (i >= to)
                        to_at = MIN(to_at, at);
                if (++characters > EXCERPT_CHARACTERS_MAX ||
                    (at + columns > EXCERPT_COLUMNS_MAX - strlen(CUT) &&
                     is_wider(line + i, n - i, at, EXCERPT_COLUMNS_MAX))) {
                        (void) str_append(out, CUT);
                        break;
                }
                (void) str_append(out, cell);
                at += columns;
        }
        *ret_from = MIN(from_at, at);
        *ret_to = MIN(to_at, at);
}

static void append_colored(Str *out, bool color, Color which, const char *text) {
        (void) str_append(out, color ? colors[which] : NULL);
        (void) str_append(out, text);
        (void) str_append(out, color ? COLOR_OFF : NULL);
}

static void append_place(Str *out, bool color, const Source *source, const Mark *mark) {
        (void) str_append(out, color ? colors[COLOR_PLACE] : NULL);
        append_shown(out, source->name);
        if (mark && mark->line > 0)
                (void) str_appendf(out, ":%u:%u", mark->line, mark->column);
        (void) str_append(out, color ? ":" COLOR_OFF " " : ": ");
}

static void print_line(const Diag *diag, const Source *source, bool color, Str *out) {
        unsigned from, to;
        const char *line;
        int gutter;
        size_t n;

        line = source_line(source, diag->mark.line, &n);
        if (n == 0)
                return;
        gutter = snprintf(NULL, 0, "%5u", diag->mark.line);
        (void) str_appendf(out, "%*u | ", gutter, diag->mark.line);
        append_excerpt(out, line, n, &diag->mark, &from, &to);
        (void) str_appendf(out, "\n%*s | %*s", gutter, "", (int) from, "");
        (void) str_append(out, color ? colors[COLOR_CARET] : NULL);
        (void) str_append_char(out, '^');
        for (; from + 1 < to; from++)
                (void) str_append_char(out, '~');
        (void) str_append(out, color ? COLOR_OFF "\n" : "\n");
}

void diag_print(const DiagList *list, const Source *source, bool color, Str *out) {
        for (size_t i = 0; i < list->n_diags; i++) {
                const Diag *diag = &list->diags[i];
                bool is_error = diag->severity == DIAG_ERROR;

                append_place(out, color, source, &diag->mark);
                append_colored(out, color, is_error ? COLOR_ERROR : COLOR_WARNING, is_error ? "error:" : "warning:");
                (void) str_append_char(out, ' ');
                append_shown(out, diag->message);
                (void) str_append_char(out, '\n');
                print_line(diag, source, color, out);
                if (diag->hint) {
                        (void) str_append(out, "   ");
                        append_colored(out, color, COLOR_HINT, "hint:");
                        (void) str_append_char(out, ' ');
                        append_shown(out, diag->hint);
                        (void) str_append_char(out, '\n');
                }
        }
        if (list->n_dropped > 0) {
                append_place(out, color, source, NULL);
                (void) str_appendf(out, "%zu more not shown\n", list->n_dropped);
        }
}
