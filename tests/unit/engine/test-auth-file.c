#include "../test.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "engine/auth-file.h"

#define CI_S3CRET "Y2k6czNjcmV0" /* ci:s3cret */
#define A_B "YTpi"
#define C_D "YzpkOmU=" /* c:d:e */

/* "user:password", "token", "" */
static char *describe(const RegistryLogin *login) {
        if (!login)
                return strdup("");
        return login->identity_token ? str_printf("<%s>", login->identity_token)
                                     : str_printf("%s:%s", login->username, login->password);
}

static void test_find(void **state) {
        static const struct {
                const char *file, *repository, *want;
                AuthFileFlags flags;
        } rows[] = {
                { "{\"auths\":{\"r:5000\":{\"auth\":\"" CI_S3CRET "\"}}}", "r:5000/a/b", "ci:s3cret" },
                { "{\"auths\":{\"r:5000\":{\"auth\":\"" CI_S3CRET "\"}}}", "r:5001/a/b", "" },
                { "{\"auths\":{\"r\":{\"auth\":\"" C_D "\"}}}", "r/a", "c:d:e" }, /* a password may hold a colon */
                /* the longest that fits */
                { "{\"auths\":{\"r\":{\"auth\":\"" CI_S3CRET "\"},\"r/a/b\":{\"auth\":\"" A_B "\"}}}", "r/a/b/c",
                  "a:b" },
                { "{\"auths\":{\"r/a/b\":{\"auth\":\"" A_B "\"},\"r\":{\"auth\":\"" CI_S3CRET "\"}}}", "r/a/bc",
                  "ci:s3cret" },
                { "{\"auths\":{\"r/a/b\":{\"auth\":\"" A_B "\"}}}", "r/a/b", "a:b" },
                { "{\"auths\":{\"r/a/b\":{\"auth\":\"" A_B "\"}}}", "r/a", "" },
                /* Docker's names */
                { "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"" A_B "\"}}}", "docker.io/library/x",
                  "a:b" },
                { "{\"auths\":{\"registry-1.docker.io\":{\"auth\":\"" A_B "\"}}}", "docker.io/library/x", "a:b" },
                { "{\"auths\":{\"docker.io/acme\":{\"auth\":\"" A_B "\"}}}", "docker.io/library/x", "" },
                { "{\"auths\":{\"index.docker.io/acme\":{\"auth\":\"" A_B "\"}}}", "docker.io/acme/x", "a:b" },
                /* a URL means its host, and counts less than the host itself */
                { "{\"auths\":{\"https://r/v2/\":{\"auth\":\"" A_B "\"}}}", "r/x", "a:b" },
                { "{\"auths\":{\"http://r\":{\"auth\":\"" A_B "\"},\"r\":{\"auth\":\"" CI_S3CRET "\"}}}", "r/x",
                  "ci:s3cret" },
                { "{\"auths\":{\"r\":{\"auth\":\"" CI_S3CRET "\"},\"https://r\":{\"auth\":\"" A_B "\"}}}", "r/x",
                  "ci:s3cret" },
                { "{\"auths\":{\"r/a/\":{\"auth\":\"" A_B "\"}}}", "r/a/x", "a:b" },
                /* other ways to say it */
                { "{\"auths\":{\"r\":{\"username\":\"u\",\"password\":\"p\"}}}", "r/x", "u:p" },
                { "{\"auths\":{\"r\":{\"auth\":\"" A_B "\",\"identitytoken\":\"tok\"}}}", "r/x", "<tok>" },
                { "{\"auths\":{\"r\":{\"identitytoken\":\"tok\"}}}", "r/x", "<tok>" },
                /* nothing */
                { "{\"auths\":{\"r\":{}}}", "r/x", "" },
                { "{\"auths\":{\"r\":{\"auth\":\"\"}}}", "r/x", "" },
                { "{\"auths\":{\"r\":{\"email\":\"a@b\"}}}", "r/x", "" },
                { "{}", "r/x", "" },
                { "{\"auths\":null,\"HttpHeaders\":{\"a\":\"b\"}}", "r/x", "" },
                /* the old format */
                { "{\"https://r/v1/\":{\"auth\":\"" A_B "\",\"email\":\"\"}}", "r/x", "a:b", AUTH_FILE_LEGACY },
                { "{\"r/a\":{\"auth\":\"" A_B "\"}}", "r/x", "a:b", AUTH_FILE_LEGACY },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(auth_file_done) AuthFile file = { 0 };
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_free_ char *got = NULL;

                print_message("case '%s' '%s'\n", row->file, row->repository);
                assert_int_equal(auth_file_parse(row->file, strlen(row->file), row->flags, &file, &error), 0);
                got = describe(auth_file_find(&file, row->repository));
                assert_string_equal(got, row->want);
        }
}

