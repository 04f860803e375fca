/* The services of a job: containers beside its own, each with the names that GitLab Runner would give it. */

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/parse.h"
#include "base/strv.h"
#include "pipeline/gitlab-container.h"
#include "pipeline/gitlab-keys.h"
#include "pipeline/gitlab-service.h"
#include "pipeline/name.h"
#include "pipeline/plan-ports.h"

/* The names in 'alias'. */
static int explicit_aliases(GitlabReader *reader, char ***aliases) {
        _cleanup_free_ char *text = NULL;
        Gitlab *gl = reader->gitlab;
        int r;

        if (!reader->keys.alias)
                return 0;
        r = gitlab_container_expand(reader, reader->keys.alias, &text);
        for (char *c = text, *save = NULL; c && r == 0;) {
                const char *word = strtok_r(c, " ,\t\n", &save);

                c = word ? save : NULL;
                if (!word)
                        break;
                if (!step_host_name_is_valid(word))
                        GITLAB_ERROR(gl, "value", reader->keys.alias->mark, "alias: '%s' cannot be the name of a host",
                                     word);
                else
                        r = strv_append(aliases, word);
        }
        return r;
}

static bool has_name(const PlanStep *step, const char *name) {
        return strv_contains(step->host_names, name) || str_equal(step->alias, name);
}

static const PlanStep *find_taken(const Plan *plan, const char *name) {
        for (size_t i = 0; i < plan->n_steps; i++)
                if (has_name(plan->steps[i], name))
                        return plan->steps[i];
        return NULL;
}

static bool label_is_taken(const Plan *plan, const char *alias) {
        if (strcmp(alias, GITLAB_BUILD_ALIAS) == 0)
                return true;
        return find_taken(plan, alias);
}

/* The first name that is a DNS label is the host's; one is made where there is none: each container has such a name. */
static int set_alias(const Plan *plan, PlanStep *step, char *const *names) {
        _cleanup_free_ char *made = NULL;
        int r;

        STRV_FOREACH(name, names) {
                _cleanup_free_ char *alias = NULL;

                r = step_name_to_alias(*name, &alias);
                if (r < 0)
                        return r;
                if (alias && strcmp(alias, *name) == 0 && !label_is_taken(plan, alias)) {
                        step->alias = TAKE_PTR(alias);
                        return 0;
                }
        }
        r = step_name_to_alias(step->name, &made);
        for (unsigned i = 2; r == 0 && (!made || label_is_taken(plan, made)); i++) {
                free(made);
                made = str_printf("service-%u", i);
                r = made ? 0 : -ENOMEM;
        }
        step->alias = TAKE_PTR(made);
        return r;
}

/* First come, first served, as with the runner. 1: nobody could reach it. */
static int take_names(GitlabReader *reader, Plan *plan, PlanStep *step, char *const *names) {
        _cleanup_strv_ char **own = NULL;
        Gitlab *gl = reader->gitlab;
        int r = 0;

        STRV_FOREACH(name, names) {
                const PlanStep *other = find_taken(plan, *name);

                if (strv_contains(own, *name))
                        continue;
                if (other || strcmp(*name, GITLAB_BUILD_ALIAS) == 0)
                        GITLAB_WARNING(gl, "alias", step->mark, "%s is not reached as '%s': that is %s%s",
                                       reader->owner, *name, other ? "service " : "the job itself",
                                       other ? other->name : "");
                else
                        r = strv_append(&own, *name);
                if (r < 0)
                        return r;
        }
        if (!own)
                return 1;
        r = set_alias(plan, step, own);
        if (r < 0)
                return r;
        STRV_FOREACH(name, own)
                if (r == 0 && strcmp(*name, step->alias) != 0)
                        r = strv_append(&step->host_names, *name);
        return r;
}

static int leave_out(Plan *plan, const PlanStep *step) {
        PlanLeftOut entry = {
                .name = strdup(step->name),
                .why = strdup("another service has all its names"),
                .mark = step->mark,
                .why_mark = step->mark,
                .is_service = true,
        };

        if (entry.name && entry.why && ARRAY_APPEND(plan->left_out, plan->n_left_out, entry) == 0)
                return 0;
        free(entry.name);
        free(entry.why);
        return -ENOMEM;
}

/* Secrets are the job's; a service gets those that its own variables name. */
static int compile_variables(GitlabReader *reader, PlanStep *step) {
        const YamlNode *map = reader->keys.variables;
        GitlabVariables own;
        int r;

        r = gitlab_variables_to_step(reader->variables, false, step);
        gitlab_variables_init(&own);
        if (r == 0)
                r = gitlab_variables_read(reader->gitlab, map, false, reader->owner, &own);
        MAP_FOREACH(entry, &own.map) {
                const GitlabVariable *variable = entry->value;
                _cleanup_free_ char *value = NULL;
                bool is_secret = false;

                if (r < 0)
                        break;
                if (variable->is_raw)
                        value = strdup(variable->value);
                else
                        r = gitlab_expand(reader->variables, variable->value, &value, &is_secret);
                if (r == -E2BIG) {
                        Gitlab *gl = reader->gitlab;

                        GITLAB_ERROR(gl, "too-large", variable->mark, "variable '%s' becomes larger than 128 KiB",
                                     entry->key);
                        r = 0;
                } else if (r == 0) {
                        (void) map_remove(is_secret ? &step->environment : &step->secret_environment, entry->key);
                        r = value ? strmap_put(is_secret ? &step->secret_environment : &step->environment, entry->key,
                                               value)
                                  : -ENOMEM;
                }
        }
        gitlab_variables_done(&own);
        return r;
}

