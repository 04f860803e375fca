/* Variables of a job: which value counts, and what the variables in a value hold. */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "pipeline/gitlab-internal.h"
#include "pipeline/gitlab-keys.h"

#define VARIABLES_MAX 5000                   /* of one map */
#define VARIABLE_BYTES_MAX (128U * 1024 - 1) /* the kernel takes no longer one (MAX_ARG_STRLEN) */
#define DEPTH_MAX 100                        /* of variables that hold variables */

typedef struct VariableKeys {
        const YamlNode *description, *expand, *options, *value;
} VariableKeys;

/* clang-format off */
static const Key gitlab_variable_rows[] = {
        { "value", KEY_TEXT, offsetof(VariableKeys, value), .takes_null = true,
          .doc = "What it holds." },
        { "description", KEY_TEXT, offsetof(VariableKeys, description), IN_FILE,
          .hint = "only variables of the file can have one",
          .doc = "What it is for; shown where pipelines are started by hand." },
        { "options", KEY_TEXTS, offsetof(VariableKeys, options), IN_FILE,
          .hint = "only variables of the file can have them",
          .doc = "The values it may have; ``value`` must be one of them." },
        { "expand", KEY_BOOL, offsetof(VariableKeys, expand),
          .doc = "Whether variables in the value are put in. Default: ``true``." },
};
/* clang-format on */

static const KeyTable variable_table = KEY_TABLE(gitlab_variable_rows);
const KeyTable *const gitlab_variable_keys = &variable_table;

static void variable_free(void *value) {
        GitlabVariable *variable = value;

        if (variable && variable->value)
                explicit_bzero(variable->value, strlen(variable->value));
        if (variable)
                free(variable->value);
        free(variable);
}

void gitlab_variables_init(GitlabVariables *variables) {
        variables->map = MAP_INIT(variable_free);
}

void gitlab_variables_done(GitlabVariables *variables) {
        map_done(&variables->map);
}

int gitlab_variables_put(GitlabVariables *variables, const char *name, const char *value, const GitlabVariable *kind) {
        GitlabVariable *variable = calloc(1, sizeof(*variable));

        if (!variable)
                return -ENOMEM;
        *variable = *kind;
        variable->value = strdup(value);
        if (!variable->value) {
                free(variable);
                return -ENOMEM;
        }
        return map_put_take(&variables->map, name, variable);
}

int gitlab_variables_update(GitlabVariables *variables, const GitlabVariables *from) {
        int r = 0;

        MAP_FOREACH(entry, &from->map) {
                const GitlabVariable *variable = entry->value;

                if (r == 0)
                        r = gitlab_variables_put(variables, entry->key, variable->value, variable);
        }
        return r;
}

static void check_options(Gitlab *gl, const char *name, const VariableKeys *keys) {
        if (!keys->options || !keys->value)
                return;
        for (size_t i = 0; i < keys->options->n_items; i++)
                if (strcmp(keys->options->items[i]->text, keys->value->text) == 0)
                        return;
        GITLAB_ERROR(gl, "value", keys->value->mark, "variable '%s': the value is none of its 'options'", name);
}

/* *ret stays NULL where there was a fault. */
static void read_value(Gitlab *gl, const char *name, const YamlNode *node, bool is_of_file, const YamlNode **ret,
                       bool *ret_is_raw) {
        _cleanup_free_ char *owner = str_printf("variable '%s'", name);
        VariableKeys keys = { 0 };
        size_t n_errors;

        if (node->kind != YAML_MAPPING) {
                if (node->kind == YAML_NULL || key_check_text(node, owner ? owner : name, gl->diags))
                        *ret = node;
                else
                        gl->n_errors++;
                return;
        }
        n_errors = keys_read(&variable_table, node, is_of_file ? IN_FILE : IN_JOB, owner ? owner : name, &keys,
                             gl->diags);
        gl->n_errors += n_errors;
        check_options(gl, name, &keys);
        *ret_is_raw = keys.expand && !key_bool(keys.expand);
        if (keys.value)
                *ret = keys.value;
        else if (n_errors == 0)
                GITLAB_ERROR(gl, "value", node->mark, "%s has no 'value'", owner ? owner : name);
}

