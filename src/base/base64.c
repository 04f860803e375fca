#include "base/base64.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define COMMON "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
static const char *const alphabets[] = { [BASE64_STANDARD] = COMMON "+/", [BASE64_URL] = COMMON "-_" };

char *base64_encode(const void *bytes, size_t n, Base64Alphabet alphabet) {
        const unsigned char *in = bytes;
        const char *letters = alphabets[alphabet];
        char *text, *out;

        text = out = malloc((n + 2) / 3 * 4 + 1);
        if (!text)
                return NULL;
        for (; n >= 3; in += 3, n -= 3, out += 4) {
                uint32_t v = (uint32_t) in[0] << 16 | (uint32_t) in[1] << 8 | in[2];

                out[0] = letters[v >> 18];
                out[1] = letters[v >> 12 & 63];
                out[2] = letters[v >> 6 & 63];
                out[3] = letters[v & 63];
        }
        if (n > 0) {
                uint32_t v = (uint32_t) in[0] << 16 | (n > 1 ? (uint32_t) in[1] << 8 : 0);

                *out++ = letters[v >> 18];
                *out++ = letters[v >> 12 & 63];
                *out++ = n > 1 ? letters[v >> 6 & 63] : '=';
                *out++ = '=';
        }
        *out = '\0';
        return text;
}

static int letter_value(char c) {
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;
        if (c == '+' || c == '-')
                return 62;
        if (c == '/' || c == '_')
                return 63;
        return -1;
}

int base64_decode(const char *text, size_t n, char **ret, size_t *ret_n) {
        _cleanup_free_ char *bytes = malloc(n / 4 * 3 + 4);
        size_t out = 0, letters = 0, padding = 0;
        uint32_t v = 0;

        if (!bytes)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                int value;

                if (isspace((unsigned char) text[i]))
                        continue;
                if (text[i] == '=') {
                        padding++;
                        continue;
                }
                value = letter_value(text[i]);
                if (value < 0 || padding > 0)
                        return -EINVAL;
                v = v << 6 | (uint32_t) value;
                if (++letters % 4 == 0) {
                        bytes[out++] = (char) (v >> 16);
                        bytes[out++] = (char) (v >> 8);
                        bytes[out++] = (char) v;
                }
        }
        if (letters % 4 == 1 || padding > 2 || (padding > 0 && (letters + padding) % 4 != 0))
                return -EINVAL;
        if (letters % 4 >= 2)
                bytes[out++] = (char) (letters % 4 == 2 ? v >> 4 : v >> 10);
        if (letters % 4 == 3)
                bytes[out++] = (char) (v >> 2);
        bytes[out] = '\0';
        *ret = TAKE_PTR(bytes);
        *ret_n = out;
        return 0;
}
