/* Services that every workflow gets: images, or maps. */

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/strv.h"
#include "config/value.h"
#include "document/schema.h"

/* How a key of the map is read. "name" is GitLab Runner's word. */
typedef enum PartType { PART_TEXT, PART_TEXTS, PART_MAP } PartType;

static const struct {
        const char *name;
        PartType type;
        size_t offset;
} parts[] = {
        { "image", PART_TEXT, offsetof(PolicyService, image) },
        { "name", PART_TEXT, offsetof(PolicyService, image) },
        { "alias", PART_TEXT, offsetof(PolicyService, alias) },
        { "command", PART_TEXTS, offsetof(PolicyService, command) },
        { "entrypoint", PART_TEXTS, offsetof(PolicyService, entrypoint) },
        { "environment", PART_MAP, offsetof(PolicyService, environment) },
};

void config_services_put_schema(JsonWriter *w) {
        json_put_string(w, "type", "object");
        json_put_bool(w, "additionalProperties", false);
        json_open_object(w, "properties");
        FOREACH_ROW(part, parts) {
                json_open_object(w, part->name);
                if (part->type == PART_TEXT)
                        schema_put_scalar(w);
                else if (part->type == PART_TEXTS)
                        schema_put_list_of(w, "scalar");
                else
                        schema_put_ref(w, "map");
                json_close(w);
        }
        json_close(w);
}

static int set_text(const ConfigSetting *s, const YamlNode *node, char **field) {
        _cleanup_strv_ char **texts = NULL;
        int r = yaml_is_scalar(node) ? config_read_texts(s, node, &texts) : config_refuse(s, node, "a text");

        if (r < 0)
                return r;
        free(*field);
        *field = TAKE_PTR(texts[0]);
        return 0;
}

/* What a command is made of may be empty: [""] is an entrypoint. */
static int set_words(const ConfigSetting *s, const YamlNode *node, char ***field) {
        _cleanup_strv_ char **words = calloc(1, sizeof(char *));

        if (!words)
                return -ENOMEM;
        if (node->kind != YAML_SEQUENCE)
                return config_refuse(s, node, "a list of texts");
        for (size_t i = 0; i < node->n_items; i++) {
                const YamlNode *item = node->items[i];

                if (!yaml_is_scalar(item) || item->kind == YAML_NULL || strlen(item->text) != item->n_text)
                        return config_refuse(s, item, "a text");
                if (strv_append(&words, item->text) < 0)
                        return -ENOMEM;
        }
        strv_free(*field);
        *field = TAKE_PTR(words);
        return 0;
}

static int set_part(const ConfigSetting *s, const YamlPair *pair, PolicyService *service) {
        FOREACH_ROW(part, parts) {
                void *field = (char *) service + part->offset;

                if (!str_equal(part->name, pair->key->text))
                        continue;
                return part->type == PART_TEXT    ? set_text(s, pair->value, field)
                       : part->type == PART_TEXTS ? set_words(s, pair->value, field)
                                                  : config_read_map(s, pair->value, field);
        }
        return config_refuse(s, pair->key, "image, alias, command, entrypoint or environment");
}

static int read_service(const ConfigSetting *s, const YamlNode *node, PolicyService *service) {
        int r = 0;

        if (yaml_is_scalar(node))
                return set_text(s, node, &service->image);
        if (node->kind != YAML_MAPPING)
                return config_refuse(s, node, "an image, or a map");
        for (size_t i = 0; i < node->n_pairs && r == 0; i++)
                r = set_part(s, &node->pairs[i], service);
        return r < 0 || service->image ? r : config_refuse(s, node, "a map with an image");
}

static int add_service(const ConfigSetting *s, const YamlNode *node, Policy *policy) {
        PolicyService service = { .environment = STRMAP_INIT };
        int r = read_service(s, node, &service);

        if (r == 0)
                r = ARRAY_APPEND(policy->always, policy->n_always, service);
        if (r < 0)
                policy_service_done(&service);
        return r;
}

int config_set_services(const ConfigSetting *s, const YamlNode *node, Policy *policy) {
        int r = 0;

        config_clear_services(policy);
        if (node->kind != YAML_SEQUENCE)
                return add_service(s, node, policy);
        for (size_t i = 0; i < node->n_items && r != -ENOMEM; i++) {
                int fault = add_service(s, node->items[i], policy);

                r = fault < 0 ? fault : r;
        }
        return r;
}

void config_clear_services(Policy *policy) {
        for (size_t i = 0; i < policy->n_always; i++)
                policy_service_done(&policy->always[i]);
        free(policy->always);
        policy->always = NULL;
        policy->n_always = 0;
}

void config_put_services(const Policy *policy, const char *name, JsonWriter *w) {
        json_open_array(w, name);
        for (size_t i = 0; i < policy->n_always; i++) {
                const PolicyService *service = &policy->always[i];

                json_open_object(w, NULL);
                json_put_string(w, "image", service->image);
                json_put_string(w, "alias", service->alias);
                if (service->command)
                        json_put_strv_always(w, "command", service->command);
                if (service->entrypoint)
                        json_put_strv_always(w, "entrypoint", service->entrypoint);
                json_put_strmap(w, "environment", &service->environment);
                json_close(w);
        }
        json_close(w);
}
