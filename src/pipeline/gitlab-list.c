/* Lists, in which references may have put lists: they become flat. */

#include <errno.h>

#include "base/array.h"
#include "base/strv.h"
#include "pipeline/gitlab-internal.h"

/* A list may hold itself by a reference, so depth and count are bounded. */
typedef struct Flat {
        Gitlab *gitlab;
        const char *key;
        size_t n_max, n_seen, n_items;
        const YamlNode **items;
        bool is_over;
} Flat;

static void refuse(Flat *flat, const YamlNode *node, const char *rule, size_t bound, const char *what) {
        Gitlab *gl = flat->gitlab;

        GITLAB_ERROR(gl, rule, node->mark, "%s: more than %zu %s", flat->key, bound, what);
        flat->is_over = true;
}

static int flatten(Flat *flat, const YamlNode *node, unsigned depth) {
        int r = 0;

        if (node->kind != YAML_SEQUENCE) {
                if (flat->n_items == flat->n_max) {
                        refuse(flat, node, "too-many", flat->n_max, "entries");
                        return 0;
                }
                return ARRAY_APPEND(flat->items, flat->n_items, node);
        }
        if (depth == GITLAB_NESTING_MAX)
                refuse(flat, node, "too-deep", GITLAB_NESTING_MAX, "lists in each other");
        else if (++flat->n_seen > flat->n_max)
                refuse(flat, node, "too-many", flat->n_max, "lists");
        for (size_t i = 0; i < node->n_items && r == 0 && !flat->is_over; i++)
                r = flatten(flat, node->items[i], depth + 1);
        return r;
}

int gitlab_list_flatten(Gitlab *gl, const YamlNode *node, const char *key, size_t n_max, const YamlNode ***ret,
                        size_t *ret_n) {
        Flat flat = { .gitlab = gl, .key = key, .n_max = n_max };
        int r = node ? flatten(&flat, node, 0) : 0;

        if (r < 0 || flat.is_over) {
                free(flat.items);
                return r;
        }
        *ret = flat.items;
        *ret_n = flat.n_items;
        return 0;
}

/* 1: that is enough. */
static int add_text(Gitlab *gl, const YamlNode *node, const char *key, char ***texts) {
        if (node->kind != YAML_STRING) {
                gl->n_errors++;
                key_hint_item(diag_add(gl->diags, DIAG_ERROR, "type", node->mark, "%s: expected a string, found %s",
                                       key, yaml_kind_name(node->kind)),
                              node);
                return 0;
        }
        if (!key_check_text(node, key, gl->diags)) {
                gl->n_errors++;
                return 0;
        }
        gl->n_expanded_bytes += node->n_text;
        if (gl->n_expanded_bytes <= GITLAB_EXPANDED_BYTES_MAX)
                return strv_append(texts, node->text);
        GITLAB_ERROR(gl, "too-large", node->mark,
                     "with all that is referred to written out, the jobs are larger than %u MiB",
                     GITLAB_EXPANDED_BYTES_MAX >> 20);
        return 1;
}

int gitlab_texts_read(Gitlab *gl, const YamlNode *node, const char *key, size_t n_max, char ***texts) {
        _cleanup_free_ const YamlNode **items = NULL;
        size_t n_items = 0;
        int r;

        r = gitlab_list_flatten(gl, node, key, n_max, &items, &n_items);
        for (size_t i = 0; i < n_items && r == 0; i++)
                r = add_text(gl, items[i], key, texts);
        return MIN(r, 0);
}
