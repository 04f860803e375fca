/*
 * 'when': one map of conditions, all of which must hold, or a list of maps, one of which must.
 * Source: pipeline/frontend/yaml/constraint/.
 */

#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "document/json.h"
#include "pipeline/glob.h"
#include "pipeline/metadata.h"
#include "pipeline/woodpecker-internal.h"
#include "pipeline/woodpecker-keys.h"
#include "pipeline/woodpecker-matrix.h"

#define FILES_BYTES_MAX (1024U * 1024)
#define TEXT_BYTES_SHOWN 100

typedef struct WhenKeys {
        const YamlNode *branch, *cron, *evaluate, *event, *instance, *local, *matrix, *path, *platform, *ref, *repo,
                *status;
} WhenKeys;

static const char *const events[] = {
        "push",   "pull_request", "pull_request_closed", "pull_request_metadata",
        "tag",    "release",      "deployment",          "cron",
        "manual", NULL,
};
static const char *const statuses[] = { "success", "failure", NULL };

/* clang-format off */
static const Key when_rows[] = {
        { "event", KEY_STRINGS, offsetof(WhenKeys, event),
          .hint = "since Woodpecker 3.0 it is one or a list of them, without 'include' and 'exclude'",
          .doc = "What has happened: ``push``, ``pull_request``, ``tag``, ``cron``, ``manual``, ..." },
        { "branch", KEY_STRINGS_OR_MAP, offsetof(WhenKeys, branch),
          .doc = "Patterns for the branch, for a pull request the one it goes to. Not looked at for tags." },
        { "ref", KEY_STRINGS_OR_MAP, offsetof(WhenKeys, ref),
          .doc = "Patterns for the ref, e.g. ``refs/tags/v*``." },
        { "repo", KEY_STRINGS_OR_MAP, offsetof(WhenKeys, repo),
          .doc = "Patterns for ``owner/name`` of the repository." },
        { "instance", KEY_STRINGS_OR_MAP, offsetof(WhenKeys, instance),
          .doc = "Patterns for the host name of the server." },
        { "platform", KEY_STRINGS_OR_MAP, offsetof(WhenKeys, platform),
          .doc = "Patterns for the platform, e.g. ``linux/amd64``." },
        { "cron", KEY_STRINGS_OR_MAP, offsetof(WhenKeys, cron),
          .doc = "Patterns for the name of the cron job. Looked at for the event ``cron`` only." },
        { "matrix", KEY_MAP, offsetof(WhenKeys, matrix), IN_STEP,
          .hint = "only steps can be chosen by their combination of a matrix",
          .doc = "Patterns for the values of the matrix, by axis; ``include`` and ``exclude`` with such maps too." },
        { "path", KEY_STRINGS_OR_MAP, offsetof(WhenKeys, path),
          .doc = "Patterns for the files a push or pull request changes; ``ignore_message``, ``on_empty`` too." },
        { "evaluate", KEY_TEXT, offsetof(WhenKeys, evaluate),
          .doc = "An expression over the variables: ``CI_COMMIT_AUTHOR == \"x\"``." },
        { "status", KEY_STRINGS, offsetof(WhenKeys, status),
          .doc = "After what it runs: ``success`` (the default), ``failure``, or both." },
        { "local", KEY_BOOL, offsetof(WhenKeys, local),
          .doc = "``false``: not in local runs." },
        { "environment", KEY_REFUSED,
          .hint = "since Woodpecker 3.0: 'evaluate: CI_PIPELINE_DEPLOY_TARGET == \"production\"'" },
        { "tag", KEY_REFUSED, .hint = "'event: tag', with 'ref: refs/tags/...' for some of them" },
};

/* { include, exclude } of patterns, and what 'path' may hold besides. */
typedef struct PatternKeys {
        const YamlNode *include, *exclude, *ignore_message, *on_empty;
} PatternKeys;

static const Key pattern_rows[] = {
        { "include", KEY_STRINGS, offsetof(PatternKeys, include),
          .doc = "One of these must match." },
        { "exclude", KEY_STRINGS, offsetof(PatternKeys, exclude),
          .doc = "None of these may match; for ``path``: not all files may match one of these." },
        { "ignore_message", KEY_TEXT, offsetof(PatternKeys, ignore_message), IN_PATH,
          .hint = "it belongs to 'path'",
          .doc = "Whatever has changed, if the commit's message holds this." },
        { "on_empty", KEY_BOOL, offsetof(PatternKeys, on_empty), IN_PATH,
          .hint = "it belongs to 'path'",
          .doc = "What to do if nothing has changed. Default: ``true``." },
};
/* clang-format on */

