#include "golden.h"

#include <errno.h>

#include "base/strv.h"
#include "cli/options.h"

typedef struct Values {
        bool flag, other;
        char *text;
        char **list;
        uint64_t usec;
        int color;
} Values;

static const char *const colors[] = { "red", "green", NULL };

static const Option rows[] = {
        { "flag", 'f', NULL, OPTION_FLAG(Values, flag), .group = "First", .help = "A flag." },
        { "other-flag", 'o', NULL, OPTION_FLAG(Values, other),
          .help = "Another flag, with so much to tell that it takes more than one line." },
        { "text", 't', "WORDS", OPTION_STRING(Values, text), .help = "A text.\nWith a second line." },
        { "a-rather-long-name", 0, "VALUE", OPTION_LIST(Values, list), .group = "Second", .help = "A list." },
        { "usec", 0, "DURATION", OPTION_DURATION(Values, usec), .help = "A time." },
        { "color", 'c', "COLOR", OPTION_ENUM(Values, color), .names = colors, .help = "One of a few." },
        { 0 },
};

static void values_done(Values *values) {
        free(values->text);
        strv_free(values->list);
}

/* All values and arguments on one line. */
static char *describe(const Values *values, char *const *args) {
        _cleanup_free_ char *list = strv_join(values->list, ","), *rest = strv_join(args, ",");

        return str_printf("%d%d text=%s list=%s usec=%llu color=%d | %s", values->flag, values->other,
                          values->text ? values->text : "", list, (unsigned long long) values->usec, values->color,
                          rest);
}

static void test_parse(void **state) {
        static const struct {
                const char *args[6], *want;
        } cases[] = {
                { { NULL }, "00 text= list= usec=0 color=0 | " },
                { { "a", "-f", "b", "--other-flag" }, "11 text= list= usec=0 color=0 | a,b" },
                { { "-fo" }, "11 text= list= usec=0 color=0 | " },
                { { "-fotx" }, "11 text=x list= usec=0 color=0 | " },
                { { "-ft", "x" }, "10 text=x list= usec=0 color=0 | " },
                { { "-t=x" }, "00 text=x list= usec=0 color=0 | " },
                { { "--text", "x", "--text=y=z" }, "00 text=y=z list= usec=0 color=0 | " },
                { { "--text", "-f" }, "00 text=-f list= usec=0 color=0 | " },
                { { "--a-rather-long-name=1", "--a-rather-long-name", "2" }, "00 text= list=1,2 usec=0 color=0 | " },
                { { "--usec", "1m", "--color=green" }, "00 text= list= usec=60000000 color=1 | " },
                { { "--", "-f", "--" }, "00 text= list= usec=0 color=0 | -f,--" },
                { { "-", "-f" }, "10 text= list= usec=0 color=0 | -" },
        };

        FOREACH_ROW(row, cases) {
                _cleanup_(values_done) Values values = { 0 };
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_strv_ char **args = NULL;
                _cleanup_free_ char *got = NULL;

                print_message("case '%s'\n", row->want);
                assert_int_equal(options_parse(rows, (char *const *) row->args, &values, &args, &error),
                                 OPTIONS_PARSED);
                got = describe(&values, args);
                assert_string_equal(got, row->want);
        }
}

static void test_refused(void **state) {
        static const struct {
                const char *args[4], *want;
        } cases[] = {
                { { "--flga" }, "unknown option '--flga'; did you mean '--flag'?" },
                { { "--colour=red" }, "unknown option '--colour'; did you mean '--color'?" },
                { { "--hlep" }, "unknown option '--hlep'; did you mean '--help'?" },
                { { "--zzzzzzzzzzz" }, "unknown option '--zzzzzzzzzzz'" },
                { { "--fla\x1b[2Jg" }, "unknown option '--fla\\x1b[2Jg'" },
                { { "-fz" }, "unknown option '-z'" },
                { { "--=x" }, "unknown option '--'" },
                { { "--flag=yes" }, "'--flag' takes no value" },
                { { "--text" }, "'--text' needs a value: WORDS" },
                { { "-ft" }, "'--text' needs a value: WORDS" },
                { { "--text=" }, "'--text' needs a value, not an empty text" },
                { { "--usec=soon" },
                  "'soon' is no value for '--usec': expected a duration such as 90s, 10min or 1h30m" },
                { { "--usec=0" }, "'0' is no value for '--usec': expected a duration such as 90s, 10min or 1h30m" },
                { { "-c", "blue" }, "'blue' is no value for '--color': expected red, green" },
                { { "ok", "-f", "--nope" }, "unknown option '--nope'" },
        };

        FOREACH_ROW(row, cases) {
                _cleanup_(values_done) Values values = { 0 };
                _cleanup_(error_freep) Error *error = NULL;
                char **args = NULL;

                print_message("case '%s'\n", row->want);
                assert_int_equal(options_parse(rows, (char *const *) row->args, &values, &args, &error), -EINVAL);
                assert_string_equal(error_message(error, 0), row->want);
                assert_null(args);
        }
}

static void test_help(void **state) {
        static const char *const cases[][3] = { { "--help" }, { "-h" }, { "-fh" }, { "x", "--help", "--nope" } };
        _cleanup_str_ Str out = STR_INIT(10000);

        FOREACH_ROW(args, cases) {
                _cleanup_(values_done) Values values = { 0 };
                char **rest = NULL;

                assert_int_equal(options_parse(rows, (char *const *) *args, &values, &rest, NULL), OPTIONS_HELP);
                assert_null(rest);
        }
        options_help(rows, &out);
        golden_check("options/help", str_get(&out));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_help),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
