/* A plan that somebody wrote: whatever no dialect would make of a file is refused, with its path. */

#include "again.h"

#include <errno.h>

#include "base/str.h"
#include "base/strv.h"
#include "compile.h"
#include "pipeline/policy.h"

/* Quotes are written as ' for the sake of the eye. */
static Json *parse(const char *text) {
        _cleanup_free_ char *copy = strdup(text);
        Json *json = NULL;

        for (char *c = copy; *c; c++)
                *c = *c == '\'' ? '"' : *c;
        if (json_parse(copy, strlen(copy), &json, NULL) < 0)
                fail_msg("no JSON: %s", copy);
        return json;
}

#define WHEN "'when':{'success':true,'failure':false}"
#define PLACES "'directory':'/w/src','workspace_base':'/w'," WHEN
#define STEP(name, more) "{'name':'" name "','type':'commands','image':'x:1'," PLACES more "}"
#define SERVICE(name, more) "{'name':'" name "','type':'service','image':'x:1','detach':true," PLACES more "}"
#define PLAN_WITH(services, steps, more)                                                                               \
        "{'name':'p','workflow':'p'," WHEN ",'file':'f.yaml','workspace':'/w/src','services':[" services               \
        "],'steps':[" steps "]" more "}"
#define PLAN(more) PLAN_WITH("", STEP("a", more), "")
#define CLONE(more) PLAN_WITH("", "{'name':'c','type':'clone'," PLACES more "}," STEP("a", ""), "")

