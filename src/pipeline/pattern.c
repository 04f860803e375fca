#include "pipeline/pattern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/libpcre2.h"

#define MATCH_LIMIT 100000
#define HEAP_LIMIT_KIB 1024

struct Pattern {
        const Libpcre2 *pcre2;
        pcre2_code *code;
        pcre2_match_data *match_data;
        pcre2_match_context *context;
};

int pattern_new(const char *text, Pattern **ret, Error **reterr) {
        _cleanup_(pattern_freep) Pattern *pattern = calloc(1, sizeof(*pattern));
        const Libpcre2 *pcre2;
        char message[128] = "";
        PCRE2_SIZE offset = 0;
        int code = 0, r;

        if (!pattern)
                return error_oom(reterr);
        if (strlen(text) > PATTERN_TEXT_BYTES_MAX)
                return error_set(reterr, EINVAL, "the regular expression has more than %d bytes",
                                 PATTERN_TEXT_BYTES_MAX);
        r = libpcre2_get(&pattern->pcre2, reterr);
        if (r < 0)
                return r;
        pcre2 = pattern->pcre2;
        pattern->code = pcre2->compile((PCRE2_SPTR) text, PCRE2_ZERO_TERMINATED,
                                       PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C, &code, &offset,
                                       NULL);
        if (!pattern->code && code == PCRE2_ERROR_HEAP_FAILED)
                return error_oom(reterr);
        if (!pattern->code) {
                (void) pcre2->get_error_message(code, (PCRE2_UCHAR *) message, sizeof(message));
                return error_set(reterr, EINVAL, "the regular expression is wrong: %s (at its byte %zu)", message,
                                 (size_t) offset);
        }
        pattern->match_data = pcre2->match_data_create(1, NULL);
        pattern->context = pcre2->match_context_create(NULL);
        if (!pattern->match_data || !pattern->context)
                return error_oom(reterr);
        (void) pcre2->set_match_limit(pattern->context, MATCH_LIMIT);
        (void) pcre2->set_heap_limit(pattern->context, HEAP_LIMIT_KIB);
        *ret = TAKE_PTR(pattern);
        return 0;
}

bool pattern_matches(const Pattern *pattern, const char *text, size_t n) {
        return pattern->pcre2->match(pattern->code, (PCRE2_SPTR) text, n, 0, 0, pattern->match_data,
                                     pattern->context) >= 0;
}

Pattern *pattern_free(Pattern *pattern) {
        if (!pattern)
                return NULL;
        if (pattern->pcre2) {
                pattern->pcre2->match_context_free(pattern->context);
                pattern->pcre2->match_data_free(pattern->match_data);
                pattern->pcre2->code_free(pattern->code);
        }
        free(pattern);
        return NULL;
}
