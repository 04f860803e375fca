#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/strv.h"
#include "config/load-internal.h"

#define DROP_IN_SUFFIX ".yaml"

static bool is_missing(int r) {
        return r == -ENOENT || r == -ENOTDIR;
}

static int compare(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static int fail(ConfigLoader *loader, const char *path, int r) {
        loader->n_errors++;
        return str_appendf(loader->faults, "error: cannot read '%s': %s\n", path, strerror(-r));
}

/* The names of a directory's drop-ins in their order; NULL if it is not there. */
static int list_drop_ins(ConfigLoader *loader, const char *directory, char ***ret) {
        DIR *handle = opendir(directory);
        _cleanup_strv_ char **names = NULL;
        const struct dirent *entry;
        int r = 0;

        if (!handle)
                return is_missing(-errno) ? 0 : fail(loader, directory, -errno);
        while (r == 0 && (entry = readdir(handle)))
                if (entry->d_name[0] != '.' && str_ends_with(entry->d_name, DROP_IN_SUFFIX))
                        r = strv_append(&names, entry->d_name);
        closedir(handle);
        if (r < 0)
                return r;
        if (strv_length(names) > CONFIG_DROP_INS_MAX) {
                loader->n_errors++;
                return str_appendf(loader->faults, "error: more than %d files in '%s'\n", CONFIG_DROP_INS_MAX,
                                   directory);
        }
        if (names)
                qsort(names, strv_length(names), sizeof(char *), compare);
        *ret = TAKE_PTR(names);
        return 0;
}

static int read_directory(ConfigLoader *loader, const char *directory) {
        _cleanup_free_ char *file = path_join(directory, CONFIG_FILE_NAME),
                            *drop_ins = path_join(directory, CONFIG_DROP_IN_DIRECTORY_NAME);
        _cleanup_strv_ char **names = NULL;
        int r = 0;

        if (!file || !drop_ins)
                return -ENOMEM;
        if (access(file, F_OK) == 0)
                r = config_read_file(loader, file);
        else if (!is_missing(-errno))
                r = fail(loader, file, -errno);
        if (r == 0)
                r = list_drop_ins(loader, drop_ins, &names);
        STRV_FOREACH(name, names) {
                _cleanup_free_ char *path = path_join(drop_ins, *name);

                r = !path ? -ENOMEM : r == 0 ? config_read_file(loader, path) : r;
        }
        return r;
}

static const char *find(char *const *environment, const char *name) {
        size_t n = strlen(name);

        STRV_FOREACH(variable, environment)
                if (strncmp(*variable, name, n) == 0 && (*variable)[n] == '=' && (*variable)[n + 1])
                        return *variable + n + 1;
        return NULL;
}

/* NULL where there is no home. */
static int user_directory(const ConfigSpec *spec, char **ret) {
        const char *config = find(spec->environment, "XDG_CONFIG_HOME"), *home = find(spec->environment, "HOME");

        if (spec->user_directory)
                *ret = strdup(spec->user_directory);
        else if (config && *config == '/') /* relative ones are to be ignored, says the specification */
                *ret = path_join(config, "podstep");
        else if (home)
                *ret = path_join(home, ".config/podstep");
        else
                return 0;
        return *ret ? 0 : -ENOMEM;
}

/* One file in place of all others: of the administrator's only what is locked still holds. */
static void keep_locked(Config *config) {
        ConfigSlot slot = { 0 };

        while (config_slot_next(&slot))
                if (config->locks[slot.index].layer == CONFIG_DEFAULT) {
                        config_value_clear(slot.key, config_field(config, &slot));
                        config->origins[slot.index] = (ConfigOrigin) { 0 };
                }
}

static int read_files(ConfigLoader *loader, const ConfigSpec *spec) {
        const char *only = spec->file ? spec->file : find(spec->environment, "PODSTEP_CONFIG");
        _cleanup_free_ char *user = NULL;
        int r;

        loader->is_admin = true;
        r = read_directory(loader, spec->vendor_directory ? spec->vendor_directory : CONFIG_VENDOR_DIRECTORY);
        if (r == 0)
                r = read_directory(loader, spec->system_directory ? spec->system_directory : CONFIG_SYSTEM_DIRECTORY);
        loader->is_admin = false;
        if (r == 0 && only) {
                keep_locked(loader->config);
                return config_read_file(loader, only);
        }
        if (r == 0)
                r = user_directory(spec, &user);
        return r == 0 && user ? read_directory(loader, user) : r;
}

int config_load(const ConfigSpec *spec, Config *config, Str *faults) {
        ConfigLoader loader = { .config = config, .faults = faults, .color = spec->color };
        int r;

        r = read_files(&loader, spec);
        if (r == 0)
                r = config_read_environment(&loader, spec->environment);
        STRV_FOREACH(setting, spec->settings)
                r = r == 0 ? config_read_setting(&loader, *setting) : r;
        if (r == 0 && faults->error == -ENOMEM)
                r = -ENOMEM;
        return r == -ENOMEM ? r : loader.n_errors > 0 ? -EINVAL : 0;
}
