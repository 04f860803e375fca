/* One file of the configuration. */

#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "config/load-internal.h"

#define NAME_SHOWN_MAX 60

typedef struct Reader {
        ConfigLoader *loader;
        const char *name; /* of the file */
        DiagList *diags;
} Reader;

void config_tell(ConfigLoader *loader, DiagList *diags, const Source *source) {
        loader->n_errors += diags->n_errors;
        diag_sort(diags);
        diag_print(diags, source, loader->color, loader->faults);
}

/* The Config's own copy of a name; the same one for all values of a source. */
static const char *keep_name(Config *config, const char *name) {
        size_t n = strv_length(config->names);

        if (n > 0 && str_equal(config->names[n - 1], name))
                return config->names[n - 1];
        return strv_append(&config->names, name) < 0 ? NULL : config->names[n];
}

static void refuse_locked(const ConfigOrigin *lock, const char *key, Mark mark, DiagList *diags) {
        Diag *diag =
                diag_add(diags, DIAG_ERROR, "refused-key", mark, "%s is locked by %s:%u", key, lock->name, lock->line);

        diag_set_hint(diag, "remove it here: only the administrator can change it");
}

int config_put(ConfigLoader *loader, const ConfigSlot *slot, const YamlNode *node, ConfigLayer layer, const char *name,
               DiagList *diags) {
        Config *config = loader->config;
        const ConfigOrigin *lock = &config->locks[slot->index];
        char buffer[CONFIG_NAME_MAX];
        const char *key = config_slot_name(slot, buffer), *kept;
        int r;

        if (lock->layer != CONFIG_DEFAULT && !loader->is_admin) {
                refuse_locked(lock, key, node->mark, diags);
                return 0;
        }
        r = config_value_set(slot->key, key, node, config_field(config, slot), diags);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        kept = keep_name(config, name);
        if (!kept)
                return -ENOMEM;
        config->origins[slot->index] = (ConfigOrigin) { layer, kept, layer == CONFIG_FILE ? node->mark.line : 0 };
        return 0;
}

static void refuse_key(const Reader *reader, const YamlNode *key, const char *full) {
        _cleanup_free_ char *shown = str_escape(key->text, key->n_text, NAME_SHOWN_MAX);
        char buffer[CONFIG_NAME_MAX];
        const char *near = config_slot_suggest(full, buffer);
        Diag *diag =
                diag_add(reader->diags, DIAG_ERROR, "unknown-key", key->mark, "unknown key '%s'", shown ? shown : "");

        if (near)
                diag_set_hint(diag, "did you mean '%s'?", near);
}

static int read_key(const Reader *reader, const char *section, const YamlPair *pair) {
        _cleanup_free_ char *full = str_printf("%s%s%s", section, *section ? "." : "", pair->key->text);
        YamlNode value = *pair->value;
        ConfigSlot slot;

        if (!full)
                return -ENOMEM;
        if (strlen(pair->key->text) != pair->key->n_text || !config_slot_find(full, strlen(full), &slot)) {
                refuse_key(reader, pair->key, full);
                return 0;
        }
        if (value.kind == YAML_SEQUENCE || value.kind == YAML_MAPPING || value.kind == YAML_NULL)
                value.mark = pair->key->mark; /* where people look for it */
        return config_put(reader->loader, &slot, &value, CONFIG_FILE, reader->name, reader->diags);
}

static int read_section(const Reader *reader, const YamlPair *pair) {
        int r = 0;

        if (pair->value->kind == YAML_NULL)
                return 0;
        if (pair->value->kind != YAML_MAPPING) {
                diag_add(reader->diags, DIAG_ERROR, "type", pair->value->mark,
                         "%s: expected a map of its keys, found %s", pair->key->text,
                         yaml_kind_name(pair->value->kind));
                return 0;
        }
        for (size_t i = 0; i < pair->value->n_pairs && r == 0; i++)
                r = read_key(reader, pair->key->text, &pair->value->pairs[i]);
        return r;
}

/* A key, a section with all its keys, or "all". */
static int lock_name(const Reader *reader, const YamlNode *item) {
        Config *config = reader->loader->config;
        const char *kept = keep_name(config, reader->name);
        ConfigSlot slot = { 0 };
        char buffer[CONFIG_NAME_MAX];
        bool is_known = false;

        if (!kept)
                return -ENOMEM;
        while (config_slot_next(&slot)) {
                if (!str_equal(item->text, "all") && !str_equal(item->text, slot.section->name) &&
                    !str_equal(item->text, config_slot_name(&slot, buffer)))
                        continue;
                config->locks[slot.index] = (ConfigOrigin) { CONFIG_FILE, kept, item->mark.line };
                is_known = true;
        }
        if (!is_known)
                refuse_key(reader, item, item->text);
        return 0;
}

static int read_locked(const Reader *reader, const YamlPair *pair) {
        int r = 0;

        if (!reader->loader->is_admin) {
                diag_add(reader->diags, DIAG_ERROR, "refused-key", pair->key->mark,
                         "only files below %s and %s can lock keys", CONFIG_SYSTEM_DIRECTORY, CONFIG_VENDOR_DIRECTORY);
                return 0;
        }
        if (pair->value->kind == YAML_STRING)
                return lock_name(reader, pair->value);
        if (pair->value->kind != YAML_SEQUENCE)
                diag_add(reader->diags, DIAG_ERROR, "type", pair->value->mark, "%s: expected a list of keys, found %s",
                         CONFIG_LOCKED, yaml_kind_name(pair->value->kind));
        for (size_t i = 0; i < pair->value->n_items && r == 0; i++) {
                const YamlNode *item = pair->value->items[i];

                if (item->kind == YAML_STRING)
                        r = lock_name(reader, item);
                else
                        diag_add(reader->diags, DIAG_ERROR, "type", item->mark,
                                 "%s: expected the name of a key, found %s", CONFIG_LOCKED, yaml_kind_name(item->kind));
        }
        return r;
}

static int read_root(const Reader *reader, const YamlNode *root) {
        int r = 0;

        if (!root || root->kind == YAML_NULL)
                return 0;
        if (root->kind != YAML_MAPPING) {
                diag_add(reader->diags, DIAG_ERROR, "type", root->mark, "expected a map of keys, found %s",
                         yaml_kind_name(root->kind));
                return 0;
        }
        for (size_t i = 0; i < root->n_pairs && r == 0; i++) {
                const YamlPair *pair = &root->pairs[i];

                if (str_equal(pair->key->text, CONFIG_LOCKED))
                        r = read_locked(reader, pair);
                else
                        r = config_section_exists(pair->key->text) ? read_section(reader, pair)
                                                                   : read_key(reader, "", pair);
        }
        return r;
}

int config_read_source(ConfigLoader *loader, const Source *source) {
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        Reader reader = { loader, source->name, &diags };
        int r;

        r = yaml_parse(source, &diags, &document);
        if (r == 0)
                r = read_root(&reader, document->root);
        config_tell(loader, &diags, source);
        return r == -ENOMEM ? r : 0;
}

int config_read_file(ConfigLoader *loader, const char *path) {
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_(error_freep) Error *error = NULL;
        int r;

        r = source_read(path, &source, &error);
        if (r < 0) {
                loader->n_errors++;
                return r == -ENOMEM ? r : str_appendf(loader->faults, "error: %s\n", error_message(error, r));
        }
        if (strv_append(&loader->config->files, path) < 0)
                return -ENOMEM;
        return config_read_source(loader, source);
}
