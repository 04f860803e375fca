#pragma once

/* Names that nobody else uses: ULIDs (time first, so they sort by age) in lower case. */

#include <stdint.h>

#define ID_LENGTH 26

/** id_new() - 26 characters and a NUL, from the clock and getrandom() */
void id_new(char ret[static ID_LENGTH + 1]);
