/*
 * A plan, read from what plan_to_json() prints. It is foreign: whoever wrote it may want what no dialect would make, so
 * all that compiling a file makes sure of is checked here. What is allowed is for the policy, as with any other plan.
 */

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/strv.h"
#include "pipeline/plan-read-internal.h"

#define NEEDS_MAX 1000
#define LEFT_OUT_MAX (2 * PLAN_STEPS_MAX)

static const PlanKey when_keys[] = {
        { "success", plan_read_bool, offsetof(Plan, on_success), .is_required = true },
        { "failure", plan_read_bool, offsetof(Plan, on_failure), .is_required = true },
        { "any_failure", plan_read_bool, offsetof(Plan, on_any_failure) },
};

static int read_when(const PlanReader *reader, const Place *place, Json *json, void *field) {
        return plan_read_object(reader, place, json, when_keys, ELEMENTSOF(when_keys), field);
}

static const PlanKey need_keys[] = {
        { "name", plan_read_line, offsetof(PlanNeed, name), .is_required = true },
        { "optional", plan_read_bool, offsetof(PlanNeed, is_optional) },
        { "may_skip", plan_read_bool, offsetof(PlanNeed, may_skip) },
};

static int read_depends_on(const PlanReader *reader, const Place *place, Json *json, void *field) {
        Plan *plan = field;
        int r = plan_check_array(reader, place, json, NEEDS_MAX);

        for (size_t i = 0; r >= 0 && i < json_object_array_length(json); i++) {
                if (ARRAY_APPEND(plan->depends_on, plan->n_depends_on, (PlanNeed) { 0 }) < 0)
                        return plan_no_memory(reader);
                r = plan_read_object(reader, PLACE_AT(place, i), json_object_array_get_idx(json, i), need_keys,
                                     ELEMENTSOF(need_keys), &plan->depends_on[plan->n_depends_on - 1]);
        }
        return r;
}

static const PlanKey left_out_keys[] = {
        { "name", plan_read_line, offsetof(PlanLeftOut, name), .is_required = true },
        { "service", plan_read_bool, offsetof(PlanLeftOut, is_service) },
        { "line", plan_read_mark, offsetof(PlanLeftOut, mark) },
        { "why", plan_read_text, offsetof(PlanLeftOut, why), .is_required = true },
        { "why_line", plan_read_mark, offsetof(PlanLeftOut, why_mark) },
};

static int read_left_out(const PlanReader *reader, const Place *place, Json *json, void *field) {
        Plan *plan = field;
        int r = plan_check_array(reader, place, json, LEFT_OUT_MAX);

        for (size_t i = 0; r >= 0 && i < json_object_array_length(json); i++) {
                if (ARRAY_APPEND(plan->left_out, plan->n_left_out, (PlanLeftOut) { 0 }) < 0)
                        return plan_no_memory(reader);
                r = plan_read_object(reader, PLACE_AT(place, i), json_object_array_get_idx(json, i), left_out_keys,
                                     ELEMENTSOF(left_out_keys), &plan->left_out[plan->n_left_out - 1]);
        }
        return r;
}

static int read_noun(const PlanReader *reader, const Place *place, Json *json, void *field) {
        static const char *const nouns[] = { "workflow", "job" };
        _cleanup_free_ char *text = NULL;
        int r = plan_read_line(reader, place, json, &text);

        if (r < 0)
                return r;
        FOREACH_ROW(noun, nouns)
                if (str_equal(*noun, text)) {
                        *(const char **) field = *noun;
                        return 0;
                }
        return plan_fault(reader, place, "expected workflow or job");
}

#define FIELD(name) offsetof(Plan, name)

static const PlanKey plan_keys[] = {
        { "name", plan_read_line, FIELD(name), .is_required = true },
        { "workflow", plan_read_line, FIELD(workflow), .is_required = true },
        { "noun", read_noun, FIELD(noun) },
        { "axes", plan_read_map, FIELD(axes) },
        { "depends_on", read_depends_on, 0 },
        { "when", read_when, 0, .is_required = true },
        { "labels", plan_read_map, FIELD(labels) },
        { "skip_clone", plan_read_bool, FIELD(skip_clone) },
        { "file", plan_read_line, FIELD(source_name), .is_required = true },
        { "workspace", plan_read_path, FIELD(workspace), .is_required = true },
        { "services", plan_read_later, 0, .is_required = true },
        { "steps", plan_read_later, 0, .is_required = true },
        { "why_left_out", plan_read_text, FIELD(why_left_out) },
        { "why_line", plan_read_mark, FIELD(why_left_out_mark) },
        { "left_out", read_left_out, 0 },
};

