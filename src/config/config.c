#include "config/config.h"

#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "config/key.h"

const char *config_layer_to_string(ConfigLayer layer) {
        static const char *const names[_CONFIG_LAYER_MAX] = { "default", "file", "variable", "option" };

        return names[layer];
}

int config_init(Config *config) {
        *config = (Config) { 0 };
        policy_init(&config->policy);
        config->origins = calloc(CONFIG_KEYS_MAX, sizeof(*config->origins));
        config->locks = calloc(CONFIG_KEYS_MAX, sizeof(*config->locks));
        if (config->origins && config->locks)
                return 0;
        config_done(config);
        return -ENOMEM;
}

/* Values are freed by their rows: what no row knows is never set. */
void config_done(Config *config) {
        ConfigSlot slot = { 0 };

        while (config_slot_next(&slot))
                config_value_clear(slot.key, config_field(config, &slot));
        policy_done(&config->policy);
        strv_free(config->files);
        strv_free(config->names);
        free(config->origins);
        free(config->locks);
        *config = (Config) { 0 };
}

static size_t index_of(const char *key) {
        ConfigSlot slot;
        bool is_found = config_slot_find(key, strlen(key), &slot);

        assert(is_found);
        return slot.index;
}

const ConfigOrigin *config_origin(const Config *config, const char *key) {
        return &config->origins[index_of(key)];
}

const ConfigOrigin *config_lock(const Config *config, const char *key) {
        const ConfigOrigin *lock = &config->locks[index_of(key)];

        return lock->layer != CONFIG_DEFAULT ? lock : NULL;
}

bool config_is_set(const Config *config, const char *key) {
        return config_origin(config, key)->layer != CONFIG_DEFAULT;
}
