/* Each allocation fails in turn: metadata is whole or there is -ENOMEM; nothing crashes or leaks. */

#include "golden.h"
#include "no-memory.h"

#include <errno.h>

#include "pipeline/metadata.h"

static void metadata_cleanup(Metadata *metadata) {
        metadata_done(metadata);
}

/* The way there and back. */
static int run(const char *json, size_t n_allocations) {
        _cleanup_(metadata_cleanup) Metadata metadata, again;
        _cleanup_map_ Map environment = STRMAP_INIT;
        int r;

        metadata_init(&metadata);
        metadata_init(&again);
        n_left = n_allocations;
        r = metadata_from_json(json, strlen(json), &metadata, NULL);
        if (r >= 0)
                r = metadata_to_environment(&metadata, &environment);
        if (r >= 0)
                r = metadata_from_environment(&environment, &again);
        n_left = SIZE_MAX;
        if (r >= 0)
                assert_string_equal(again.curr.commit.sha, metadata.curr.commit.sha);
        return r;
}

static void test_memory(void **state) {
        static const char *const names[] = { "push", "pull-request" };

        FOREACH_ROW(name, names) {
                _cleanup_free_ char *path = str_printf("%s/metadata/%s.json", GOLDEN_DIRECTORY, *name), *json = NULL;
                size_t n_all, n_failed = 0;

                assert_int_equal(file_read(path, METADATA_BYTES_MAX, &json, NULL), 0);
                n_made = 0;
                assert_int_equal(run(json, SIZE_MAX), 0);
                n_all = n_made;
                for (size_t n = 0; n < n_all; n++) {
                        int r = run(json, n);

                        /* 0: it was for the words of a fault that nobody asked for */
                        assert_true(r == 0 || r == -ENOMEM);
                        n_failed += r < 0;
                }
                assert_true(n_failed > n_all / 2);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_memory) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
