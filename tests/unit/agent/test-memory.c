/* What is given back is no longer resident, and comes again when it is used. */

#include "agent/memory.h"

#include "test.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

/* Pages of files that are in memory for this process: the third field of statm (proc(5)). */
static unsigned long resident_file_pages(void) {
        unsigned long size, resident, shared;
        FILE *f = fopen("/proc/self/statm", "re");

        assert_non_null(f);
        assert_int_equal(fscanf(f, "%lu %lu %lu", &size, &resident, &shared), 3);
        (void) fclose(f);
        return shared;
}

static void use_library(void) {
        sqlite3_stmt *statement = NULL;
        sqlite3 *db = NULL;

        assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, "SELECT upper('a')", -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        assert_string_equal((const char *) sqlite3_column_text(statement, 0), "A");
        assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_give_back(void **state) {
        unsigned long used;

        use_library();
        used = resident_file_pages();
        memory_give_back();
        assert_true(resident_file_pages() < used);
        use_library();
        memory_give_back();
        use_library();
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_give_back) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