static void test_faults(void **state) {
        static const struct {
                const char *text, *want; /* in the Error; NULL: it is fine */
        } rows[] = {
                { PLAN(""), NULL },
                { PLAN(",'commands':['make'],'script_style':'strict','after_commands':['x'],'user':'1000'"), NULL },
                { PLAN_WITH(SERVICE("s", ""), STEP("a", ",'needs':['b']") "," STEP("b", ""), ""), NULL },
                { PLAN_WITH(SERVICE("a", ""), STEP("a", ""), ""), NULL },
                { CLONE(""), NULL },
                { "[]", "plan: expected an object, found a list" },
                { "null", "plan: expected an object, found null" },
                { "{}", "plan.name: it is missing" },
                /* keys */
                { PLAN_WITH("", "", ",'stepps':[]"), "plan.stepps: a plan has no such key; did you mean 'steps'?" },
                { PLAN(",'comands':['x']"), "plan.steps[0].comands: a plan has no such key; did you mean 'commands'?" },
                { PLAN(",'is_operators':true"), "plan.steps[0].is_operators: a plan has no such key" },
                { PLAN(",'ready':{'lag':'x'}"), "plan.steps[0].ready.lag: a plan has no such key" },
                /* types */
                { PLAN(",'commands':'make'"), "plan.steps[0].commands: expected a list, found a text" },
                { PLAN(",'commands':['a',1]"), "plan.steps[0].commands[1]: expected a text, found a number" },
                { PLAN(",'privileged':'false'"), "plan.steps[0].privileged: expected true or false" },
                { PLAN(",'user':null"), "plan.steps[0].user: expected a text, found null" },
                { PLAN(",'environment':{'A':1}"), "plan.steps[0].environment.A: expected a text, found a number" },
                { PLAN(",'environment':{'A=B':'1'}"), "plan.steps[0].environment: a name is not empty" },
                { PLAN(",'environment':{'A':'a\\u0000b'}"), "plan.steps[0].environment.A: it holds a NUL" },
                { PLAN(",'user':'a\\nb'"), "plan.steps[0].user: it holds a control character" },
                { PLAN(",'line':-1"), "plan.steps[0].line: expected a number from 0" },
                /* names */
                { PLAN_WITH("", STEP("a\\u001b[2J", ""), ""), "plan.steps[0].name: it cannot be a name" },
                { PLAN_WITH("", STEP("a", "") "," STEP("a", ""), ""), "plan.steps[1].name: 'a' is there already" },
                { PLAN_WITH(SERVICE("s", ",'alias':'x'"), STEP("a", ",'alias':'x'"), ""),
                  "plan.steps[0].alias: 'x' is there already" },
                { PLAN(",'alias':'A B'"), "plan.steps[0].alias: expected a DNS label" },
                { PLAN(",'host_names':['a\\t1.2.3.4']"), "plan.steps[0].host_names[0]: it holds a control character" },
                { PLAN(",'host_names':['a b']"), "plan.steps[0].host_names[0]: it cannot be the name of a host" },
                /* what runs is what the lists of allowed images are about */
                { PLAN(",'reference':'docker.io/library/x:1'"), NULL },
                { PLAN(",'reference':'evil.example/x:1'"), "plan.steps[0].reference: 'evil.example/x:1' is not what" },
                { PLAN_WITH("", "{'name':'a','type':'commands','image':'Not An Image'," PLACES "}", ""),
                  "plan.steps[0].image: " },
                { PLAN_WITH("", "{'name':'a','type':'commands'," PLACES "}", ""),
                  "plan.steps[0].image: it is missing" },
                { PLAN(",'platform':'linux/arm64'"), NULL },
                { PLAN(",'platform':'a&b=c'"), "plan.steps[0].platform: expected a platform" },
                { PLAN(",'pull':'often'"), "plan.steps[0].pull: 'often' is no pull policy" },
                /* git of this machine is no container that could be given anything */
                { CLONE(",'commands':['id']"), "plan.steps[0].commands: a plan has no such key" },
                { CLONE(",'volumes':[]"), "plan.steps[0].volumes: a plan has no such key" },
                { CLONE(",'entrypoint':['sh']"), "plan.steps[0].entrypoint: a plan has no such key" },
                { CLONE(",'privileged':true"), "plan.steps[0].image: it is missing" },
                { CLONE(",'directory':'/etc'"), "plan.steps[0].directory: what fetches the repository" },
                { PLAN_WITH("", STEP("a", "") ",{'name':'c','type':'clone'," PLACES "}", ""),
                  "plan.steps[1]: a step without an image" },
                /* paths */
                { PLAN(",'directory':'src'"), "plan.steps[0].directory: expected an absolute path" },
                { PLAN(",'directory':'/a/../b'"), "plan.steps[0].directory: expected an absolute path" },
                { "{'name':'p','workflow':'p'," WHEN ",'file':'f','workspace':'/','services':[],'steps':[]}",
                  "plan.workspace: mounted at '/'" },
                { PLAN(",'commands':[]"), "plan.steps[0].commands: there is none" },
                { PLAN(",'workspace_base':'/'"), "plan.steps[0].workspace_base: mounted at '/'" },
                /* of the host: the form only */
                { PLAN(",'volumes':[{'source':'/etc','target':'/x','options':['ro']}]"), NULL },
                { PLAN(",'volumes':[{'target':'/x'}]"), NULL },
                { PLAN(",'volumes':[{'source':'/etc'}]"), "plan.steps[0].volumes[0].target: it is missing" },
                { PLAN(",'volumes':[{'source':'/srv/../etc','target':'/x'}]"), "does not mean this volume" },
                { PLAN(",'volumes':[{'source':'/srv:/x','target':'/y'}]"), "plan.steps[0].volumes[0]: " },
                { PLAN(",'volumes':[{'source':'srv/x','target':'/y'}]"), "neither an absolute path nor the name" },
                { PLAN(",'volumes':[{'source':'','target':'/y'}]"), "it is empty" },
                { PLAN(",'volumes':[{'source':'/srv','target':'/x','options':['upperdir=/etc']}]"),
                  "there is no option 'upperdir=/etc'" },
                { PLAN(",'volumes':[{'source':'/srv','target':'/x','options':['ro,suid']}]"),
                  "does not mean this volume" },
                { PLAN(",'volumes':[{'source':'/srv','target':'/x'},{'source':'/etc','target':'/x'}]"),
                  "plan.steps[0].volumes[1].target: something else is mounted at '/x' already" },
                { PLAN(",'tmpfs':[{'target':'/w'}]"), "something else is mounted at '/w' already" },
                { PLAN(",'volumes':[{'target':'/'}]"), "it would hide the whole image" },
                { PLAN(",'devices':[{'source':'/dev/kvm','target':'/dev/kvm','access':'rw'}]"), NULL },
                { PLAN(",'devices':[{'source':'nvidia.com/gpu=all'}]"), NULL },
                { PLAN(",'devices':[{'source':'/dev/kvm'}]"), "plan.steps[0].devices[0]: expected a 'source'" },
                { PLAN(",'devices':[{'source':'/dev/a:/dev/b','target':'/dev/c','access':'r'}]"),
                  "expected a 'source'" },
                { PLAN(",'extra_hosts':{'a':'1.2.3.4','b':'host-gateway','c':'::1'}"), NULL },
                { PLAN(",'extra_hosts':{'a b':'1.2.3.4'}"), "plan.steps[0].extra_hosts.a b: expected the name" },
                { PLAN(",'extra_hosts':{'a':'1.2.3.4 evil'}"), "plan.steps[0].extra_hosts.a: expected the name" },
                { PLAN(",'extra_hosts':{'a:1':'::1'}"), "expected the name of a host" },
                { PLAN(",'ports':[{'number':80,'protocol':'tcp'}]"), NULL },
                { PLAN(",'ports':[{'number':65536,'protocol':'tcp'}]"), "plan.steps[0].ports[0].number" },
                { PLAN(",'ports':[{'number':80,'protocol':'icmp'}]"), "expected tcp, udp or sctp" },
                { PLAN(",'dns':['1.2.3.4\\nsearch evil']"), "plan.steps[0].dns[0]: " },
                { PLAN(",'dns':['ns.example']"), "plan.steps[0].dns[0]: expected an IP address" },
                { PLAN(",'ready':{'command':['CMD','true'],'timeout_usec':1000000}"), NULL },
                { PLAN(",'ready':{'command':['sh','-c']}"), "plan.steps[0].ready.command: expected" },
                { PLAN(",'ready':{'log':'('}"), "plan.steps[0].ready.log: " },
                { PLAN(",'ready':{'timeout_usec':86400000001}"), "plan.steps[0].ready.timeout_usec" },
                /* order */
                { PLAN(",'needs':['b']"), "plan.steps[0].needs[0]: there is no step 'b'" },
                { PLAN(",'needs':['a']"), "plan.steps[0].needs[0]: a step cannot wait for itself" },
                { PLAN_WITH("", STEP("a", ",'needs':['b','b']") "," STEP("b", ""), ""), "needs[1]: it is named twice" },
                { PLAN_WITH("", STEP("a", ",'needs':['b']") "," STEP("b", ",'needs':['a']"), ""),
                  "plan.steps[0].needs: the steps wait for each other in a circle" },
                { PLAN_WITH(SERVICE("s", ",'needs':['a']"), STEP("a", ""), ""),
                  "plan.services[0].needs[0]: a service can only wait for" },
                { PLAN_WITH(SERVICE("s", ""), STEP("a", ",'needs':['s']"), ""), "there is no step 's'" },
                { PLAN_WITH(STEP("s", ""), STEP("a", ""), ""), "plan.services[0].type: a service stands among" },
                { PLAN_WITH("", SERVICE("s", ""), ""), "plan.steps[0].type: a service stands among" },
                { PLAN_WITH(SERVICE("s", ",'detach':false"), STEP("a", ""), ""),
                  "plan.services[0].detach: a service is always detached" },
                { PLAN_WITH(SERVICE("s", ""), "", ""), "plan.steps: services alone are nothing to run" },
                { PLAN_WITH("", STEP("a", ""), ",'why_left_out':'x'"), "what is left out has no steps" },
                { PLAN(",'after_commands':['x']"), "plan.steps[0].after_commands: they stand behind" },
                { PLAN_WITH("", STEP("a", ""), ",'depends_on':[{'name':'b','optional':true}]"), NULL },
                { PLAN_WITH("", STEP("a", ""), ",'depends_on':[{'optional':true}]"),
                  "depends_on[0].name: it is missing" },
                { PLAN_WITH("", STEP("a", ""), ",'noun':'thing'"), "plan.noun: expected workflow or job" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(json_unrefp) Json *json = parse(row->text);
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_(plan_freep) Plan *plan = NULL;
                int r;

                print_message("%s\n", row->text);
                r = plan_from_json(json, &(PlanReading) { .path = "plan" }, &plan, &error);
                if (row->want && (r != -EINVAL || !strstr(error_message(error, r), row->want)))
                        fail_msg("'%s' lacks '%s'", error_message(error, r), row->want);
                if (!row->want && r < 0)
                        fail_msg("%s", error_message(error, r));
        }
}

/* A short name means what it means here, and if the plan says otherwise it is for another place. */
static void test_registry(void **state) {
        static const struct {
                const char *reference, *registry;
                bool want;
        } rows[] = {
                { "docker.io/library/x:1", NULL, true },
                { "r.example/x:1", "r.example", true },
                { "docker.io/library/x:1", "r.example", false },
                { "r.example/x:1", NULL, false },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = str_printf(PLAN(",'reference':'%s'"), row->reference);
                _cleanup_(json_unrefp) Json *json = parse(text);
                _cleanup_(plan_freep) Plan *plan = NULL;

                assert_int_equal(
                        plan_from_json(json, &(PlanReading) { .registry = row->registry, .path = "" }, &plan, NULL),
                        row->want ? 0 : -EINVAL);
        }
}

/* What a value is made of, and what it is with other secrets than those it was printed with. */
static void test_secrets(void **state) {
        static const struct {
                const char *given, *want; /* .steps[0].secret_environment; what A becomes, or a part of the Error */
                int r;
        } rows[] = {
                { "'A':[{'secret':'token'}]", "new\"er", 0 },
                { "'A':['x-',{'secret':'TOKEN'},'-y']", "x-new\"er-y", 0 },
                { "'A':['{\\\"a\\\":\\\"',{'secret':'token','form':'json'},'\\\"}']", "{\"a\":\"new\\\"er\"}", 0 },
                { "'A':[]", "", 0 },
                { "", ".secret_environment.A: it is missing", -EINVAL },
                { "'B':[]", ".secret_environment.B: 'environment' does not show it", -EINVAL },
                { "'A':'token'", ".secret_environment.A: expected a list", -EINVAL },
                { "'A':[{'name':'token'}]", ".secret_environment.A[0].name: a plan has no such key", -EINVAL },
                { "'A':[{'secret':'token','form':'hex'}]", ".A[0].form: expected plain or json", -EINVAL },
                { "'A':[1]", ".secret_environment.A[0]: expected an object", -EINVAL },
        };
        _cleanup_map_ Map secrets = STRMAP_INIT;

        assert_int_equal(strmap_put(&secrets, "token", "new\"er"), 0);
        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *text = str_printf(
                        PLAN(",'environment':{'A':'********'},'secret_environment':{%s}"), row->given);
                _cleanup_(json_unrefp) Json *json = parse(text);
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_(plan_freep) Plan *plan = NULL;
                int r = plan_from_json(json, &(PlanReading) { .secrets = &secrets }, &plan, &error);

                print_message("%s\n", row->given);
                assert_int_equal(r, row->r);
                if (r < 0) {
                        if (!strstr(error_message(error, r), row->want))
                                fail_msg("'%s' lacks '%s'", error_message(error, r), row->want);
                        continue;
                }
                assert_string_equal(strmap_get(&plan->steps[0]->secret_environment, "A"), row->want);
                assert_false(map_has(&plan->steps[0]->environment, "A"));
                assert_string_equal(strmap_get(&plan->secrets, "token"), "new\"er");
        }
}

