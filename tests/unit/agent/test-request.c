/* What is submitted: read strictly, kept without its secrets, and made a plan of, the same one each time. */

#include "test.h"

#include <errno.h>
#include <string.h>

#include "agent/agent-internal.h"
#include "base/file.h"
#include "base/str.h"

#define WORKFLOW                                                                                                       \
        "\"workflows\":[{\"file\":\".woodpecker.yaml\",\"text\":\"steps: [{name: a, image: x, commands: [one]}]\"}]"
#define SHA "0123456789012345678901234567890123456789"

static void test_parse(void **state) {
        static const struct {
                const char *text, *want; /* want: in the Error; NULL: it is fine */
        } rows[] = {
                { "{" WORKFLOW "}", NULL },
                { "{" WORKFLOW ",\"source\":{\"kind\":\"directory\",\"path\":\"/src\"},\"label\":\"l\"}", NULL },
                { "{" WORKFLOW ",\"source\":{\"kind\":\"git\",\"url\":\"https://x/y\",\"commit\":\"" SHA "\"}}", NULL },
                { "{" WORKFLOW ",\"options\":{\"timeout_ms\":1000,\"keep\":true,\"pull\":\"always,missing\","
                  "\"network\":\"bridge\"}}",
                  NULL },
                { "", "" },
                { "[]", "expected object" },
                { "null", "" },
                { "{", "" },
                { "{\"workflows\":[]}", "expected 1 to 200" },
                { "{\"workflows\":[{}]}", "each needs 'file'" },
                { "{\"workflows\":{}}", "expected array" },
                { "{" WORKFLOW ",\"environment\":{\"a\":1}}", "expected an object of strings" },
                { "{" WORKFLOW ",\"environment\":[]}", "expected object" },
                { "{" WORKFLOW ",\"source\":{\"kind\":\"ftp\"}}", "'ftp' is not known" },
                { "{" WORKFLOW ",\"source\":{\"kind\":\"directory\",\"path\":\"src\"}}", "absolute path" },
                { "{" WORKFLOW ",\"source\":{\"kind\":\"git\",\"url\":\"https://x/y\",\"commit\":\"main\"}}",
                  "full name of a commit" },
                { "{" WORKFLOW ",\"source\":{\"kind\":\"git\",\"url\":\"https://x/y\",\"commit\":\"" SHA
                  "\"},\"options\":{\"workspace\":\"write\"}}",
                  "always cloned" },
                { "{" WORKFLOW ",\"source\":{\"kind\":\"directory\",\"path\":\"/src\"},\"options\":{\"workspace\":"
                  "\"write\"}}",
                  NULL },
                { "{" WORKFLOW ",\"options\":{\"workspace\":\"write\"}}", "a directory of this machine" },
                { "{" WORKFLOW ",\"source\":{\"kind\":\"upload\",\"id\":\"01aaaaaaaaaaaaaaaaaaaaaaaa\"},\"options\":{"
                  "\"workspace\":\"write\"}}",
                  "a directory of this machine" },
                { "{" WORKFLOW ",\"source\":{\"kind\":\"upload\",\"id\":\"../../etc\"}}", "id" },
                { "{" WORKFLOW ",\"source\":{\"kind\":\"upload\",\"id\":\"01aaaaaaaaaaaaaaaaaaaaaaaa\"}}", NULL },
                { "{" WORKFLOW ",\"source\":{\"kind\":\"upload\",\"id\":\"01aaaaaaaaaaaaaaaaaaaaaaaa/../../..\"}}",
                  "id" },
                { "{" WORKFLOW ",\"source\":{\"kind\":\"upload\",\"id\":\"01aaaaaaaaaaaaaaaaaaaaaaaaa\"}}", "id" },
                { "{" WORKFLOW ",\"source\":{\"kind\":\"git\",\"url\":\"--upload-pack=id\",\"commit\":\"" SHA "\"}}",
                  "begin with '-'" },
                { "{" WORKFLOW
                  ",\"source\":{\"kind\":\"git\",\"url\":\"https://x/y\",\"ref\":\"a\\nb\",\"commit\":\"" SHA "\"}}",
                  "hold no blanks" },
                { "{" WORKFLOW ",\"variables\":{\"A\":1}}", "expected an object of strings" },
                { "{" WORKFLOW ",\"options\":{\"timeout_ms\":0}}", "milliseconds above 0" },
                { "{" WORKFLOW ",\"options\":{\"timeout_ms\":\"1h\"}}", "expected whole number" },
                { "{" WORKFLOW ",\"options\":{\"trusted\":\"everyone\"}}", "everyone" },
                { "{" WORKFLOW ",\"options\":{\"steps\":[1]}}", "list of strings" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                Request request;
                int r = request_parse(row->text, strlen(row->text), NULL, &request, &error);

                print_message("%s\n", row->text);
                assert_int_equal(r, row->want ? -EINVAL : 0);
                if (r >= 0)
                        request_done(&request);
                else if (!strstr(error_message(error, r), row->want))
                        fail_msg("'%s' lacks '%s'", error_message(error, r), row->want);
        }
}

/* What is stored holds no secret, and with the secrets from elsewhere is the same request. */
static void test_stored(void **state) {
        static const char text[] = "{" WORKFLOW ",\"secrets\":{\"Token\":\"hush-hush\"},\"label\":\"l\"}";
        _cleanup_free_ char *stored = NULL, *secrets = NULL;
        Request request, again;

        assert_int_equal(request_parse(text, strlen(text), NULL, &request, NULL), 0);
        assert_int_equal(request_to_json(&request, 3, "b", &stored), 0);
        assert_int_equal(request_secrets_to_json(&request, &secrets), 0);
        assert_null(strstr(stored, "hush"));
        assert_string_equal(secrets, "{\"token\":\"hush-hush\"}");
        assert_int_equal(request_parse(stored, strlen(stored), secrets, &again, NULL), 0);
        assert_string_equal(strmap_get(&again.secrets, "token"), "hush-hush");
        assert_string_equal(again.label, "l");
        assert_string_equal(again.from, "b");
        assert_int_equal(again.plan, 3);
        request_done(&request);
        request_done(&again);
}

static void test_compile(void **state) {
        static const struct {
                const char *workflow, *options;
                int want_r;
                bool want_refused;
                size_t want_plans, want_steps; /* of the first */
                const char *want_fault;
        } rows[] = {
                { "steps: [{name: a, image: x, commands: [one]}]", "{}", 0, false, 1, 1, "" },
                { "matrix: {A: [1, 2]}\\nsteps: [{name: a, image: x, commands: [one]}]", "{}", 0, false, 2, 1, "" },
                { "steps: [{name: a, image: x, comands: [one]}]", "{}", -EINVAL, false, 0, 0,
                  "did you mean 'commands'" },
                { "steps: [{name: a, image: x, commands: [one], privileged: true}]", "{}", -EINVAL, true, 0, 0,
                  "privileged" },
                { "steps: [{name: a, image: x, commands: [one], privileged: true}]", "{\"trusted\":\"security\"}", 0,
                  false, 1, 1, "" },
                { "steps: [{name: a, image: x, commands: [one]}, {name: b, image: x, commands: [two]}]",
                  "{\"from\":\"b\"}", 0, false, 1, 1, "" },
                { "steps: [{name: a, image: x, commands: [one]}]", "{\"from\":\"c\"}", -EINVAL, false, 0, 0, "" },
        };
        Policy policy;

        policy_init(&policy);
        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text =
                        str_printf("{\"workflows\":[{\"file\":\"a.yaml\",\"text\":\"%s\"}],\"options\":%s,"
                                   "\"source\":{\"kind\":\"directory\",\"path\":\"/x\"}}",
                                   row->workflow, row->options);
                _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT);
                _cleanup_(error_freep) Error *error = NULL;
                bool is_refused = false;
                Plan **plans = NULL;
                size_t n_plans = 0;
                Request request;

                print_message("%s %s\n", row->workflow, row->options);
                assert_int_equal(request_parse(text, strlen(text), NULL, &request, NULL), 0);
                assert_int_equal(request_compile(&request, &policy, &plans, &n_plans, &faults, &is_refused, &error),
                                 row->want_r);
                assert_int_equal(n_plans, row->want_plans);
                assert_int_equal(is_refused, row->want_refused);
                assert_non_null(strstr(str_get(&faults), row->want_fault));
                if (n_plans > 0)
                        assert_int_equal(plans[0]->n_steps, row->want_steps);
                plans_free(plans, n_plans);
                request_done(&request);
        }
        policy_done(&policy);
}

