/*
 * Variables of the text before it is parsed. Nothing is known of the run, so each standard variable has a sample for
 * its value and each other one a placeholder: what is said of those is not held against the file.
 */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/strv.h"
#include "base/utf8.h"
#include "pipeline/lint-internal.h"
#include "pipeline/metadata.h"

#define VARIABLES_MAX 10000 /* that are looked at closely */
#define NAME_BYTES_SHOWN 60
#define PLACEHOLDER "x"

/* Source: pipeline/frontend/yaml/linter/linter.go (lintDeprecations). */
static const struct {
        const char *name, *instead;
} deprecated[] = {
        { "CI_COMMIT_PRERELEASE", "CI_PIPELINE_RELEASE_PRE" },
        { "CI_COMMIT_AUTHOR_AVATAR", "CI_PIPELINE_AVATAR" },
        { "CI_PREV_COMMIT_AUTHOR_AVATAR", "CI_PREV_PIPELINE_AVATAR" },
};

/* Set for a step when it is made or started: too late for '${}'. Source: reference section 5.1. */
static const char *const late[] = {
        "CI_MACHINE",         "CI_NETRC_MACHINE",   "CI_NETRC_PASSWORD", "CI_NETRC_USERNAME",
        "CI_PIPELINE_STATUS", "CI_SCRIPT",          "CI_STEP_NAME",      "CI_STEP_STARTED",
        "CI_STEP_TYPE",       "CI_SYSTEM_PLATFORM", "CI_WORKSPACE",
};

/* A run of which everything is known, in the form of Woodpecker's metadata files. */
#define JSON(...) #__VA_ARGS__
/* clang-format off */
static const char sample[] = JSON({
        "id": "1",
        "repo": {
                "id": 1, "name": "name", "owner": "owner", "remote_id": "1", "default_branch": "main",
                "forge_url": "https://forge.example/owner/name", "clone_url": "https://forge.example/owner/name.git",
                "clone_url_ssh": "git@forge.example:owner/name.git"
        },
        "curr": {
                "number": 1, "parent": 1, "rerun_count": 1, "created": 1700000000, "started": 1700000000,
                "event_reason": ["opened"], "forge_url": "https://forge.example/owner/name/1",
                "target": "production", "task": "task", "release": { "title": "title" },
                "author": "author", "avatar": "https://forge.example/author.png",
                "commit": {
                        "sha": "0123456789abcdef0123456789abcdef01234567", "ref": "refs/tags/v1.2.3",
                        "refspec": "topic:main", "branch": "main", "message": "message", "timestamp": 1700000000,
                        "author": { "name": "author", "email": "author@forge.example" },
                        "changed_files": ["file"], "labels": ["label"], "milestone": "milestone"
                }
        },
        "prev": {
                "number": 1, "parent": 1, "created": 1700000000, "started": 1700000000, "finished": 1700000000,
                "status": "success", "event": "pull_request", "event_reason": ["opened"],
                "forge_url": "https://forge.example/owner/name/1", "target": "production", "task": "task",
                "author": "author", "avatar": "https://forge.example/author.png",
                "commit": {
                        "sha": "0123456789abcdef0123456789abcdef01234567", "ref": "refs/heads/main",
                        "refspec": "topic:main", "branch": "main", "message": "message", "timestamp": 1700000000,
                        "author": { "name": "author", "email": "author@forge.example" }
                }
        },
        "workflow": { "name": "workflow", "number": 1 },
        "sys": { "name": "woodpecker", "host": "ci.example", "url": "https://ci.example", "version": "3.0.0" },
        "forge": { "type": "forgejo", "url": "https://forge.example" }
});
/* clang-format on */

/* Some variables are for certain events only. */
static int put_samples(Map *values) {
        static const char *const events[] = { "pull_request", "release", "push" };
        Metadata metadata;
        int r;

        metadata_init(&metadata);
        r = metadata_from_json(sample, strlen(sample), &metadata, NULL);
        FOREACH_ROW(event, events) {
                if (r == 0)
                        r = metadata_set(&metadata.curr.event, *event);
                if (r == 0)
                        r = metadata_to_environment(&metadata, values);
        }
        metadata_done(&metadata);
        FOREACH_ROW(name, late)
                (void) map_remove(values, *name);
        return r;
}

