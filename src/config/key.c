#include "config/key.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool config_slot_next(ConfigSlot *slot) {
        if (!slot->section)
                *slot = (ConfigSlot) { .section = config_sections, .key = config_sections->keys };
        else {
                slot->index++;
                slot->key++;
        }
        while (!slot->key->name) {
                slot->section++;
                slot->key = slot->section->keys;
                if (!slot->key)
                        return false;
        }
        return true;
}

const char *config_slot_name(const ConfigSlot *slot, char buffer[static CONFIG_NAME_MAX]) {
        (void) snprintf(buffer, CONFIG_NAME_MAX, "%s%s%s", slot->section->name, *slot->section->name ? "." : "",
                        slot->key->name);
        return buffer;
}

const char *config_slot_variable(const ConfigSlot *slot, char buffer[static CONFIG_NAME_MAX]) {
        char name[CONFIG_NAME_MAX];

        (void) snprintf(buffer, CONFIG_NAME_MAX, "PODSTEP_%.70s", config_slot_name(slot, name));
        for (char *c = buffer; *c; c++)
                *c = *c == '.' ? '_' : (char) toupper((unsigned char) *c);
        return buffer;
}

static bool is_word(const char *word, const char *text, size_t n) {
        return strncmp(word, text, n) == 0 && word[n] == '\0';
}

bool config_slot_find(const char *name, size_t n, ConfigSlot *ret) {
        const char *dot = memrchr(name, '.', n), *last = dot ? dot + 1 : name;
        size_t n_section = dot ? (size_t) (dot - name) : 0, n_last = n - (size_t) (last - name);
        ConfigSlot slot = { 0 };

        while (config_slot_next(&slot))
                if (is_word(slot.key->name, last, n_last) && is_word(slot.section->name, name, n_section)) {
                        *ret = slot;
                        return true;
                }
        return false;
}

bool config_section_exists(const char *name) {
        for (const ConfigSection *section = config_sections; section->keys; section++)
                if (*name && strcmp(section->name, name) == 0)
                        return true;
        return false;
}

/* The same key in another section, or at the top: "memory" for "steps.memory". */
static bool find_elsewhere(const char *name, ConfigSlot *ret) {
        const char *dot = strchr(name, '.'), *last = dot ? dot + 1 : name;
        ConfigSlot slot = { 0 };

        while (config_slot_next(&slot))
                if (strcmp(slot.key->name, last) == 0) {
                        *ret = slot;
                        return true;
                }
        return false;
}

const char *config_slot_suggest(const char *name, char buffer[static CONFIG_NAME_MAX]) {
        char full[CONFIG_KEYS_MAX][CONFIG_NAME_MAX];
        const char *names[CONFIG_KEYS_MAX], *near;
        size_t n_names = 0;
        ConfigSlot slot = { 0 };

        while (config_slot_next(&slot) && n_names < CONFIG_KEYS_MAX) {
                names[n_names] = config_slot_name(&slot, full[n_names]);
                n_names++;
        }
        for (const ConfigSection *section = config_sections; section->keys && n_names < CONFIG_KEYS_MAX; section++)
                if (*section->name)
                        names[n_names++] = section->name;
        if (find_elsewhere(name, &slot))
                return config_slot_name(&slot, buffer);
        near = diag_suggest(name, names, n_names);
        if (!near)
                return NULL;
        (void) snprintf(buffer, CONFIG_NAME_MAX, "%s", near);
        return buffer;
}