/* Of any of its variables, as the runner looks for it: in capitals or not. */
static int compile_port(GitlabReader *reader, PlanStep *step) {
        PlanPort port = { 0 };
        uint64_t number;

        MAP_FOREACH(entry, &step->environment) {
                _cleanup_free_ char *shown = NULL;
                Gitlab *gl = reader->gitlab;

                if (strcasecmp(entry->key, PLAN_PORT_VARIABLE) != 0)
                        continue;
                if (parse_u64(entry->value, &number) == 0 && number >= 1 && number <= UINT16_MAX) {
                        port = (PlanPort) { .number = (uint16_t) number, .protocol = strdup("tcp") };
                        if (port.protocol && ARRAY_APPEND(step->ports, step->n_ports, port) == 0)
                                return 0;
                        free(port.protocol);
                        return -ENOMEM;
                }
                shown = str_escape(entry->value, strlen(entry->value), GITLAB_TEXT_BYTES_SHOWN);
                GITLAB_ERROR(gl, "value", step->mark, "%s: " PLAN_PORT_VARIABLE " is '%s', which is no port",
                             reader->owner, shown ? shown : "");
        }
        return 0;
}

/* "postgres", "postgres (2)": unique, for people. */
static char *service_name(const Plan *plan, const char *image) {
        _cleanup_free_ char *shown = str_escape(image, strlen(image), GITLAB_TEXT_BYTES_SHOWN), *name = NULL;

        if (!shown)
                return NULL;
        name = strdup(shown);
        for (unsigned i = 2; name; i++) {
                bool is_taken = false;

                for (size_t k = 0; k < plan->n_steps; k++)
                        is_taken |= strcmp(plan->steps[k]->name, name) == 0;
                if (!is_taken)
                        break;
                free(name);
                name = str_printf("%s (%u)", shown, i);
        }
        return TAKE_PTR(name);
}

static int compile_names(GitlabReader *reader, Plan *plan, PlanStep *step) {
        _cleanup_strv_ char **names = NULL;
        bool is_unknown = reader->gitlab->context->is_lint && strchr(reader->name->text, '$');
        int r;

        if (!step->image || is_unknown)
                return 1;
        r = gitlab_service_aliases(step->image, &names);
        if (r == -EINVAL)
                return 1; /* that it is no image was told */
        if (r == 0)
                r = explicit_aliases(reader, &names);
        return r == 0 ? take_names(reader, plan, step, names) : r;
}

static PlanStep *new_service(const GitlabReader *reader, const Plan *plan) {
        _cleanup_(plan_step_freep) PlanStep *step = calloc(1, sizeof(*step));

        if (!step)
                return NULL;
        step->environment = step->secret_environment = STRMAP_INIT;
        step->kind = STEP_SERVICE;
        step->style = SCRIPT_STRICT;
        step->detach = step->on_success = true;
        step->failure = STEP_FAILURE_IGNORE;
        step->mark = reader->name->mark;
        step->workspace_base = strdup(GITLAB_BUILDS_DIRECTORY);
        step->directory = strdup(plan->workspace);
        return step->workspace_base && step->directory ? TAKE_PTR(step) : NULL;
}

static int compile_service(GitlabReader *reader, const YamlNode *node) {
        Plan *plan = reader->job->plan;
        _cleanup_(plan_step_freep) PlanStep *step = NULL;
        size_t n_errors = reader->gitlab->n_errors;
        int r;

        r = gitlab_container_read(reader, node, gitlab_service_keys);
        if (r != 0)
                return MIN(r, 0);
        step = new_service(reader, plan);
        if (!step)
                return -ENOMEM;
        r = gitlab_container_compile(reader, step);
        if (r == 0)
                r = compile_variables(reader, step);
        if (r == 0 && !reader->gitlab->context->is_lint)
                r = compile_port(reader, step);
        if (r < 0 || !step->image)
                return r;
        step->name = service_name(plan, step->image);
        if (!step->name)
                return -ENOMEM;
        r = compile_names(reader, plan, step);
        if (r != 0)
                return r == 1 && reader->gitlab->n_errors == n_errors ? leave_out(plan, step) : MIN(r, 0);
        if (reader->gitlab->n_errors > n_errors)
                return 0;
        if (ARRAY_APPEND(plan->steps, plan->n_steps, step) < 0)
                return -ENOMEM;
        plan->n_services++;
        (void) TAKE_PTR(step);
        return 0;
}

int gitlab_services_compile(Gitlab *gl, const GitlabJob *job, const GitlabVariables *variables) {
        _cleanup_free_ const YamlNode **items = NULL;
        size_t n_items = 0;
        int r;

        r = gitlab_list_flatten(gl, job->keys.services, "services", GITLAB_SERVICES_MAX, &items, &n_items);
        for (size_t i = 0; i < n_items && r == 0; i++) {
                _cleanup_free_ char *owner = str_printf("a service of %s", job->owner);
                GitlabReader reader = {
                        .gitlab = gl, .job = job, .variables = variables, .owner = owner, .noun = "service"
                };

                r = owner ? compile_service(&reader, items[i]) : -ENOMEM;
        }
        return r;
}
