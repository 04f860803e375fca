#pragma once

/* What 'podstep doctor' found, for people and for programs. */

#include "base/str.h"
#include "document/json.h"
#include "doctor/check.h"

typedef struct FindingsStyle {
        bool color;
        Level from; /* only these and worse */
        const char *tried; /* a command that was just tried, and need not be told again; NULL: none */
} FindingsStyle;

/** findings_print() - a paragraph for each: level, check, what; why; the way out, "$" as the user, "#" as root */
void findings_print(const Findings *findings, FindingsStyle style, Str *out);
/** findings_print_verdict() - one line: whether jobs will run */
void findings_print_verdict(const Findings *findings, FindingsStyle style, Str *out);
/** findings_put_json() - members of an open object: verdict, findings */
void findings_put_json(const Findings *findings, JsonWriter *w);
/** findings_exit_code() - 0 fine, 1 warnings, 2 no job will run */
int findings_exit_code(const Findings *findings);
