#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

size_t utf8_length_long(const char *text, size_t n) {
        const unsigned char *s = (const unsigned char *) text;
        uint32_t c, lowest;
        size_t k;

        if (n == 0)
                return 0;
        if (s[0] < 0x80)
                return 1;
        if ((s[0] & 0xe0) == 0xc0)
                k = 2, c = s[0] & 0x1f, lowest = 0x80;
        else if ((s[0] & 0xf0) == 0xe0)
                k = 3, c = s[0] & 0x0f, lowest = 0x800;
        else if ((s[0] & 0xf8) == 0xf0)
                k = 4, c = s[0] & 0x07, lowest = 0x10000;
        else
                return 0;
        if (n < k)
                return 0;
        for (size_t i = 1; i < k; i++) {
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (s[i] & 0x3f);
        }
        if (c < lowest || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;
        return k;
}

bool utf8_is_valid(const char *text, size_t n) {
        size_t i = utf8_skip_ascii(text, n);

        while (i < n) {
                size_t k = utf8_length(text + i, n - i);

                if (k == 0)
                        return false;
                i += k;
                if (k > 1)
                        i += utf8_skip_ascii(text + i, n - i);
        }
        return true;
}

size_t utf8_columns(const char *text, size_t n) {
        size_t columns = 0;

        for (size_t i = 0; i < n; columns++) {
                size_t k = utf8_length(text + i, n - i);

                i += k ? k : 1;
        }
        return columns;
}

bool utf8_is_locale(void) {
        static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
                const char *value = getenv(names[i]), *charset;
                size_t n;

                if (!value || !*value)
                        continue;
                charset = strchr(value, '.');
                n = charset ? strcspn(charset + 1, "@") : 0;
                return charset && ((n == 5 && strncasecmp(charset + 1, "UTF-8", n) == 0) ||
                                   (n == 4 && strncasecmp(charset + 1, "utf8", n) == 0));
        }
        return false;
}
