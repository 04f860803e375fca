/*
 * Each allocation fails in turn: the answer is -ENOMEM,
 * nothing is half done, nothing leaks. Libraries allocate by themselves and are not reached by this.
 */

#include "test.h"
#include "no-memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "document/json.h"
#include "document/yaml.h"

static Source *make_source(const char *text) {
        Source *source = NULL;
        char *copy = strdup(text);

        assert_non_null(copy);
        assert_int_equal(source_new_take("ci.yml", copy, strlen(copy), &source, NULL), 0);
        return source;
}

static int run_source(void) {
        _cleanup_(source_freep) Source *source = NULL;
        char *text = __real_strdup("a\nb\nc\nd\ne\n");

        return source_new_take("ci.yml", text, strlen(text), &source, NULL);
}

static Source *source_good, *source_bad;

static int run_yaml(void) {
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        DiagList diags = { 0 };
        int r;

        r = yaml_parse(source_good, &diags, &document);
        assert_int_equal(diags.n_diags, 0);
        assert_true((r == 0) == (document != NULL));
        return r;
}

/* Here a failure may cost a message or a hint, but never the verdict. */
static int run_yaml_bad(void) {
        _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);
        YamlDocument *document = NULL;
        DiagList diags = { 0 };
        int r;

        r = yaml_parse(source_bad, &diags, &document);
        assert_true(r == -ENOMEM || (r == -EBADMSG && diags.n_errors > 0));
        assert_null(document);
        if (r == -EBADMSG)
                diag_print(&diags, source_bad, false, &out);
        diag_list_done(&diags);
        return has_failed ? -ENOMEM : 0;
}

static int run_json_write(void) {
        char *const argv[] = { (char *) "a", NULL };
        JsonWriter w = { 0 };
        char *text = NULL;
        int r;

        json_open_object(&w, NULL);
        json_put_string(&w, "image", "bad \xff bytes");
        json_put_strv(&w, "bad \xff key", argv);
        json_put_int(&w, "number", 1);
        json_close(&w);
        r = json_finish(&w, true, &text);
        assert_true((r == 0) == (text != NULL));
        free(text);
        return r;
}

static int run_json_read(void) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_(json_unrefp) Json *json = NULL;
        const char *string;

        assert_int_equal(json_parse("[1,]", 4, &json, &error), -EBADMSG);
        assert_non_null(error);
        error = error_free(error);
        assert_int_equal(json_parse("{\"a\":{}}", 8, &json, &error), 0);
        assert_int_equal(json_get_string(json, "a", &string, &error), -EBADMSG);
        error = error_free(error);
        assert_int_equal(json_get_string(json, "b", &string, &error), -ENOENT);
        assert_non_null(error);
        return has_failed ? -ENOMEM : 0; /* the number is right, the words may be missing */
}

static void test_each_allocation(void **state) {
        static const struct {
                const char *name;
                int (*run)(void);
                unsigned want_least; /* allocations that it makes: proof that they are wrapped */
        } rows[] = {
                { "source", run_source, 4 },
                { "yaml", run_yaml, 100 },
                { "yaml with faults", run_yaml_bad, 50 },
                { "json writer", run_json_write, 3 },
                { "json reader", run_json_read, 5 },
        };

        FOREACH_ROW(row, rows) {
                unsigned n = 0;
                int r;

                do {
                        n_left = n++;
                        has_failed = false;
                                r = row->run();
                        n_left = SIZE_MAX;
                        assert_int_equal(r, has_failed ? -ENOMEM : 0);
                } while (has_failed);
                print_message("case '%s': %u allocations\n", row->name, n - 1);
                assert_in_range(n - 1, row->want_least, 10000);
        }
}

static int setup(void **state) {
        source_good = make_source(
                "m: &m {a: 1, b: x}\nl: &l [1, 2]\nn: {<<: *m, c: 3}\nk: [{<<: *l}, z]\nbig: {k0: 0, k1: 1, k2: 2, k3: "
                "3, k4: 4, k5: 5, k6: 6, k7: 7, k8: 8, k9: 9, k10: 10, k11: 11, k12: 12, k13: 13, k14: 14, k15: 15, "
                "<<: *m}\nb: !!binary aGVsbG8=\n");
        source_bad = make_source("a: 1\na: 2\nb: *nope\nc: &near 1\nd: *nera\ne: !own 1\nf: {<<: 1}\ng: [{<<: 1}]\n? "
                                 "[x]\n: y\nh: &h [*h]\n"
                                 "i: !!int x\nj: [\n");
        return 0;
}

static int teardown(void **state) {
        source_good = source_free(source_good);
        source_bad = source_free(source_bad);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_allocation) };

        return cmocka_run_group_tests(tests, setup, teardown);
}
