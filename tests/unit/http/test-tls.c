#include "test-loop.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/str.h"
#include "http/request.h"
#include "loop/process.h"

/* TLS against openssl's own little server, with certificates made for the occasion. */
typedef struct Lab {
        char *directory, *cert, *key;
        bool has_openssl;
} Lab;

static Lab lab;

static int run_openssl(char *const *argv) {
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
        _cleanup_(task_freep) Task *task = NULL;
        ProcessSpec spec = { .argv = argv, .timeout_usec = TEST_DEADLINE_USEC };
        Seen seen = { 0 };

        assert_int_equal(process_run(event, &spec, NULL, seen_done, &seen, &task), 0);
        turn_until(event, &seen.n, 1);
        return seen.r;
}

#define WORDS(...) ((char *const[]) { __VA_ARGS__, NULL })
#define W(text) ((char *) (text))

static int setup(void **state) {
        int r;

        lab.directory = strdup("/tmp/podstep-tls-XXXXXX");
        assert_non_null(mkdtemp(lab.directory));
        lab.cert = path_join(lab.directory, "cert.pem");
        lab.key = path_join(lab.directory, "key.pem");
        /* Signed by itself: it is its own authority, and good for server and client. */
        r = run_openssl(WORDS(W("openssl"), W("req"), W("-x509"), W("-newkey"), W("ec"), W("-pkeyopt"),
                              W("ec_paramgen_curve:P-256"), W("-nodes"), W("-days"), W("2"), W("-subj"),
                              W("/CN=podstep"), W("-addext"), W("subjectAltName=DNS:localhost"), W("-keyout"), lab.key,
                              W("-out"), lab.cert));
        lab.has_openssl = r == 0;
        return 0;
}

static int teardown(void **state) {
        (void) file_remove_tree(lab.directory);
        free(lab.directory);
        free(lab.cert);
        free(lab.key);
        return 0;
}

static unsigned find_port(void) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t n = sizeof(address);

        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &n), 0);
        return ntohs(address.sin_port);
}

static void test_trust(void **state) {
        static const struct {
                const char *name, *host;
                bool has_ca, skips_verify, asks_for_cert, has_cert;
                int want_r, or_r; /* the second where the kernel decides which is seen first */
        } rows[] = {
                { "the right authority", "localhost", true, false, false, false, 0, 0 },
                { "the system's authorities", "localhost", false, false, false, false, -EPROTO, -EPROTO },
                { "another name", "127.0.0.1", true, false, false, false, -EPROTO, -EPROTO },
                { "not checked", "127.0.0.1", false, true, false, false, 0, 0 },
                { "with a certificate of ours", "localhost", true, false, true, true, 0, 0 },
                { "without one", "localhost", true, false, true, false, -EPROTO, -ECONNRESET },
        };

        if (!lab.has_openssl)
                skip();
        FOREACH_ROW(row, rows) {
                _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                _cleanup_(transport_freep) Transport *transport = NULL;
                _cleanup_(task_freep) Task *openssl = NULL;
                unsigned port = find_port();
                _cleanup_free_ char *address = str_printf("127.0.0.1:%u", port),
                                    *url = str_printf("https://%s:%u", row->host, port);
                ProcessSpec process = { .argv = WORDS(W("openssl"), W("s_server"), W("-www"), W("-quiet"), W("-accept"),
                                                      address, W("-cert"), lab.cert, W("-key"), lab.key, W("-CAfile"),
                                                      lab.cert, row->asks_for_cert ? W("-Verify") : NULL, W("1"),
                                                      W("-verify_return_error")) };
                TransportSpec where = { .base_url = url,
                                        .ca_file = row->has_ca ? lab.cert : NULL,
                                        .skips_verify = row->skips_verify,
                                        .cert_file = row->has_cert ? lab.cert : NULL,
                                        .key_file = row->has_cert ? lab.key : NULL };
                RequestSpec spec = { .method = "GET", .path = "/", .timeout_usec = TEST_DEADLINE_USEC };
                uint64_t end = clock_monotonic_usec() + TEST_DEADLINE_USEC;
                Seen server = { 0 }, seen = { .r = -ECONNREFUSED };

                print_message("case '%s'\n", row->name);
                assert_int_equal(process_run(event, &process, NULL, seen_done, &server, &openssl), 0);
                assert_int_equal(transport_new(event, &where, &transport, NULL), 0);
                while (seen.r == -ECONNREFUSED) { /* it does not listen yet */
                        _cleanup_(reply_done) Reply reply = { 0 };
                        _cleanup_(task_freep) Task *task = NULL;
                        unsigned n = seen.n + 1;

                        assert_true(clock_monotonic_usec() < end && server.n == 0);
                        assert_int_equal(request_start(transport, &spec, &reply, seen_done, &seen, &task), 0);
                        turn_until(event, &seen.n, n);
                        if (seen.r == 0)
                                assert_int_equal(reply.status, 200);
                        else
                                turn_for(event, 2 * USEC_PER_MSEC);
                }
                print_message("     %d %s\n", seen.r, seen.text);
                assert_true(seen.r == row->want_r || seen.r == row->or_r);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_trust) };

        return cmocka_run_group_tests(tests, setup, teardown);
}
