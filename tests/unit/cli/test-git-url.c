#include "test.h"

#include <errno.h>
#include <string.h>

#include "cli/git-url.h"

#define HUB "https://github.com/anna/hello"

static void check(const char *what, const char *got, const char *want) {
        if (!want) {
                if (got)
                        fail_msg("%s is '%s', not NULL", what, got);
                return;
        }
        if (!got || strcmp(got, want) != 0)
                fail_msg("%s is '%s', not '%s'", what, got ? got : "NULL", want);
}

// clang-format off
static const struct {
        const char *in;
        const char *host, *owner, *name, *page, *clone, *ssh;
} rows[] = {
        { "git@github.com:anna/hello.git", "github.com", "anna", "hello", HUB, HUB ".git", "git@github.com:anna/hello.git" },
        { "git@github.com:anna/hello", "github.com", "anna", "hello", HUB, HUB ".git", "git@github.com:anna/hello" },
        { "github.com:anna/hello.git", "github.com", "anna", "hello", HUB, HUB ".git", "github.com:anna/hello.git" },
        { "git@github.com:/anna/hello.git", "github.com", "anna", "hello", HUB, HUB ".git", "git@github.com:/anna/hello.git" },
        { "https://github.com/anna/hello.git", "github.com", "anna", "hello", HUB, HUB ".git", "git@github.com:anna/hello.git" },
        { "https://github.com/anna/hello", "github.com", "anna", "hello", HUB, HUB, "git@github.com:anna/hello.git" },
        { "https://github.com/anna/hello/", "github.com", "anna", "hello", HUB, HUB "/", "git@github.com:anna/hello.git" },
        { "ssh://git@github.com/anna/hello.git", "github.com", "anna", "hello", HUB, HUB ".git", "ssh://git@github.com/anna/hello.git" },
        { "git+ssh://git@github.com/anna/hello.git", "github.com", "anna", "hello", HUB, HUB ".git", "ssh://git@github.com/anna/hello.git" },
        { "git://github.com/anna/hello.git", "github.com", "anna", "hello", HUB, "git://github.com/anna/hello.git", "git@github.com:anna/hello.git" },
        { "git://g.test:99/anna/hello", "g.test", "anna", "hello", "https://g.test/anna/hello", "git://g.test:99/anna/hello", "git@g.test:anna/hello.git" },

        { "https://gitlab.com/group/sub/deep/name.git", "gitlab.com", "group/sub/deep", "name", "https://gitlab.com/group/sub/deep/name",
          "https://gitlab.com/group/sub/deep/name.git", "git@gitlab.com:group/sub/deep/name.git" },
        { "ssh://git@forge.test:2222/o/n.git", "forge.test", "o", "n", "https://forge.test/o/n", "https://forge.test/o/n.git",
          "ssh://git@forge.test:2222/o/n.git" },
        { "http://localhost:3000/o/n.git", "localhost:3000", "o", "n", "http://localhost:3000/o/n", "http://localhost:3000/o/n.git",
          "git@localhost:o/n.git" },
        { "git@[::1]:o/n.git", "[::1]", "o", "n", "https://[::1]/o/n", "https://[::1]/o/n.git", "git@[::1]:o/n.git" },
        { "ssh://git@[fe80::1]:22/o/n", "[fe80::1]", "o", "n", "https://[fe80::1]/o/n", "https://[fe80::1]/o/n.git", "ssh://git@[fe80::1]:22/o/n" },
        { "ssh://[fe80::1]/o/n", "[fe80::1]", "o", "n", "https://[fe80::1]/o/n", "https://[fe80::1]/o/n.git", "ssh://[fe80::1]/o/n" },
        { "git@host:~anna/n.git", "host", "~anna", "n", "https://host/~anna/n", "https://host/~anna/n.git", "git@host:~anna/n.git" },
        { "git@host:n.git", "host", NULL, "n", NULL, NULL, "git@host:n.git" },
        { "https://host/n.git", "host", NULL, "n", NULL, "https://host/n.git", NULL },
        { "https://host/o/n.git.git", "host", "o", "n.git", "https://host/o/n.git", "https://host/o/n.git.git", "git@host:o/n.git.git" },

        /* no password and no token comes through */
        { "https://token@github.com/anna/hello.git", "github.com", "anna", "hello", HUB, HUB ".git", "git@github.com:anna/hello.git" },
        { "https://anna:secret@github.com/anna/hello.git", "github.com", "anna", "hello", HUB, HUB ".git", "git@github.com:anna/hello.git" },
        { "https://anna:se@cret@github.com/anna/hello.git", "github.com", "anna", "hello", HUB, HUB ".git", "git@github.com:anna/hello.git" },
        { "https://anna:@github.com:443/anna/hello.git", "github.com:443", "anna", "hello", "https://github.com:443/anna/hello",
          "https://github.com:443/anna/hello.git", "git@github.com:anna/hello.git" },
        { "ssh://git:secret@host/o/n.git", "host", "o", "n", "https://host/o/n", "https://host/o/n.git", "ssh://git@host/o/n.git" },

        { "/srv/git/hello.git", NULL, NULL, "hello", NULL, "/srv/git/hello.git", NULL },
        { "../hello", NULL, NULL, "hello", NULL, "../hello", NULL },
        { "file:///srv/git/hello.git/", NULL, NULL, "hello", NULL, "file:///srv/git/hello.git/", NULL },
        { "/home/anna/hello/.git", NULL, NULL, "hello", NULL, "/home/anna/hello/.git", NULL },
        { "./a:b", NULL, NULL, "a:b", NULL, "./a:b", NULL },
};
// clang-format on

static void test_parse(void **state) {
        FOREACH_ROW(row, rows) {
                GitUrl url = { 0 };

                print_message("case '%s'\n", row->in);
                assert_int_equal(git_url_parse(row->in, &url), 0);
                check("host", url.host, row->host);
                check("owner", url.owner, row->owner);
                check("name", url.name, row->name);
                check("page", url.page, row->page);
                check("clone", url.clone, row->clone);
                check("clone_ssh", url.clone_ssh, row->ssh);
                git_url_done(&url);
        }
}

static void test_refused(void **state) {
        static const char *const refused[] = {
                "",
                "/",
                "//",
                ".",
                "..",
                "https://",
                "https://host",
                "https://host/",
                "https:///o/n",
                "https://h st/o/n",
                "https://[::1/o/n",
                "git@[]:o/n",
                "git@a]b:o/n",
                "ftp://host/o/n",
                "anna:secret@host:o/n.git",
                "ext::sh -c echo",
                "codecommit::eu-west-1://n",
                "git@host:",
                "git@:o/n",
                "https://host:x1/o/n",
                "https://host/o/n\n",
                "a\033[1m:b",
        };

        FOREACH_ROW(text, refused) {
                GitUrl url = { 0 };

                print_message("case '%s'\n", *text);
                assert_int_equal(git_url_parse(*text, &url), -EINVAL);
                assert_null(url.name);
        }
}

static void test_long(void **state) {
        _cleanup_free_ char *text = malloc(GIT_URL_BYTES_MAX + 2);
        GitUrl url = { 0 };

        assert_non_null(text);
        memset(text, 'a', GIT_URL_BYTES_MAX + 1);
        text[GIT_URL_BYTES_MAX + 1] = '\0';
        assert_int_equal(git_url_parse(text, &url), -EINVAL);
        assert_int_equal(git_url_parse(text + 1, &url), 0);
        git_url_done(&url);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_long),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
