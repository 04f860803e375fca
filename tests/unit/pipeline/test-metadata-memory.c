/* Each allocation fails in turn: metadata is whole or there is -ENOMEM; nothing crashes or leaks. */

#include "golden.h"

#include <errno.h>
#include <stdarg.h>

#include "pipeline/metadata.h"

static size_t n_left = SIZE_MAX; /* allocations that succeed before one fails */
static size_t n_made;

static bool fails(void) {
        n_made++;
        return n_left != SIZE_MAX && n_left-- == 0;
}

/* The linker puts these in the place of the functions themselves, in our own code. */
#define WRAP(type, name, parameters, arguments)          \
        type __real_##name parameters;                   \
        type __wrap_##name parameters;                   \
        type __wrap_##name parameters {                  \
                return fails() ? NULL : __real_##name arguments; \
        }
WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, (void *p, size_t n), (p, n))
WRAP(char *, strdup, (const char *text), (text))
WRAP(char *, strndup, (const char *text, size_t n), (text, n))

int __real_vasprintf(char **ret, const char *format, va_list ap);
int __wrap_vasprintf(char **ret, const char *format, va_list ap);
int __wrap_vasprintf(char **ret, const char *format, va_list ap) {
        return fails() ? -1 : __real_vasprintf(ret, format, ap);
}

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
