#pragma once

/*
 * Every key of the configuration is a row: its place in the Config, what it takes, the variables that set it, what it
 * is for. The reader, 'podstep config', the manual and the "did you mean" are made from the rows.
 */

#include "config/config.h"
#include "document/json.h"
#include "document/yaml.h"

typedef enum ConfigType {
        CONFIG_TEXT,             /* char * */
        CONFIG_BOOL,             /* bool */
        CONFIG_CHOICE,           /* PolicyChoice: true, false, or not said */
        CONFIG_WORD,             /* an enum: index in .words */
        CONFIG_SIZE,             /* uint64_t, bytes */
        CONFIG_SIZE_OR_NONE,     /* int64_t, bytes; -1: "unlimited" */
        CONFIG_COUNT,            /* uint64_t */
        CONFIG_COUNT_OR_NONE,    /* int64_t; -1: "unlimited" */
        CONFIG_NUMBER,           /* int */
        CONFIG_SMALL,            /* unsigned */
        CONFIG_CPUS,             /* uint64_t, in 1/1000000000 */
        CONFIG_DURATION,         /* uint64_t, microseconds; a bare number is seconds */
        CONFIG_DURATION_OR_NONE, /* the same; USEC_INFINITY: "off" */
        CONFIG_MICROSECONDS,     /* int64_t; a bare number is microseconds */
        CONFIG_TEXTS,            /* char ** */
        CONFIG_PULLS,            /* PullList */
        CONFIG_TRUST,            /* unsigned, of TrustClass */
        CONFIG_MAP,              /* Map of texts */
        CONFIG_IMAGE_DEVICES,    /* PolicyContainer.image_devices and n_image_devices */
        CONFIG_SERVICES,         /* Policy.always and n_always */
        CONFIG_LIMIT,            /* unsigned services_max with limit_services; "unlimited": no limit */
        _CONFIG_TYPE_MAX,
} ConfigType;

/** ConfigCheck - NULL if the text is fine (for a map: its key), else what was expected */
typedef const char *(*ConfigCheck)(const char *text);

#define CONFIG_VARIABLES_MAX 4

typedef struct ConfigKey {
        const char *name; /* within its section */
        ConfigType type;
        size_t offset;    /* of its field, in what the section points to */
        const char *const *words; /* CONFIG_WORD; ended by NULL */
        ConfigCheck check;
        const char *fallback; /* what holds if nobody says anything; NULL: nothing */
        /*
         * Beside PODSTEP_SECTION_KEY; the first that is set counts. "NAME=PREFIX": the prefix goes in front of its
         * value.
         */
        const char *variables[CONFIG_VARIABLES_MAX];
        const char *doc;      /* reST, for the manual */
} ConfigKey;

/* A section may have several tables; the keys at the top have the section "". */
typedef struct ConfigSection {
        const char *name;
        const ConfigKey *keys; /* ended by one without a name */
        size_t offset;         /* of what its keys count in, in the Config */
} ConfigSection;

extern const ConfigSection config_sections[]; /* ended by one without keys */
extern const ConfigKey config_container_rows[];

/* One key of one section: rows that several sections share have several slots. */
typedef struct ConfigSlot {
        size_t index; /* in Config.origins */
        const ConfigSection *section;
        const ConfigKey *key;
} ConfigSlot;

#define CONFIG_NAME_MAX 80
#define CONFIG_KEYS_MAX 200

/** config_slot_next() - begin with { 0 }; false behind the last one */
bool config_slot_next(ConfigSlot *slot);
/** config_slot_find() - by "section.key" of n bytes; false if there is none */
bool config_slot_find(const char *name, size_t n, ConfigSlot *ret);
/** config_slot_suggest() - the name that was most likely meant, also from another section; NULL: nothing is near */
const char *config_slot_suggest(const char *name, char buffer[static CONFIG_NAME_MAX]);
/** config_slot_name() - "steps.memory"; returns the buffer */
const char *config_slot_name(const ConfigSlot *slot, char buffer[static CONFIG_NAME_MAX]);
/** config_slot_variable() - "PODSTEP_STEPS_MEMORY"; returns the buffer */
const char *config_slot_variable(const ConfigSlot *slot, char buffer[static CONFIG_NAME_MAX]);
bool config_section_exists(const char *name);

static inline void *config_field(Config *config, const ConfigSlot *slot) {
        return (char *) config + slot->section->offset + slot->key->offset;
}
static inline const void *config_field_of(const Config *config, const ConfigSlot *slot) {
        return (const char *) config + slot->section->offset + slot->key->offset;
}

/**
 * config_value_set() - checks a value and puts it into its field, over what was there; nothing (null) is the default
 * @name: for messages
 *
 * Return: 0; -EINVAL, with an error in @diags; -ENOMEM.
 */
int config_value_set(const ConfigKey *key, const char *name, const YamlNode *node, void *field, DiagList *diags);
/** config_value_clear() - back to the default */
void config_value_clear(const ConfigKey *key, void *field);
/** config_value_put() - as a value of the JSON: a text has the form that config_value_set() takes. null: the default */
void config_value_put(const ConfigKey *key, const void *field, const char *name, JsonWriter *w);

/* The checks; see ConfigCheck. */
const char *config_check_path(const char *text);
#define CONFIG_RUNNER_MAX 63 /* bytes */
const char *config_check_runner(const char *text);
const char *config_check_program(const char *text);
const char *config_check_url(const char *text);
const char *config_check_address(const char *text);
const char *config_check_host(const char *text);
const char *config_check_ulimit(const char *text);
const char *config_check_cpuset(const char *text);
const char *config_check_capability(const char *text);
const char *config_check_device(const char *text);
const char *config_check_device_rule(const char *text);
const char *config_check_mount(const char *text);
const char *config_check_sysctl(const char *text);
const char *config_check_label(const char *text);
const char *config_check_variable(const char *text);
const char *config_check_platform(const char *text);
const char *config_check_version(const char *text);
