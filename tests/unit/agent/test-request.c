/* What is submitted: read strictly, kept without its secrets, and made a plan of, the same one each time. */

#include "test.h"

#include <errno.h>
#include <string.h>

#include "agent/agent-internal.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"

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
                { "{\"plans\":[{}]}", NULL }, /* what is in it is read when it is made a plan of */
                { "{\"plans\":[]}", ".plans: expected 1 to 500 plans" },
                { "{\"plans\":{}}", ".plans: expected array" },
                { "{\"plans\":[{}]," WORKFLOW "}", "not both" },
                { "{\"plans\":[{}],\"variables\":{\"A\":\"1\"}}", ".variables: it counts when a plan is made" },
                { "{\"plans\":[{}],\"options\":{\"cron\":\"x\"}}", ".options.cron: it counts" },
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

/* What became of a submission. */
typedef struct Outcome {
        int r;
        bool is_refused;
        Plan **plans;
        size_t n_plans;
        char *told; /* the Error, and behind it the faults */
} Outcome;

static void outcome_done(Outcome *outcome) {
        plans_free(outcome->plans, outcome->n_plans);
        free(outcome->told);
}

static void compile(const Request *request, const Policy *policy, Outcome *ret) {
        _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_(error_freep) Error *error = NULL;

        *ret = (Outcome) { 0 };
        ret->r = request_compile(request, policy, &ret->plans, &ret->n_plans, &faults, &ret->is_refused, &error);
        ret->told = str_printf("%s%s", error ? error_message(error, ret->r) : "", str_get(&faults));
        print_message("   %s\n", ret->told);
}

static void compile_text(const char *text, const Policy *policy, Outcome *ret) {
        Request request;

        print_message("%s\n", text);
        assert_int_equal(request_parse(text, strlen(text), NULL, &request, NULL), 0);
        compile(&request, policy, ret);
        request_done(&request);
}

static void test_compile(void **state) {
        static const struct {
                const char *workflow, *options;
                int want_r;
                bool want_refused;
                size_t want_plans, want_steps; /* of the first */
                const char *want; /* is told */
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
                { "steps: [{name: a, image: x, commands: [one]}]", "{\"from\":\"c\"}", -EINVAL, false, 0, 0,
                  "workflow 'a' has no step 'c'" },
        };
        Policy policy;

        policy_init(&policy);
        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text =
                        str_printf("{\"workflows\":[{\"file\":\"a.yaml\",\"text\":\"%s\"}],\"options\":%s,"
                                   "\"source\":{\"kind\":\"directory\",\"path\":\"/x\"}}",
                                   row->workflow, row->options);
                _cleanup_(outcome_done) Outcome outcome;

                compile_text(text, &policy, &outcome);
                assert_int_equal(outcome.r, row->want_r);
                assert_int_equal(outcome.n_plans, row->want_plans);
                assert_int_equal(outcome.is_refused, row->want_refused);
                assert_non_null(strstr(outcome.told, row->want));
                if (outcome.n_plans > 0)
                        assert_int_equal(outcome.plans[0]->n_steps, row->want_steps);
        }
        policy_done(&policy);
}

#define TWO                                                                                                            \
        "\"workflows\":[{\"file\":\"one.yaml\",\"text\":\"steps: [{name: a, image: x, commands: [y]}, {name: b, " \
        "image: x, commands: [y]}]\"},{\"file\":\"two.yaml\",\"text\":\"depends_on: [one]\\nsteps: [{name: b, " \
        "image: x, commands: [y]}, {name: c, image: x, commands: [y], privileged: true}]\"}]"

/* Of several workflows those run that have the steps, as with 'podstep run'; of the others nothing is told. */
static void test_choice(void **state) {
        static const struct {
                const char *options;
                int want_r;
                size_t want_plans, want_steps; /* of all of them */
                const char *want; /* all that is told */
        } rows[] = {
                { "{\"steps\":[\"a\"]}", 0, 1, 1, "" },
                { "{\"steps\":[\"b\"]}", 0, 2, 3, "" },
                { "{\"steps\":[\"b\"],\"from\":\"b\"}", 0, 2, 2, "" }, /* what chose steps, begun anew from one */
                { "{\"steps\":[\"a\"],\"from\":\"b\"}", -EINVAL, 0, 0, "workflow 'one' has no step 'b'" },
                { "{\"from\":\"c\",\"trusted\":\"security\"}", 0, 1, 1, "" },
                { "{\"steps\":[\"a\",\"d\"]}", -EINVAL, 0, 0, "none of 2 workflows has a step 'd'" },
                { "{\"from\":\"d\"}", -EINVAL, 0, 0, "none of 2 workflows has a step 'd'" },
        };
        _cleanup_(policy_done) Policy policy;

        policy_init(&policy);
        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = str_printf("{" TWO ",\"options\":%s}", row->options);
                _cleanup_(outcome_done) Outcome outcome;
                size_t n_steps = 0;

                compile_text(text, &policy, &outcome);
                for (size_t i = 0; i < outcome.n_plans; i++)
                        n_steps += outcome.plans[i]->n_steps;
                assert_int_equal(outcome.r, row->want_r);
                assert_int_equal(outcome.n_plans, row->want_plans);
                assert_int_equal(n_steps, row->want_steps);
                assert_string_equal(outcome.told, row->want);
        }
}

