#pragma once

/* Regular expressions that authors write to find something in a line. */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define PATTERN_TEXT_BYTES_MAX 4096

typedef struct Pattern Pattern;

/** pattern_new() - -EINVAL with what is wrong and where; -ENOPKG (no PCRE2 here), -ENOMEM */
int pattern_new(const char *text, Pattern **ret, Error **reterr);
/** pattern_matches() - somewhere in the text; false too if it would be too much work */
bool pattern_matches(const Pattern *pattern, const char *text, size_t n);
Pattern *pattern_free(Pattern *pattern);
DEFINE_CLEANUP(Pattern *, pattern_free);
