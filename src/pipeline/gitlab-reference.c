/* '!reference [job, key, ...]': the value of another place of the file. Nodes are shared, nothing is copied. */

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "pipeline/gitlab-internal.h"

/* "a, b": for messages */
static char *show_path(const YamlNode *path) {
        _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);

        for (size_t i = 0; i < path->n_items; i++) {
                const YamlNode *item = path->items[i];
                _cleanup_free_ char *shown = yaml_is_scalar(item)
                                                     ? str_escape(item->text, item->n_text, GITLAB_TEXT_BYTES_SHOWN)
                                                     : strdup("...");

                (void) str_appendf(&text, "%s%s", i > 0 ? ", " : "", shown ? shown : "");
        }
        return str_take(&text);
}

static YamlNode *find(YamlNode *root, const YamlNode *path) {
        const YamlNode *node = root;

        for (size_t i = 0; i < path->n_items && node; i++)
                node = yaml_is_scalar(path->items[i]) ? yaml_get(node, path->items[i]->text) : NULL;
        return (YamlNode *) node;
}

/* Takes what stands there; a fault leaves nothing in its place. */
static int follow(Gitlab *gl, YamlDocument *document, YamlNode **place) {
        const YamlNode *first = *place;
        unsigned n = 0;

        while (*place && (*place)->is_reference) {
                _cleanup_free_ char *shown = show_path(*place);
                YamlNode *target = (*place)->n_items > 0 ? find(document->root, *place) : NULL;

                if (!shown)
                        return -ENOMEM;
                if (!target) {
                        diag_set_hint(GITLAB_ERROR(gl, "reference", (*place)->mark, "'!reference [%s]' leads nowhere",
                                                   shown),
                                      "it names a job of this file, and a key of it: '!reference [.setup, script]'");
                        return 0;
                }
                if (++n > GITLAB_NESTING_MAX) {
                        GITLAB_ERROR(gl, "reference", first->mark, "'!reference [%s]' leads to more than %d others",
                                     shown, GITLAB_NESTING_MAX);
                        return 0;
                }
                *place = target;
        }
        return 0;
}

int gitlab_references_follow(Gitlab *gl, YamlDocument *document) {
        int r = 0;

        for (size_t i = 0; i < document->n_nodes && r == 0; i++) {
                YamlNode *node = document->nodes[i];

                for (size_t k = 0; !node->is_reference && k < node->n_items && r == 0; k++)
                        r = follow(gl, document, &node->items[k]);
                for (size_t k = 0; k < node->n_pairs && r == 0; k++)
                        r = follow(gl, document, &node->pairs[k].value);
        }
        return r;
}
