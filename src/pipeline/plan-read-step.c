/* One step or service of a plan, and what it waits for. */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "pipeline/graph.h"
#include "pipeline/image-reference.h"
#include "pipeline/name.h"
#include "pipeline/plan-read-internal.h"

#define NEEDS_MAX 200000 /* of all steps together */
#define HOST_NAMES_MAX 100

static int read_name(const PlanReader *reader, const Place *place, Json *json, void *field) {
        const char *fault;
        int r = plan_read_text(reader, place, json, field);

        if (r < 0)
                return r;
        fault = step_name_fault(*(char **) field, strlen(*(char **) field));
        return fault ? plan_fault(reader, place, "it cannot be a name: %s", fault) : 0;
}

static int read_word(const PlanReader *reader, const Place *place, Json *json, const char *(*name_of)(int), int n,
                     int *ret) {
        _cleanup_str_ Str names = STR_INIT(1024);
        _cleanup_free_ char *text = NULL;
        int r = plan_read_line(reader, place, json, &text);

        if (r < 0)
                return r;
        for (int i = 0; i < n; i++) {
                if (str_equal(name_of(i), text)) {
                        *ret = i;
                        return 0;
                }
                (void) str_appendf(&names, "%s%s", i > 0 ? ", " : "", name_of(i));
        }
        return plan_fault(reader, place, "expected one of %s", str_get(&names));
}

static const char *kind_name(int i) {
        return step_kind_to_string((StepKind) i);
}

static const char *failure_name(int i) {
        return step_failure_to_string((StepFailure) i);
}

static const char *style_name(int i) {
        return script_style_to_string((ScriptStyle) i);
}

static int read_kind(const PlanReader *reader, const Place *place, Json *json, void *field) {
        int i, r = read_word(reader, place, json, kind_name, _STEP_KIND_MAX, &i);

        if (r >= 0)
                *(StepKind *) field = (StepKind) i;
        return r;
}

static int read_failure(const PlanReader *reader, const Place *place, Json *json, void *field) {
        int i, r = read_word(reader, place, json, failure_name, _STEP_FAILURE_MAX, &i);

        if (r >= 0)
                *(StepFailure *) field = (StepFailure) i;
        return r;
}

static int read_style(const PlanReader *reader, const Place *place, Json *json, void *field) {
        int i, r = read_word(reader, place, json, style_name, _SCRIPT_STYLE_MAX, &i);

        if (r >= 0)
                *(ScriptStyle *) field = (ScriptStyle) i;
        return r;
}

static int read_alias(const PlanReader *reader, const Place *place, Json *json, void *field) {
        _cleanup_free_ char *alias = NULL;
        int r = plan_read_line(reader, place, json, field);

        if (r >= 0 && step_name_to_alias(*(char **) field, &alias) < 0)
                return plan_no_memory(reader);
        if (r >= 0 && (!alias || !str_equal(alias, *(char **) field)))
                r = plan_fault(reader, place, "expected a DNS label: lower case letters, digits and '-'");
        return r;
}

static int read_host_names(const PlanReader *reader, const Place *place, Json *json, void *field) {
        int r = plan_check_array(reader, place, json, HOST_NAMES_MAX);

        if (r >= 0)
                r = plan_read_lines(reader, place, json, field);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(json); i++)
                if (!step_host_name_is_valid((*(char ***) field)[i]))
                        r = plan_fault(reader, PLACE_AT(place, i), "it cannot be the name of a host");
        return r;
}

/* It becomes a part of a request's address. */
static int read_platform(const PlanReader *reader, const Place *place, Json *json, void *field) {
        int r = plan_read_line(reader, place, json, field);

        for (const char *c = r >= 0 ? *(char **) field : ""; *c && r >= 0; c++)
                if (!isalnum((unsigned char) *c) && !strchr("/._-", *c))
                        r = plan_fault(reader, place, "expected a platform such as linux/arm64");
        return r;
}

