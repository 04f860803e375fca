/* The configuration as people and programs see it. */

#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "config/key.h"
#include "document/yaml-write.h"

#define INDENT 2
#define COMMENT_COLUMN 44
#define NAME_SHOWN_MAX 300

static bool is_shown(const Config *config, const ConfigSlot *slot, unsigned flags) {
        return (flags & CONFIG_SHOW_DEFAULTS) || config->origins[slot->index].layer != CONFIG_DEFAULT;
}

static char *escape_name(const ConfigOrigin *origin) {
        return origin->name ? str_escape(origin->name, strlen(origin->name), NAME_SHOWN_MAX) : strdup("");
}

/* "/etc/podstep/podstep.yaml:3", "$DOCKER_HOST", "--set", "default". */
static char *describe(const Config *config, const ConfigSlot *slot) {
        const ConfigOrigin *origin = &config->origins[slot->index], *lock = &config->locks[slot->index];
        _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_free_ char *name = escape_name(origin), *lock_name = escape_name(lock);

        if (!name || !lock_name)
                return NULL;
        if (origin->layer == CONFIG_FILE)
                (void) str_appendf(&text, "%s:%u", name, origin->line);
        else if (origin->layer == CONFIG_DEFAULT)
                (void) str_append(&text, "default");
        else
                (void) str_appendf(&text, "%s%s", origin->layer == CONFIG_VARIABLE ? "$" : "", name);
        if (lock->layer != CONFIG_DEFAULT)
                (void) str_appendf(&text, ", locked by %s:%u", lock_name, lock->line);
        return str_take(&text);
}

static void put_value(const Config *config, const ConfigSlot *slot, const char *name, JsonWriter *w) {
        if (config->origins[slot->index].layer != CONFIG_DEFAULT)
                config_value_put(slot->key, config_field_of(config, slot), name, w);
        else if (slot->key->type == CONFIG_BOOL)
                json_put_bool(w, name, false);
        else if (slot->key->fallback)
                json_put_string(w, name, slot->key->fallback);
        else
                json_put_null(w, name);
}

static int make_value(const Config *config, const ConfigSlot *slot, Json **ret) {
        _cleanup_(json_unrefp) Json *json = NULL;
        _cleanup_free_ char *text = NULL;
        JsonWriter w = { 0 };
        int r;

        json_open_object(&w, NULL);
        put_value(config, slot, "value", &w);
        json_close(&w);
        if (json_finish(&w, false, &text) < 0)
                return -ENOMEM;
        r = json_parse(text, strlen(text), &json, NULL);
        if (r < 0)
                return r;
        *ret = json_object_get(json_object_object_get(json, "value"));
        return 0;
}

static int show_line(const Config *config, const ConfigSlot *slot, Str *out) {
        _cleanup_(json_unrefp) Json *value = NULL;
        _cleanup_free_ char *comment = describe(config, slot);
        unsigned indent = *slot->section->name ? INDENT : 0;
        int r = comment ? make_value(config, slot, &value) : -ENOMEM;

        if (r < 0)
                return r;
        (void) str_appendf(out, "%*s%s:", (int) indent, "", slot->key->name);
        if (slot->key->type != CONFIG_TEXT && json_object_is_type(value, json_type_string))
                (void) str_appendf(out, " %s%*s# %s\n", json_object_get_string(value),
                                   MAX(2, (int) (COMMENT_COLUMN - 2 - indent - strlen(slot->key->name) -
                                                 (size_t) json_object_get_string_len(value))),
                                   "", comment);
        else
                yaml_put_json(value, indent + INDENT, comment, COMMENT_COLUMN, out);
        return 0;
}

/* @section: only this one; NULL: all. */
static int show_text(const Config *config, const char *section, unsigned flags, Str *out) {
        const char *last = "";
        ConfigSlot slot = { 0 };
        int r = 0;

        while (r == 0 && config_slot_next(&slot)) {
                if (!is_shown(config, &slot, flags) || (section && !str_equal(section, slot.section->name)))
                        continue;
                if (!str_equal(last, slot.section->name))
                        (void) str_appendf(out, "%s:\n", slot.section->name);
                last = slot.section->name;
                r = show_line(config, &slot, out);
        }
        return r < 0 ? r : out->error;
}

static void put_origin(const ConfigOrigin *origin, const char *name, JsonWriter *w) {
        json_open_object(w, name);
        json_put_string(w, "kind", config_layer_to_string(origin->layer));
        json_put_string(w, "name", origin->name);
        if (origin->layer == CONFIG_FILE)
                json_put_uint(w, "line", origin->line);
        json_close(w);
}

static int show_json(const Config *config, const char *section, unsigned flags, Str *out) {
        _cleanup_free_ char *text = NULL;
        char name[CONFIG_NAME_MAX];
        ConfigSlot slot = { 0 };
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_put_strv_always(&w, "files", config->files);
        json_open_array(&w, "values");
        while (config_slot_next(&slot)) {
                if (!is_shown(config, &slot, flags) || (section && !str_equal(section, slot.section->name)))
                        continue;
                json_open_object(&w, NULL);
                json_put_string(&w, "key", config_slot_name(&slot, name));
                put_value(config, &slot, "value", &w);
                put_origin(&config->origins[slot.index], "origin", &w);
                if (config->locks[slot.index].layer != CONFIG_DEFAULT)
                        put_origin(&config->locks[slot.index], "locked", &w);
                json_close(&w);
        }
        json_close(&w);
        json_close(&w);
        if (json_finish(&w, true, &text) < 0)
                return -ENOMEM;
        (void) str_appendf(out, "%s\n", text);
        return out->error;
}

int config_show(const Config *config, unsigned flags, Str *out) {
        return flags & CONFIG_SHOW_JSON ? show_json(config, NULL, flags, out) : show_text(config, NULL, flags, out);
}

/* For scripts: nothing around it. */
static int show_bare(Json *value, Str *out) {
        size_t n = json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;

        switch (json_object_get_type(value)) {
        case json_type_array:
                for (size_t i = 0; i < n; i++)
                        (void) str_appendf(out, "%s\n", json_object_get_string(json_object_array_get_idx(value, i)));
                break;
        case json_type_object: {
                json_object_object_foreach(value, key, item)
                        (void) str_appendf(out, "%s=%s\n", key, json_object_get_string(item));
                break;
        }
        case json_type_null:
                break;
        default:
                (void) str_appendf(out, "%s\n", json_object_get_string(value));
        }
        return out->error;
}

int config_show_key(const Config *config, const char *key, unsigned flags, Str *out, Error **reterr) {
        _cleanup_(json_unrefp) Json *value = NULL;
        _cleanup_free_ char *shown = NULL;
        char buffer[CONFIG_NAME_MAX];
        const char *near;
        ConfigSlot slot;
        int r;

        if (config_section_exists(key))
                return flags & CONFIG_SHOW_JSON ? show_json(config, key, flags, out)
                                                : show_text(config, key, flags, out);
        if (config_slot_find(key, strlen(key), &slot)) {
                r = make_value(config, &slot, &value);
                if (r < 0 || !(flags & CONFIG_SHOW_JSON))
                        return r < 0 ? r : show_bare(value, out);
                (void) str_appendf(out, "%s\n",
                                   value ? json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN) : "null");
                return out->error;
        }
        shown = str_escape(key, strlen(key), NAME_SHOWN_MAX);
        near = config_slot_suggest(key, buffer);
        return error_set(reterr, EINVAL, "there is no key '%s'%s%s%s", shown ? shown : "",
                         near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}
