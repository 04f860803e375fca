#pragma once

/* Values as YAML that every reader takes the same way. */

#include "base/str.h"
#include "document/json.h"

/** yaml_put_text() - a text as one scalar on one line, in quotes where it would be something else without them */
void yaml_put_text(const char *text, Str *out);
/**
 * yaml_put_json() - a value behind its "key:": on the same line if it is short, else on lines of their own
 * @indent: of the lines
 * @comment: stands at the end of the first line, in @column if that is free; NULL: none
 *
 * The line end is written, too.
 */
void yaml_put_json(Json *value, unsigned indent, const char *comment, unsigned column, Str *out);