static bool is_name_character(char c) {
        return isalnum((unsigned char) c) || c == '_';
}

static bool is_late(const char *name) {
        FOREACH_ROW(row, late)
                if (strcmp(*row, name) == 0)
                        return true;
        return false;
}

static const char *instead_of(const char *name) {
        FOREACH_ROW(row, deprecated)
                if (strcmp(row->name, name) == 0)
                        return row->instead;
        return NULL;
}

/* What stands behind a name that gives a default. */
static bool is_default(const char *text) {
        return text[0] == '=' || (text[0] == ':' && text[1] && strchr("=-?+", text[1]));
}

/* The text on the way through. */
typedef struct Scan {
        const char *start, *at;
        bool is_comment;
        unsigned depth; /* of "${" on this line */
} Scan;

static void skip_character(Scan *scan) {
        const char *line;

        if (*scan->at == '}' && scan->depth > 0)
                scan->depth--;
        if (*scan->at == '\n' || *scan->at == '\r' || scan->at == scan->start) {
                line = *scan->at == '\n' || *scan->at == '\r' ? scan->at + 1 : scan->at;
                scan->is_comment = line[strspn(line, " \t")] == '#';
                scan->depth = 0;
        }
        scan->at++;
}

/* Reads "$NAME", "${NAME" or "$$NAME"; false if there is no name. */
static bool take_variable(Scan *scan, LintVariable *ret, const char **ret_name, size_t *ret_n) {
        const char *from = scan->at++, *name;
        bool is_escaped = *scan->at == '$', is_braced;

        scan->at += is_escaped;
        is_braced = *scan->at == '{';
        name = scan->at + is_braced;
        if (is_braced && *name == '#')
                name++;
        for (*ret_n = 0; is_name_character(name[*ret_n]); ++*ret_n)
                ;
        *ret_name = name;
        *ret = (LintVariable){
                .offset = (size_t) (from - scan->start),
                .n = (size_t) (name + *ret_n - from),
                .is_braced = is_braced && !is_escaped,
                .has_default = is_default(name + *ret_n) || scan->depth > 0,
                .is_comment = scan->is_comment,
        };
        if (*ret_n == 0)
                return false;
        scan->depth += ret->is_braced;
        scan->at = name + *ret_n;
        return true;
}

static int note(LintVariables *variables, const LintVariable *variable) {
        bool has_value = map_has(&variables->values, variable->name) && !map_has(&variables->unknown, variable->name);

        /* A default says what the value may look like. */
        if (variable->is_braced && !variable->has_default && !has_value) {
                if (strmap_put(&variables->values, variable->name, PLACEHOLDER) < 0 ||
                    map_put_take(&variables->unknown, variable->name, NULL) < 0)
                        return -ENOMEM;
        }
        if ((!variable->is_braced || has_value) && !instead_of(variable->name))
                return 1;
        if (variables->n_variables == VARIABLES_MAX)
                return 1;
        return ARRAY_APPEND(variables->variables, variables->n_variables, *variable);
}

int lint_variables_find(const Source *source, const LintOptions *options, LintVariables *ret) {
        LintVariables variables = { .values = STRMAP_INIT, .unknown = MAP_INIT(NULL) };
        Scan scan = { .start = source->text, .at = source->text };
        const char *name;
        size_t n;
        int r;

        scan.is_comment = source->text[strspn(source->text, " \t")] == '#';
        r = put_samples(&variables.values);
        if (r == 0 && options->environment)
                r = strmap_update(&variables.values, options->environment);
        while (r >= 0 && *scan.at) {
                LintVariable variable;

                if (*scan.at != '$') {
                        skip_character(&scan);
                        continue;
                }
                if (!take_variable(&scan, &variable, &name, &n))
                        continue;
                variable.name = strndup(name, n);
                r = variable.name ? note(&variables, &variable) : -ENOMEM;
                if (r != 0)
                        free(variable.name);
        }
        *ret = variables;
        return MIN(r, 0);
}