static int read_pull(const PlanReader *reader, const Place *place, Json *json, void *field) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_free_ char *text = NULL;
        int r = plan_read_line(reader, place, json, &text);

        if (r < 0)
                return r;
        r = pull_list_parse(text, field, &error);
        if (r == -ENOMEM)
                return plan_no_memory(reader);
        return r < 0 ? plan_fault(reader, place, "%s", error_message(error, r)) : 0;
}

static int read_missing(const PlanReader *reader, const Place *place, Json *json, void *field) {
        PlanStep *step = field;
        _cleanup_strv_ char **names = NULL;
        int r = plan_read_lines(reader, place, json, &names);

        if (r < 0)
                return r;
        step->missing_secrets = calloc(strv_length(names) + 1, sizeof(*step->missing_secrets));
        if (!step->missing_secrets)
                return plan_no_memory(reader);
        for (size_t i = 0; names[i]; i++) {
                step->missing_secrets[step->n_missing_secrets++].name = names[i];
                names[i] = NULL;
        }
        return 0;
}

static const PlanKey when_keys[] = {
        { "success", plan_read_bool, offsetof(PlanStep, on_success), .is_required = true },
        { "failure", plan_read_bool, offsetof(PlanStep, on_failure), .is_required = true },
};

static int read_when(const PlanReader *reader, const Place *place, Json *json, void *field) {
        return plan_read_object(reader, place, json, when_keys, ELEMENTSOF(when_keys), field);
}

/* What follows from the rest is told for people and programs, and made anew: a plan that lies there says nothing. */
static int read_level(const PlanReader *reader, const Place *place, Json *json, void *field) {
        int64_t level;

        return plan_read_number(reader, place, json, PLAN_STEPS_MAX, &level);
}

#define FIELD(name) offsetof(PlanStep, name)
#define OF_ALL                                                                                                         \
        { "name", read_name, FIELD(name), .is_required = true },                                                       \
        { "type", read_kind, FIELD(kind), .is_required = true },                                                       \
        { "line", plan_read_mark, FIELD(mark) },                                                                       \
        { "alias", read_alias, FIELD(alias) },                                                                         \
        { "host_names", read_host_names, FIELD(host_names) },                                                          \
        { "pull", read_pull, FIELD(pull) },                                                                            \
        { "directory", plan_read_path, FIELD(directory), .is_required = true },                                        \
        { "workspace_base", plan_read_path, FIELD(workspace_base), .is_required = true },                              \
        { "environment", plan_read_map, FIELD(environment) },                                                          \
        { "privileged", plan_read_bool, FIELD(privileged) },                                                           \
        { "level", read_level, 0 },                                                                                    \
        { "needs", plan_read_later, 0 },                                                                               \
        { "when", read_when, 0, .is_required = true },                                                                 \
        { "failure", read_failure, FIELD(failure) },                                                                   \
        { "detach", plan_read_bool, FIELD(detach) }

static const PlanKey step_keys[] = {
        OF_ALL,
        { "image", plan_read_line, FIELD(image) },
        { "reference", plan_read_line, FIELD(image_reference) },
        { "platform", read_platform, FIELD(platform) },
        { "commands", plan_read_texts, FIELD(commands) },
        { "after_commands", plan_read_texts, FIELD(after_commands) },
        { "script_style", read_style, FIELD(style) },
        { "entrypoint", plan_read_texts, FIELD(entrypoint) },
        { "arguments", plan_read_texts, FIELD(arguments) },
        { "secret_environment", plan_read_later, 0 },
        { "missing_secrets", read_missing, 0 },
        { "user", plan_read_line, FIELD(user) },
        { "volumes", plan_read_volumes, 0 },
        { "tmpfs", plan_read_tmpfs, 0 },
        { "devices", plan_read_devices, 0 },
        { "network_mode", plan_read_line, FIELD(network_mode) },
        { "dns", plan_read_dns, FIELD(dns) },
        { "dns_search", plan_read_lines, FIELD(dns_search) },
        { "extra_hosts", plan_read_extra_hosts, 0 },
        { "ports", plan_read_ports, 0 },
        { "ready", plan_read_ready, 0 },
};
/* Without an image, git of this machine fetches the repository: nothing that is a container's has a place there. */
static const PlanKey clone_keys[] = { OF_ALL };

