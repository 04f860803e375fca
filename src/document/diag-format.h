#pragma once

/* The findings of several files as one text: for people, for programs, and for what shows them beside the code. */

#include "document/diag.h"
#include "document/json.h"

typedef enum DiagFormat {
        DIAG_FORMAT_TEXT,       /* as diag_print(), and how many there are in the end */
        DIAG_FORMAT_JSON,       /* an object on each line */
        DIAG_FORMAT_GITHUB,     /* commands of a GitHub workflow: "::error file=...::..." */
        DIAG_FORMAT_GITLAB,     /* a code quality report: one JSON array */
        DIAG_FORMAT_CHECKSTYLE, /* XML */
        _DIAG_FORMAT_MAX,
} DiagFormat;

extern const char *const diag_format_names[_DIAG_FORMAT_MAX + 1]; /* ended by NULL */

/* A text that is being made. Start with { .format, .color, .out }. */
typedef struct DiagFormatter {
        DiagFormat format;
        bool color; /* DIAG_FORMAT_TEXT */
        Str *out;   /* borrowed; text that fits no more is its sticky error */
        size_t n_files, n_errors, n_warnings;
        JsonWriter json;  /* DIAG_FORMAT_GITLAB */
        Map fingerprints; /* how often each was given */
} DiagFormatter;

void diag_format_begin(DiagFormatter *formatter);

/**
 * diag_format_file() - the findings of one file, in the order of the list
 * @path: what programs shall call the file; NULL: its name
 *
 * What has no place is told of line 1, column 1; what the list had no room for is one more finding. 0 or -ENOMEM
 */
int diag_format_file(DiagFormatter *formatter, const DiagList *list, const Source *source, const char *path);

/** diag_format_end() - the rest of the text: 0 or -ENOMEM */
int diag_format_end(DiagFormatter *formatter);
void diag_formatter_done(DiagFormatter *formatter);
