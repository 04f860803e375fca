#pragma once

/*
 * What the operator set, from all places, each value with where it came from. Later ones win:
 *
 *   1. /usr/share/podstep, 2. /etc/podstep, 3. $XDG_CONFIG_HOME/podstep (~/.config/podstep): in each podstep.yaml, then
 *      podstep.yaml.d/ *.yaml in the order of their names
 *   4. the environment: PODSTEP_SECTION_KEY, and what other programs' users have already (row by row: config/keys.c)
 *   5. the command line
 *
 * What an administrator's file (1, 2) names in its list 'locked' stays as those two say.
 */

#include "base/str.h"
#include "document/diag.h"
#include "pipeline/policy.h"

#define CONFIG_VENDOR_DIRECTORY "/usr/share/podstep"
#define CONFIG_SYSTEM_DIRECTORY "/etc/podstep"
#define CONFIG_FILE_NAME "podstep.yaml"
#define CONFIG_LOCKED "locked" /* the key that lists others */
#define CONFIG_DROP_IN_DIRECTORY_NAME "podstep.yaml.d"
#define CONFIG_DROP_INS_MAX 100 /* files of one directory */

typedef enum ColorMode {
        COLOR_AUTO, /* on a terminal, and if NO_COLOR is not set */
        COLOR_ALWAYS,
        COLOR_NEVER,
        COLOR_UNSET = -1, /* no option says it */
} ColorMode;

typedef enum NetworkChoice {
        NETWORK_CHOICE_AUTO, /* a pod, unless two containers want the same port */
        NETWORK_CHOICE_POD,
        NETWORK_CHOICE_BRIDGE,
        NETWORK_CHOICE_UNSET = -1, /* no option says it */
} NetworkChoice;

typedef enum ConfigLayer {
        CONFIG_DEFAULT,
        CONFIG_FILE,
        CONFIG_VARIABLE,
        CONFIG_OPTION,
        _CONFIG_LAYER_MAX,
} ConfigLayer;
const char *config_layer_to_string(ConfigLayer layer); /* "default", "file", "variable", "option" */

typedef struct ConfigOrigin {
        ConfigLayer layer;
        const char *name; /* of the file, the variable, the option; NULL for a default. The Config's own. */
        unsigned line;    /* of the file; 0 else */
} ConfigOrigin;

typedef struct ConfigEngine {
        char *url;            /* unix://, tcp://, ssh://; NULL: look for one */
        char *cert_directory; /* ca.pem, cert.pem, key.pem; NULL: none */
        char *api_version;    /* of Docker's API: "1.41"; NULL: the newest that both know */
        PolicyChoice tls_verify;
} ConfigEngine;

typedef struct ConfigJobs {
        uint64_t timeout_usec, grace_usec; /* 0: the default */
        bool keep_failed;
        uint64_t keep_usec; /* what is kept so; 0: the default */
} ConfigJobs;

typedef struct ConfigLint {
        char **privileged_plugins, **trusted_clones;
        bool strict;
} ConfigLint;

typedef struct Config {
        ConfigEngine engine;
        ConfigJobs jobs;
        ConfigLint lint;
        char *auth_file; /* credentials for registries; NULL: where Podman and Docker look */
        NetworkChoice network;
        ColorMode color;
        Policy policy;

        char **files; /* that were read, in their order */

        /* One for each key: see config/key.h. */
        ConfigOrigin *origins, *locks; /* locks: layer is CONFIG_DEFAULT where there is none */
        char **names; /* what origins point to */
} Config;

typedef struct ConfigSpec {
        const char *vendor_directory, *system_directory; /* NULL: the well-known ones */
        const char *user_directory; /* NULL: by XDG_CONFIG_HOME and HOME */
        /* only this one, and what is locked by the first two; NULL: PODSTEP_CONFIG, else all */
        const char *file;
        char *const *environment;   /* as environ; NULL: none */
        char *const *settings;      /* "KEY=VALUE", of the command line */
        bool color;                 /* of the faults */
} ConfigSpec;

/** config_init() - everything at its default; 0 or -ENOMEM */
int config_init(Config *config);
void config_done(Config *config);

/**
 * config_load() - reads all that @spec names over what @config holds
 * @faults: all that is wrong, and warnings, with their places, ready to be shown
 *
 * Return: 0; -EINVAL: there were errors; -ENOMEM.
 */
int config_load(const ConfigSpec *spec, Config *config, Str *faults);

/** config_is_set() - whether anything but a default gave a value; @key: "steps.memory" */
bool config_is_set(const Config *config, const char *key);
/** config_origin() - where the value of a key came from */
const ConfigOrigin *config_origin(const Config *config, const char *key);
/** config_lock() - who locked a key; NULL: nobody */
const ConfigOrigin *config_lock(const Config *config, const char *key);

/** config_engine_url() - the engine to open; NULL: look for one, as engine_open() does. Borrowed. */
const char *config_engine_url(const Config *config);
/**
 * config_export() - makes our own environment say of certificates, API version and credentials what the configuration
 * does: the parts that need them look there, as users of Docker and Podman put them there. 0 or -ENOMEM
 */
int config_export(const Config *config);

typedef enum ConfigShowFlags {
        CONFIG_SHOW_DEFAULTS = 1 << 0, /* also what is as it always was */
        CONFIG_SHOW_JSON = 1 << 1,
} ConfigShowFlags;

/** config_schema() - the JSON schema (draft-07) of the file, with a newline behind it. 0 or -ENOMEM */
int config_schema(char **ret);

/** config_show() - as YAML that could be read again, with the origin of each value; or as JSON. 0 or -ENOMEM */
int config_show(const Config *config, unsigned flags, Str *out);
/**
 * config_show_key() - the value of one key alone: a text as it is, a list with one item on each line; of a section all
 * that stands in it, as config_show() does
 *
 * Return: 0; -EINVAL with what was meant in the Error if there is no such key; -ENOMEM.
 */
int config_show_key(const Config *config, const char *key, unsigned flags, Str *out, Error **reterr);
