/* 'when': one map of conditions, all of which must hold, or a list of maps, one of which must. */

#include <errno.h>
#include <string.h>

#include "pipeline/woodpecker-internal.h"

typedef struct WhenKeys {
        const YamlNode *status;
} WhenKeys;

/* clang-format off */
static const Key when_rows[] = {
        { "status", KEY_STRINGS, offsetof(WhenKeys, status),
          .doc = "After what it runs: ``success`` (the default), ``failure``, or both." },
};
/* clang-format on */

static const KeyTable when_table = KEY_TABLE(when_rows);

static void read_status(Woodpecker *wp, const YamlNode *node, Conditions *conditions) {
        if (strcmp(node->text, "success") == 0)
                conditions->on_success = true;
        else if (strcmp(node->text, "failure") == 0)
                conditions->on_failure = true;
        else
                WOODPECKER_ERROR(wp, "value", node->mark, "status: expected 'success' or 'failure'");
}

static void read_constraint(Woodpecker *wp, const YamlNode *node, const char *owner, Conditions *conditions) {
        WhenKeys keys = { 0 };

        wp->n_errors += keys_read(&when_table, node, 0, owner, &keys, wp->diags);
        conditions->matches = true;
        if (!keys.status || (keys.status->kind == YAML_SEQUENCE && keys.status->n_items == 0))
                conditions->on_success = true;
        else if (yaml_is_scalar(keys.status))
                read_status(wp, keys.status, conditions);
        for (size_t i = 0; keys.status && i < keys.status->n_items; i++)
                read_status(wp, keys.status->items[i], conditions);
}

int woodpecker_when(Woodpecker *wp, const YamlNode *node, bool is_step, const char *owner, Conditions *ret) {
        _cleanup_free_ char *when = str_printf("'when' of %s", owner);

        if (!when)
                return -ENOMEM;
        *ret = (Conditions) { .matches = !node, .on_success = !node };
        if (!node)
                return 0;
        if (node->kind == YAML_MAPPING)
                read_constraint(wp, node, when, ret);
        else if (node->kind != YAML_SEQUENCE)
                WOODPECKER_ERROR(wp, "type", node->mark, "when: expected a map or a list of maps, found %s",
                                 yaml_kind_name(node->kind));
        for (size_t i = 0; i < node->n_items; i++) {
                if (node->items[i]->kind == YAML_MAPPING)
                        read_constraint(wp, node->items[i], when, ret);
                else
                        WOODPECKER_ERROR(wp, "type", node->items[i]->mark, "when: expected a map, found %s",
                                         yaml_kind_name(node->items[i]->kind));
        }
        return 0;
}
