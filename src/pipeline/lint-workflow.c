/* Rules for the workflow as a whole. */

#include <errno.h>

#include "pipeline/lint-internal.h"

/* 'when' is for certain events if each of its entries is. */
static bool has_event_filter(const YamlNode *when) {
        if (!when || yaml_is_scalar(when))
                return false;
        if (when->kind == YAML_MAPPING)
                return lint_get(when, "event") != NULL;
        for (size_t i = 0; i < when->n_items; i++)
                if (!lint_get(when->items[i], "event"))
                        return false;
        return when->n_items > 0;
}

static const YamlNode *find_key(const YamlNode *mapping, const char *name) {
        for (size_t i = 0; i < mapping->n_pairs; i++)
                if (str_equal(mapping->pairs[i].key->text, name))
                        return mapping->pairs[i].key;
        return NULL;
}

void lint_workflow(Lint *lint) {
        const YamlNode *runs_on = find_key(lint->root, "runs_on");

        lint->has_event_filter = has_event_filter(yaml_get(lint->root, "when"));
        if (runs_on)
                diag_set_hint(lint_add(lint, DIAG_WARNING, "deprecated", runs_on->mark, "'runs_on' is deprecated"),
                              "use 'when.status' of the workflow: 'when: {status: [success, failure]}'");
}