/*
 * The lists of allowed images are about what is written; what runs is the reference. So that is made of the image, and
 * if the plan tells one it must be the same.
 */
static int check_reference(const PlanReader *reader, const Place *place, PlanStep *step) {
        const char *registry = reader->reading->registry;
        _cleanup_free_ char *told = TAKE_PTR(step->image_reference), *here = NULL, *hint = NULL;
        _cleanup_(error_freep) Error *error = NULL;
        int r = image_reference_qualify(step->image, &step->image_reference, &hint, &error);

        if (r >= 0 && registry && image_reference_is_short(step->image)) {
                free(hint);
                hint = NULL;
                r = image_reference_qualify_in(registry, step->image, &here, &hint, &error);
        }
        if (r < 0)
                return r == -ENOMEM ? plan_no_memory(reader)
                                    : plan_fault(reader, PLACE_KEY(place, "image"), "%s", error_message(error, r));
        if (told && !str_equal(told, here ? here : step->image_reference))
                return plan_fault(reader, PLACE_KEY(place, "reference"),
                                  "'%s' is not what the image '%s' is here: '%s'", told, step->image,
                                  here ? here : step->image_reference);
        return 0;
}

static int check_step(const PlanReader *reader, const Place *place, bool is_service, const PlanStep *step) {
        if ((step->kind == STEP_SERVICE) != is_service)
                return plan_fault(reader, PLACE_KEY(place, "type"),
                                  "a service stands among the services, and only there");
        if (is_service && !step->detach)
                return plan_fault(reader, PLACE_KEY(place, "detach"), "a service is always detached");
        if (!step->image && (step->kind != STEP_CLONE || step->privileged || step->detach))
                return plan_fault(reader, PLACE_KEY(place, "image"), "it is missing");
        if (!step->image && !str_equal(step->directory, reader->plan->workspace))
                return plan_fault(reader, PLACE_KEY(place, "directory"),
                                  "what fetches the repository does so into '%s'", reader->plan->workspace);
        if (step->commands && !step->commands[0])
                return plan_fault(reader, PLACE_KEY(place, "commands"), "there is none");
        if (step->after_commands && (!step->commands || step->style != SCRIPT_STRICT))
                return plan_fault(reader, PLACE_KEY(place, "after_commands"),
                                  "they stand behind commands of the style 'strict'");
        return plan_check_mounts(reader, place, step);
}

int plan_read_step(const PlanReader *reader, const Place *place, Json *json, bool is_service, PlanStep **ret) {
        _cleanup_(plan_step_freep) PlanStep *step = calloc(1, sizeof(*step));
        bool has_image = json_object_object_get_ex(json, "image", NULL);
        int r;

        if (!step)
                return plan_no_memory(reader);
        step->environment = step->secret_environment = STRMAP_INIT;
        step->is_default_clone = !has_image && str_equal(json_find_string(json, "type"), kind_name(STEP_CLONE));
        r = step->is_default_clone
                    ? plan_read_object(reader, place, json, clone_keys, ELEMENTSOF(clone_keys), step)
                    : plan_read_object(reader, place, json, step_keys, ELEMENTSOF(step_keys), step);
        if (r >= 0)
                r = check_step(reader, place, is_service, step);
        if (r >= 0 && step->image)
                r = check_reference(reader, place, step);
        if (r >= 0)
                r = plan_secrets_read(reader, PLACE_KEY(place, "secret_environment"),
                                      json_object_object_get(json, "secret_environment"), step);
        if (r >= 0)
                *ret = TAKE_PTR(step);
        return r;
}

/* ---- what waits for what ---- */

