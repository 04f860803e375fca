#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "cli/git-answer.h"

#define TWO(decorations)                                                                                               \
        "aa\0Anna\0anna@x\0001722617519\0" decorations                                                                 \
        "\0one\n\nbody\n\0\nbb\0Bert\0b@x\0007\0tag: refs/tags/old\0zero\n\0\n"

static void check(const char *what, const char *got, const char *want) {
        if (!str_equal(got, want))
                fail_msg("%s is '%s', not '%s'", what, got ? got : "NULL", want ? want : "NULL");
}

static void test_commits(void **state) {
#define CASE(text) text, sizeof(text) - 1
        // clang-format off
        static const struct {
                const char *text;
                size_t n;
                const char *sha, *message, *branch, *tag, *previous;
        } rows[] = {
                { CASE(TWO("HEAD -> refs/heads/main")), "aa", "one\n\nbody", "main", NULL, "bb" },
                { CASE(TWO("HEAD -> refs/heads/main, tag: refs/tags/v1, refs/heads/other")), "aa", "one\n\nbody", "main", "v1", "bb" },
                { CASE(TWO("HEAD -> refs/heads/fea,ture, tag: refs/tags/v1,2")), "aa", "one\n\nbody", "fea,ture", "v1,2", "bb" },
                { CASE(TWO("HEAD, tag: refs/tags/v1, tag: refs/tags/v2")), "aa", "one\n\nbody", NULL, "v1", "bb" },
                { CASE(TWO("HEAD, refs/remotes/origin/HEAD, refs/remotes/origin/main")), "aa", "one\n\nbody", "main", NULL, "bb" },
                { CASE(TWO("HEAD, refs/remotes/origin/HEAD")), "aa", "one\n\nbody", NULL, NULL, "bb" },
                { CASE(TWO("HEAD, refs/remotes/origin/HEADLESS")), "aa", "one\n\nbody", "HEADLESS", NULL, "bb" },
                { CASE(TWO("HEAD, refs/heads/a/b, refs/heads/c")), "aa", "one\n\nbody", "a/b", NULL, "bb" },
                { CASE(TWO("")), "aa", "one\n\nbody", NULL, NULL, "bb" },
                { CASE("aa\0Anna\0a@x\0001\0HEAD -> refs/heads/x\0\0\n"), "aa", "", "x", NULL, NULL },
                { CASE("aa\0Anna\0a@x\0001\0\0m\0\nbb\0cut"), "aa", "m", NULL, NULL, NULL },
                { CASE("aa\0Anna"), NULL, NULL, NULL, NULL, NULL },
                { CASE(""), NULL, NULL, NULL, NULL, NULL },
                { CASE("no NUL at all"), NULL, NULL, NULL, NULL, NULL },
        };
        // clang-format on

        FOREACH_ROW(row, rows) {
                _cleanup_(git_facts_done) GitFacts facts = { 0 };

                print_message("case %zu\n", (size_t) (row - rows));
                assert_int_equal(git_answer_commits(row->text, row->n, &facts), 0);
                check("sha", facts.head.sha, row->sha);
                check("message", facts.head.message, row->message);
                check("branch", facts.branch, row->branch);
                check("tag", facts.tag, row->tag);
                check("previous", facts.previous.sha, row->previous);
                if (row->previous) {
                        check("author", facts.head.author_name, "Anna");
                        check("e-mail", facts.head.author_email, "anna@x");
                        check("message before", facts.previous.message, "zero");
                        assert_int_equal(facts.head.timestamp, 1722617519);
                        assert_int_equal(facts.previous.timestamp, 7);
                }
        }
}

static void test_long_message(void **state) {
        static const struct {
                const char *unit;
                size_t n_units, want;
        } rows[] = {
                { "x", GIT_MESSAGE_BYTES_MAX, GIT_MESSAGE_BYTES_MAX },
                { "x", GIT_MESSAGE_BYTES_MAX + 1, GIT_MESSAGE_BYTES_MAX },
                { "\xe2\x82\xac", GIT_MESSAGE_BYTES_MAX, GIT_MESSAGE_BYTES_MAX / 3 * 3 },
                { "\xff", GIT_MESSAGE_BYTES_MAX * 2, GIT_MESSAGE_BYTES_MAX },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(git_facts_done) GitFacts facts = { 0 };
                _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);

                assert_int_equal(str_append_n(&text, "aa\0A\0a\0001\0\0", 10), 0);
                for (size_t i = 0; i < row->n_units; i++)
                        assert_int_equal(str_append(&text, row->unit), 0);
                assert_int_equal(str_append_n(&text, "\n\n\0\n", 4), 0);
                assert_int_equal(git_answer_commits(str_get(&text), text.n, &facts), 0);
                assert_int_equal(strlen(facts.head.message), row->want);
        }
}

static void test_files(void **state) {
        static const char two[] = "a b\0\xc3\xa4/\"c\"\n", one[] = "d";
        _cleanup_(git_files_done) GitFiles files = { 0 };
        _cleanup_strv_ char **list = NULL;

        assert_int_equal(git_answer_files(NULL, 0, &files), 0);
        assert_int_equal(git_answer_files("", 0, &files), 0);
        assert_int_equal(git_files_take(&files, &list), 0);
        assert_null(list);
        assert_int_equal(git_answer_files(two, sizeof(two), &files), 0);
        assert_int_equal(git_answer_files(one, sizeof(one), &files), 0);
        assert_int_equal(git_files_take(&files, &list), 0);
        assert_int_equal(strv_length(list), 3);
        assert_string_equal(list[0], "a b");
        assert_string_equal(list[1], "\xc3\xa4/\"c\"\n");
        assert_string_equal(list[2], "d");
        assert_int_equal(strv_append(&list, "e"), 0); /* it is a list like any other */
        assert_int_equal(strv_append(&list, "f"), 0);
        assert_int_equal(strv_length(list), 5);
}

static void test_many_files(void **state) {
        _cleanup_(git_files_done) GitFiles files = { 0 };
        size_t n = (GIT_FILES_MAX + 1) * 2;
        _cleanup_free_ char *names = calloc(1, n + 1);

        for (size_t i = 0; i < n; i += 2)
                names[i] = 'x';
        assert_int_equal(git_answer_files(names, n - 2, &files), 0);
        git_files_done(&files);
        assert_int_equal(git_answer_files(names, n, &files), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_commits),
                cmocka_unit_test(test_long_message),
                cmocka_unit_test(test_files),
                cmocka_unit_test(test_many_files),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
