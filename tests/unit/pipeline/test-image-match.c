#include "test.h"

#include "pipeline/image-match.h"

/* Source of the rows: pipeline/frontend/yaml/utils/image_test.go, in sense. */
static void test_matches(void **state) {
        static const struct {
                const char *image, *list[4];
                int want;
        } rows[] = {
                { "golang", { "golang" }, 1 },
                { "golang", { "library/golang" }, 1 },
                { "golang", { "docker.io/library/golang" }, 1 },
                { "golang", { "index.docker.io/library/golang" }, 1 },
                { "golang:1.25", { "golang" }, 1 },
                { "golang:1.25", { "golang:1.25" }, 1 },
                { "golang:1.25", { "docker.io/library/golang:1.25" }, 1 },
                { "golang:1.25", { "golang:1.24" }, 0 },
                { "golang", { "golang:latest" }, 1 },
                { "golang", { "golang:1.25" }, 0 },
                { "golang:latest", { "golang:latest" }, 1 },
                { "golang:latest", { "golang" }, 1 },
                { "golang", { "octocat/golang" }, 0 },
                { "octocat/golang", { "golang" }, 0 },
                { "octocat/golang:x", { "a", "b", "octocat/golang" }, 1 },
                { "gcr.io/golang", { "golang" }, 0 },
                { "gcr.io/golang:1", { "gcr.io/golang" }, 1 },
                { "localhost:5000/a:1", { "localhost:5000/a:1" }, 1 },
                { "localhost:5000/a:1", { "localhost:5000/a" }, 0 }, /* it holds a ':', so it means the tag 'latest' */
                { "localhost:5000/a", { "localhost:5000/a" }, 1 },
                { "golang@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", { "golang" }, 1 },
                { "golang@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                  { "golang:latest" },
                  0 },
                { "Not An Image", { "Not An Image" }, 1 }, /* what is no name stands for itself */
                { "Not An Image", { "golang" }, 0 },
                { "golang", { NULL }, 0 },
        };

        FOREACH_ROW(row, rows) {
                print_message("case '%s' '%s'\n", row->image, row->list[0] ? row->list[0] : "");
                assert_int_equal(image_matches(row->image, (char *const *) row->list), row->want);
        }
        assert_int_equal(image_matches("golang", NULL), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_matches) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
