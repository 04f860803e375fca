#include "engine/find-config.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "document/json.h"

#define CONFIG_FILE_MAX (1024U * 1024)
#define CONNECTIONS_MAX 1000

void connection_done(Connection *connection) {
        free(connection->name);
        free(connection->url);
        free(connection->identity);
        free(connection->ca_file);
        free(connection->cert_file);
        free(connection->key_file);
        *connection = (Connection) { 0 };
}

void connections_done(Connections *connections) {
        for (size_t i = 0; i < connections->n_connections; i++)
                connection_done(&connections->connections[i]);
        free(connections->connections);
        free(connections->active);
        *connections = (Connections) { 0 };
}

/* What a connection is made of, as either file calls it. */
static const struct Field {
        const char *json, *toml;
        size_t offset;
} fields[] = {
        { "URI", "uri", offsetof(Connection, url) },
        { "Identity", "identity", offsetof(Connection, identity) },
        { "TLSCA", "tls_ca", offsetof(Connection, ca_file) },
        { "TLSCert", "tls_cert", offsetof(Connection, cert_file) },
        { "TLSKey", "tls_key", offsetof(Connection, key_file) },
};

static char **field_of(Connection *connection, const struct Field *field) {
        return (char **) ((char *) connection + field->offset);
}

static int set_string(char **place, const char *text) {
        char *copy = strdup(text);

        if (!copy)
                return -ENOMEM;
        free(*place);
        *place = copy;
        return 0;
}

static Connection *lookup(const Connections *connections, const char *name) {
        for (size_t i = 0; i < connections->n_connections; i++)
                if (str_equal(connections->connections[i].name, name))
                        return &connections->connections[i];
        return NULL;
}

static int get_or_add(Connections *connections, const char *name, Connection **ret, Error **reterr) {
        Connection connection = { 0 };

        *ret = lookup(connections, name);
        if (*ret)
                return 0;
        if (connections->n_connections >= CONNECTIONS_MAX)
                return error_set(reterr, EINVAL, "more than %d connections", CONNECTIONS_MAX);
        connection.name = strdup(name);
        if (!connection.name || ARRAY_APPEND(connections->connections, connections->n_connections, connection) < 0) {
                free(connection.name);
                return error_oom(reterr);
        }
        *ret = &connections->connections[connections->n_connections - 1];
        return 0;
}

int connections_read_json(const char *text, size_t n, Connections *connections, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        const char *active;
        Json *list = NULL;
        int r;

        r = json_parse(text, n, &json, reterr);
        if (r < 0)
                return r;
        active = json_find_string(json, "Connection.Default");
        if (!str_is_empty(active) && set_string(&connections->active, active) < 0)
                return error_oom(reterr);
        if (json_get_object(json, "Connection.Connections", &list, NULL) < 0)
                return 0;
        json_object_object_foreach(list, name, value) {
                Connection *connection;

                r = get_or_add(connections, name, &connection, reterr);
                if (r < 0)
                        return r;
                FOREACH_ROW(field, fields) {
                        const char *word = json_find_string(value, field->json);

                        if (!str_is_empty(word) && set_string(field_of(connection, field), word) < 0)
                                return error_oom(reterr);
                }
        }
        return 0;
}

/*
 * As much of TOML as these few keys need: tables on a line of their own, strings of one line. A key whose value is
 * something else is not one of ours.
 */

/* A string, bare or quoted; returns what stands behind it, NULL if there is none. */
static const char *toml_word(const char *p, bool may_be_bare, char **ret) {
        _cleanup_str_ Str word = STR_INIT(CONFIG_FILE_MAX);
        char quote = *p;

        if (quote != '"' && quote != '\'') {
                size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

                if (!may_be_bare || n == 0)
                        return NULL;
                *ret = strndup(p, n);
                return *ret ? p + n : NULL;
        }
        for (p++; *p && *p != quote; p++) {
                if (quote == '"' && *p == '\\' && (p[1] == '"' || p[1] == '\\'))
                        p++;
                (void) str_append_char(&word, *p);
        }
        if (*p != quote)
                return NULL;
        *ret = str_take(&word);
        return *ret ? p + 1 : NULL;
}

static const char *skip_blanks(const char *p) {
        return p + strspn(p, " \t");
}

/* "[engine.service_destinations.NAME]" as a list of words; NULL if the line is no such thing. */
static char **toml_table(const char *line) {
        _cleanup_strv_ char **words = NULL;
        const char *p = line;

        do {
                char *word = NULL;

                p = toml_word(skip_blanks(p + 1), true, &word);
                if (!p || strv_append_take(&words, word) < 0)
                        return NULL;
                p = skip_blanks(p);
        } while (*p == '.');
        return *p == ']' ? TAKE_PTR(words) : NULL;
}

/* key = "value" */
static bool toml_pair(const char *line, char **ret_key, char **ret_value) {
        const char *p = toml_word(line, true, ret_key);

        p = p ? skip_blanks(p) : NULL;
        if (!p || *p != '=')
                return false;
        return toml_word(skip_blanks(p + 1), false, ret_value) != NULL;
}

static int take_pair(Connections *connections, char *const *table, const char *key, const char *value, Error **reterr) {
        size_t n = strv_length(table);
        Connection *connection;
        int r;

        if (n == 1 && str_equal(table[0], "engine") && str_equal(key, "active_service"))
                return set_string(&connections->active, value) < 0 ? error_oom(reterr) : 0;
        if (n != 3 || !str_equal(table[0], "engine") || !str_equal(table[1], "service_destinations"))
                return 0;
        r = get_or_add(connections, table[2], &connection, reterr);
        if (r < 0)
                return r;
        FOREACH_ROW(field, fields)
                if (str_equal(field->toml, key) && set_string(field_of(connection, field), value) < 0)
                        return error_oom(reterr);
        return 0;
}

int connections_read_toml(const char *text, Connections *connections, Error **reterr) {
        _cleanup_strv_ char **lines = NULL, **table = NULL;
        int r;

        if (strv_split(text, '\n', &lines) < 0)
                return error_oom(reterr);
        STRV_FOREACH(item, lines) {
                _cleanup_free_ char *key = NULL, *value = NULL;
                const char *line = skip_blanks(*item);

                if (*line == '[') {
                        strv_free(table);
                        table = toml_table(line);
                } else if (toml_pair(line, &key, &value)) {
                        r = take_pair(connections, table, key, value, reterr);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}
