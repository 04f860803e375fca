/* Rules for the workflow as a whole. */

#include "base/strv.h"
#include "pipeline/lint-internal.h"

static const YamlNode *find_key(const YamlNode *mapping, const char *name) {
        for (size_t i = 0; i < mapping->n_pairs; i++)
                if (str_equal(mapping->pairs[i].key->text, name))
                        return mapping->pairs[i].key;
        return NULL;
}

/* The server leaves such a workflow out without a word. */
static void check_need(Lint *lint, const YamlNode *need) {
        const YamlNode *name = need->kind == YAML_MAPPING ? lint_get(need, "name") : need;
        char *const *all = lint->options->workflows;
        _cleanup_free_ char *shown = NULL;
        const char *near;
        Diag *diag;

        if (!name || !yaml_is_scalar(name) || name->kind == YAML_NULL || lint_is_true(yaml_get(need, "optional")) ||
            lint_is_variable(lint, name) || strv_contains(all, name->text))
                return;
        shown = str_escape(name->text, name->n_text, LINT_NAME_BYTES_MAX);
        diag = lint_add(lint, DIAG_WARNING, "unknown-workflow", name->mark,
                        "there is no workflow '%s': this one never runs", shown ? shown : "");
        near = diag_suggest(name->text, (const char *const *) all, strv_length(all));
        if (near)
                diag_set_hint(diag, "did you mean '%s'?", near);
        else
                diag_set_hint(diag, "a workflow has the name of its file, without '.yaml'");
}

static void check_needs(Lint *lint) {
        const YamlNode *needs = lint_get(lint->root, "depends_on");

        if (!needs || !lint->options->workflows)
                return;
        if (needs->kind != YAML_SEQUENCE)
                check_need(lint, needs);
        for (size_t i = 0; i < needs->n_items; i++)
                check_need(lint, needs->items[i]);
}

void lint_workflow(Lint *lint) {
        const YamlNode *runs_on = find_key(lint->root, "runs_on");

        check_needs(lint);
        if (runs_on)
                diag_set_hint(lint_add(lint, DIAG_WARNING, "deprecated", runs_on->mark, "'runs_on' is deprecated"),
                              "use 'when.status' of the workflow: 'when: {status: [success, failure]}'");
}
