/* Values from variables and from the command line: one word, a list with commas, or YAML in brackets. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/strv.h"
#include "config/load-internal.h"

#define RELEVANT_MAX 256 /* variables of our kinds; more of them is no environment of a person */
#define SETTING_SHOWN_MAX 60
#define OWN_PREFIX "PODSTEP_"

static bool takes_list(ConfigType type) {
        return type == CONFIG_TEXTS || type == CONFIG_PULLS || type == CONFIG_TRUST || type == CONFIG_MAP ||
               type == CONFIG_IMAGE_DEVICES || type == CONFIG_SERVICES;
}

static char *trim(char *text) {
        size_t n;

        text += strspn(text, " \t");
        n = strlen(text);
        while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
                text[--n] = '\0';
        return text;
}

/* "a, b": a list without brackets. */
static int put_list(ConfigLoader *loader, const ConfigSlot *slot, const Source *source, ConfigLayer layer,
                    DiagList *diags) {
        _cleanup_strv_ char **words = NULL;
        _cleanup_free_ YamlNode *nodes = NULL;
        _cleanup_free_ YamlNode **items = NULL;
        YamlNode list = { .kind = YAML_SEQUENCE, .mark = { 1, 1, 0 } };
        size_t n;

        if (strv_split(source->text, ',', &words) < 0)
                return -ENOMEM;
        n = strv_length(words);
        nodes = calloc(n + 1, sizeof(*nodes));
        items = calloc(n + 1, sizeof(YamlNode *));
        if (!nodes || !items)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                char *word = trim(words[i]);

                nodes[i] = (YamlNode) {
                        .kind = YAML_STRING, .mark = { 1, 1, 0 }, .text = word, .n_text = strlen(word)
                };
                if (*word)
                        items[list.n_items++] = &nodes[i];
        }
        list.items = items;
        return config_put(loader, slot, &list, layer, source->name, diags);
}

static int put_yaml(ConfigLoader *loader, const ConfigSlot *slot, const Source *source, ConfigLayer layer,
                    DiagList *diags) {
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        int r = yaml_parse(source, diags, &document);

        if (r < 0)
                return r == -ENOMEM ? r : 0;
        return config_put(loader, slot, document->root, layer, source->name, diags);
}

/* @name: what people know it by. @text: taken. */
static int put_text(ConfigLoader *loader, const ConfigSlot *slot, ConfigLayer layer, const char *name, char *text) {
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_(error_freep) Error *error = NULL;
        YamlNode node = { .mark = { 1, 1, 0 } };
        int r = text ? source_new_take(name, text, strlen(text), &source, &error) : -ENOMEM;

        if (r < 0) {
                loader->n_errors++;
                return r == -ENOMEM ? r : str_appendf(loader->faults, "%s: error: %s\n", name, error_message(error, r));
        }
        node.kind = source->n_text == 0 ? YAML_NULL : YAML_STRING;
        node.text = source->text;
        node.n_text = source->n_text;
        if (!takes_list(slot->key->type) || node.kind == YAML_NULL)
                r = config_put(loader, slot, &node, layer, name, &diags);
        else if (*source->text == '[' || *source->text == '{')
                r = put_yaml(loader, slot, source, layer, &diags);
        else
                r = put_list(loader, slot, source, layer, &diags);
        config_tell(loader, &diags, source);
        return r;
}

static const char *find_variable(const char *const *variables, size_t n, const char *name, size_t n_name) {
        for (size_t i = 0; i < n; i++)
                if (strncmp(variables[i], name, n_name) == 0 && variables[i][n_name] == '=' && variables[i][n_name + 1])
                        return variables[i] + n_name + 1;
        return NULL;
}

/* Variables of others have no effect on what is locked: who has them did not think of podstep. */
static bool is_locked(const ConfigLoader *loader, const ConfigSlot *slot) {
        return loader->config->locks[slot->index].layer != CONFIG_DEFAULT;
}

