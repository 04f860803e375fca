/* Lists and maps; and for every type: set, clear, put. */

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/strv.h"
#include "config/value.h"

#define VALUE_SHOWN_MAX 60
#define TEXT_BYTES_MAX (64U * 1024)

int config_refuse(const ConfigSetting *s, const YamlNode *node, const char *expected) {
        _cleanup_free_ char *shown = yaml_is_scalar(node) && node->kind != YAML_NULL
                                             ? str_escape(node->text, node->n_text, VALUE_SHOWN_MAX)
                                             : NULL;

        if (shown)
                diag_add(s->diags, DIAG_ERROR, "value", node->mark, "%s: expected %s, found '%s'", s->name, expected,
                         shown);
        else
                diag_add(s->diags, DIAG_ERROR, "type", node->mark, "%s: expected %s, found %s", s->name, expected,
                         yaml_kind_name(node->kind));
        return -EINVAL;
}

static bool has_control(const YamlNode *node) {
        for (size_t i = 0; i < node->n_text; i++)
                if ((unsigned char) node->text[i] < 0x20 || node->text[i] == 0x7f)
                        return true;
        return node->n_text > TEXT_BYTES_MAX;
}

/* A text that can be handed to a program, and that the key takes; what comes from here is shown on terminals. */
static int check_item(const ConfigSetting *s, const YamlNode *node) {
        const char *expected;

        if (!yaml_is_scalar(node) || node->kind == YAML_NULL)
                return config_refuse(s, node, "a text");
        if (has_control(node))
                return config_refuse(s, node, "a text without control characters");
        if (node->n_text == 0)
                return config_refuse(s, node, "a text that is not empty");
        expected = s->key->check ? s->key->check(node->text) : NULL;
        return expected ? config_refuse(s, node, expected) : 0;
}

static int refuse_word(const ConfigSetting *s, const YamlNode *node) {
        _cleanup_free_ char *all = strv_join((char *const *) s->key->words, ", "),
                            *expected = str_printf("one of %s", all ? all : "");
        const char *near = diag_suggest(node->text, s->key->words, strv_length((char *const *) s->key->words));

        (void) config_refuse(s, node, expected ? expected : "");
        if (near && s->diags->n_diags > 0)
                diag_set_hint(&s->diags->diags[s->diags->n_diags - 1], "did you mean '%s'?", near);
        return -EINVAL;
}

static int set_scalar(const ConfigSetting *s, const YamlNode *node, void *field) {
        const ConfigScalar *scalar = &config_scalars[s->key->type];
        int r;

        if (!yaml_is_scalar(node))
                return config_refuse(s, node, scalar->expected ? scalar->expected : "a word");
        r = check_item(s, node);
        if (r < 0)
                return r;
        r = scalar->parse(s->key, node->text, field);
        if (r == -ENOMEM || r == 0)
                return r;
        return scalar->expected ? config_refuse(s, node, scalar->expected) : refuse_word(s, node);
}

static int append_item(const ConfigSetting *s, const YamlNode *node, char ***texts) {
        int r = check_item(s, node);

        if (r < 0)
                return r;
        /* Later compared as text: "/srv/" is "/srv". */
        return strv_append_take(texts,
                                s->key->check == config_check_path ? path_clean(node->text) : strdup(node->text));
}

/* One text, or a list of them. */
int config_read_texts(const ConfigSetting *s, const YamlNode *node, char ***ret) {
        _cleanup_strv_ char **texts = calloc(1, sizeof(char *));
        int r = 0;

        if (!texts)
                return -ENOMEM;
        if (yaml_is_scalar(node))
                r = append_item(s, node, &texts);
        else if (node->kind == YAML_MAPPING)
                r = config_refuse(s, node, "a text or a list of texts");
        for (size_t i = 0; i < node->n_items; i++) {
                int fault = append_item(s, node->items[i], &texts);

                r = r < 0 ? r : fault;
        }
        if (r >= 0)
                *ret = TAKE_PTR(texts);
        return r;
}

static int set_texts(const ConfigSetting *s, const YamlNode *node, char ***field) {
        char **texts;
        int r = config_read_texts(s, node, &texts);

        if (r < 0)
                return r;
        strv_free(*field);
        *field = texts;
        return 0;
}

