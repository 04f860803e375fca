#pragma once

/* RFC 4648, with padding. */

#include <stddef.h>

typedef enum Base64Alphabet {
        BASE64_STANDARD, /* + and / */
        BASE64_URL,      /* - and _ */
} Base64Alphabet;

/** base64_encode() - heap string, NULL if memory is out */
char *base64_encode(const void *bytes, size_t n, Base64Alphabet alphabet);

/** base64_decode() - either alphabet, white space skipped; 0, -EINVAL or -ENOMEM. A NUL stands behind the bytes. */
int base64_decode(const char *text, size_t n, char **ret, size_t *ret_n);
