#include "../test.h"

#include <string.h>

#include "engine/pull-fault.h"

/* As Podman 4.3, 5.4 and Docker say it. */
static void test_find(void **state) {
        static const struct {
                int status;
                const char *words;
                PullFault want;
        } rows[] = {
                { 200,
                  "initializing source docker://nohost.invalid/a/b:1: pinging container registry nohost.invalid: Get "
                  "\"https://nohost.invalid/v2/\": dial tcp: lookup nohost.invalid on 10.0.0.53:53: no such host",
                  PULL_FAULT_NO_HOST },
                { 500,
                  "Get \"https://r.invalid/v2/\": dial tcp: lookup r.invalid on 10.0.0.53:53: dial udp 10.0.0.53:53: "
                  "connect: network is unreachable",
                  PULL_FAULT_NO_HOST },
                { 200,
                  "dial tcp: lookup r.invalid on [::1]:53: read udp [::1]:50922->[::1]:53: read: connection refused",
                  PULL_FAULT_NO_HOST },
                { 200,
                  "pinging container registry 127.0.0.1:9: Get \"https://127.0.0.1:9/v2/\": dial tcp 127.0.0.1:9: "
                  "connect: connection refused",
                  PULL_FAULT_AWAY },
                { 200, "dial tcp 192.0.2.1:443: i/o timeout", PULL_FAULT_AWAY },
                { 200, "net/http: TLS handshake timeout", PULL_FAULT_AWAY },
                { 200, "http: server gave HTTP response to HTTPS client", PULL_FAULT_TLS },
                { 200, "tls: failed to verify certificate: x509: certificate signed by unknown authority",
                  PULL_FAULT_TLS },
                { 200, "reading manifest 1 in 127.0.0.1:5000/no: manifest unknown: manifest unknown",
                  PULL_FAULT_NOT_FOUND },
                { 200, "reading manifest 9 in r/a: unauthorized: authentication required", PULL_FAULT_DENIED },
                { 200, "unable to retrieve auth token: invalid username/password: unauthorized: bad",
                  PULL_FAULT_DENIED },
                { 200, "reading manifest latest in docker.io/library/x: requested access to the resource is denied",
                  PULL_FAULT_DENIED },
                { 200, "open /var/lib/x: permission denied", PULL_FAULT_OTHER },
                { 200, "toomanyrequests: You have reached your pull rate limit", PULL_FAULT_RATE_LIMITED },
                { 200, "received unexpected HTTP status: 502 Bad Gateway", PULL_FAULT_BROKEN },
                { 200, "storing blob to file: happened during read: unexpected EOF", PULL_FAULT_BROKEN },
                { 200, "writing blob: write /x: no space left on device", PULL_FAULT_NO_SPACE },
                { 200,
                  "choosing an image from manifest list docker://r/a:1: no image found in manifest list for "
                  "architecture s390x, variant \"\", OS linux",
                  PULL_FAULT_NO_PLATFORM },
                { 200, "r/a:1: image not known", PULL_FAULT_NOT_LOCAL },
                { 404, "pull access denied for x, repository does not exist or may require 'docker login'",
                  PULL_FAULT_DENIED },
                { 404, "manifest for r/a:9 not found: manifest unknown: manifest unknown", PULL_FAULT_NOT_FOUND },
                { 404, "odd words", PULL_FAULT_NOT_FOUND },
                { 401, "odd words", PULL_FAULT_DENIED },
                { 429, NULL, PULL_FAULT_RATE_LIMITED },
                { 500, "Get https://r/v2/: no basic auth credentials", PULL_FAULT_DENIED },
                { 500, "odd words", PULL_FAULT_OTHER },
                { 200, NULL, PULL_FAULT_OTHER },
        };

        FOREACH_ROW(row, rows) {
                print_message("case '%s'\n", row->words ? row->words : "");
                assert_int_equal(pull_fault_find(row->status, row->words), row->want);
        }
}

static void test_advice(void **state) {
        for (PullFault fault = PULL_FAULT_OTHER + 1; fault < _PULL_FAULT_MAX; fault++)
                assert_non_null(pull_fault_advice(fault, "podman"));
        assert_null(pull_fault_advice(PULL_FAULT_OTHER, "podman"));
        assert_non_null(strstr(pull_fault_advice(PULL_FAULT_DENIED, "podman"), "podman login"));
        assert_non_null(strstr(pull_fault_advice(PULL_FAULT_DENIED, "docker"), "docker login"));
        assert_non_null(strstr(pull_fault_advice(PULL_FAULT_TLS, "docker"), "/etc/docker/certs.d"));
        assert_string_equal(pull_fault_advice(PULL_FAULT_AWAY, "docker"), pull_fault_advice(PULL_FAULT_AWAY, "podman"));
        assert_true(pull_fault_may_pass(PULL_FAULT_AWAY));
        assert_false(pull_fault_may_pass(PULL_FAULT_NOT_FOUND));
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_find), cmocka_unit_test(test_advice) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
