#include "cli/variables.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "document/yaml.h"

static bool is_name(const char *text, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!isalnum((unsigned char) text[i]) && text[i] != '_' && text[i] != '-' && text[i] != '.')
                        return false;
        return n > 0;
}

/* Quotes around the whole value are taken off; in double ones \n, \" and \\ mean what they do in a shell's $'...'. */
static char *unquote(const char *value) {
        size_t n = strlen(value);
        char quote = n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n - 1] == value[0] ? value[0] : '\0';
        _cleanup_str_ Str out = STR_INIT(VARIABLES_FILE_BYTES_MAX);

        if (quote != '"')
                return quote ? strndup(value + 1, n - 2) : strdup(value);
        for (size_t i = 1; i < n - 1; i++) {
                if (value[i] == '\\' && i + 1 < n - 1) {
                        i++;
                        (void) str_append_char(&out, value[i] == 'n' ? '\n' : value[i] == 't' ? '\t' : value[i]);
                } else
                        (void) str_append_char(&out, value[i]);
        }
        return str_take(&out);
}

/* 1: the line is of another form. */
static int parse_line(const char *line, Map *variables) {
        _cleanup_free_ char *name = NULL, *value = NULL;
        const char *equals;

        line += strspn(line, " \t");
        if (!*line || *line == '#')
                return 0;
        if (str_starts_with(line, "export "))
                line += strlen("export ");
        equals = strchr(line, '=');
        if (!equals || !is_name(line, (size_t) (equals - line)))
                return 1;
        name = strndup(line, (size_t) (equals - line));
        value = unquote(equals + 1);
        return name && value ? strmap_put(variables, name, value) : -ENOMEM;
}

/* @line: the first that is no NAME=VALUE. What it holds is not shown: it may be a secret. */
static int parse_yaml(const char *name, const char *text, unsigned line, Map *variables, Error **reterr) {
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        _cleanup_(source_freep) Source *source = NULL;
        char *copy = strdup(text);
        int r;

        r = copy ? source_new_take(name, copy, strlen(copy), &source, reterr) : error_oom(reterr);
        if (r < 0)
                return r;
        r = yaml_parse(source, &diags, &document);
        if (r < 0 || !document->root || document->root->kind != YAML_MAPPING)
                return error_set(reterr, EINVAL,
                                 "'%s', line %u: expected NAME=VALUE, without blanks around the '='; nor is the file a "
                                 "YAML map of strings",
                                 name, line);
        for (size_t i = 0; i < document->root->n_pairs; i++) {
                const YamlPair *pair = &document->root->pairs[i];

                if (!yaml_is_scalar(pair->value))
                        return error_set(reterr, EINVAL, "'%s', line %u: '%s' must be a string", name,
                                         pair->key->mark.line, pair->key->text);
                if (strmap_put(variables, pair->key->text, pair->value->text) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

int variables_parse(const char *name, const char *text, Map *variables, Error **reterr) {
        _cleanup_strv_ char **lines = NULL;
        unsigned number = 0;

        if (strv_split(text, '\n', &lines) < 0)
                return error_oom(reterr);
        STRV_FOREACH(line, lines) {
                size_t n = strlen(*line);
                int r;

                number++;
                if (n > 0 && (*line)[n - 1] == '\r')
                        (*line)[n - 1] = '\0';
                r = parse_line(*line, variables);
                if (r < 0)
                        return error_oom(reterr);
                if (r > 0)
                        return parse_yaml(name, text, number, variables, reterr);
        }
        return 0;
}

static int read_files(char *const *files, Map *variables, Error **reterr) {
        STRV_FOREACH(file, files) {
                char *text = NULL;
                size_t n = 0;
                int r;

                r = file_read(*file, VARIABLES_FILE_BYTES_MAX, &text, &n);
                if (r < 0)
                        return error_set(reterr, -r, "cannot read '%s': %s", *file, strerror(-r));
                r = strlen(text) == n ? variables_parse(*file, text, variables, reterr)
                                      : error_set(reterr, EINVAL, "'%s' looks like a binary file", *file);
                explicit_bzero(text, n);
                free(text);
                if (r < 0)
                        return r;
        }
        return 0;
}

int variables_read_environment(const RunOptions *options, Map *environment, Error **reterr) {
        int r = read_files(options->env_files, environment, reterr);

        if (r < 0)
                return r;
        return strmap_update(environment, &options->environment) < 0 ? error_oom(reterr) : 0;
}

static int put_secret(Map *secrets, const char *name, const char *value) {
        _cleanup_free_ char *lower = strdup(name);

        for (char *c = lower; c && *c; c++)
                *c = (char) tolower((unsigned char) *c);
        return lower ? strmap_put(secrets, lower, value) : -ENOMEM;
}

int variables_read_secrets(const RunOptions *options, Map *secrets, Error **reterr) {
        _cleanup_(variables_done) Map files = STRMAP_INIT;
        int r;

        r = read_files(options->secrets_files, &files, reterr);
        MAP_FOREACH(entry, &files)
                if (r >= 0 && put_secret(secrets, entry->key, entry->value) < 0)
                        r = error_oom(reterr);
        STRV_FOREACH(name, options->secret_names) {
                const char *value = getenv(*name);

                if (r < 0)
                        break;
                if (!value)
                        return error_set(reterr, ENOENT,
                                         "secret '%s': there is no such variable in the environment; set it, e.g.: "
                                         "read -rs %s && export %s",
                                         *name, *name, *name);
                r = put_secret(secrets, *name, value) < 0 ? error_oom(reterr) : 0;
        }
        return r;
}

void variables_done(Map *variables) {
        MAP_FOREACH(entry, variables)
                explicit_bzero(entry->value, strlen(entry->value));
        map_done(variables);
}
