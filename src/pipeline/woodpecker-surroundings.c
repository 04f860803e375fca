/* What a workflow says of other workflows, which must be done before it, and of the agents that may run it. */

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "pipeline/woodpecker-internal.h"
#include "pipeline/woodpecker-keys.h"

#define LABELS_OF_THE_SERVER "woodpecker-ci.org" /* only the server itself sets these */
#define NAME_BYTES_SHOWN 60

typedef struct ConcurrencyKeys {
        const YamlNode *limit, *group;
} ConcurrencyKeys;

/* clang-format off */
static const Key concurrency_rows[] = {
        { "limit", KEY_TEXT, offsetof(ConcurrencyKeys, limit),
          .doc = "How many at a time, from 1." },
        { "group", KEY_TEXT, offsetof(ConcurrencyKeys, group),
          .doc = "Workflows of one group are counted together. Default: the workflow's name." },
};
/* clang-format on */

static const KeyTable concurrency_table = KEY_TABLE(concurrency_rows);
const KeyTable *const woodpecker_concurrency_keys = &concurrency_table;

static int add_need(Woodpecker *wp, const GraphNeed *need, Plan *plan) {
        PlanNeed copy = { .name = strdup(need->name), .mark = need->mark, .is_optional = need->is_optional };

        if (!copy.name || ARRAY_APPEND(plan->depends_on, plan->n_depends_on, copy) < 0) {
                free(copy.name);
                return -ENOMEM;
        }
        if (strcmp(need->name, plan->workflow) == 0)
                WOODPECKER_ERROR(wp, "circle", need->mark, "the workflow depends on itself");
        return 0;
}

static int read_depends_on(Woodpecker *wp, const YamlNode *list, Plan *plan) {
        GraphNode node = { 0 };
        int r = woodpecker_needs(wp, list, "workflow", &node);

        for (size_t i = 0; i < node.n_needs && r == 0; i++)
                r = add_need(wp, &node.needs[i], plan);
        graph_node_done(&node);
        return r;
}

static void apply_status(const char *status, Mark mark, Woodpecker *wp, Plan *plan) {
        _cleanup_free_ char *shown = NULL;

        if (strcmp(status, "success") == 0)
                plan->on_success = true;
        else if (strcmp(status, "failure") == 0)
                plan->on_failure = true;
        else {
                shown = str_escape(status, strlen(status), NAME_BYTES_SHOWN);
                diag_set_hint(WOODPECKER_ERROR(wp, "value", mark, "runs_on: there is no '%s'", shown ? shown : ""),
                              "it is 'success', 'failure', or both");
        }
}

/* 'when.status: failure' means whatever has become of the others; only 'runs_on' can say after failures alone. */
static void read_status(Woodpecker *wp, const YamlNode *runs_on, const Conditions *conditions, Plan *plan) {
        if (runs_on && yaml_is_scalar(runs_on))
                apply_status(runs_on->text, runs_on->mark, wp, plan);
        for (size_t i = 0; runs_on && i < runs_on->n_items; i++)
                apply_status(runs_on->items[i]->text, runs_on->items[i]->mark, wp, plan);
        if (conditions->on_failure)
                plan->on_success = plan->on_failure = true;
        if (!plan->on_failure)
                plan->on_success = true;
}

static int read_labels(Woodpecker *wp, const YamlNode *labels, Plan *plan) {
        int r = 0;

        for (size_t i = 0; labels && i < labels->n_pairs && r == 0; i++) {
                const YamlNode *key = labels->pairs[i].key, *value = labels->pairs[i].value;

                if (str_starts_with(key->text, LABELS_OF_THE_SERVER)) {
                        WOODPECKER_WARNING(wp, "label", key->mark, "labels of '%s' are the server's own, ignoring it",
                                           LABELS_OF_THE_SERVER);
                        continue;
                }
                if (value->kind == YAML_NULL)
                        r = strmap_put(&plan->labels, key->text, "");
                else if (key_check_text(value, "labels", wp->diags))
                        r = strmap_put(&plan->labels, key->text, value->text);
                else
                        wp->n_errors++;
        }
        return r;
}

/* Nothing is made of it here; but what a server takes or refuses is told here as well. */
static void check_concurrency(Woodpecker *wp, const YamlNode *node) {
        ConcurrencyKeys keys = { .limit = node };
        size_t n_errors = 0;

        if (!node)
                return;
        if (node->kind == YAML_MAPPING) {
                keys.limit = NULL;
                n_errors = keys_read(&concurrency_table, node, 0, "'concurrency'", &keys, wp->diags);
        }
        wp->n_errors += n_errors;
        if (keys.limit && keys.limit->kind != YAML_INT)
                diag_set_hint(WOODPECKER_ERROR(wp, "type", keys.limit->mark, "concurrency: expected a number, found %s",
                                               yaml_kind_name(keys.limit->kind)),
                              "write 'concurrency: 1' or 'concurrency: {limit: 1, group: name}'");
        else if (n_errors == 0 && (!keys.limit || keys.limit->integer < 1))
                WOODPECKER_WARNING(wp, "no-limit", (keys.limit ? keys.limit : node)->mark,
                                   "concurrency: without a 'limit' of 1 or more there is none");
}

int woodpecker_surroundings_compile(Woodpecker *wp, const SurroundingKeys *keys, const Conditions *conditions,
                                    Plan *plan) {
        int r;

        check_concurrency(wp, keys->concurrency);
        plan->skip_clone = key_bool(keys->skip_clone);
        read_status(wp, keys->runs_on, conditions, plan);
        r = read_depends_on(wp, keys->depends_on, plan);
        return r == 0 ? read_labels(wp, keys->labels, plan) : r;
}
