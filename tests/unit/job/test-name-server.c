/* Which name servers a Docker on this machine hands to containers. */

#include "../test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/name-server.h"

static void put(const char *top, const char *directory, const char *name, const char *text) {
        _cleanup_free_ char *parent = path_join(top, directory), *path = NULL;
        FILE *file;

        if (!text)
                return;
        assert_int_equal(file_mkdir_p(parent, 0755), 0);
        path = path_join(parent, name);
        file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

static void test_read(void **state) {
        static const struct {
                const char *resolv, *resolved, *daemon;
                const char *want, *link_local;
        } rows[] = {
                { NULL, NULL, NULL, "", NULL },
                { "nameserver 10.0.0.2\n", NULL, NULL, "10.0.0.2", NULL },
                { "# nameserver 1.1.1.1\nsearch a.example\n\tnameserver\t169.254.169.254 \nnameserver fd00::2", NULL,
                  NULL, "169.254.169.254 fd00::2", "169.254.169.254" },
                { "nameserver 10.0.0.2\nnameserver 169.254.20.10\n", NULL, NULL, "10.0.0.2 169.254.20.10",
                  "169.254.20.10" },
                { "nameserver none\nnameservers\nnameserver\n\n", NULL, NULL, "", NULL },
                /* what systemd-resolved asks counts where only it is named */
                { "nameserver 127.0.0.53\n", "nameserver 169.254.169.254\n", NULL, "169.254.169.254",
                  "169.254.169.254" },
                { "nameserver 127.0.0.53\n", NULL, NULL, "", NULL },
                { "nameserver 127.0.0.53\nnameserver 10.0.0.2\n", "nameserver 169.254.169.254\n", NULL,
                  "127.0.0.53 10.0.0.2", NULL },
                /* the daemon's own setting counts most */
                { "nameserver 169.254.169.254\n", NULL, "{\"dns\":[\"8.8.8.8\",\"8.8.4.4\"]}",
                  "8.8.8.8 8.8.4.4", NULL },
                { "nameserver 10.0.0.2\n", NULL, "{\"dns\":[\"169.254.169.253\"]}", "169.254.169.253",
                  "169.254.169.253" },
                { "nameserver 10.0.0.2\n", NULL, "{\"dns\":[]}", "10.0.0.2", NULL },
                { "nameserver 10.0.0.2\n", NULL, "{\"dns\":[null],\"debug\":true}", "10.0.0.2", NULL },
                { "nameserver 10.0.0.2\n", NULL, "nonsense", "10.0.0.2", NULL },
        };

        FOREACH_ROW(row, rows) {
                char top[] = "/tmp/podstep-test-XXXXXX";
                _cleanup_strv_ char **servers = NULL;
                _cleanup_free_ char *text = NULL;
                const char *found;

                assert_non_null(mkdtemp(top));
                put(top, "etc", "resolv.conf", row->resolv);
                put(top, "run/systemd/resolve", "resolv.conf", row->resolved);
                put(top, "etc/docker", "daemon.json", row->daemon);
                assert_int_equal(name_servers_read(top, &servers), 0);
                text = strv_join(servers, " ");
                assert_string_equal(text, row->want);
                found = name_server_find_link_local(servers);
                assert_string_equal(found ? found : "", row->link_local ? row->link_local : "");
                assert_int_equal(file_remove_tree(top), 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_read),
        };

        return cmocka_run_group_tests_name("name-server", tests, NULL, NULL);
}