#define COMMIT "4f1c2e7d0b9a8c6e5d4f3a2b1c0d9e8f7a6b5c4d"
#define WHEN "\"when\":{\"success\":true,\"failure\":false}"
#define PLACES "\"directory\":\"/w/src\",\"workspace_base\":\"/w\"," WHEN
#define STEP(more) "{\"name\":\"a\",\"type\":\"commands\",\"image\":\"x\",\"commands\":[\"y\"]," PLACES more "}"
#define SERVICE                                                                                                        \
        "{\"name\":\"s\",\"type\":\"service\",\"image\":\"db\",\"detach\":true,\"ports\":[],\"line\":7," PLACES "}"
#define CLONE(commit, url)                                                                                             \
        "{\"name\":\"clone\",\"type\":\"clone\",\"environment\":{\"CI_COMMIT_SHA\":\"" commit \
        "\",\"CI_REPO_CLONE_URL\":\"" url "\"}," PLACES "}"
#define PLAN_OF(services, steps)                                                                                       \
        "{\"name\":\"p\",\"workflow\":\"p\"," WHEN ",\"file\":\"f.yaml\",\"workspace\":\"/w/src\"," \
        "\"services\":[" services "],\"steps\":[" steps "]}"
#define PLAN(more) PLAN_OF("", STEP(more))

static void fill_policy(Policy *policy) {
        policy_init(policy);
        assert_int_equal(strv_append(&policy->images.allowed, "x"), 0);
        assert_int_equal(strv_append(&policy->steps.allowed_users, "1000"), 0);
        assert_int_equal(strv_append(&policy->allowed_volumes, "/srv"), 0);
        assert_int_equal(strv_append(&policy->volumes.mounts, "/opt/tools:/tools:ro"), 0);
        policy->limit_services = true;
}

