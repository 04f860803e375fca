#pragma once

/* What is wrong with a document: all of it in one run, in line order, each with its place and a way out. */

#include <stdbool.h>
#include <stdio.h>

#include "base/str.h"
#include "document/source.h"

typedef enum DiagSeverity {
        DIAG_ERROR,
        DIAG_WARNING,
        _DIAG_SEVERITY_MAX,
} DiagSeverity;

typedef struct Diag {
        DiagSeverity severity;
        Mark mark;
        char *message; /* one line, lower case, no full stop */
        char *hint;    /* NULL: none */
        const char *rule; /* short stable name, e.g. "unknown-key"; static text */
} Diag;

#define DIAG_LIST_MAX 200 /* more than anyone reads; the rest is counted */

typedef struct DiagList {
        Diag *diags;
        size_t n_diags, n_errors, n_warnings;
        size_t n_dropped;
} DiagList;

/**
 * diag_add() - notes a finding; @hint may be NULL. Returns it so that a hint can be added, NULL if the list is full
 * or memory is out.
 */
Diag *diag_add(DiagList *list, DiagSeverity severity, const char *rule, Mark mark, const char *format, ...)
        _printf_(5, 6);
void diag_set_hint(Diag *diag, const char *format, ...) _printf_(2, 3);
/** diag_list_drop() - takes one out */
void diag_list_drop(DiagList *list, size_t i);
/** diag_list_merge() - takes what @from has and @list has not yet: the same text at the same place */
void diag_list_merge(DiagList *list, DiagList *from);
/** diag_sort() - by line and column, equal ones in the order they were found */
void diag_sort(DiagList *list);
/**
 * diag_print() - "file:line:column: error: message", the line, a caret under the part meant, the hint
 * @color: escape sequences for a terminal
 */
void diag_print(const DiagList *list, const Source *source, bool color, Str *out);
void diag_list_done(DiagList *list);

/** diag_suggest() - the nearest of @names to a misspelt @word, NULL if none is near (distance at most a third) */
const char *diag_suggest(const char *word, const char *const *names, size_t n_names);