static int read_variable(Gitlab *gl, const YamlPair *pair, bool is_of_file, GitlabVariables *variables) {
        _cleanup_free_ char *shown = str_escape(pair->key->text, pair->key->n_text, GITLAB_TEXT_BYTES_SHOWN);
        const YamlNode *value = NULL;
        GitlabVariable kind = { 0 };

        if (!shown)
                return -ENOMEM;
        if (pair->key->n_text == 0 || strchr(pair->key->text, '=')) {
                GITLAB_ERROR(gl, "variable", pair->key->mark, "'%s' cannot be the name of a variable", shown);
                return 0;
        }
        read_value(gl, shown, pair->value, is_of_file, &value, &kind.is_raw);
        if (!value)
                return 0;
        if (value->n_text > VARIABLE_BYTES_MAX) {
                GITLAB_ERROR(gl, "too-large", value->mark, "variable '%s' is larger than 128 KiB", shown);
                return 0;
        }
        gl->n_expanded_bytes += value->n_text;
        kind.mark = value->mark;
        return gitlab_variables_put(variables, pair->key->text, value->kind == YAML_NULL ? "" : value->text, &kind);
}

int gitlab_variables_read(Gitlab *gl, const YamlNode *map, bool is_of_file, const char *owner,
                          GitlabVariables *variables) {
        int r = 0;

        if (!map)
                return 0;
        if (map->n_pairs > VARIABLES_MAX) {
                GITLAB_ERROR(gl, "too-many", map->mark, "%s has more than %d variables", owner, VARIABLES_MAX);
                return 0;
        }
        for (size_t i = 0; i < map->n_pairs && r == 0; i++)
                r = read_variable(gl, &map->pairs[i], is_of_file, variables);
        return r;
}

static bool is_name_start(char c) {
        return isalpha((unsigned char) c) || c == '_';
}

/* A variable in a text: $NAME, ${NAME}, %NAME%. */
typedef struct Found {
        const char *name;
        size_t n_name, n; /* n: of the whole */
        char sign;        /* '$' or '%' */
} Found;

static bool find_at(const char *text, Found *ret) {
        bool has_brace = text[0] == '$' && text[1] == '{';
        const char *name = text + 1 + has_brace, *end = name;

        if ((text[0] != '$' && text[0] != '%') || !is_name_start(*name))
                return false;
        while (is_name_start(*end) || isdigit((unsigned char) *end))
                end++;
        if ((has_brace && *end != '}') || (text[0] == '%' && *end != '%'))
                return false;
        *ret = (Found){ .name = name, .n_name = (size_t) (end - name), .sign = text[0] };
        ret->n = (size_t) (end - text) + (has_brace || text[0] == '%');
        return true;
}

typedef const GitlabVariable *(*Lookup)(const char *name, void *userdata);

/*
 * GitLab's own expansion leaves what it does not know, and '$$'; the runner's, which comes after it, makes them empty,
 * and '$'. This is both in one. '%NAME%' only GitLab knows.
 */
static int expand(const char *text, Lookup lookup, void *userdata, Str *out, bool *ret_is_secret) {
        while (*text && out->error == 0) {
                size_t n = strcspn(text, "$%");
                _cleanup_free_ char *name = NULL;
                const GitlabVariable *variable;
                Found found;

                (void) str_append_n(out, text, n);
                text += n;
                if (!find_at(text, &found)) {
                        n = text[0] == '$' && text[1] == '$' ? 2 : text[0] != '\0';
                        (void) str_append_n(out, text, n > 0);
                        text += n;
                        continue;
                }
                name = strndup(found.name, found.n_name);
                if (!name)
                        return -ENOMEM;
                variable = lookup(name, userdata);
                if (variable)
                        (void) str_append(out, variable->value);
                else if (found.sign == '%')
                        (void) str_append_n(out, text, found.n);
                if (variable && ret_is_secret)
                        *ret_is_secret |= variable->is_secret;
                text += found.n;
        }
        return out->error;
}

static const GitlabVariable *look_up(const char *name, void *userdata) {
        return map_get(&((const GitlabVariables *) userdata)->map, name);
}

int gitlab_expand(const GitlabVariables *variables, const char *text, char **ret, bool *ret_is_secret) {
        _cleanup_str_ Str out = STR_INIT(VARIABLE_BYTES_MAX);
        char *expanded;
        int r;

        if (ret_is_secret)
                *ret_is_secret = false;
        r = expand(text, look_up, (void *) variables, &out, ret_is_secret);
        if (r < 0)
                return r;
        expanded = str_take(&out);
        if (!expanded)
                return -ENOMEM;
        *ret = expanded;
        return 0;
}