static const KeyTable when_table = KEY_TABLE(when_rows), pattern_table = KEY_TABLE(pattern_rows);
const KeyTable *const woodpecker_when_keys = &when_table, *const woodpecker_pattern_keys = &pattern_table;

/* What a run says of itself, to compare with. */
static const char *value_of(const Woodpecker *wp, const char *name) {
        const char *value = strmap_get(&wp->values, name);

        return value ? value : "";
}

static bool is_pull(const char *event) {
        return str_starts_with(event, "pull_request");
}

void conditions_done(Conditions *conditions) {
        free(conditions->why);
}

/* One map of 'when' while it is read. */
typedef struct Constraint {
        Woodpecker *woodpecker;
        const char *event;
        bool matches;
        char *why; /* the first condition that does not hold */
        Mark why_mark;
        int error;
} Constraint;

/* @value: what does not match, NULL: @text says it all */
static void fail(Constraint *c, const YamlNode *node, const char *text, const char *value) {
        _cleanup_free_ char *shown = value ? str_escape(value, strlen(value), TEXT_BYTES_SHOWN) : NULL;

        c->matches = false;
        if (c->why)
                return;
        if (value && !*value)
                c->why = str_printf("%s: this run has none", text);
        else
                c->why = value ? str_printf("%s '%s'", text, shown ? shown : "") : strdup(text);
        c->why_mark = node->mark;
        if (!c->why)
                c->error = -ENOMEM;
}

/* The @i-th of a text or a list of texts; NULL behind the last. */
static const YamlNode *item_at(const YamlNode *node, size_t i) {
        if (!node || yaml_is_scalar(node))
                return i == 0 ? node : NULL;
        return i < node->n_items ? node->items[i] : NULL;
}

static bool has_match(Constraint *c, const YamlNode *patterns, const char *text) {
        const YamlNode *item;
        bool matches = false;

        for (size_t i = 0; (item = item_at(patterns, i)) && !matches && c->error == 0; i++) {
                int r = glob_match(item->text, text, &c->woodpecker->work);

                if (r == -E2BIG) {
                        WOODPECKER_ERROR(c->woodpecker, "pattern", item->mark,
                                         "the patterns up to here are too much work");
                        return false;
                }
                c->error = MIN(r, 0);
                matches = r > 0;
        }
        return matches;
}

static void check_patterns(Constraint *c, const YamlNode *patterns) {
        const YamlNode *item;

        for (size_t i = 0; (item = item_at(patterns, i)); i++) {
                const char *fault = glob_fault(item->text);

                if (fault)
                        WOODPECKER_WARNING(c->woodpecker, "pattern", item->mark, "this pattern never matches: %s",
                                           fault);
        }
}

static bool is_empty(const YamlNode *node) {
        return !item_at(node, 0);
}

/* Patterns as a text, a list, or a map of both; false with a fault. */
static bool read_patterns(Constraint *c, const char *name, const YamlNode *node, unsigned place, PatternKeys *ret) {
        Woodpecker *wp = c->woodpecker;
        size_t n_errors = wp->n_errors;

        *ret = (PatternKeys) { 0 };
        if (node->kind == YAML_MAPPING)
                wp->n_errors += keys_read(&pattern_table, node, place, name, ret, wp->diags);
        else
                ret->include = node;
        if (wp->n_errors > n_errors)
                return false;
        check_patterns(c, ret->include);
        check_patterns(c, ret->exclude);
        return true;
}

static void match_patterns(Constraint *c, const char *name, const YamlNode *node, const char *value) {
        _cleanup_free_ char *text = str_printf("its '%s' does not match", name);
        PatternKeys keys;

        if (!node || !read_patterns(c, name, node, IN_PATTERNS, &keys))
                return;
        if (has_match(c, keys.exclude, value) || (!is_empty(keys.include) && !has_match(c, keys.include, value)))
                fail(c, node, text ? text : "", value);
}

static void match_path(Constraint *c, const YamlNode *node) {
        char *const *files = c->woodpecker->changed_files;
        bool is_all_excluded = true, is_some_included = false;
        PatternKeys keys;

        if (!node || !read_patterns(c, "path", node, IN_PATH, &keys))
                return;
        if (!is_pull(c->event) && strcmp(c->event, "push") != 0)
                return;
        if (keys.ignore_message && *keys.ignore_message->text &&
            strcasestr(value_of(c->woodpecker, "CI_COMMIT_MESSAGE"), keys.ignore_message->text))
                return;
        if (!files) {
                if (keys.on_empty && !key_bool(keys.on_empty))
                        fail(c, node, "no files have changed", NULL);
                return;
        }
        STRV_FOREACH(file, files) {
                is_all_excluded &= has_match(c, keys.exclude, *file);
                is_some_included |= has_match(c, keys.include, *file);
        }
        if (!is_empty(keys.exclude) && is_all_excluded)
                fail(c, node, "all changed files are excluded by its 'path'", NULL);
        else if (!is_empty(keys.include) && !is_some_included)
                fail(c, node, "no changed file matches its 'path'", NULL);
}

