#pragma once

/* UTF-8, strictly: no overlong forms, no surrogates, nothing above U+10FFFF. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The same of what does not begin with an ASCII character. */
size_t utf8_length_long(const char *text, size_t n);

/** utf8_length() - bytes of the first character (1..4), or 0 if it is not valid or not whole */
static inline size_t utf8_length(const char *text, size_t n) {
        if (n > 0 && (unsigned char) *text < 0x80)
                return 1;
        return utf8_length_long(text, n);
}

/** utf8_skip_ascii() - ASCII characters that the text surely begins with, counted eight at a time; there may be more */
static inline size_t utf8_skip_ascii(const char *text, size_t n) {
        size_t i = 0;
        uint64_t word;

        for (; n - i >= sizeof(word); i += sizeof(word)) {
                memcpy(&word, text + i, sizeof(word));
                if (word & 0x8080808080808080U)
                        break;
        }
        return i;
}

bool utf8_is_valid(const char *text, size_t n);

/** utf8_columns() - characters (not bytes) in the first n bytes; an invalid byte counts as one */
size_t utf8_columns(const char *text, size_t n);

/**
 * utf8_is_locale() - whether the environment asks for UTF-8 (LC_ALL, LC_CTYPE, LANG: the first that is not empty)
 *
 * As locale(7) has it, but without setlocale(): that reads half a dozen files at each start.
 */
bool utf8_is_locale(void);