static void test_helpers(void **state) {
        static const struct {
                const char *file, *repository, *want_helper, *want_store;
                AuthFileFlags flags;
        } rows[] = {
                { "{\"credsStore\":\"secretservice\"}", "r/x", NULL, "secretservice" },
                { "{\"credHelpers\":{\"r\":\"ecr-login\"}}", "r/x/y", "ecr-login", NULL },
                { "{\"credHelpers\":{\"r\":\"ecr-login\"}}", "s/x", NULL, NULL },
                { "{\"credHelpers\":{\"https://index.docker.io/v1/\":\"pass\"}}", "docker.io/library/x", "pass", NULL },
                { "{\"credHelpers\":{\"r\":\"\"},\"credsStore\":\"\"}", "r/x", NULL, NULL },
                { "{\"credHelpers\":{\"r\":\"a\"},\"credsStore\":\"b\"}", "r/x", "a", "b" },
                /* never from a job, however they are written */
                { "{\"credHelpers\":{\"r\":\"a\"},\"credsStore\":\"b\"}", "r/x", NULL, NULL, AUTH_FILE_NO_HELPERS },
                { "{\"credHelpers\":{\"r\":\"../x\"},\"credsStore\":7}", "r/x", NULL, NULL, AUTH_FILE_NO_HELPERS },
                { "{\"credsStore\":{\"auth\":\"\"}}", "r/x", NULL, NULL, AUTH_FILE_LEGACY },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(auth_file_done) AuthFile file = { 0 };
                const char *got;

                print_message("case '%s'\n", row->file);
                assert_int_equal(auth_file_parse(row->file, strlen(row->file), row->flags, &file, NULL), 0);
                got = auth_file_find_helper(&file, row->repository);
                assert_true(str_equal(got, row->want_helper));
                assert_true(str_equal(file.store, row->want_store));
        }
}

/* The message never holds what stands in the file beside keys. */
static void test_damaged(void **state) {
        static const struct {
                const char *file, *want;
        } rows[] = {
                { "", NULL },
                { "[]", "it holds no object" },
                { "null", "it holds no object" },
                { "{\"auths\":{\"r\":\"geheim\"}}", "the login for 'r' is damaged" },
                { "{\"auths\":{\"r\":{\"auth\":\"geheim!\"}}}", "the login for 'r' is damaged" },
                { "{\"auths\":{\"r\":{\"auth\":\"Z2VoZWlt\"}}}", "the login for 'r' is damaged" }, /* no colon */
                { "{\"auths\":{\"r\":{\"auth\":7}}}", "the login for 'r' is damaged" },
                { "{\"auths\":{\"r\":{\"username\":\"a\",\"password\":\"geheim\\u0000x\"}}}",
                  "the login for 'r' is damaged" },
                { "{\"auths\":{\"r\\u001b\":7}}", "the login for 'r\\x1b' is damaged" },
                { "{\"credsStore\":\"../../bin/sh\"}",
                  "'../../bin/sh' is no name of a credential helper: a-z, 0-9 and '-' only" },
                { "{\"credHelpers\":{\"r\":\"a b\"}}",
                  "'a b' is no name of a credential helper: a-z, 0-9 and '-' only" },
                { "{\"credHelpers\":{\"r\":{}}}", "'' is no name of a credential helper: a-z, 0-9 and '-' only" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(auth_file_done) AuthFile file = { 0 };
                _cleanup_(error_freep) Error *error = NULL;

                print_message("case '%s'\n", row->file);
                assert_int_equal(auth_file_parse(row->file, strlen(row->file), 0, &file, &error), -EBADMSG);
                if (row->want)
                        assert_string_equal(error_message(error, 0), row->want);
                assert_null(strstr(error_message(error, 0), "geheim"));
        }
}

static void test_answer(void **state) {
        static const struct {
                const char *answer, *want; /* NULL: damaged */
        } rows[] = {
                { "{\"ServerURL\":\"r\",\"Username\":\"u\",\"Secret\":\"p\"}\n", "u:p" },
                { "{\"Username\":\"<token>\",\"Secret\":\"t\"}", "<t>" },
                { "{\"Username\":\"u\",\"Secret\":\"\"}", NULL },
                { "{\"Username\":\"\",\"Secret\":\"p\"}", NULL },
                { "{\"Username\":7,\"Secret\":\"p\"}", NULL },
                { "[]", NULL },
                { "credentials", NULL },
                { "", NULL },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(registry_login_done) RegistryLogin login = { 0 };
                _cleanup_free_ char *got = NULL;

                print_message("case '%s'\n", row->answer);
                assert_int_equal(auth_answer_parse(row->answer, strlen(row->answer), &login, NULL),
                                 row->want ? 0 : -EBADMSG);
                if (row->want) {
                        got = describe(&login);
                        assert_string_equal(got, row->want);
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_find), cmocka_unit_test(test_helpers),
                                            cmocka_unit_test(test_damaged), cmocka_unit_test(test_answer) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