/* On the way through variables that hold variables. */
typedef struct Expansion {
        Gitlab *gitlab;
        GitlabVariables *variables;
        unsigned depth;
        const char *name; /* of the variable whose value is looked at */
        int error;
} Expansion;

static void expand_variable(Expansion *expansion, const char *name, GitlabVariable *variable);

/* What a variable names that is just being expanded is a circle; what names itself means the value of outside: none. */
static const GitlabVariable *look_up_deep(const char *name, void *userdata) {
        Expansion *expansion = userdata;
        GitlabVariable *variable = map_get(&expansion->variables->map, name);
        Gitlab *gl = expansion->gitlab;

        if (!variable || expansion->error < 0)
                return NULL;
        if (strcmp(name, expansion->name) == 0) {
                GITLAB_WARNING(gl, "variable", variable->mark,
                               "variable '%s' names itself: there it is empty, not what the image has set", name);
                return NULL;
        }
        if (variable->is_expanding) {
                GITLAB_ERROR(gl, "circle", variable->mark, "variables '%s' and '%s' hold each other", name,
                             expansion->name);
                return NULL;
        }
        expand_variable(expansion, name, variable);
        return variable;
}

static void note_too_large(Expansion *expansion, const char *name, Mark mark) {
        Gitlab *gl = expansion->gitlab;

        if (gl->n_expanded_bytes > GITLAB_EXPANDED_BYTES_MAX)
                GITLAB_ERROR(gl, "too-large", mark, "with all variables put in, the jobs are larger than %u MiB",
                             GITLAB_EXPANDED_BYTES_MAX >> 20);
        else
                GITLAB_ERROR(gl, "too-large", mark, "variable '%s' becomes larger than 128 KiB", name);
        expansion->error = -E2BIG;
}

static void expand_variable(Expansion *expansion, const char *name, GitlabVariable *variable) {
        _cleanup_str_ Str out = STR_INIT(VARIABLE_BYTES_MAX);
        const char *outer = expansion->name;
        Gitlab *gl = expansion->gitlab;
        char *expanded;
        int r;

        if (variable->is_expanded || variable->is_raw || variable->is_known || !strpbrk(variable->value, "$%"))
                return;
        if (expansion->depth == DEPTH_MAX) {
                GITLAB_ERROR(gl, "too-deep", variable->mark, "more than %d variables hold each the next", DEPTH_MAX);
                expansion->error = -E2BIG;
                return;
        }
        expansion->depth++;
        expansion->name = name;
        variable->is_expanding = true;
        r = expand(variable->value, look_up_deep, expansion, &out, &variable->is_secret);
        variable->is_expanding = false;
        expansion->name = outer;
        expansion->depth--;
        gl->n_expanded_bytes += out.n;
        if (r == -E2BIG || gl->n_expanded_bytes > GITLAB_EXPANDED_BYTES_MAX) {
                if (expansion->error == 0)
                        note_too_large(expansion, name, variable->mark);
                return;
        }
        expanded = r < 0 ? NULL : str_take(&out);
        if (!expanded) {
                expansion->error = -ENOMEM;
                return;
        }
        free(variable->value);
        variable->value = expanded;
        variable->is_expanded = true;
}

int gitlab_variables_expand(Gitlab *gl, GitlabVariables *variables) {
        Expansion expansion = { .gitlab = gl, .variables = variables };

        MAP_FOREACH(entry, &variables->map)
                if (expansion.error == 0)
                        expand_variable(&expansion, entry->key, entry->value);
        return expansion.error == -ENOMEM ? -ENOMEM : 0;
}

int gitlab_variables_to_step(const GitlabVariables *variables, bool secrets, PlanStep *step) {
        int r = 0;

        MAP_FOREACH(entry, &variables->map) {
                const GitlabVariable *variable = entry->value;

                if (r < 0 || (variable->is_secret && !secrets))
                        continue;
                (void) map_remove(variable->is_secret ? &step->environment : &step->secret_environment, entry->key);
                r = strmap_put(variable->is_secret ? &step->secret_environment : &step->environment, entry->key,
                               variable->value);
        }
        return r;
}
