#pragma once

/* The terminal handed through: each key goes on as it is, none is a signal to us; what it was before comes back. */

#include <stdbool.h>
#include <termios.h>

#include "engine/engine.h"

typedef struct RawTerminal {
        int fd; /* borrowed */
        struct termios before;
        bool is_raw;
} RawTerminal;

/** raw_terminal_begin() - on a terminal; again after the shell had it meanwhile */
int raw_terminal_begin(RawTerminal *terminal, int fd);
/** raw_terminal_end() - may be repeated, also on a zeroed struct */
void raw_terminal_end(RawTerminal *terminal);
/** raw_terminal_size() - now */
TerminalSize raw_terminal_size(int fd);
