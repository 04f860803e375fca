#include "test.h"

#include <errno.h>

#include "base/strv.h"
#include "pipeline/gitlab-service.h"

#define DIGEST "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* GitLab Runner: helpers/container/services/test/service_definition.go. */
static void test_aliases(void **state) {
        static const struct {
                const char *image, *want;
        } rows[] = {
                { "service", "service" },
                { "service:version", "service" },
                { "namespace/service", "namespace__service namespace-service" },
                { "namespace/service:version", "namespace__service namespace-service" },
                { "domain.tld/service", "domain.tld__service domain.tld-service" },
                { "domain.tld/namespace/service:version",
                  "domain.tld__namespace__service domain.tld-namespace-service" },
                { "domain.tld:8080/service", "domain.tld__service domain.tld-service" },
                { "domain.tld:8080/service:version", "domain.tld__service domain.tld-service" },
                { "subdomain.domain.tld:8080/namespace/service:version",
                  "subdomain.domain.tld__namespace__service subdomain.domain.tld-namespace-service" },
                { "service" DIGEST, "service" },
                { "domain.tld:8080/namespace/service" DIGEST,
                  "domain.tld__namespace__service domain.tld-namespace-service" },
                { "service:version" DIGEST, "service" },
                { "tutum/wordpress:latest", "tutum__wordpress tutum-wordpress" },
                { "registry.gitlab-wp.com:4999/tutum/wordpress",
                  "registry.gitlab-wp.com__tutum__wordpress registry.gitlab-wp.com-tutum-wordpress" },
                { "", NULL },
                { "a b", NULL },
                { "/service", NULL },
                { ":8080/service", NULL },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_strv_ char **aliases = NULL;
                _cleanup_free_ char *joined = NULL;

                print_message("image '%s'\n", row->image);
                assert_int_equal(gitlab_service_aliases(row->image, &aliases), row->want ? 0 : -EINVAL);
                joined = strv_join(aliases, " ");
                assert_string_equal(joined, row->want ? row->want : "");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_aliases) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