/* The pair's pattern against the value of its axis. */
static bool matches_axis(Constraint *c, const YamlPair *pair) {
        const Map *axes = c->woodpecker->context->axes;
        const char *value = axes ? strmap_get(axes, pair->key->text) : NULL;

        return has_match(c, pair->value, value ? value : "");
}

static bool check_axes(Constraint *c, const YamlNode *map) {
        Woodpecker *wp = c->woodpecker;
        size_t n_errors = wp->n_errors;

        for (size_t i = 0; i < map->n_pairs; i++)
                if (key_check_text(map->pairs[i].value, "matrix", wp->diags))
                        check_patterns(c, map->pairs[i].value);
                else
                        wp->n_errors++;
        return wp->n_errors == n_errors;
}

static void fail_matrix(Constraint *c, const YamlNode *node) {
        const Map *axes = c->woodpecker->context->axes;
        _cleanup_free_ char *combination = axes ? matrix_format(axes) : NULL;

        if (combination)
                fail(c, node, "its 'matrix' does not match", combination);
        else
                fail(c, node, "there is no matrix to match its 'matrix'", NULL);
}

/* All of a map must match; false for an empty one. */
static bool matches_all_axes(Constraint *c, const YamlNode *map) {
        for (size_t i = 0; i < map->n_pairs; i++)
                if (!matches_axis(c, &map->pairs[i]))
                        return false;
        return map->n_pairs > 0;
}

/* Patterns by axis, which must all match; maps 'include', the same, and 'exclude', which must not match as a whole. */
static void match_matrix(Constraint *c, const YamlNode *node) {
        const YamlNode *exclude = NULL;
        bool matches = true;

        for (size_t i = 0; node && i < node->n_pairs; i++) {
                const YamlPair *pair = &node->pairs[i];
                bool is_map = pair->value->kind == YAML_MAPPING;

                if (is_map && strcmp(pair->key->text, "exclude") == 0)
                        exclude = check_axes(c, pair->value) ? pair->value : NULL;
                else if (is_map && strcmp(pair->key->text, "include") == 0)
                        matches &= check_axes(c, pair->value) &&
                                   (pair->value->n_pairs == 0 || matches_all_axes(c, pair->value));
                else if (check_axes(c, &(YamlNode) { .pairs = &node->pairs[i], .n_pairs = 1 }))
                        matches &= matches_axis(c, pair);
        }
        if (!matches || (exclude && matches_all_axes(c, exclude)))
                fail_matrix(c, node);
}

/* A typo here would leave a step out for ever, or never. */
static void check_words(Constraint *c, const char *name, const YamlNode *node, const char *const *words) {
        const YamlNode *item;

        for (size_t i = 0; (item = item_at(node, i)); i++) {
                _cleanup_free_ char *shown = str_escape(item->text, item->n_text, TEXT_BYTES_SHOWN);
                const char *near = diag_suggest(item->text, words, strv_length((char *const *) words));
                Diag *diag;

                if (strv_contains((char *const *) words, item->text))
                        continue;
                diag = WOODPECKER_ERROR(c->woodpecker, "value", item->mark, "%s: there is no '%s'", name,
                                        shown ? shown : "");
                if (near)
                        diag_set_hint(diag, "did you mean '%s'?", near);
        }
}

static bool has_word(const YamlNode *node, const char *word) {
        const YamlNode *item;

        for (size_t i = 0; (item = item_at(node, i)); i++)
                if (strcmp(item->text, word) == 0)
                        return true;
        return false;
}

static void match_event(Constraint *c, const YamlNode *node) {
        check_words(c, "event", node, events);
        if (!is_empty(node) && !has_word(node, c->event))
                fail(c, node, "its 'event' does not hold", c->event);
}

static void evaluate(Constraint *c, const YamlNode *node) {
        bool holds = true;
        int r;

        if (!woodpecker_container_has(node))
                return;
        r = woodpecker_evaluate(c->woodpecker, node, &holds);
        if (r < 0)
                c->error = r;
        if (!holds)
                fail(c, node, "its 'evaluate' is false:", node->text);
}

