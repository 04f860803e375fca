#include "test.h"

#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "base/strv.h"

static void test_many(void **state) {
        _cleanup_map_ Map map = STRMAP_INIT;
        unsigned n = 0;

        for (unsigned i = 0; i < 2000; i++) {
                _cleanup_free_ char *key = str_printf("key-%u", i);

                assert_int_equal(strmap_putf(&map, key, "%u", i), 0);
        }
        assert_int_equal(map_size(&map), 2000);
        for (unsigned i = 0; i < 2000; i += 2) {
                _cleanup_free_ char *key = str_printf("key-%u", i);

                assert_true(map_remove(&map, key));
                assert_false(map_remove(&map, key));
        }
        assert_int_equal(map_size(&map), 1000);
        assert_null(strmap_get(&map, "key-0"));
        assert_string_equal(strmap_get(&map, "key-1999"), "1999");
        MAP_FOREACH(entry, &map) {
                _cleanup_free_ char *want = str_printf("key-%u", 2 * n++ + 1);

                assert_string_equal(entry->key, want); /* the order of insertion stays */
        }
        assert_int_equal(strmap_put(&map, "key-0", "again"), 0);
        assert_string_equal(strmap_get(&map, "key-0"), "again");
}

/* Around each size at which it grows; with keys that are there, and from one that keys were removed from. */
static void test_update(void **state) {
        for (unsigned n = 0; n <= 70; n++)
                for (unsigned n_before = 0; n_before <= 9; n_before++) {
                        _cleanup_map_ Map map = STRMAP_INIT, from = STRMAP_INIT;
                        unsigned i = 0;

                        for (unsigned k = 0; k < n_before; k++) {
                                _cleanup_free_ char *key = str_printf("k%u", k);

                                assert_int_equal(strmap_put(&map, key, "old"), 0);
                        }
                        assert_int_equal(strmap_put(&from, "removed", ""), 0);
                        for (unsigned k = 0; k < n; k++) {
                                _cleanup_free_ char *key = str_printf("k%u", k);

                                assert_int_equal(strmap_put(&from, key, key), 0);
                        }
                        assert_true(map_remove(&from, "removed"));
                        assert_int_equal(strmap_update(&map, &from), 0);
                        assert_int_equal(map_size(&map), MAX(n, n_before));
                        MAP_FOREACH(entry, &map) {
                                _cleanup_free_ char *key = str_printf("k%u", i);

                                assert_string_equal(entry->key, key);
                                assert_string_equal(entry->value, i < n ? key : "old");
                                assert_string_equal(strmap_get(&map, key), entry->value);
                                i++;
                        }
                        assert_int_equal(strmap_put(&map, "last", "one"), 0);
                        assert_string_equal(strmap_get(&map, "last"), "one");
                }
}

static void test_strv(void **state) {
        _cleanup_strv_ char **list = NULL, **copy = NULL;
        _cleanup_free_ char *joined = NULL;

        for (int i = 0; i < 9; i++)
                assert_int_equal(strv_append(&list, i % 2 ? "b" : "a"), 0);
        assert_int_equal(strv_copy(list, &copy), 0);
        for (int i = 0; i < 9; i++) /* a copy can grow on */
                assert_int_equal(strv_append(&copy, "c"), 0);
        assert_int_equal(strv_length(list), 9);
        assert_int_equal(strv_length(copy), 18);
        joined = strv_join(list, ",");
        assert_string_equal(joined, "a,b,a,b,a,b,a,b,a");
        assert_true(strv_contains(copy, "c"));
        assert_false(strv_contains(list, "c"));
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_many), cmocka_unit_test(test_update),
                                            cmocka_unit_test(test_strv) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
