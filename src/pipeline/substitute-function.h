#pragma once

/* What can be done to a value on its way into the text. */

#include "base/str.h"

/**
 * substitute_function() - applies an operator
 * @name: "" or one of # ## % %% / // /# /% , ,, ^ ^^ : and "length"
 * @work: counts down by the characters compared
 * @ret_fault: why it cannot be done; static text, NULL if it can
 */
void substitute_function(const char *name, const char *value, char *const *arguments, size_t *work, Str *out,
                         const char **ret_fault);
