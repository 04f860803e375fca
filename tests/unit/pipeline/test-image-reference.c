#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "pipeline/image-reference.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_valid(void **state) {
        static const struct {
                const char *in, *want;
        } rows[] = {
                { "golang", "docker.io/library/golang:latest" },
                { "golang:1.25", "docker.io/library/golang:1.25" },
                { "woodpeckerci/plugin-git", "docker.io/woodpeckerci/plugin-git:latest" },
                { "docker.io/golang", "docker.io/library/golang:latest" },
                { "index.docker.io/golang:1", "docker.io/library/golang:1" },
                { "docker.io/library/golang", "docker.io/library/golang:latest" },
                { "index.docker.io/a/b", "docker.io/a/b:latest" },
                { "quay.io/fedora/fedora:41", "quay.io/fedora/fedora:41" },
                { "localhost/x", "localhost/x:latest" },
                { "localhost:5000/x:y", "localhost:5000/x:y" },
                { "localhost", "docker.io/library/localhost:latest" },
                { "registry:5000/a/b/c", "registry:5000/a/b/c:latest" },
                { "REGISTRY/a", "REGISTRY/a:latest" },
                { "[::1]:5000/a:1", "[::1]:5000/a:1" },
                { "a__b/c.d/e---f_g", "docker.io/a__b/c.d/e---f_g:latest" },
                { "alpine@sha256:" HEX64, "docker.io/library/alpine@sha256:" HEX64 },
                { "alpine:3.20@sha256:" HEX64, "docker.io/library/alpine@sha256:" HEX64 },
                { "x:_T.a-g", "docker.io/library/x:_T.a-g" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *got = NULL, *hint = NULL;

                print_message("case '%s'\n", row->in);
                assert_int_equal(image_reference_qualify(row->in, &got, &hint, NULL), 0);
                assert_string_equal(got, row->want);
                assert_null(hint);
        }
}

static void test_invalid(void **state) {
        static const struct {
                const char *in, *want, *want_hint; /* parts of both; NULL: no hint */
        } rows[] = {
                { "", "not a name", "looks like" },
                { "Golang", "lower case", "did you mean 'golang'?" },
                { "a b", "holds a space", NULL },
                { "golang ", "holds a space", "golang" },
                { "docker://golang", "not by a URL", "without 'docker://'" },
                { "https://quay.io/a", "not by a URL", "without 'https://'" },
                { "$IMAGE", "holds a '$'", "${NAME}" },
                { "a/", "not a name", "looks like" },
                { "/a", "not a name", "looks like" },
                { "a//b", "not a name", "looks like" },
                { "a..b", "not a name", "looks like" },
                { "a_.b", "not a name", "looks like" },
                { "-a", "not a name", "looks like" },
                { "a___b", "not a name", "looks like" },
                { "quay.io:/a", "not a name", "looks like" },
                { "[::1/a", "not a name", "looks like" },
                { "-.io/a", "not a name", "looks like" },
                { "a:", "not a tag", "at most 128" },
                { "a:-b", "not a tag", "at most 128" },
                { "a:b c", "not a tag", "at most 128" },
                { "a@", "not a digest", "sha256:" },
                { "a@sha256:12", "not a digest", "sha256:" },
                { "a@sha256:" HEX64 "0", "not a digest", "sha256:" },
                { "a@" HEX64, "not a digest", "sha256:" },
                { HEX64, "id of an image", NULL },
                { "日本", "not a name", "looks like" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *got = NULL, *hint = NULL;
                _cleanup_(error_freep) Error *error = NULL;

                print_message("case '%s'\n", row->in);
                assert_int_equal(image_reference_qualify(row->in, &got, &hint, &error), -EINVAL);
                assert_non_null(strstr(error_message(error, 0), row->want));
                assert_int_equal(row->want_hint != NULL, hint != NULL);
                if (row->want_hint)
                        assert_non_null(strstr(hint, row->want_hint));
                assert_null(got);
        }
}

static void test_length(void **state) {
        char name[IMAGE_REFERENCE_BYTES_MAX + 2];

        for (size_t n = IMAGE_REFERENCE_BYTES_MAX; n <= IMAGE_REFERENCE_BYTES_MAX + 1; n++) {
                _cleanup_free_ char *got = NULL, *hint = NULL;

                memset(name, 'a', n);
                name[n] = '\0';
                assert_int_equal(image_reference_qualify(name, &got, &hint, NULL),
                                 n > IMAGE_REFERENCE_BYTES_MAX ? -EINVAL : 0);
        }
}

static void test_qualify_in(void **state) {
        static const struct {
                const char *registry, *in, *want; /* NULL: refused */
        } rows[] = {
                { NULL, "golang", "docker.io/library/golang:latest" },
                { "", "golang", "docker.io/library/golang:latest" },
                { "docker.io", "golang", "docker.io/library/golang:latest" },
                { "r.example.com:5000", "golang:1", "r.example.com:5000/golang:1" },
                { "r.example.com/mirror", "a/b", "r.example.com/mirror/a/b:latest" },
                { "r.example.com/mirror/", "a", "r.example.com/mirror/a:latest" },
                { "r.example.com", "localhost/a", "localhost/a:latest" },
                { "r.example.com", "docker.io/a", "docker.io/library/a:latest" },
                { "r.example.com",
                  "quay.io/a/b@sha256:0123456789012345678901234567890123456789012345678901234567890123",
                  "quay.io/a/b@sha256:0123456789012345678901234567890123456789012345678901234567890123" },
                { "mirror", "a", NULL },
                { "https://r.example.com", "a", NULL },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *got = NULL, *hint = NULL;
                int r = image_reference_qualify_in(row->registry, row->in, &got, &hint, NULL);

                print_message("case '%s'\n", row->in);
                assert_int_equal(r, row->want ? 0 : -EINVAL);
                if (row->want)
                        assert_string_equal(got, row->want);
        }
}

static void test_repository(void **state) {
        static const struct {
                const char *in, *want;
        } rows[] = {
                { "docker.io/library/a:1", "docker.io/library/a" },
                { "r:5000/a/b@sha256:00", "r:5000/a/b" },
                { "r:5000/a", "r:5000/a" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *got = image_reference_repository(row->in);

                assert_string_equal(got, row->want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_valid), cmocka_unit_test(test_invalid),
                                            cmocka_unit_test(test_length), cmocka_unit_test(test_qualify_in),
                                            cmocka_unit_test(test_repository) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