/* A plan that somebody wrote by hand: it gets nothing that a file would not get. */
static void test_plans(void **state) {
        static const struct {
                const char *plan, *options;
                int want_r;
                bool want_refused;
                const char *want; /* is told */
        } rows[] = {
                { PLAN(""), "{}", 0, false, "" },
                { PLAN(",\"user\":\"1000\""), "{}", 0, false, "" },
                { PLAN(",\"user\":\"0\""), "{}", -EINVAL, true, "wants to run as user '0'" },
                { PLAN(",\"privileged\":true"), "{}", -EINVAL, true, "wants privileged mode" },
                { PLAN(",\"privileged\":true"), "{\"trusted\":\"security\"}", 0, false, "" },
                { PLAN(",\"image\":\"y\""), "{}", -EINVAL, true, "the image 'y' is not on the list" },
                { PLAN(",\"reference\":\"docker.io/library/y:latest\""), "{}", -EINVAL, false,
                  ".plans[0].steps[0].reference: " },
                { PLAN(",\"volumes\":[{\"source\":\"/srv\",\"target\":\"/m\"}]"), "{}", -EINVAL, true,
                  "wants volumes" },
                { PLAN(",\"volumes\":[{\"source\":\"/srv\",\"target\":\"/m\"}]"), "{\"trusted\":\"volumes\"}", 0,
                  false, "" },
                { PLAN(",\"volumes\":[{\"source\":\"/etc\",\"target\":\"/m\"}]"), "{\"trusted\":\"volumes\"}", -EINVAL,
                  true, "'/etc', which is not an allowed directory" },
                { PLAN(",\"volumes\":[{\"source\":\"/srv/../etc\",\"target\":\"/m\"}]"), "{\"trusted\":\"volumes\"}",
                  -EINVAL, false, ".plans[0].steps[0].volumes[0]: " },
                { PLAN(",\"volumes\":[{\"source\":\"runner-a-project-b\",\"target\":\"/m\"}]"),
                  "{\"trusted\":\"volumes\"}", -EINVAL, true, "belongs to another job or project" },
                { PLAN(",\"volumes\":[{\"source\":\"/opt/tools\",\"target\":\"/tools\",\"options\":[\"ro\"]}]"), "{}",
                  0, false, "" },
                { PLAN(",\"volumes\":[{\"source\":\"/opt/tools\",\"target\":\"/tools\",\"options\":[\"rw\"]}]"), "{}",
                  -EINVAL, true, "wants volumes" },
                { PLAN(",\"network_mode\":\"host\""), "{}", -EINVAL, true, "its own network mode" },
                { PLAN(",\"network_mode\":\"container:x\""), "{\"trusted\":\"network\"}", -EINVAL, true,
                  "belongs to another container" },
                { PLAN(",\"dns\":[\"1.1.1.1\"]"), "{}", -EINVAL, true, "its own DNS servers" },
                { PLAN(",\"devices\":[{\"source\":\"/dev/kvm\",\"target\":\"/dev/kvm\",\"access\":\"rw\"}]"), "{}",
                  -EINVAL, true, "devices of the host" },
                { PLAN_OF(SERVICE, STEP("")), "{}", -EINVAL, true, "too many services requested: 1, only 0" },
                { PLAN(",\"line\":3,\"privileged\":true"), "{}", -EINVAL, true, ".plans[0] (f.yaml:3): error: step" },
                { PLAN(",\"is_operators\":true"), "{}", -EINVAL, false,
                  ".plans[0].steps[0].is_operators: a plan has no such key" },
                { PLAN(",\"environment\":{\"T\":\"********\"},\"secret_environment\":{\"T\":[{\"secret\":\"t\"}]}"),
                  "{}", 0, false, "" },
                { PLAN(",\"environment\":{\"T\":\"********\"},\"secret_environment\":{\"T\":[{\"secret\":\"u\"}]}"),
                  "{}", -EINVAL, false, "secret 'u' is not given" },
                { PLAN(""), "{\"steps\":[\"b\"]}", -EINVAL, false, "workflow 'p' has no step 'b'" },
                /* what git of this machine fetches is what is submitted */
                { PLAN_OF("", CLONE(COMMIT, "/home/other")), "{\"workspace\":\"clone\"}", 0, false, "" },
                { PLAN_OF("", CLONE(COMMIT, "/home/other")), "{}", -EINVAL, false,
                  ".plans[0].steps[0]: it fetches the repository, which needs the workspace 'clone'" },
                { PLAN_OF("", CLONE("0000", "/home/other")), "{\"workspace\":\"clone\"}", -EINVAL, false,
                  "the plan is for another commit than the source" },
                { PLAN(""), "{\"workspace\":\"clone\"}", -EINVAL, false, "has no step that fetches it" },
        };
        _cleanup_(policy_done) Policy policy;

        fill_policy(&policy);
        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = str_printf(
                        "{\"plans\":[%s],\"options\":%s,\"source\":{\"kind\":\"directory\",\"path\":\"/x\"},"
                        "\"secrets\":{\"t\":\"hush\"},\"environment\":{\"CI_COMMIT_SHA\":\"" COMMIT
                        "\",\"CI_REPO_CLONE_URL\":\"https://right.example\"}}",
                        row->plan, row->options);
                _cleanup_(outcome_done) Outcome outcome;
                const PlanStep *step;

                compile_text(text, &policy, &outcome);
                assert_int_equal(outcome.r, row->want_r);
                assert_int_equal(outcome.is_refused, row->want_refused);
                assert_non_null(strstr(outcome.told, row->want));
                if (outcome.r < 0)
                        continue;
                assert_int_equal(outcome.n_plans, 1);
                assert_int_equal(outcome.plans[0]->n_steps, 1);
                step = outcome.plans[0]->steps[0];
                if (step->is_default_clone)
                        assert_string_equal(strmap_get(&step->environment, "CI_REPO_CLONE_URL"),
                                            "https://right.example");
                else /* the operator's own is there, be it in the plan or not */
                        assert_int_equal(step->n_volumes, 1 + (strstr(row->plan, "/srv") != NULL));
        }
}

/* A job that is taken up or begun anew finds its plan, and the rules of then count. */
static void test_stored_plan(void **state) {
        static const char text[] = "{\"plans\":[" PLAN(",\"privileged\":true") "," PLAN("") "]}";
        _cleanup_(outcome_done) Outcome refused, outcome;
        _cleanup_(policy_done) Policy policy;
        _cleanup_free_ char *stored = NULL;
        Request request, again;

        policy_init(&policy);
        assert_int_equal(request_parse(text, strlen(text), NULL, &request, NULL), 0);
        assert_int_equal(request_to_json(&request, 1, NULL, &stored), 0);
        assert_int_equal(request_parse(stored, strlen(stored), NULL, &again, NULL), 0);
        assert_int_equal(again.plan, 1);
        compile(&again, &policy, &refused);
        assert_int_equal(refused.r, -EINVAL);
        assert_true(refused.is_refused);
        policy.trusted = TRUST_SECURITY;
        compile(&again, &policy, &outcome);
        assert_int_equal(outcome.r, 0);
        assert_int_equal(outcome.n_plans, 2);
        assert_true(outcome.plans[0]->steps[0]->privileged && !outcome.plans[1]->steps[0]->privileged);
        request_done(&request);
        request_done(&again);
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
                cmocka_unit_test(test_choice),
                cmocka_unit_test(test_plans),
                cmocka_unit_test(test_stored_plan),
                cmocka_unit_test(test_locked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
