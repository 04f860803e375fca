#pragma once

/*
 * What holds of whatever a dialect makes of a file: each place that is told lies within the file; a plan has an order
 * (needs that exist, without circles), unique names and aliases, absolute paths, and prints.
 */

#include <errno.h>

#include "base/strv.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "pipeline/name.h"
#include "pipeline/policy.h"
#include "pipeline/select.h"
#include "pipeline/workflows.h"

#define JSON_BYTES_MAX (64U << 20)

static inline void check_mark(const Source *source, const Mark *mark) {
        const char *line;
        size_t n;

        if (mark->line == 0)
                return;
        require(mark->line <= source->n_lines && mark->column >= 1);
        line = source_line(source, mark->line, &n);
        require((size_t) mark->column - 1 + mark->n_columns <= utf8_columns(line, n) + 1);
}

static inline void check_diags(DiagList *diags, const Source *source) {
        _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);

        for (size_t i = 0; i < diags->n_diags; i++) {
                check_mark(source, &diags->diags[i].mark);
                require(*diags->diags[i].message && diags->diags[i].rule);
        }
        diag_print(diags, source, false, &out);
        require(out.error == 0 && utf8_is_valid(str_get(&out), out.n));
        for (size_t i = 0; i < out.n; i++)
                require(out.bytes[i] == '\n' || (unsigned char) out.bytes[i] >= 0x20);
}

static inline void check_step(const Plan *plan, const Source *source, const PlanStep *step, size_t index) {
        require(!step_name_fault(step->name, strlen(step->name)));
        require(step->image && step->image_reference);
        require(step->directory[0] == '/' && step->workspace_base[0] == '/');
        require((step->kind == STEP_SERVICE) == (index < plan->n_services));
        require(index >= plan->n_services || (step->detach && step->n_needs == 0));
        check_mark(source, &step->mark);
        check_mark(source, &step->image_mark);
        for (size_t i = 0; i < _GRANT_MAX; i++)
                check_mark(source, &step->grant_marks[i]);
        for (size_t i = 0; i < step->n_needs; i++)
                require(step->needs[i] >= plan->n_services && step->needs[i] < plan->n_steps);
        for (size_t i = 0; i < step->n_volumes; i++)
                require(step->volumes[i].target[0] == '/' && step->volumes[i].target[1]);
        for (size_t i = 0; i < step->n_tmpfs; i++)
                require(step->tmpfs[i].target[0] == '/' && step->tmpfs[i].target[1]);
        MAP_FOREACH(entry, &step->environment) {
                require(*entry->key && !strchr(entry->key, '='));
                require(!map_has(&step->secret_environment, entry->key));
        }
}

/* Whatever is left when all that waits for nothing is taken away, again and again, would be a circle. */
static inline void check_order(const Plan *plan) {
        _cleanup_free_ bool *is_done = calloc(plan->n_steps + 1, sizeof(bool));
        bool has_changed = true;
        size_t n_done = 0;

        require(is_done);
        while (has_changed) {
                has_changed = false;
                for (size_t i = 0; i < plan->n_steps; i++) {
                        bool is_ready = !is_done[i];

                        for (size_t k = 0; k < plan->steps[i]->n_needs && is_ready; k++)
                                is_ready = is_done[plan->steps[i]->needs[k]];
                        if (is_ready)
                                is_done[i] = has_changed = true, n_done++;
                }
        }
        require(n_done == plan->n_steps);
}

static inline void check_names(const Plan *plan) {
        _cleanup_map_ Map aliases = MAP_INIT(NULL);

        for (size_t i = 0; i < plan->n_steps; i++) {
                const PlanStep *step = plan->steps[i];

                require(plan_find(plan, step->name) == step || i < plan->n_services);
                if (!step->alias)
                        continue;
                require(strlen(step->alias) <= ALIAS_BYTES_MAX && !map_has(&aliases, step->alias));
                require(map_put_take(&aliases, step->alias, (void *) step) == 0);
        }
}

static inline void check_plan(Plan *plan, const Source *source) {
        _cleanup_str_ Str out = STR_INIT(JSON_BYTES_MAX);
        _cleanup_free_ char *json = NULL;
        const char *last;

        require(plan->n_steps <= PLAN_STEPS_MAX && plan->n_services <= plan->n_steps);
        for (size_t i = 0; i < plan->n_steps; i++)
                check_step(plan, source, plan->steps[i], i);
        check_order(plan);
        check_names(plan);
        require(plan_to_json(plan, false, &json) == 0 && !strstr(json, "s3cr3t"));
        plan_print(plan, &out);
        require(out.error == 0 && !strstr(str_get(&out), "s3cr3t"));
        if (plan->n_steps == plan->n_services)
                return;
        last = plan->steps[plan->n_steps - 1]->name;
        require(plan_keep_steps(plan, (char *[]) { (char *) last, NULL }, NULL) == 0);
        check_order(plan);
        require(plan_keep_from(plan, last, NULL) == 0);
        require(plan->n_steps == plan->n_services + 1);
}

/* What is left of a set of workflows can run in its order, or is on a circle. */
static inline void check_workflows(Plan **plans, size_t n_plans) {
        _cleanup_str_ Str dot = STR_INIT(JSON_BYTES_MAX);
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_strv_ char **notes = NULL;
        WorkflowOutcome *outcomes = calloc(n_plans + 1, sizeof(*outcomes));
        int r;

        require(outcomes);
        plans_to_dot(plans, n_plans, &dot);
        require(dot.error == 0);
        r = workflows_order(plans, n_plans, true, &notes, &error);
        require(r == 0 || (r == -ELOOP && error));
        for (size_t i = 0; i < n_plans && r == 0; i++) {
                const Plan *blocker = workflows_blocker(plans, outcomes, n_plans, i);

                outcomes[i] = plans[i]->n_steps == 0 ? WORKFLOW_OPEN : blocker ? WORKFLOW_SKIPPED : WORKFLOW_PASSED;
        }
        free(outcomes);
}
