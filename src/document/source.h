#pragma once

/*
 * A text with a name, and places in it. Lines and columns count from 1; columns are characters, not bytes. Lines end
 * where YAML ends them: LF, CR LF, CR, NEL, LS, PS. A Source is always valid UTF-8 without NUL; a byte order mark is
 * taken
 * off.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SOURCE_STDIN "-" /* as a path */
#define SOURCE_STDIN_NAME "<stdin>"
#define SOURCE_BYTES_MAX (4U * 1024 * 1024) /* a pipeline file; ten times the largest one known */

typedef struct Mark {
        uint32_t line, column; /* 0, 0: no place */
        uint32_t n_columns;    /* how much of the line is meant; 0: unknown */
} Mark;

typedef struct Source {
        char *name; /* as the user gave it */
        char *text; /* ended by a NUL */
        size_t n_text;
        const char **lines; /* where each line starts; made by source_new_take() */
        size_t n_lines;     /* what follows the last line end counts too, even if it is empty */
} Source;

/**
 * source_new_take() - makes a Source of a text from anywhere
 * @name: copied
 * @text: taken, also on failure; a NUL must stand behind its @n_text bytes
 *
 * Return: 0; -EFBIG above SOURCE_BYTES_MAX; -EBADMSG if it is not UTF-8 or binary; -ENOMEM.
 */
int source_new_take(const char *name, char *text, size_t n_text, Source **ret, Error **reterr);
/**
 * source_read() - reads a file, or for SOURCE_STDIN standard input, which then is named SOURCE_STDIN_NAME; the Error
 * names it and says what to do: not there, a directory, too large, not UTF-8, binary
 */
int source_read(const char *path, Source **ret, Error **reterr);
/** source_mark_at() - the place of a byte */
Mark source_mark_at(const Source *source, size_t offset);
/** source_line() - the text of a line without its end; "" if there is none. Borrowed, not NUL-ended: see ret_n. */
const char *source_line(const Source *source, uint32_t line, size_t *ret_n);
Source *source_free(Source *source);
DEFINE_CLEANUP(Source *, source_free);
