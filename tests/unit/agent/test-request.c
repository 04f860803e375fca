/* What is submitted: read strictly, kept without its secrets, and made a plan of, the same one each time. */

#include "test.h"

#include <errno.h>
#include <string.h>

#include "agent/request.h"
#include "base/str.h"

#define WORKFLOW "\"workflows\":[{\"file\":\".woodpecker.yaml\",\"text\":\"steps: [{name: a, image: x, commands: [one]}]\"}]"
#define SHA "0123456789012345678901234567890123456789"

static void test_parse(void **state) {
        static const struct {
                const char *text, *want; /* want: in the Error; NULL: it is fine */
        } rows[] = {
                { "{" WORKFLOW "}", NULL },
                { "{" WORKFLOW ",\"source\":{\"kind\":\"directory\",\"path\":\"/src\"},\"label\":\"l\"}", NULL },
                { "{" WORKFLOW ",\"source\":{\"kind\":\"git\",\"url\":\"https://x/y\",\"commit\":\"" SHA "\"}}", NULL },
                { "{" WORKFLOW ",\"options\":{\"timeout_ms\":1000,\"keep\":true,\"pull\":\"always,missing\",\"network\":\"bridge\"}}", NULL },
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
                { "{" WORKFLOW ",\"source\":{\"kind\":\"git\",\"url\":\"https://x/y\",\"commit\":\"main\"}}", "full name of a commit" },
                { "{" WORKFLOW ",\"source\":{\"kind\":\"git\",\"url\":\"https://x/y\",\"commit\":\"" SHA "\"},\"options\":{\"workspace\":\"write\"}}", "always cloned" },
                { "{" WORKFLOW ",\"source\":{\"kind\":\"upload\",\"id\":\"../../etc\"}}", "id" },
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
                { "steps: [{name: a, image: x, comands: [one]}]", "{}", -EINVAL, false, 0, 0, "did you mean 'commands'" },
                { "steps: [{name: a, image: x, commands: [one], privileged: true}]", "{}", -EINVAL, true, 0, 0, "privileged" },
                { "steps: [{name: a, image: x, commands: [one], privileged: true}]", "{\"trusted\":\"security\"}", 0, false, 1, 1, "" },
                { "steps: [{name: a, image: x, commands: [one]}, {name: b, image: x, commands: [two]}]", "{\"from\":\"b\"}", 0, false, 1, 1, "" },
                { "steps: [{name: a, image: x, commands: [one]}]", "{\"from\":\"c\"}", -EINVAL, false, 0, 0, "" },
        };
        Policy policy;

        policy_init(&policy);
        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = str_printf("{\"workflows\":[{\"file\":\"a.yaml\",\"text\":\"%s\"}],\"options\":%s,"
                                                       "\"source\":{\"kind\":\"directory\",\"path\":\"/x\"}}", row->workflow, row->options);
                _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT);
                _cleanup_(error_freep) Error *error = NULL;
                bool is_refused = false;
                Plan **plans = NULL;
                size_t n_plans = 0;
                Request request;

                print_message("%s %s\n", row->workflow, row->options);
                assert_int_equal(request_parse(text, strlen(text), NULL, &request, NULL), 0);
                assert_int_equal(request_compile(&request, &policy, &plans, &n_plans, &faults, &is_refused, &error), row->want_r);
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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_stored),
                cmocka_unit_test(test_compile),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
