#include "engine/find-config.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/str.h"
#include "document/json.h"
#include "document/toml.h"

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

static const char *text_of(const YamlNode *table, const char *key) {
        const YamlNode *node = yaml_get(table, key);

        return node && node->kind == YAML_STRING && strlen(node->text) == node->n_text ? node->text : NULL;
}

/* A table without any of the keys is not one of ours. */
static int take_destination(const char *name, const YamlNode *table, Connections *connections, Error **reterr) {
        Connection *connection = NULL;

        FOREACH_ROW(field, fields) {
                const char *text = text_of(table, field->toml);
                int r = text && !connection ? get_or_add(connections, name, &connection, reterr) : 0;

                if (r < 0)
                        return r;
                if (text && set_string(field_of(connection, field), text) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

static int take_engine(const YamlNode *engine, Connections *connections, Error **reterr) {
        const YamlNode *destinations = yaml_get(engine, "service_destinations");
        const char *active = text_of(engine, "active_service");
        int r = 0;

        if (active && set_string(&connections->active, active) < 0)
                return error_oom(reterr);
        if (!destinations || destinations->kind != YAML_MAPPING)
                return 0;
        for (size_t i = 0; i < destinations->n_pairs && r == 0; i++)
                r = take_destination(destinations->pairs[i].key->text, destinations->pairs[i].value, connections,
                                     reterr);
        return r;
}

/* Outside of comments. The file that comes with Podman is long and holds nothing else. */
static bool mentions(const char *text, const char *word) {
        for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
                const char *line = at;

                while (line > text && line[-1] != '\n')
                        line--;
                if (line[strspn(line, " \t")] != '#')
                        return true;
        }
        return false;
}

int connections_read_toml(const char *text, Connections *connections, Error **reterr) {
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(source_freep) Source *source = NULL;
        char *copy;
        int r;

        /* mostly one search is enough: both keys hold this word */
        if (!mentions(text, "service") ||
            (!mentions(text, "active_service") && !mentions(text, "service_destinations")))
                return 0;
        copy = strdup(text);
        if (!copy)
                return error_oom(reterr);
        r = source_new_take("containers.conf", copy, strlen(copy), &source, reterr);
        if (r < 0)
                return r;
        r = toml_parse(source, &diags, &document);
        if (r == -ENOMEM)
                return error_oom(reterr);
        if (r < 0) /* Podman refuses it as well */
                return error_set(reterr, EBADMSG, "line %u: %s", diags.n_diags > 0 ? diags.diags[0].mark.line : 0,
                                 diags.n_diags > 0 ? diags.diags[0].message : "it is no TOML");
        return take_engine(yaml_get(document->root, "engine"), connections, reterr);
}