static int read_steps(const PlanReader *reader, const Place *place, Json *json, bool are_services) {
        Plan *plan = reader->plan;
        int r = plan_check_array(reader, place, json, PLAN_STEPS_MAX - plan->n_steps);

        for (size_t i = 0; r >= 0 && i < json_object_array_length(json); i++) {
                PlanStep *step = NULL;

                r = plan_read_step(reader, PLACE_AT(place, i), json_object_array_get_idx(json, i), are_services, &step);
                if (r >= 0 && ARRAY_APPEND(plan->steps, plan->n_steps, step) < 0) {
                        plan_step_free(step);
                        return plan_no_memory(reader);
                }
        }
        return r;
}

/* Names, among the steps and among the services; aliases, among all. */
static int check_names(const PlanReader *reader) {
        const Plan *plan = reader->plan;
        _cleanup_map_ Map services = MAP_INIT(NULL), steps = MAP_INIT(NULL), aliases = MAP_INIT(NULL);

        for (size_t i = 0; i < plan->n_steps; i++) {
                bool is_service = i < plan->n_services;
                const Place *place = PLACE_AT(PLACE_KEY(NULL, is_service ? "services" : "steps"),
                                              is_service ? i : i - plan->n_services);
                Map *names = is_service ? &services : &steps;
                PlanStep *step = plan->steps[i];

                if (map_has(names, step->name))
                        return plan_fault(reader, PLACE_KEY(place, "name"), "'%s' is there already", step->name);
                if (step->alias && map_has(&aliases, step->alias))
                        return plan_fault(reader, PLACE_KEY(place, "alias"), "'%s' is there already", step->alias);
                if (map_put_take(names, step->name, step) < 0 ||
                    (step->alias && map_put_take(&aliases, step->alias, step) < 0))
                        return plan_no_memory(reader);
        }
        return 0;
}

/* What fetches the repository runs once, and before the steps that have an image. */
static int check_clone(const PlanReader *reader) {
        const Plan *plan = reader->plan;

        for (size_t i = plan->n_services; i < plan->n_steps; i++)
                if (plan->steps[i]->is_default_clone && i > plan->n_services)
                        return plan_fault(reader, PLACE_AT(PLACE_KEY(NULL, "steps"), i - plan->n_services),
                                          "a step without an image, which fetches the repository, is the first one");
        return 0;
}

static int check_plan(const PlanReader *reader) {
        const Plan *plan = reader->plan;

        if (str_equal(plan->workspace, "/"))
                return plan_fault(reader, PLACE_KEY(NULL, "workspace"), "mounted at '/' it would hide the whole image");
        if (plan->n_steps == plan->n_services && plan->n_services > 0)
                return plan_fault(reader, PLACE_KEY(NULL, "steps"), "services alone are nothing to run");
        if (plan->why_left_out && plan->n_steps > 0)
                return plan_fault(reader, PLACE_KEY(NULL, "why_left_out"), "what is left out has no steps");
        return 0;
}

static int read_plan(PlanReader *reader, Json *json) {
        Plan *plan = reader->plan;
        Json *services, *steps;
        int r = plan_read_object(reader, NULL, json, plan_keys, ELEMENTSOF(plan_keys), plan);

        if (r < 0)
                return r;
        services = json_object_object_get(json, "services");
        steps = json_object_object_get(json, "steps");
        r = read_steps(reader, PLACE_KEY(NULL, "services"), services, true);
        plan->n_services = plan->n_steps;
        if (r >= 0)
                r = read_steps(reader, PLACE_KEY(NULL, "steps"), steps, false);
        if (r >= 0)
                r = check_names(reader);
        if (r >= 0)
                r = check_clone(reader);
        if (r >= 0)
                r = check_plan(reader);
        return r < 0 ? r : plan_read_needs(reader, NULL, services, steps);
}

int plan_from_json(Json *json, const PlanReading *reading, Plan **ret, Error **reterr) {
        _cleanup_(plan_freep) Plan *plan = calloc(1, sizeof(*plan));
        PlanReader reader = { reading, plan, reterr };
        int r;

        if (!plan)
                return error_oom(reterr);
        plan->axes = plan->labels = plan->secrets = STRMAP_INIT;
        r = read_plan(&reader, json);
        if (r >= 0 && reading->secrets && strmap_update(&plan->secrets, reading->secrets) < 0)
                r = error_oom(reterr);
        if (r >= 0)
                *ret = TAKE_PTR(plan);
        return r;
}
