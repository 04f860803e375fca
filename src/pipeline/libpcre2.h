#pragma once

/* PCRE2, loaded when the first regular expression is seen: most workflows have none. */

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/error.h"

#define LIBPCRE2_FUNCTIONS(F)                                                                                        \
        F(compile) F(code_free) F(get_error_message)                                                                 \
        F(compile_context_create) F(compile_context_free) F(set_parens_nest_limit)                                   \
        F(match) F(match_data_create) F(match_data_free)                                                             \
        F(match_context_create) F(match_context_free) F(set_match_limit) F(set_heap_limit)

typedef struct Libpcre2 {
#define LIBPCRE2_MEMBER(name) typeof(pcre2_##name##_8) *name;
        LIBPCRE2_FUNCTIONS(LIBPCRE2_MEMBER)
#undef LIBPCRE2_MEMBER
} Libpcre2;

/** libpcre2_get() - loads it the first time; -ENOPKG if it is not installed. It stays till the end. */
int libpcre2_get(const Libpcre2 **ret, Error **reterr);
