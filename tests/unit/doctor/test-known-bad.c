#include "test.h"

#include "base/str.h"
#include "doctor/known-bad.h"
#include "doctor/version.h"

static void test_version_compare(void **state) {
        static const struct {
                const char *a, *b;
                int want;
        } rows[] = {
                { "4.3.1", "4.3.1", 0 },
                { "4.3", "4.3.0", 0 },
                { "4.10", "4.9", 1 },
                { "4.9", "4.10", -1 },
                { "5.0.0-dev", "5.0", 0 },
                { "6.1.0-18-amd64", "5.11", 1 },
                { "5.4.0-42", "5.11", -1 },
                { "1.21", "1.21.1", -1 },
                { "", "0", 0 },
                { "", "1", -1 },
                { "x", "y", 0 },
                { "2.1.10", "2.1.9", 1 },
                { "99999999999999999999", "5", 1 },
        };

        FOREACH_ROW(row, rows) {
                print_message("case '%s' '%s'\n", row->a, row->b);
                assert_int_equal(version_compare(row->a, row->b), row->want);
                assert_int_equal(version_compare(row->b, row->a), -row->want);
        }
}

/* How many rows are about a version; the rows themselves are sound. */
static void test_applies(void **state) {
        static const struct {
                const char *program, *version, *kernel;
                bool is_local;
                unsigned want;
                Level worst;
        } rows[] = {
                { "podman", "5.4.2", "6.1", true, 0, LEVEL_OK },
                { "podman", "5.4.2", "6.1", false, 0, LEVEL_OK },
                { "podman", "4.3.1", "6.1", true, 1, LEVEL_NOTE },
                { "podman", "4.3.1", "6.1", false, 2, LEVEL_NOTE },
                { "podman", "4.9.4", "6.1", false, 1, LEVEL_NOTE },
                { "podman", "4.2.0", "6.1", true, 1, LEVEL_FAULT },
                { "conmon", "2.1.8", "6.1", true, 0, LEVEL_OK },
                { "conmon", "2.1.9", "6.1", true, 1, LEVEL_FAULT },
                { "conmon", "2.1.10", "6.1", true, 0, LEVEL_OK },
                { "crun", "1.11.1", "6.1", true, 1, LEVEL_WARNING },
                { "crun", "1.11.2", "6.1", true, 0, LEVEL_OK },
                { "crun", "1.21", "6.1", true, 0, LEVEL_OK },
                { "crun", "1.21", "4.19.125", true, 1, LEVEL_FAULT },
                { "crun", "1.21", NULL, true, 0, LEVEL_OK },
                { "runc", "1.1.5", "6.1", true, 1, LEVEL_NOTE },
                { "runc", "1.1.12", "6.1", true, 1, LEVEL_NOTE },
                { "runc", "1.2.8", "6.1", true, 0, LEVEL_OK },
                { "runc", "1.3.2", "6.1", true, 1, LEVEL_NOTE },
                { "runc", "1.3.3", "6.1", true, 0, LEVEL_OK },
                { "aardvark-dns", "1.10.0", "6.1", true, 1, LEVEL_NOTE },
                { "crun", NULL, "6.1", true, 0, LEVEL_OK },
                { "youki", "0.1", "6.1", true, 0, LEVEL_OK },
        };

        FOREACH_ROW(row, rows) {
                Level worst = LEVEL_OK;
                unsigned n = 0;

                print_message("case %s %s\n", row->program, row->version ? row->version : "-");
                for (size_t i = 0; i < n_known_bad; i++)
                        if (known_bad_applies(&known_bad[i], row->program, row->version, row->kernel, row->is_local)) {
                                worst = MAX(worst, known_bad[i].level);
                                n++;
                        }
                assert_int_equal(n, row->want);
                assert_int_equal(worst, row->worst);
        }
        for (size_t i = 0; i < n_known_bad; i++) {
                assert_true(known_bad[i].level > LEVEL_OK);
                assert_true(known_bad[i].what && known_bad[i].source && known_bad[i].before);
                assert_true(!known_bad[i].from || version_compare(known_bad[i].from, known_bad[i].before) < 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_version_compare),
                cmocka_unit_test(test_applies),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
