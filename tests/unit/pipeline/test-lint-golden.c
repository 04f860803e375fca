/*
 * tests/golden/lint/NAME.yaml beside NAME.txt, what lint finds in it. The first line may set how it is called: "# lint:
 * trusted=network privileged=IMAGE clone=IMAGE env=NAME". With NAME.github, .gitlab, .checkstyle or .json beside it, it
 * is also told in that format. schema.json is the schema.
 */

#include "golden.h"

#include <errno.h>

#include "base/strv.h"
#include "document/diag-format.h"
#include "pipeline/lint.h"
#include "pipeline/policy.h"
#include "pipeline/schema.h"

#define DIRECTORY "lint"
#define TEXT_BYTES_MAX (4U << 20)

typedef struct Call {
        LintOptions options;
        Map environment;
        char **privileged, **clones;
} Call;

static void set_option(Call *call, const char *word) {
        const char *value = strchr(word, '=') + 1;

        if (str_starts_with(word, "trusted="))
                assert_int_equal(trust_parse(value, &call->options.trusted, NULL), 0);
        else if (str_starts_with(word, "privileged="))
                assert_int_equal(strv_append(&call->privileged, value), 0);
        else if (str_starts_with(word, "clone="))
                assert_int_equal(strv_append(&call->clones, value), 0);
        else if (str_starts_with(word, "env="))
                assert_int_equal(strmap_put(&call->environment, value, "1.2"), 0);
        else
                fail_msg("unknown word '%s'", word);
}

static void read_options(Call *call, const Source *source) {
        static const char start[] = "# lint: ";
        _cleanup_free_ char *line = NULL;
        _cleanup_strv_ char **words = NULL;
        size_t n;
        const char *first = source_line(source, 1, &n);

        *call = (Call) { .environment = STRMAP_INIT, .options.trusted = TRUST_ALL };
        if (!str_starts_with(first, start))
                return;
        line = strndup(first + strlen(start), n - strlen(start));
        assert_int_equal(strv_split(line, ' ', &words), 0);
        STRV_FOREACH(word, words)
                set_option(call, *word);
        call->options.environment = &call->environment;
        call->options.privileged_plugins = call->privileged;
        call->options.trusted_clones = call->clones;
}

static void check_format(const char *base, DiagFormat format, const DiagList *diags, const Source *source) {
        _cleanup_free_ char *file =
                str_printf("%s.%s", base, format == DIAG_FORMAT_TEXT ? "txt" : diag_format_names[format]);
        _cleanup_free_ char *below = path_join(DIRECTORY, file), *path = path_join(GOLDEN_DIRECTORY, below);
        _cleanup_str_ Str out = STR_INIT(TEXT_BYTES_MAX);
        DiagFormatter formatter = { .format = format, .out = &out };

        if (format != DIAG_FORMAT_TEXT && !file_exists(path))
                return;
        diag_format_begin(&formatter);
        assert_int_equal(diag_format_file(&formatter, diags, source, NULL), 0);
        assert_int_equal(diag_format_end(&formatter), 0);
        diag_formatter_done(&formatter);
        golden_check(below, str_get(&out));
}

static void check_file(const char *name) {
        _cleanup_free_ char *path = path_join(GOLDEN_DIRECTORY "/" DIRECTORY, name);
        _cleanup_free_ char *base = strndup(name, strlen(name) - strlen(".yaml"));
        _cleanup_(source_freep) Source *source = NULL;
        DiagList diags = { 0 };
        Call call;
        char *text;
        size_t n;

        assert_int_equal(file_read(path, SOURCE_BYTES_MAX, &text, &n), 0);
        assert_int_equal(source_new_take(name, text, n, &source, NULL), 0);
        read_options(&call, source);
        assert_int_equal(woodpecker_lint(source, &call.options, &diags), 0);
        for (DiagFormat format = 0; format < _DIAG_FORMAT_MAX; format++)
                check_format(base, format, &diags, source);
        diag_list_done(&diags);
        map_done(&call.environment);
        strv_free(call.privileged);
        strv_free(call.clones);
}

static void test_files(void **state) {
        golden_each(DIRECTORY, ".yaml", check_file);
}

static void test_schema(void **state) {
        static const char *const files[_SCHEMA_MAX] = { DIRECTORY "/schema.json", DIRECTORY "/schema-gitlab.json" };

        for (SchemaKind kind = 0; kind < _SCHEMA_MAX; kind++) {
                _cleanup_free_ char *schema = NULL;

                assert_int_equal(schema_to_json(kind, &schema), 0);
                golden_check(files[kind], schema);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_files), cmocka_unit_test(test_schema) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
