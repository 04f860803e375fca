#pragma once

/* Between value.c (values of one word) and value-list.c (lists and maps, and which of all it is). */

#include "config/key.h"

typedef struct ConfigScalar {
        const char *expected; /* for messages; NULL: one of the key's words */
        int (*parse)(const ConfigKey *key, const char *text, void *field); /* 0, -EINVAL, -ERANGE, -ENOMEM */
        char *(*format)(const ConfigKey *key, const void *field); /* NULL: nothing is set, or no memory */
        size_t size;
} ConfigScalar;

extern const ConfigScalar config_scalars[_CONFIG_TYPE_MAX]; /* without parse where the type is a list or a map */

/* What is being set, for messages. */
typedef struct ConfigSetting {
        const ConfigKey *key;
        const char *name;
        DiagList *diags;
} ConfigSetting;

/** config_refuse() - notes that a value is not what was expected; -EINVAL */
int config_refuse(const ConfigSetting *setting, const YamlNode *node, const char *expected);
/** config_read_texts() - one text, or a list of them, each checked: 0, -EINVAL with a fault, -ENOMEM */
int config_read_texts(const ConfigSetting *setting, const YamlNode *node, char ***ret);
/** config_read_map() - likewise a map of texts, put into @map */
int config_read_map(const ConfigSetting *setting, const YamlNode *node, Map *map);

/* Policy.always: see value-services.c. */
int config_set_services(const ConfigSetting *setting, const YamlNode *node, Policy *policy);
void config_clear_services(Policy *policy);
void config_services_put_schema(JsonWriter *w); /* of one that is a map */
void config_put_services(const Policy *policy, const char *name, JsonWriter *w);

/** config_format_duration() - "1h30min", as the parser takes it; NULL if memory is out */
char *config_format_duration(uint64_t usec);
