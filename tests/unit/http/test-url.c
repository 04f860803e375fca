#include "test.h"

#include <errno.h>

#include "http/url.h"

static void test_parse(void **state) {
        static const struct {
                const char *text;
                UrlScheme scheme;
                const char *user, *host;
                unsigned port;
                const char *path;
        } rows[] = {
                { "unix:///run/podman/podman.sock", URL_UNIX, NULL, NULL, 0, "/run/podman/podman.sock" },
                { "unix:/run/podman.sock", URL_UNIX, NULL, NULL, 0, "/run/podman.sock" },
                { "UNIX:///a%20b%25", URL_UNIX, NULL, NULL, 0, "/a b%" },
                { "unix:////a", URL_UNIX, NULL, NULL, 0, "//a" },
                { "tcp://localhost:2375", URL_TCP, NULL, "localhost", 2375, NULL },
                { "tcp://10.0.0.1", URL_TCP, NULL, "10.0.0.1", 0, NULL },
                { "tcp://[::1]:2375/", URL_TCP, NULL, "::1", 2375, NULL },
                { "tcp://[fe80::1%25eth0]", URL_TCP, NULL, "fe80::1%25eth0", 0, NULL },
                { "http://h/a/b//", URL_HTTP, NULL, "h", 0, "/a/b" },
                { "https://ci.example.org:65535/x%20y", URL_HTTPS, NULL, "ci.example.org", 65535, "/x%20y" },
                { "ssh://core@host:2222/run/user/1000/podman/podman.sock", URL_SSH, "core", "host", 2222,
                  "/run/user/1000/podman/podman.sock" },
                { "ssh://host", URL_SSH, NULL, "host", 0, NULL },
                { "ssh://my%2Dname@host/", URL_SSH, "my-name", "host", 0, NULL },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(url_done) Url url = { 0 }, again = { 0 };
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_free_ char *text = NULL;

                print_message("case '%s'\n", row->text);
                assert_int_equal(url_parse(row->text, &url, &error), 0);
                assert_null(error);
                assert_int_equal(url.scheme, row->scheme);
                assert_true(str_equal(url.user, row->user));
                assert_true(str_equal(url.host, row->host));
                assert_true(str_equal(url.path, row->path));
                assert_int_equal(url.port, row->port);

                text = url_format(&url);
                assert_int_equal(url_parse(text, &again, NULL), 0);
                assert_int_equal(again.scheme, url.scheme);
                assert_true(str_equal(again.user, url.user));
                assert_true(str_equal(again.host, url.host));
                assert_true(str_equal(again.path, url.path));
                assert_int_equal(again.port, url.port);
        }
}