static void test_missing(void **state) {
        _cleanup_(json_unrefp) Json *json = parse(PLAN(
                ",'environment':{'A':'********','B':'********'},'secret_environment':{'A':[{'secret':'a'}],"
                "'B':[{'secret':'a'},{'secret':'b'}]},'missing_secrets':['b']"));
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(plan_freep) Plan *plan = NULL;

        assert_int_equal(plan_from_json(json, &(PlanReading) { 0 }, &plan, NULL), 0);
        assert_int_equal(plan_check_secrets(plan, &diags), 2);
        assert_string_equal(diags.diags[0].message, "secret 'b' is not given");
        assert_string_equal(diags.diags[1].message, "secret 'a' is not given");
}

/* Secrets never stand in it, however they are used; what cannot be told of does not run. */
static void test_never_shown(void **state) {
        static const char file[] = "steps:\n"
                                   "  - name: a\n"
                                   "    image: x\n"
                                   "    settings: {password: {from_secret: p}, deep: {k: {from_secret: q}},"
                                   " list: [{from_secret: p}, {from_secret: q}]}\n";
        _cleanup_map_ Map secrets = STRMAP_INIT;
        WoodpeckerContext context = { .secrets = &secrets };
        _cleanup_(plan_freep) Plan *plan = NULL, *again = NULL;
        _cleanup_free_ char *json = NULL;

        assert_int_equal(strmap_put(&secrets, "p", "hush"), 0);
        assert_int_equal(strmap_put(&secrets, "q", "hush\"<more>"), 0);
        plan = compile(file, &context, NULL);
        assert_non_null(plan);
        assert_int_equal(plan_to_json(plan, false, &json), 0);
        assert_null(strstr(json, "hush"));
        assert_null(strstr(json, "more"));
        again = read_again(json, &secrets, false);
        MAP_FOREACH(entry, &plan->steps[0]->secret_environment)
                assert_string_equal(strmap_get(&again->steps[0]->secret_environment, entry->key), entry->value);
        assert_int_equal(map_size(&plan->steps[0]->secret_environment), 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_faults),  cmocka_unit_test(test_registry),    cmocka_unit_test(test_secrets),
                cmocka_unit_test(test_missing), cmocka_unit_test(test_never_shown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