static const char *suggest(const LintVariables *variables, const char *name) {
        _cleanup_free_ const char **names = calloc(map_size(&variables->values) + 1, sizeof(*names));
        size_t n_names = 0;

        if (!names)
                return NULL;
        MAP_FOREACH(entry, &variables->values)
                if (str_starts_with(entry->key, "CI_") && !map_has(&variables->unknown, entry->key))
                        names[n_names++] = entry->key;
        return diag_suggest(name, names, n_names);
}

static void report_unknown(Lint *lint, const LintVariables *variables, const LintVariable *variable, Mark mark) {
        const char *name = variable->name, *near = NULL;
        Diag *diag;

        if (is_late(name)) {
                diag = lint_add(lint, DIAG_WARNING, "late-variable", mark,
                                "'%s' is not set before the step runs: nothing is put here", name);
                diag_set_hint(diag, "'$%s', or '$${%s}', is left to the shell", name, name);
                return;
        }
        if (str_starts_with(name, "CI_")) {
                near = suggest(variables, name);
                diag = lint_add(lint, DIAG_WARNING, "unset-variable", mark,
                                "there is no variable '%s': nothing is put here", name);
        } else
                diag = lint_add(lint, DIAG_WARNING, "unset-variable", mark,
                                "variable '%s' is not set: nothing is put here", name);
        if (near)
                diag_set_hint(diag, "did you mean '%s'?", near);
        else
                diag_set_hint(diag, "'$${%s}' is left to the shell; '--env %s=VALUE' sets it for the file", name, name);
}

void lint_variables_know(LintVariables *variables, const Matrix *matrix) {
        for (size_t i = 0; i < matrix->n_combinations; i++)
                MAP_FOREACH(axis, &matrix->combinations[i])
                        (void) map_remove(&variables->unknown, axis->key);
}

/* Finding a place in a long line is work: what is only counted gets one that no other has. */
static Mark mark_of(const Lint *lint, const LintVariable *variable) {
        Mark mark;

        if (lint->diags->n_diags >= DIAG_LIST_MAX)
                return (Mark){ 0, (uint32_t) variable->offset, 0 };
        mark = source_mark_at(lint->source, variable->offset);
        mark.n_columns = (uint32_t) variable->n;
        return mark;
}

void lint_variables_report(Lint *lint, const LintVariables *variables) {
        for (size_t i = 0; i < variables->n_variables; i++) {
                const LintVariable *variable = &variables->variables[i];
                const char *instead = instead_of(variable->name);
                Mark mark;

                if (variable->is_comment || strlen(variable->name) > NAME_BYTES_SHOWN)
                        continue;
                mark = mark_of(lint, variable);
                if (instead)
                        diag_set_hint(
                                lint_add(lint, DIAG_WARNING, "deprecated", mark, "'%s' is deprecated", variable->name),
                                "use '%s'", instead);
                else if (!variable->has_default && map_has(&variables->unknown, variable->name))
                        report_unknown(lint, variables, variable, mark);
        }
}

bool lint_variables_decide(const LintVariables *variables, const char *text, size_t n) {
        for (const char *at = text, *end = text + n; at < end && (at = memmem(at, (size_t) (end - at), "${", 2));
             at += 2) {
                const char *from = at + 2;
                _cleanup_free_ char *name = NULL;
                size_t k = 0;

                while (from + k < end && is_name_character(from[k]))
                        k++;
                name = strndup(from, k);
                if (name && map_has(&variables->unknown, name))
                        return true;
        }
        return false;
}

void lint_variables_done(LintVariables *variables) {
        for (size_t i = 0; i < variables->n_variables; i++)
                free(variables->variables[i].name);
        free(variables->variables);
        map_done(&variables->values);
        map_done(&variables->unknown);
}
