/* More ports of services than a job can wait for: which count, and what is said. */

#include "compile.h"

#include "holder/holder.h"
#include "pipeline/plan-ports.h"

/* A service with @n ports from @first on; @more: other keys of it. */
static void put_service(Str *text, const char *name, unsigned first, size_t n, const char *more) {
        (void) str_appendf(text, "  - {name: %s, image: 'x:1'%s, ports: [", name, more);
        for (size_t i = 0; i < n; i++)
                (void) str_appendf(text, "%s%zu", i > 0 ? ", " : "", first + i);
        (void) str_append(text, "]}\n");
}

static void test_check(void **state) {
        static const struct {
                const char *name;
                size_t n_ports; /* of each of two services */
                const char *more; /* keys of the second one */
                bool is_told;
        } rows[] = {
                { "as many as there can be", HOLDER_TARGETS_MAX / 2, "", false },
                { "one more", HOLDER_TARGETS_MAX / 2 + 1, "", true },
                { "it says when it is ready", 500, ", ready: {port: 80}", false },
                { "it takes longer, and that is all", 500, ", ready: {timeout: 1h}", true },
                { "its variable names the port", 500, ", environment: {healthcheck_tcp_port: 80}", false },
                { "nobody can look at it", 500, ", network_mode: none", false },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT), messages = STR_INIT(STR_MAX_DEFAULT);
                _cleanup_(plan_freep) Plan *plan = NULL;

                print_message("%s\n", row->name);
                (void) str_append(&text, "services:\n");
                put_service(&text, "a", 1000, row->n_ports, "");
                put_service(&text, "b", 2000, row->n_ports, row->more);
                (void) str_append(&text, "steps: [{name: s, image: 'x:1', commands: y}]\n");
                plan = compile(str_get(&text), NULL, &messages);
                assert_non_null(plan);
                print_message("   %s", str_get(&messages));
                assert_int_equal(messages.n > 0, row->is_told);
        }
}

/* A port that stands there twice, or is none of TCP's, is not waited for. */
static void test_which(void **state) {
        _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT), messages = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_(plan_freep) Plan *plan = NULL;

        (void) str_append(&text, "services: [{name: a, image: 'x:1', ports: [9, 9, 53/udp");
        for (unsigned i = 1; i < HOLDER_TARGETS_MAX; i++)
                (void) str_appendf(&text, ", %u", 1000 + i);
        (void) str_append(&text, "]}]\nsteps: [{name: s, image: 'x:1', commands: y}]\n");
        plan = compile(str_get(&text), NULL, &messages);
        assert_non_null(plan);
        assert_string_equal(str_get(&messages), "");
}

static void test_words(void **state) {
        static const struct {
                size_t n_services;
                const char *want;
        } rows[] = {
                { 1, NULL },
                { 2, "the services have 600 ports to wait for, and a job can wait for 512: 's0' has 300, "
                     "'s1' has 300" },
                { 7, "the services have 2100 ports to wait for, and a job can wait for 512: 's0' has 300, "
                     "'s1' has 300, 's2' has 300, 's3' has 300, 's4' has 300, and there are 2 others" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT), messages = STR_INIT(STR_MAX_DEFAULT);
                _cleanup_(plan_freep) Plan *plan = NULL;
                _cleanup_free_ char *fault = NULL;
                size_t counts[] = { 300, 300, 300, 300, 300, 300, 300 };

                (void) str_append(&text, "services:\n");
                for (unsigned i = 0; i < row->n_services; i++) {
                        _cleanup_free_ char *name = str_printf("s%u", i);

                        put_service(&text, name, 1, 1, "");
                }
                (void) str_append(&text, "steps: [{name: s, image: 'x:1', commands: y}]\n");
                plan = compile_fine(str_get(&text));
                assert_int_equal(plan_ports_fault(plan, counts, &fault), row->want != NULL);
                if (row->want)
                        assert_string_equal(fault, row->want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_check),
                cmocka_unit_test(test_which),
                cmocka_unit_test(test_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
