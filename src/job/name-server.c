#include "job/name-server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "document/json.h"

#define NAME_SERVER_FILE_MAX (64U * 1024)
#define BLANKS " \t\r"
#define STUB "127.0.0.53"

/* A file that cannot be read says nothing: *ret is NULL then. */
static int read_text(const char *root, const char *name, char **ret, size_t *ret_n) {
        _cleanup_free_ char *path = str_printf("%s/%s", root, name);
        int r = path ? file_read(path, NAME_SERVER_FILE_MAX, ret, ret_n) : -ENOMEM;

        return r == -ENOMEM ? r : 0;
}

static int read_daemon(const char *root, char ***ret) {
        _cleanup_(json_unrefp) Json *json = NULL;
        _cleanup_free_ char *text = NULL;
        Json *list = NULL;
        size_t n = 0;
        int r = read_text(root, "etc/docker/daemon.json", &text, &n);

        if (r < 0 || !text || json_parse(text, n, &json, NULL) < 0 || json_get_array(json, "dns", &list, NULL) < 0)
                return r;
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) {
                const char *server = json_object_get_string(json_object_array_get_idx(list, i));

                r = server ? strv_append(ret, server) : 0;
        }
        return r;
}

static bool is_address(const char *text) {
        unsigned char bytes[sizeof(struct in6_addr)];

        return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* "nameserver ADDRESS", alone on its line */
static int take_line(char *line, char ***servers) {
        char *word = line + strspn(line, BLANKS), *address;

        if (!str_starts_with(word, "nameserver"))
                return 0;
        address = word + strlen("nameserver");
        address += strspn(address, BLANKS);
        address[strcspn(address, BLANKS)] = '\0';
        return is_address(address) ? strv_append(servers, address) : 0;
}

static int read_resolv_conf(const char *root, const char *name, char ***ret) {
        _cleanup_free_ char *text = NULL;
        _cleanup_strv_ char **lines = NULL;
        int r = read_text(root, name, &text, NULL);

        if (r >= 0 && text)
                r = strv_split(text, '\n', &lines);
        STRV_FOREACH(line, lines)
                if (r >= 0)
                        r = take_line(*line, ret);
        return r;
}

int name_servers_read(const char *root, char ***ret) {
        _cleanup_strv_ char **servers = NULL;
        int r = read_daemon(root, &servers);

        if (r >= 0 && !servers)
                r = read_resolv_conf(root, "etc/resolv.conf", &servers);
        if (r >= 0 && strv_length(servers) == 1 && str_equal(servers[0], STUB)) {
                servers = strv_free(servers);
                r = read_resolv_conf(root, "run/systemd/resolve/resolv.conf", &servers);
        }
        if (r >= 0)
                *ret = TAKE_PTR(servers);
        return r;
}

const char *name_server_find_link_local(char *const *servers) {
        STRV_FOREACH(server, servers)
                if (str_starts_with(*server, "169.254."))
                        return *server;
        return NULL;
}
