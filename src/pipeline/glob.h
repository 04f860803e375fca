#pragma once

/*
 * Patterns of 'when': those of doublestar v4, matched against the whole text. "*" is any run without "/", "**" as a
 * whole component any number of components, "?" one character but "/", "[a-z]" and "[!a-z]" sets, "{a,b}" alternatives,
 * "\x" the character x.
 */

#include <stdbool.h>
#include <stddef.h>

#define GLOB_PATTERN_BYTES_MAX 4096
#define GLOB_ALTERNATIVES_MAX 256 /* all braces written out */

/** glob_fault() - what is wrong with a pattern, which then never matches; NULL if nothing is. Static text. */
const char *glob_fault(const char *pattern);

/**
 * glob_match() - 1 if it matches, 0 if not, -ENOMEM; -E2BIG when @work has run out
 * @work: counts down by the characters compared
 */
int glob_match(const char *pattern, const char *text, size_t *work);