/* What a request may not say where the administrator has locked it, and what it may where nobody has. */
static void test_locked(void **state) {
        static const char text[] =
                "{" WORKFLOW ",\"options\":{\"trusted\":\"network\",\"timeout_ms\":1000,\"grace_ms\":2000,"
                "\"service_timeout_ms\":3000,\"keep\":true,\"pull\":\"never\"}}";
        static const struct {
                const char *file;
                unsigned trusted, timeout, grace, service_timeout; /* seconds */
                bool keep;
                size_t n_pull;
        } rows[] = {
                { "", TRUST_NETWORK, 1, 2, 3, true, 1 },
                { "jobs: {timeout: 5min, grace: 7s}\n", TRUST_NETWORK, 1, 2, 3, true, 1 },
                { "trusted: none\nlocked: [trusted]\n", 0, 1, 2, 3, true, 1 },
                { "jobs: {timeout: 5min, grace: 7s, keep_failed: false}\nlocked: [jobs.timeout, jobs.grace, "
                  "jobs.keep_failed]\n",
                  TRUST_NETWORK, 300, 7, 3, false, 1 },
                { "services: {timeout: 5min}\nlocked: [services.timeout]\n", TRUST_NETWORK, 1, 2, 0, true, 1 },
                { "images: {pull: always}\nlocked: [images.pull]\n", TRUST_NETWORK, 1, 2, 3, true, 0 },
                { "images: {allowed_pull: [always]}\n", TRUST_NETWORK, 1, 2, 3, true, 0 },
                { "images: {allowed_pull: [always, never]}\n", TRUST_NETWORK, 1, 2, 3, true, 1 },
        };
        char directory[] = "/tmp/podstep-test-XXXXXX";
        _cleanup_free_ char *path = NULL;

        assert_non_null(mkdtemp(directory));
        path = path_join(directory, "podstep.yaml");
        FOREACH_ROW(row, rows) {
                _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT);
                _cleanup_(config_done) Config config = { 0 };
                ConfigSpec spec = { .vendor_directory = "/nonexistent",
                                    .system_directory = directory,
                                    .user_directory = "/nonexistent" };
                Agent agent = { .config = &config };
                Request request;

                print_message("%s\n", row->file);
                assert_int_equal(file_write(path, row->file, strlen(row->file), 0600), 0);
                assert_int_equal(config_init(&config), 0);
                assert_int_equal(config_load(&spec, &config, &faults), 0);
                assert_int_equal(request_parse(text, strlen(text), NULL, &request, NULL), 0);
                agent_limit_request(&agent, &request);
                assert_int_equal(request.trusted, row->trusted);
                assert_int_equal(request.timeout_usec, row->timeout * USEC_PER_SEC);
                assert_int_equal(request.grace_usec, row->grace * USEC_PER_SEC);
                assert_int_equal(request.service_timeout_usec, row->service_timeout * USEC_PER_SEC);
                assert_int_equal(request.keep, row->keep);
                assert_int_equal(request.pull.n, row->n_pull);
                request_done(&request);
        }
        (void) file_remove_tree(directory);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_stored),
                cmocka_unit_test(test_compile),
                cmocka_unit_test(test_locked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
