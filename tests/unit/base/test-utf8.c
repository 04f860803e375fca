#include "test.h"

#include <stdlib.h>

#include "base/utf8.h"

static void test_is_locale(void **state) {
        static const struct {
                const char *all, *ctype, *lang;
                bool want;
        } rows[] = {
                { NULL, NULL, "C.UTF-8", true },       { NULL, NULL, "C", false },
                { NULL, NULL, NULL, false },           { NULL, NULL, "de_DE.utf8", true },
                { NULL, NULL, "de_DE.UTF-8@euro", true }, { NULL, NULL, "de_DE@euro", false },
                { NULL, NULL, "ja_JP.EUC-JP", false }, { "C", "en_US.UTF-8", "en_US.UTF-8", false },
                { "", "en_US.UTF-8", "C", true },      { NULL, "POSIX", "en_US.UTF-8", false },
                { NULL, NULL, "en_US.UTF-8x", false }, { NULL, NULL, "en_US.", false },
        };

        FOREACH_ROW(row, rows) {
                const char *const values[] = { row->all, row->ctype, row->lang };
                static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

                for (size_t i = 0; i < ELEMENTSOF(names); i++)
                        assert_int_equal(values[i] ? setenv(names[i], values[i], 1) : unsetenv(names[i]), 0);
                print_message("case '%s' '%s' '%s'\n", row->all ? row->all : "", row->ctype ? row->ctype : "",
                              row->lang ? row->lang : "");
                assert_int_equal(utf8_is_locale(), row->want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_is_locale) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
