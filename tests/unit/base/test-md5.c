#include "../test.h"

#include <string.h>

#include "base/md5.h"

static void test_vectors(void **state) {
        static const struct {
                const char *text, *want;
        } rows[] = {
                /* RFC 1321, A.5 */
                { "", "d41d8cd98f00b204e9800998ecf8427e" },
                { "a", "0cc175b9c0f1b6a831c399e269772661" },
                { "abc", "900150983cd24fb0d6963f7d28e17f72" },
                { "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
                { "abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b" },
                { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                  "d174ab98d277d9f5a5611c2c9f419d9f" },
                { "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                  "57edf4a22be3c955ac49da2e2107b67a" },
                /* where the length no longer fits into the last block */
                { "1234567890123456789012345678901234567890123456789012345", "c9ccf168914a1bcfc3229f1948e67da0" },
                { "12345678901234567890123456789012345678901234567890123456", "49f193adce178490e34d1b3a4ec0064c" },
                { "1234567890123456789012345678901234567890123456789012345678901234",
                  "eb6c4179c0a7c82cc2828c1e6338e165" },
                { "/cache", "3c3f060a0374fc8bc39395164f415a70" },
        };

        FOREACH_ROW(row, rows) {
                char hex[MD5_HEX_LENGTH + 1];

                md5_hex(row->text, strlen(row->text), hex);
                assert_string_equal(hex, row->want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_vectors) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
