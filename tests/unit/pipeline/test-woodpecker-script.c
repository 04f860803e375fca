#include "test.h"

#include <string.h>

#include "base/base64.h"
#include "base/str.h"
#include "pipeline/woodpecker.h"

/* The text that Woodpecker's own test holds: base64 of ["echo hello world"] in /woodpecker/some. */
static const char want_base64[] =
        "CmlmIFsgLW4gIiRDSV9ORVRSQ19NQUNISU5FIiBdOyB0aGVuCmNhdCA8PEVPRiA+"
        "ICRIT01FLy5uZXRyYwptYWNoaW5lICRDSV9ORVRSQ19NQUNISU5FCm"
        "xvZ2luICRDSV9ORVRSQ19VU0VSTkFNRQpwYXNzd29yZCAkQ0lfTkVUUkNfUEFTU1dPUkQKRU9GCmNobW9kIDA2MDAgJEhPTUUvLm5ldHJjCmZp"
        "CnVuc2V0"
        "IENJX05FVFJDX1VTRVJOQU1FCnVuc2V0IENJX05FVFJDX1BBU1NXT1JECnVuc2V0IENJX1NDUklQVApta2RpciAtcCAiL3dvb2RwZWNrZXIvc2"
        "9tZSIKY2"
        "QgIi93b29kcGVja2VyL3NvbWUiCgplY2hvICsgJ2VjaG8gaGVsbG8gd29ybGQnCmVjaG8gaGVsbG8gd29ybGQK";

static void test_vector(void **state) {
        _cleanup_free_ char *script =
                woodpecker_script((char *[]){(char *) "echo hello world", NULL}, "/woodpecker/some");
        _cleanup_free_ char *base64 = base64_encode(script, strlen(script), BASE64_STANDARD);

        assert_string_equal(base64, want_base64);
        assert_int_equal(strlen(base64), 440);
}

static void test_quoting(void **state) {
        static const struct {
                const char *command, *want;
        } rows[] = {
                { "", "\necho + ''\n\n" },
                { "make", "\necho + make\nmake\n" },
                { "a_B9@%+=:,./-", "\necho + a_B9@%+=:,./-\na_B9@%+=:,./-\n" },
                { "a b", "\necho + 'a b'\na b\n" },
                { "echo 'x'", "\necho + 'echo '\"'\"'x'\"'\"''\necho 'x'\n" },
                { "one\ntwo", "\necho + 'one\ntwo'\none\ntwo\n" },
                { "é", "\necho + 'é'\né\n" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *script = woodpecker_script((char *[]) { (char *) row->command, NULL }, "/w");

                print_message("case '%s'\n", row->command);
                assert_true(str_ends_with(script, row->want));
                assert_true(str_ends_with(strstr(script, "cd \"/w\"\n"), row->want));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_vector), cmocka_unit_test(test_quoting) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
