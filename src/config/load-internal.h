#pragma once

/* Between load.c (which files), read.c (one file) and load-words.c (variables and options). */

#include "config/key.h"

typedef struct ConfigLoader {
        Config *config;
        Str *faults;
        bool color;
        size_t n_errors;
        bool is_admin; /* what is read now is the administrator's: it may lock, and change what is locked */
} ConfigLoader;

/**
 * config_read_file() - one file that is there
 *
 * Return: 0, also with faults: they are in the loader; -ENOMEM.
 */
int config_read_file(ConfigLoader *loader, const char *path);
/** config_read_source() - the same of its text */
int config_read_source(ConfigLoader *loader, const Source *source);
/** config_put() - a value for a key, unless that is locked; @name: of the file, the variable, the option */
int config_put(ConfigLoader *loader, const ConfigSlot *slot, const YamlNode *node, ConfigLayer layer, const char *name,
               DiagList *diags);
/** config_tell() - moves what was found in a source to the loader's faults */
void config_tell(ConfigLoader *loader, DiagList *diags, const Source *source);

/** config_read_environment() - all variables that set something; 0, -ENOMEM */
int config_read_environment(ConfigLoader *loader, char *const *environment);
/** config_read_setting() - "KEY=VALUE"; 0, -ENOMEM */
int config_read_setting(ConfigLoader *loader, const char *setting);