static void test_refused(void **state) {
        static const struct {
                const char *text, *want;
        } rows[] = {
                { "", "URL '': it does not begin with unix://, tcp://, ssh://, http:// or https://" },
                { "/run/podman.sock",
                  "URL '/run/podman.sock': it does not begin with unix://, tcp://, ssh://, http:// or https://" },
                { "npipe:////./pipe",
                  "URL 'npipe:////./pipe': it does not begin with unix://, tcp://, ssh://, http:// or https://" },
                { "tcp:host:1", "URL 'tcp:host:1': 'tcp:' is not followed by '//'" },
                { "unix:podman.sock", "URL 'unix:podman.sock': 'unix:' is not followed by '//'" },
                { "unix://run/podman.sock", "URL 'unix://run/podman.sock': its path is not absolute" },
                { "unix://", "URL 'unix://': it names no socket" },
                { "unix:///", "URL 'unix:///': it names no socket" },
                { "unix:///a%00b", "URL 'unix:///a%00b': '%00' cannot be part of a name" },
                { "unix:///a%0Ab", "URL 'unix:///a%0Ab': '%0A' cannot be part of a name" },
                { "unix:///a%7f", "URL 'unix:///a%7f': '%7f' cannot be part of a name" },
                { "unix:///a%0", "URL 'unix:///a%0': a '%' is not followed by two hexadecimal digits" },
                { "unix:///a%zz", "URL 'unix:///a%zz': a '%' is not followed by two hexadecimal digits" },
                { "unix:///a?b", "URL 'unix:///a?b': '?' and '#' have no meaning in it" },
                { "unix:///a b", "URL 'unix:///a b': a space or control character stands in it" },
                { "unix:///a\nb", "URL 'unix:///a\\nb': a space or control character stands in it" },
                { "tcp://", "URL 'tcp://': it has no host" },
                { "tcp://:2375", "URL 'tcp://:2375': it has no host" },
                { "tcp://[]:1", "URL 'tcp://[]:1': it has no host" },
                { "tcp://[::1", "URL 'tcp://[::1': a '[' is not closed" },
                { "tcp://[host]", "URL 'tcp://[host]': only an IPv6 address stands in brackets" },
                { "tcp://[::1]x", "URL 'tcp://[::1]x': its host name is not valid" },
                { "tcp://::1", "URL 'tcp://::1': it has no host" },
                { "tcp://a:b:1", "URL 'tcp://a:b:1': its port is not a number from 1 to 65535" },
                { "tcp://a:0", "URL 'tcp://a:0': its port is not a number from 1 to 65535" },
                { "tcp://a:", "URL 'tcp://a:': its port is not a number from 1 to 65535" },
                { "tcp://a:65536", "URL 'tcp://a:65536': its port is not a number from 1 to 65535" },
                { "tcp://a:000080", "URL 'tcp://a:000080': its port is not a number from 1 to 65535" },
                { "tcp://a:-1", "URL 'tcp://a:-1': its port is not a number from 1 to 65535" },
                { "tcp://me@a", "URL '...@...': tcp:// takes no user name" },
                { "ssh://me:secret@a", "URL '...@...': a password in it is not supported; use a key or an ssh agent" },
                { "ssh://@a", "URL '...@...': its user name is not valid" },
                { "ssh://a%40b@c", "URL '...@...': its user name is not valid" },
                { "ssh://a%0Ab@c", "URL '...@...': '%0A' cannot be part of a name" },
                { "ssh://a%20b@c", "URL '...@...': its user name is not valid" },
                { "ssh://-oProxyCommand=x@a", "URL '...@...': its user name is not valid" },
                { "ssh://-oProxyCommand=x", "URL 'ssh://-oProxyCommand=x': its host name is not valid" },
                { "ssh://a_b;c", "URL 'ssh://a_b;c': its host name is not valid" },
                { "ssh://h\xc3\xa4", "URL 'ssh://h\xc3\xa4': its host name is not valid" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                Url url = { .port = 7 };

                print_message("case '%s'\n", row->text);
                assert_int_equal(url_parse(row->text, &url, &error), -EINVAL);
                assert_string_equal(error_message(error, 0), row->want);
                assert_int_equal(url.port, 7);
                assert_null(url.host);
        }
}

static void test_long(void **state) {
        _cleanup_str_ Str text = STR_INIT(2 * URL_MAX);
        _cleanup_(url_done) Url url = { 0 };

        (void) str_append(&text, "unix:///");
        while (text.n < URL_MAX)
                (void) str_append_char(&text, 'a');
        assert_int_equal(url_parse(str_get(&text), &url, NULL), 0);
        (void) str_append_char(&text, 'a');
        assert_int_equal(url_parse(str_get(&text), &url, NULL), -EINVAL);
}

static void test_append(void **state) {
        _cleanup_str_ Str url = STR_INIT(1000);

        (void) str_append(&url, "/containers/");
        assert_int_equal(url_append_segment(&url, "a/b?c#d%e \xc3\xa4~-._"), 0);
        (void) str_append(&url, "/json");
        assert_int_equal(url_append_query(&url, "size", NULL), 0);
        assert_int_equal(url_append_query(&url, "filters", "{\"label\":[\"a=b&c\"]}"), 0);
        assert_int_equal(url_append_query(&url, "t", ""), 0);
        assert_string_equal(str_get(&url), "/containers/a%2Fb%3Fc%23d%25e%20%C3%A4~-._/json"
                                           "?filters=%7B%22label%22%3A%5B%22a%3Db%26c%22%5D%7D&t=");
}

static void test_show(void **state) {
        static const char *const rows[][2] = {
                { "unix:///run/x.sock", "unix:///run/x.sock" },
                { "ssh://core@host/x", "ssh://core@host/x" },
                { "ssh://core:hush@host/x", "ssh://core:...@host/x" },
                { "tcp://core:hu@sh/:@host:1", "tcp://core:...@host:1" },
                { "core:hush@host", "core:...@host" },
                { "rub\001bish", "rub\\x01bish" },
                { "", "" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *shown = url_show((*row)[0]);

                assert_string_equal(shown, (*row)[1]);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_long),
                cmocka_unit_test(test_append),
                cmocka_unit_test(test_show),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
