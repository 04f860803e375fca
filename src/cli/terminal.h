#pragma once

/*
 * What may be shown of text that others wrote: a hostile step can print colours, but cannot move the cursor or name the
 * window.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

typedef struct TerminalStyle {
        bool color;   /* colours (SGR) are let through */
        bool unicode; /* U+FFFD stands for what is not UTF-8, else a '?' */
} TerminalStyle;

/**
 * terminal_append() - one line, made safe
 *
 * Of text that was overwritten by carriage returns the last part is shown, as a terminal would. A line that sets a
 * colour ends without one.
 */
void terminal_append(Str *out, const char *line, size_t n, TerminalStyle style);

/** terminal_columns() - how wide a text without control characters is; rather too much than too little */
size_t terminal_columns(const char *text, size_t n);
/** terminal_cut() - how many bytes of it fit into so many columns */
size_t terminal_cut(const char *text, size_t n, size_t columns);

/** terminal_size() - of the terminal behind @fd; 80 x 24 if there is none */
void terminal_size(int fd, unsigned *ret_columns, unsigned *ret_rows);