static int read_slot(ConfigLoader *loader, const ConfigSlot *slot, const char *const *variables, size_t n) {
        char own[CONFIG_NAME_MAX];
        const char *value;

        config_slot_variable(slot, own);
        value = find_variable(variables, n, own, strlen(own));
        if (value)
                return put_text(loader, slot, CONFIG_VARIABLE, own, strdup(value));
        for (size_t i = 0; i < CONFIG_VARIABLES_MAX && slot->key->variables[i] && !is_locked(loader, slot); i++) {
                const char *row = slot->key->variables[i], *prefix = strchrnul(row, '=');
                char name[CONFIG_NAME_MAX] = "";

                memcpy(name, row, MIN((size_t) (prefix - row), sizeof(name) - 1));
                value = find_variable(variables, n, name, strlen(name));
                if (value)
                        return put_text(loader, slot, CONFIG_VARIABLE, name,
                                        str_printf("%s%s", *prefix ? prefix + 1 : "", value));
        }
        return 0;
}

/* PODSTEP_ and the name of a section; other ones are of nobody, or of somebody else. */
static bool is_of_section(const char *variable) {
        for (const ConfigSection *section = config_sections; section->keys; section++) {
                char prefix[CONFIG_NAME_MAX];

                (void) snprintf(prefix, sizeof(prefix), OWN_PREFIX "%s_", section->name);
                if (*section->name && strncasecmp(variable, prefix, strlen(prefix)) == 0)
                        return true;
        }
        return false;
}

static bool is_known(const char *name, const char **ret_near, char buffer[static CONFIG_NAME_MAX]) {
        char all[CONFIG_KEYS_MAX][CONFIG_NAME_MAX];
        const char *names[CONFIG_KEYS_MAX], *near;
        size_t n = 0;
        ConfigSlot slot = { 0 };

        while (config_slot_next(&slot) && n < CONFIG_KEYS_MAX) {
                names[n] = config_slot_variable(&slot, all[n]);
                if (str_equal(names[n++], name))
                        return true;
        }
        near = diag_suggest(name, names, n);
        if (near)
                (void) snprintf(buffer, CONFIG_NAME_MAX, "%s", near);
        *ret_near = near ? buffer : NULL;
        return false;
}

/* A limit that a slip of the pen keeps from being one is worth a word. */
static int warn_of_unknown(const ConfigLoader *loader, const char *const *variables, size_t n) {
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++) {
                _cleanup_free_ char *name = strndup(variables[i], strcspn(variables[i], "=")), *shown = NULL;
                char buffer[CONFIG_NAME_MAX];
                const char *near = NULL;

                shown = name ? str_escape(name, strlen(name), SETTING_SHOWN_MAX) : NULL;
                if (!shown)
                        return -ENOMEM;
                if (is_of_section(name) && !is_known(name, &near, buffer))
                        r = str_appendf(loader->faults, "warning: the variable %s sets nothing%s%s%s\n", shown,
                                        near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
        }
        return r;
}

int config_read_environment(ConfigLoader *loader, char *const *environment) {
        static const char *const prefixes[] = { OWN_PREFIX, "WOODPECKER_", "DOCKER_", "CONTAINER_", "REGISTRY_" };
        const char *relevant[RELEVANT_MAX];
        size_t n = 0;
        ConfigSlot slot = { 0 };
        int r = 0;

        STRV_FOREACH(variable, environment)
                FOREACH_ROW(prefix, prefixes)
                        if (n < RELEVANT_MAX && str_starts_with(*variable, *prefix))
                                relevant[n++] = *variable;
        while (n > 0 && r == 0 && config_slot_next(&slot))
                r = read_slot(loader, &slot, relevant, n);
        return r == 0 ? warn_of_unknown(loader, relevant, n) : r;
}

int config_read_setting(ConfigLoader *loader, const char *setting) {
        const char *equals = strchrnul(setting, '=');
        size_t n = (size_t) (equals - setting);
        _cleanup_free_ char *shown = str_escape(setting, n, SETTING_SHOWN_MAX), *name = strndup(setting, n);
        char buffer[CONFIG_NAME_MAX];
        const char *near;
        ConfigSlot slot;

        if (!shown || !name)
                return -ENOMEM;
        if (*equals && config_slot_find(setting, n, &slot))
                return put_text(loader, &slot, CONFIG_OPTION, "--set", strdup(equals + 1));
        loader->n_errors++;
        if (!*equals)
                return str_appendf(loader->faults, "error: '--set %s' needs a value: KEY=VALUE\n", shown);
        near = config_slot_suggest(name, buffer);
        return str_appendf(loader->faults, "error: '--set %s': there is no such key%s%s%s\n", shown,
                           near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}