/* A name among the steps; services are never waited for by name. */
static int find_need(const PlanReader *reader, const Place *place, const Map *indices, Json *json, size_t self,
                     size_t *ret) {
        const Plan *plan = reader->plan;
        _cleanup_free_ char *name = NULL;
        const size_t *index;
        int r = read_name(reader, place, json, &name);

        if (r < 0)
                return r;
        index = map_get(indices, name);
        if (!index)
                return plan_fault(reader, place, "there is no step '%s'", name);
        if (*index == self)
                return plan_fault(reader, place, "a step cannot wait for itself");
        if (self < plan->n_services && plan->steps[*index]->kind != STEP_CLONE)
                return plan_fault(reader, place, "a service can only wait for steps of the type 'clone'");
        *ret = *index;
        return 0;
}

static int read_needs_of(const PlanReader *reader, const Place *place, Json *json, const Map *indices, size_t self,
                         size_t *n_left) {
        PlanStep *step = reader->plan->steps[self];
        _cleanup_free_ bool *is_named = calloc(reader->plan->n_steps, sizeof(bool));
        int r = is_named ? plan_check_array(reader, place, json, PLAN_STEPS_MAX) : plan_no_memory(reader);
        size_t n = r >= 0 ? json_object_array_length(json) : 0;

        if (r < 0)
                return r;
        if (n > *n_left)
                return plan_fault(reader, place, "all steps together need more than %d others", NEEDS_MAX);
        *n_left -= n;
        step->needs = n > 0 ? calloc(n, sizeof(*step->needs)) : NULL;
        if (n > 0 && !step->needs)
                return plan_no_memory(reader);
        for (size_t i = 0; i < n && r >= 0; i++) {
                const Place *at = PLACE_AT(place, i);
                size_t need = 0;

                r = find_need(reader, at, indices, json_object_array_get_idx(json, i), self, &need);
                if (r >= 0 && is_named[need])
                        r = plan_fault(reader, at, "it is named twice");
                if (r < 0)
                        return r;
                is_named[need] = true;
                step->needs[step->n_needs++] = need;
        }
        return r;
}

static int check_circles(const PlanReader *reader) {
        const Plan *plan = reader->plan;
        _cleanup_free_ GraphNode *nodes = calloc(plan->n_steps + 1, sizeof(*nodes));
        _cleanup_free_ bool *is_gone = calloc(plan->n_steps + 1, sizeof(*is_gone));

        if (!nodes || !is_gone)
                return plan_no_memory(reader);
        for (size_t i = 0; i < plan->n_steps; i++)
                nodes[i] = (GraphNode) { .resolved = plan->steps[i]->needs, .n_resolved = plan->steps[i]->n_needs };
        if (graph_peel(nodes, plan->n_steps, is_gone) < 0)
                return plan_no_memory(reader);
        for (size_t i = plan->n_services; i < plan->n_steps; i++)
                if (!is_gone[i])
                        return plan_fault(reader,
                                          PLACE_KEY(PLACE_AT(PLACE_KEY(NULL, "steps"), i - plan->n_services), "needs"),
                                          "the steps wait for each other in a circle");
        return 0;
}

int plan_read_needs(const PlanReader *reader, const Place *place, Json *services, Json *steps) {
        const Plan *plan = reader->plan;
        _cleanup_map_ Map indices = MAP_INIT(NULL);
        _cleanup_free_ size_t *numbers = calloc(plan->n_steps + 1, sizeof(*numbers));
        size_t n_left = NEEDS_MAX;
        int r = numbers ? 0 : plan_no_memory(reader);

        for (size_t i = plan->n_services; i < plan->n_steps && r >= 0; i++) {
                numbers[i] = i;
                if (map_put_take(&indices, plan->steps[i]->name, &numbers[i]) < 0)
                        r = plan_no_memory(reader);
        }
        for (size_t i = 0; i < plan->n_steps && r >= 0; i++) {
                bool is_service = i < plan->n_services;
                size_t at = is_service ? i : i - plan->n_services;
                Json *json = json_object_array_get_idx(is_service ? services : steps, at), *needs;
                const Place *list = PLACE_KEY(place, is_service ? "services" : "steps");

                if (json_object_object_get_ex(json, "needs", &needs))
                        r = read_needs_of(reader, PLACE_KEY(PLACE_AT(list, at), "needs"), needs, &indices, i, &n_left);
        }
        return r < 0 ? r : check_circles(reader);
}