static int set_pulls(const ConfigSetting *s, const YamlNode *node, PullList *field) {
        _cleanup_strv_ char **texts = NULL;
        PullList pulls = { 0 };
        int r = config_read_texts(s, node, &texts);

        if (r < 0)
                return r;
        STRV_FOREACH(text, texts) {
                PullPolicy pull = pull_policy_from_string(*text);

                if ((int) pull < 0)
                        return config_refuse(s, yaml_is_scalar(node) ? node : node->items[text - texts],
                                      "always, missing, if-not-present, newer or never");
                if (pulls.n == PULL_LIST_MAX)
                        return config_refuse(s, node, "at most 8 of them");
                pulls.list[pulls.n++] = pull;
        }
        *field = pulls;
        return 0;
}

static int set_trust(const ConfigSetting *s, const YamlNode *node, unsigned *field) {
        _cleanup_strv_ char **texts = NULL;
        unsigned trusted = 0;
        int r = config_read_texts(s, node, &texts);

        if (r < 0)
                return r;
        STRV_FOREACH(text, texts) {
                unsigned classes;

                r = trust_parse(*text, &classes, NULL);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        return config_refuse(s, yaml_is_scalar(node) ? node : node->items[text - texts],
                                      "network, volumes, security, several of them, all, or none");
                trusted |= classes;
        }
        *field = trusted;
        return 0;
}

static int put_entry(const ConfigSetting *s, const YamlNode *key, const YamlNode *value, Map *map) {
        const char *expected = s->key->check ? s->key->check(key->text) : NULL;

        if (expected || has_control(key) || key->n_text == 0)
                return config_refuse(s, key, expected ? expected : "a name");
        if (!yaml_is_scalar(value))
                return config_refuse(s, value, "a text");
        if (memchr(value->text, '\0', value->n_text))
                return config_refuse(s, value, "a text without NUL");
        return strmap_put(map, key->text, value->text);
}

/* "NAME=VALUE" in a list; without the '=' the value is empty. */
static int put_assignment(const ConfigSetting *s, const YamlNode *item, Map *map) {
        const char *equals = yaml_is_scalar(item) && item->kind != YAML_NULL ? strchrnul(item->text, '=') : NULL;
        _cleanup_free_ char *name = equals ? strndup(item->text, (size_t) (equals - item->text)) : NULL;
        YamlNode key = { .kind = YAML_STRING, .mark = item->mark, .text = name }, value = key;

        if (!equals)
                return config_refuse(s, item, "NAME=VALUE");
        if (!name)
                return -ENOMEM;
        key.n_text = strlen(name);
        value.text = (char *) equals + (*equals == '=');
        value.n_text = strlen(value.text);
        return put_entry(s, &key, &value, map);
}

int config_read_map(const ConfigSetting *s, const YamlNode *node, Map *map) {
        int r = 0;

        if (yaml_is_scalar(node))
                return config_refuse(s, node, "a map of texts");
        for (size_t i = 0; i < node->n_pairs && r != -ENOMEM; i++) {
                int fault = put_entry(s, node->pairs[i].key, node->pairs[i].value, map);

                r = fault < 0 ? fault : r;
        }
        for (size_t i = 0; i < node->n_items && r != -ENOMEM; i++) {
                int fault = put_assignment(s, node->items[i], map);

                r = fault < 0 ? fault : r;
        }
        return r;
}

static int set_map(const ConfigSetting *s, const YamlNode *node, Map *field) {
        _cleanup_map_ Map map = STRMAP_INIT;
        int r = config_read_map(s, node, &map);

        if (r < 0)
                return r;
        map_done(field);
        *field = map;
        map = STRMAP_INIT;
        return 0;
}

static void clear_image_devices(PolicyContainer *container) {
        for (size_t i = 0; i < container->n_image_devices; i++) {
                free(container->image_devices[i].pattern);
                strv_free(container->image_devices[i].devices);
        }
        free(container->image_devices);
        container->image_devices = NULL;
        container->n_image_devices = 0;
}

static int set_image_devices(const ConfigSetting *s, const YamlNode *node, PolicyContainer *container) {
        int r = 0;

        if (node->kind != YAML_MAPPING)
                return config_refuse(s, node, "a map from patterns of images to lists of devices");
        clear_image_devices(container);
        for (size_t i = 0; i < node->n_pairs && r != -ENOMEM; i++) {
                PolicyImageDevices row = { 0 };
                int fault = config_read_texts(s, node->pairs[i].value, &row.devices);

                if (fault == 0) {
                        row.pattern = strdup(node->pairs[i].key->text);
                        if (!row.pattern ||
                            ARRAY_APPEND(container->image_devices, container->n_image_devices, row) < 0) {
                                free(row.pattern);
                                strv_free(row.devices);
                                fault = -ENOMEM;
                        }
                }
                r = fault < 0 ? fault : r;
        }
        return r;
}