static void match_all(Constraint *c, const WhenKeys *keys) {
        Woodpecker *wp = c->woodpecker;

        match_event(c, keys->event);
        match_patterns(c, "platform", keys->platform, value_of(wp, "CI_SYSTEM_PLATFORM"));
        match_patterns(c, "repo", keys->repo, value_of(wp, "CI_REPO"));
        match_patterns(c, "ref", keys->ref, value_of(wp, "CI_COMMIT_REF"));
        match_patterns(c, "instance", keys->instance, value_of(wp, "CI_SYSTEM_HOST"));
        match_path(c, keys->path);
        if (strcmp(c->event, "tag") != 0)
                match_patterns(c, "branch", keys->branch, value_of(wp, "CI_COMMIT_BRANCH"));
        if (strcmp(c->event, "cron") == 0)
                match_patterns(c, "cron", keys->cron, wp->context->cron ? wp->context->cron : "");
        match_matrix(c, keys->matrix);
        evaluate(c, keys->evaluate);
}

/* One map of conditions. */
static int read_constraint(Woodpecker *wp, const YamlNode *node, unsigned place, const char *owner, Conditions *ret) {
        Constraint c = { .woodpecker = wp, .event = value_of(wp, "CI_PIPELINE_EVENT"), .matches = true };
        WhenKeys keys = { 0 };

        wp->n_errors += keys_read(&when_table, node, place, owner, &keys, wp->diags);
        match_all(&c, &keys);
        check_words(&c, "status", keys.status, statuses);
        if (c.matches) {
                ret->matches = true;
                ret->on_success |= is_empty(keys.status) || has_word(keys.status, "success");
                ret->on_failure |= has_word(keys.status, "failure");
        } else if (!ret->why) {
                ret->why = TAKE_PTR(c.why);
                ret->why_mark = c.why_mark;
        }
        free(c.why);
        return c.error;
}

/* One 'local: false' is enough, whatever else holds: podstep's own runs are local. */
static int apply_local(const YamlNode *node, Conditions *ret) {
        const YamlNode *local = node->kind == YAML_MAPPING ? yaml_get(node, "local") : NULL;

        if (!local || !yaml_is_scalar(local) || local->kind == YAML_NULL || key_bool(local))
                return 0;
        ret->matches = false;
        free(ret->why);
        ret->why_mark = local->mark;
        ret->why = strdup("it is not for local runs");
        return ret->why ? 0 : -ENOMEM;
}

static void refuse(Woodpecker *wp, const YamlNode *node, const char *expected) {
        Diag *diag = WOODPECKER_ERROR(wp, "type", node->mark, "when: expected %s, found %s", expected,
                                      yaml_kind_name(node->kind));

        for (size_t i = 0; yaml_is_scalar(node) && metadata_events[i]; i++)
                if (strcmp(metadata_events[i], node->text) == 0)
                        diag_set_hint(diag, "write 'event: %s'", node->text);
}

int woodpecker_when(Woodpecker *wp, const YamlNode *node, bool is_step, const char *owner, Conditions *ret) {
        _cleanup_free_ char *when = str_printf("'when' of %s", owner);
        unsigned place = is_step ? IN_STEP : IN_WORKFLOW;
        int r = 0;

        if (!when)
                return -ENOMEM;
        if (!node || (node->kind == YAML_SEQUENCE && node->n_items == 0)) {
                *ret = (Conditions) { .matches = true, .on_success = true };
                return 0;
        }
        *ret = (Conditions) { 0 };
        if (node->kind == YAML_MAPPING)
                r = read_constraint(wp, node, place, when, ret);
        else if (node->kind != YAML_SEQUENCE)
                refuse(wp, node, "a map or a list of maps");
        for (size_t i = 0; i < node->n_items && r == 0; i++) {
                if (node->items[i]->kind == YAML_MAPPING)
                        r = read_constraint(wp, node->items[i], place, when, ret);
                else
                        refuse(wp, node->items[i], "a map");
        }
        if (r == 0)
                r = apply_local(node, ret);
        for (size_t i = 0; i < node->n_items && r == 0; i++)
                r = apply_local(node->items[i], ret);
        ret->matches |= wp->context->is_lint;
        if (ret->matches) { /* one that does not hold stood beside one that does */
                free(ret->why);
                ret->why = NULL;
        }
        return r;
}

int woodpecker_changed_files(const Woodpecker *wp, char ***ret) {
        const char *text = strmap_get(&wp->values, "CI_PIPELINE_FILES");
        _cleanup_strv_ char **files = NULL;
        _cleanup_(json_unrefp) Json *list = NULL;
        size_t n;

        if (wp->context->changed_files)
                return strv_copy(wp->context->changed_files, ret);
        if (!text || strlen(text) > FILES_BYTES_MAX || json_parse(text, strlen(text), &list, NULL) < 0 ||
            !json_object_is_type(list, json_type_array))
                return 0;
        n = json_object_array_length(list);
        for (size_t i = 0; i < n; i++) {
                const char *file = json_find_string(json_object_array_get_idx(list, i), "");

                if (file && strv_append(&files, file) < 0)
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(files);
        return 0;
}
