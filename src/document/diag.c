#include "document/diag.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/array.h"

#define SUGGEST_WORD_MAX 63 /* longer words are no misspelt keys */

static void count(DiagList *list, DiagSeverity severity) {
        if (severity == DIAG_ERROR)
                list->n_errors++;
        else
                list->n_warnings++;
}

Diag *diag_add(DiagList *list, DiagSeverity severity, const char *rule, Mark mark, const char *format, ...) {
        char *message = NULL;
        va_list ap;
        Diag diag;

        /* What finds no place is counted all the same: an error that is not shown is still an error. */
        count(list, severity);
        if (list->n_diags < DIAG_LIST_MAX) {
                va_start(ap, format);
                if (vasprintf(&message, format, ap) < 0)
                        message = NULL;
                va_end(ap);
        }
        diag = (Diag) { .severity = severity, .mark = mark, .message = message, .rule = rule };
        if (!message || ARRAY_APPEND(list->diags, list->n_diags, diag) < 0) {
                free(message);
                list->n_dropped++;
                return NULL;
        }
        return &list->diags[list->n_diags - 1];
}

void diag_set_hint(Diag *diag, const char *format, ...) {
        char *hint = NULL;
        va_list ap;

        if (!diag)
                return;
        va_start(ap, format);
        if (vasprintf(&hint, format, ap) < 0)
                hint = NULL;
        va_end(ap);
        free(diag->hint);
        diag->hint = hint;
}

static bool has_diag(const DiagList *list, const Diag *diag) {
        for (size_t i = 0; i < list->n_diags; i++) {
                const Diag *other = &list->diags[i];

                if (other->mark.line == diag->mark.line && other->mark.column == diag->mark.column &&
                    other->severity == diag->severity && str_equal(other->message, diag->message))
                        return true;
        }
        return false;
}

void diag_list_merge(DiagList *list, DiagList *from) {
        size_t n_errors = from->n_errors; /* of those that had no room, in the end */

        for (size_t i = 0; i < from->n_diags; i++) {
                Diag *diag = &from->diags[i];

                n_errors -= diag->severity == DIAG_ERROR;
                if (has_diag(list, diag))
                        continue;
                count(list, diag->severity);
                if (list->n_diags >= DIAG_LIST_MAX || ARRAY_APPEND(list->diags, list->n_diags, *diag) < 0) {
                        list->n_dropped++;
                        continue;
                }
                diag->message = diag->hint = NULL; /* they are the other list's now */
        }
        list->n_errors += n_errors;
        list->n_warnings += from->n_dropped - n_errors;
        list->n_dropped += from->n_dropped;
}

void diag_list_drop(DiagList *list, size_t i) {
        if (list->diags[i].severity == DIAG_ERROR)
                list->n_errors--;
        else
                list->n_warnings--;
        free(list->diags[i].message);
        free(list->diags[i].hint);
        memmove(&list->diags[i], &list->diags[i + 1], (list->n_diags - i - 1) * sizeof(Diag));
        list->n_diags--;
}

static bool stands_before(const Mark *a, const Mark *b) {
        return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* By insertion: it keeps the order of equals, and the list is short and mostly in order. */
void diag_sort(DiagList *list) {
        for (size_t i = 1; i < list->n_diags; i++) {
                Diag diag = list->diags[i];
                size_t k = i;

                for (; k > 0 && stands_before(&diag.mark, &list->diags[k - 1].mark); k--)
                        list->diags[k] = list->diags[k - 1];
                list->diags[k] = diag;
        }
}

void diag_list_done(DiagList *list) {
        for (size_t i = 0; i < list->n_diags; i++) {
                free(list->diags[i].message);
                free(list->diags[i].hint);
        }
        free(list->diags);
        *list = (DiagList) { 0 };
}

static unsigned min3(unsigned a, unsigned b, unsigned c) {
        return MIN(MIN(a, b), c);
}

/* Typing errors between two words: a letter missing, too many, wrong, or two of them swapped. Case does not count. */
static unsigned distance(const char *a, size_t n_a, const char *b, size_t n_b) {
        unsigned rows[3][SUGGEST_WORD_MAX + 1];
        unsigned *before = rows[0], *above = rows[1], *row = rows[2];

        for (size_t j = 0; j <= n_b; j++)
                row[j] = (unsigned) j;
        for (size_t i = 1; i <= n_a; i++) {
                unsigned *oldest = before;

                before = above, above = row, row = oldest;
                row[0] = (unsigned) i;
                for (size_t j = 1; j <= n_b; j++) {
                        int x = tolower((unsigned char) a[i - 1]), y = tolower((unsigned char) b[j - 1]);

                        row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
                        if (i > 1 && j > 1 && x == tolower((unsigned char) b[j - 2]) &&
                            y == tolower((unsigned char) a[i - 2]))
                                row[j] = MIN(row[j], before[j - 2] + 1);
                }
        }
        return row[n_b];
}

const char *diag_suggest(const char *word, const char *const *names, size_t n_names) {
        size_t n_word = strlen(word);
        const char *best = NULL;
        unsigned least = 0;

        if (n_word > SUGGEST_WORD_MAX)
                return NULL;
        for (size_t i = 0; i < n_names; i++) {
                size_t n = strlen(names[i]);
                unsigned d;

                if (n > SUGGEST_WORD_MAX)
                        continue;
                d = distance(word, n_word, names[i], n);
                if (d <= MAX(n, n_word) / 3 && (!best || d < least)) {
                        best = names[i];
                        least = d;
                }
        }
        return best;
}
