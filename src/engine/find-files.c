/* Where Podman's connections stand. */

#include "engine/find-config.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"

#define CONFIG_FILE_MAX (1024U * 1024)

/* "~/.config/containers/NAME"; NULL if there is no home. */
static char *user_path(const char *name) {
        const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

        if (!str_is_empty(config))
                return str_printf("%s/containers/%s", config, name);
        return str_is_empty(home) ? NULL : str_printf("%s/.config/containers/%s", home, name);
}

static int read_file(const char *path, Connections *connections, Error **reterr) {
        _cleanup_free_ char *text = NULL;
        size_t n = 0;
        int r;

        if (!path)
                return 0;
        r = file_read(path, CONFIG_FILE_MAX, &text, &n);
        if (r == -ENOENT || r == -ENOTDIR || r == -EACCES)
                return 0; /* not there for us */
        if (r >= 0)
                r = str_ends_with(path, ".json") ? connections_read_json(text, n, connections, reterr)
                                                 : connections_read_toml(text, connections, reterr);
        return r < 0 ? error_wrap(reterr, r, "reading '%s'", path) : 0;
}

static int is_conf(const struct dirent *entry) {
        return str_ends_with(entry->d_name, ".conf");
}

/* All of a directory "containers.conf.d", in the order of their names. */
static int read_directory(const char *directory, Connections *connections, Error **reterr) {
        struct dirent **entries = NULL;
        int n, r = 0;

        n = directory ? scandir(directory, &entries, is_conf, alphasort) : 0;
        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *path = path_join(directory, entries[i]->d_name);

                if (r >= 0)
                        r = path ? read_file(path, connections, reterr) : error_oom(reterr);
                free(entries[i]);
        }
        free(entries);
        return r;
}

/* The later one overrides. */
static int read_containers_conf(Connections *connections, Error **reterr) {
        static const char *const system_files[] = { "/usr/share/containers/containers.conf",
                                                    "/etc/containers/containers.conf" };
        _cleanup_free_ char *user_file = user_path("containers.conf"), *user_directory = user_path("containers.conf.d");
        const char *only = getenv("CONTAINERS_CONF");
        int r;

        if (!str_is_empty(only))
                return read_file(only, connections, reterr);
        FOREACH_ROW(path, system_files) {
                r = read_file(*path, connections, reterr);
                if (r < 0)
                        return r;
        }
        r = read_directory("/etc/containers/containers.conf.d", connections, reterr);
        if (r >= 0)
                r = read_file(user_file, connections, reterr);
        if (r >= 0)
                r = read_directory(user_directory, connections, reterr);
        return r;
}

static int read_all(Connections *connections, Error **reterr) {
        _cleanup_free_ char *user_file = user_path("podman-connections.json");
        const char *only = getenv("PODMAN_CONNECTIONS_CONF");
        int r;

        r = read_containers_conf(connections, reterr);
        return r < 0 ? r : read_file(str_is_empty(only) ? user_file : only, connections, reterr);
}

int connection_find(const char *name, Connection *ret, Error **reterr) {
        _cleanup_(connections_done) Connections connections = { 0 };
        int r;

        r = read_all(&connections, reterr);
        if (r < 0)
                return r;
        if (!name)
                name = connections.active;
        if (str_is_empty(name))
                return 0;
        for (size_t i = 0; i < connections.n_connections; i++) {
                Connection *connection = &connections.connections[i];

                if (str_equal(connection->name, name) && connection->url) {
                        *ret = *connection;
                        *connection = (Connection) { 0 };
                        return 1;
                }
        }
        return error_set(reterr, EINVAL,
                         "Podman's connection '%s' is in none of its files; see 'podman system connection list'", name);
}