int config_value_set(const ConfigKey *key, const char *name, const YamlNode *node, void *field, DiagList *diags) {
        ConfigSetting setting = { key, name, diags };

        if (node->kind == YAML_NULL) {
                config_value_clear(key, field);
                return 0;
        }
        switch (key->type) {
        case CONFIG_TEXTS:
                return set_texts(&setting, node, field);
        case CONFIG_PULLS:
                return set_pulls(&setting, node, field);
        case CONFIG_TRUST:
                return set_trust(&setting, node, field);
        case CONFIG_MAP:
                return set_map(&setting, node, field);
        case CONFIG_IMAGE_DEVICES:
                return set_image_devices(&setting, node, container_of(field, PolicyContainer, image_devices));
        case CONFIG_SERVICES:
                return config_set_services(&setting, node, container_of(field, Policy, always));
        default:
                return set_scalar(&setting, node, field);
        }
}

void config_value_clear(const ConfigKey *key, void *field) {
        switch (key->type) {
        case CONFIG_TEXTS:
                *(char ***) field = strv_free(*(char ***) field);
                return;
        case CONFIG_PULLS:
                *(PullList *) field = (PullList) { 0 };
                return;
        case CONFIG_TRUST:
                *(unsigned *) field = 0;
                return;
        case CONFIG_MAP:
                map_done(field);
                *(Map *) field = STRMAP_INIT;
                return;
        case CONFIG_IMAGE_DEVICES:
                clear_image_devices(container_of(field, PolicyContainer, image_devices));
                return;
        case CONFIG_SERVICES:
                config_clear_services(container_of(field, Policy, always));
                return;
        case CONFIG_LIMIT:
                container_of(field, Policy, services_max)->limit_services = false;
                *(unsigned *) field = 0;
                return;
        case CONFIG_TEXT:
                free(*(char **) field);
                *(char **) field = NULL;
                return;
        default:
                memset(field, 0, config_scalars[key->type].size);
        }
}

static void put_pulls(const PullList *pulls, const char *name, JsonWriter *w) {
        json_open_array(w, name);
        for (size_t i = 0; i < pulls->n; i++)
                json_put_string(w, NULL, pull_policy_to_string(pulls->list[i]));
        json_close(w);
}

static void put_trust(unsigned trusted, const char *name, JsonWriter *w) {
        static const struct {
                unsigned class;
                const char *name;
        } words[] = { { TRUST_NETWORK, "network" }, { TRUST_VOLUMES, "volumes" }, { TRUST_SECURITY, "security" } };

        json_open_array(w, name);
        FOREACH_ROW(word, words)
                if (trusted & word->class)
                        json_put_string(w, NULL, word->name);
        json_close(w);
}

static void put_map(const Map *map, const char *name, JsonWriter *w) {
        json_open_object(w, name);
        MAP_FOREACH(entry, map)
                json_put_string(w, entry->key, entry->value);
        json_close(w);
}

static void put_image_devices(const PolicyContainer *container, const char *name, JsonWriter *w) {
        json_open_object(w, name);
        for (size_t i = 0; i < container->n_image_devices; i++)
                json_put_strv_always(w, container->image_devices[i].pattern, container->image_devices[i].devices);
        json_close(w);
}

static void put_scalar(const ConfigKey *key, const void *field, const char *name, JsonWriter *w) {
        _cleanup_free_ char *text = config_scalars[key->type].format(key, field);

        if (!text)
                json_put_null(w, name);
        else if (key->type == CONFIG_BOOL || key->type == CONFIG_CHOICE)
                json_put_bool(w, name, *text == 't');
        else
                json_put_string(w, name, text);
}

void config_value_put(const ConfigKey *key, const void *field, const char *name, JsonWriter *w) {
        switch (key->type) {
        case CONFIG_TEXTS:
                json_put_strv_always(w, name, *(char *const *const *) field);
                return;
        case CONFIG_PULLS:
                put_pulls(field, name, w);
                return;
        case CONFIG_TRUST:
                put_trust(*(const unsigned *) field, name, w);
                return;
        case CONFIG_MAP:
                put_map(field, name, w);
                return;
        case CONFIG_IMAGE_DEVICES:
                put_image_devices(container_of(field, const PolicyContainer, image_devices), name, w);
                return;
        case CONFIG_SERVICES:
                config_put_services(container_of(field, const Policy, always), name, w);
                return;
        default:
                put_scalar(key, field, name, w);
        }
}
