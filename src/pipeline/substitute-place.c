/* From places in the substituted text back to where they come from in the file. */

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "pipeline/substitute.h"

/* A place that moves forward only, so that a text is walked once for all marks. */
typedef struct Cursor {
        const Source *source;
        size_t offset;
        uint32_t line, column;
} Cursor;

static void cursor_step(Cursor *c) {
        const Source *source = c->source;
        size_t k = utf8_length(source->text + c->offset, source->n_text - c->offset);

        c->offset += MAX(k, 1U);
        c->column++;
        if (c->line < source->n_lines && source->text + c->offset >= source->lines[c->line]) {
                c->offset = (size_t) (source->lines[c->line] - source->text);
                c->line++;
                c->column = 1;
        }
}

static void cursor_to_place(Cursor *c, uint32_t line, uint32_t column) {
        if (c->line < line && line <= c->source->n_lines)
                *c = (Cursor) { c->source, (size_t) (c->source->lines[line - 1] - c->source->text), line, 1 };
        while (c->offset < c->source->n_text && c->line == line && c->column < column)
                cursor_step(c);
}

static void cursor_to_offset(Cursor *c, size_t offset) {
        while (c->offset < c->source->n_text && c->offset < offset)
                cursor_step(c);
}

/* Substitution leaves lines where they are, unless a value brings new ones. */
static bool is_same_line(const Source *a, const Source *b, uint32_t line) {
        size_t n_a, n_b;
        const char *in_a = source_line(a, line, &n_a), *in_b = source_line(b, line, &n_b);

        return n_a == n_b && memcmp(in_a, in_b, n_a) == 0;
}

static int compare_marks(const void *a, const void *b) {
        const Mark *x = *(Mark *const *) a, *y = *(Mark *const *) b;

        if (x->line != y->line)
                return x->line < y->line ? -1 : 1;
        return x->column < y->column ? -1 : x->column > y->column;
}

/* Those of a tree are, as long as there are no findings beside them. */
static bool is_sorted(Mark *const *marks, size_t n_marks) {
        for (size_t i = 1; i < n_marks; i++)
                if (compare_marks(&marks[i - 1], &marks[i]) > 0)
                        return false;
        return true;
}

/* How many characters of the file a mark of @n_columns means: as many, as far as it is copied from there and on that
 * line. */
static uint32_t columns_at(const Cursor *from, uint32_t n_columns) {
        size_t n;
        const char *line = source_line(from->source, from->line, &n);
        size_t n_before = (size_t) (from->source->text + from->offset - line);

        if (n_before >= n)
                return 0;
        return (uint32_t) MIN(n_columns, utf8_columns(line + n_before, MIN(n - n_before, (size_t) n_columns * 4)));
}

int substituted_map_marks(const Substituted *substituted, const Source *source, Mark **marks, size_t n_marks) {
        _cleanup_free_ Mark **sorted = calloc(n_marks + 1, sizeof(*sorted));
        Cursor to = { substituted->source, 0, 1, 1 }, from = { source, 0, 1, 1 };
        bool has_same_lines = substituted->source->n_lines == source->n_lines;
        size_t n_sorted = 0, piece = 0;

        if (!sorted)
                return -ENOMEM;
        for (size_t i = 0; i < n_marks; i++)
                if (marks[i]->line > 0)
                        sorted[n_sorted++] = marks[i];
        if (!is_sorted(sorted, n_sorted))
                qsort(sorted, n_sorted, sizeof(*sorted), compare_marks);
        for (size_t i = 0; i < n_sorted; i++) {
                const SubstitutedPiece *pieces = substituted->pieces;
                size_t origin, end;

                if (has_same_lines && is_same_line(substituted->source, source, sorted[i]->line))
                        continue;
                cursor_to_place(&to, sorted[i]->line, sorted[i]->column);
                while (piece + 1 < substituted->n_pieces && pieces[piece + 1].to <= to.offset)
                        piece++;
                end = piece + 1 < substituted->n_pieces ? pieces[piece + 1].from : source->n_text;
                origin = MIN(pieces[piece].from + (to.offset - pieces[piece].to),
                             end > pieces[piece].from ? end - 1 : end);
                if (strncmp(source->text + pieces[piece].from, "${", 2) == 0)
                        origin = pieces[piece].from;
                if (has_same_lines)
                        cursor_to_place(&from, sorted[i]->line, 1);
                cursor_to_offset(&from, origin);
                *sorted[i] = (Mark) { from.line, from.column, columns_at(&from, sorted[i]->n_columns) };
        }
        return 0;
}

/* What the value of a variable may hold that means something else to YAML, in some place or other. */
#define YAML_CHARACTERS "\"'[]{}#:,&*!|>%@`\\"

/* An escape is looked for right at the fault, a variable in all of its line. */
static bool can_break(const Substituted *substituted, const Source *source, size_t i, size_t at) {
        const SubstitutedPiece *piece = &substituted->pieces[i], *next = piece + 1;
        const char *value = substituted->source->text + piece->to;

        if (str_starts_with(source->text + piece->from, "${"))
                return i + 1 < substituted->n_pieces && strcspn(value, YAML_CHARACTERS) < next->to - piece->to;
        return piece->from >= 2 && strncmp(source->text + piece->from - 2, "\\\\", 2) == 0 &&
               (at + 1 == piece->to || at == piece->to);
}

char *substituted_culprit(const Substituted *substituted, const Source *source, const Mark *mark) {
        Cursor cursor = { substituted->source, 0, 1, 1 };
        const SubstitutedPiece *found = NULL;
        size_t n, from;

        cursor_to_place(&cursor, mark->line, mark->column);
        from = (size_t) (source_line(substituted->source, mark->line, &n) - substituted->source->text);
        for (size_t i = 0; i < substituted->n_pieces && substituted->pieces[i].to <= from + n; i++) {
                const SubstitutedPiece *piece = &substituted->pieces[i];

                if (found && piece->to > cursor.offset)
                        break; /* the last one before the fault, else the first one behind */
                if (piece->to >= from && can_break(substituted, source, i, cursor.offset))
                        found = piece;
        }
        if (!found)
                return NULL;
        if (!str_starts_with(source->text + found->from, "${"))
                return strdup("\\\\");
        return strndup(source->text + found->from, found[1].from - found->from);
}
