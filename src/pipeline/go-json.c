#include "pipeline/go-json.h"

#include <string.h>

#include "base/utf8.h"

void go_json_append_string(Str *out, const char *text, size_t n) {
        static const char *const names =
                "\bb\ff\nn\rr\tt\"\"\\\\"; /* a character, and what stands for it behind a backslash */

        (void) str_append_char(out, '"');
        for (size_t i = 0, k; i < n; i += k) {
                unsigned char c = (unsigned char) text[i];
                const char *name = NULL;

                k = utf8_length(text + i, n - i);
                for (const char *pair = names; *pair && !name; pair += 2)
                        if ((unsigned char) *pair == c)
                                name = pair + 1;
                if (name)
                        (void) str_appendf(out, "\\%c", *name);
                else if (c < 0x20 || strchr("<>&", c))
                        (void) str_appendf(out, "\\u%04x", c);
                else if (k == 3 && memcmp(text + i, "\xe2\x80\xa8", 3) == 0)
                        (void) str_append(out, "\\u2028");
                else if (k == 3 && memcmp(text + i, "\xe2\x80\xa9", 3) == 0)
                        (void) str_append(out, "\\u2029");
                else
                        (void) str_append_n(out, text + i, k);
                if (k == 0)
                        k = 1;
        }
        (void) str_append_char(out, '"');
}
