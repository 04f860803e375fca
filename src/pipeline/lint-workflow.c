/* Rules for the workflow as a whole. */

#include <errno.h>

#include "pipeline/lint-internal.h"

static const YamlNode *find_key(const YamlNode *mapping, const char *name) {
        for (size_t i = 0; i < mapping->n_pairs; i++)
                if (str_equal(mapping->pairs[i].key->text, name))
                        return mapping->pairs[i].key;
        return NULL;
}

void lint_workflow(Lint *lint) {
        const YamlNode *runs_on = find_key(lint->root, "runs_on");

        if (runs_on)
                diag_set_hint(lint_add(lint, DIAG_WARNING, "deprecated", runs_on->mark, "'runs_on' is deprecated"),
                              "use 'when.status' of the workflow: 'when: {status: [success, failure]}'");
}
