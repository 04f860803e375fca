#pragma once

#include "base/str.h"

/**
 * go_json_append_string() - as Go's JSON encoder writes a string, quotes and all: "<", ">" and "&" are escaped, for
 * plugins compare and hash it
 */
void go_json_append_string(Str *out, const char *text, size_t n);
