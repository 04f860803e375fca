#include "test.h"

#include <errno.h>
#include <gnu/lib-names.h>
#include <string.h>

#include "base/library.h"

static void test_functions(void **state) {
        static const char *const names[] = { "strlen", "strnlen" };
        LibraryFunction functions[ELEMENTSOF(names)] = { NULL };

        assert_int_equal(library_load(LIBC_SO, "tests", names, ELEMENTSOF(names), functions, NULL), 0);
        assert_int_equal(((typeof(strlen) *) functions[0])("five5"), 5);
        assert_int_equal(((typeof(strnlen) *) functions[1])("five5", 3), 3);
}

static void test_missing(void **state) {
        static const struct {
                const char *soname, *name, *want;
        } rows[] = {
                { "libnone-of-it.so.9", "strlen", "libnone-of-it.so.9, needed for tests: " },
                { LIBC_SO, "strlen_of_old", LIBC_SO " has no strlen_of_old(): it is too old" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                LibraryFunction function;
                int r = library_load(row->soname, "tests", &row->name, 1, &function, &error);

                assert_int_equal(r, -ENOPKG);
                assert_memory_equal(error_message(error, r), row->want, strlen(row->want));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_functions),
                cmocka_unit_test(test_missing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
