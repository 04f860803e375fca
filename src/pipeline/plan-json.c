/* The plan for scripts. Values of secrets never leave it. */

#include <errno.h>

#include "document/json.h"
#include "pipeline/plan-secret.h"

static void put_environment(JsonWriter *w, const PlanStep *step) {
        json_open_object(w, "environment");
        MAP_FOREACH(entry, &step->environment)
                json_put_string(w, entry->key, entry->value);
        MAP_FOREACH(entry, &step->secret_environment)
                json_put_string(w, entry->key, PLAN_SECRET_SHOWN);
        json_close(w);
}

static void put_missing(JsonWriter *w, const PlanStep *step) {
        if (step->n_missing_secrets == 0)
                return;
        json_open_array(w, "missing_secrets");
        for (size_t i = 0; i < step->n_missing_secrets; i++)
                json_put_string(w, NULL, step->missing_secrets[i].name);
        json_close(w);
}

static void put_volumes(JsonWriter *w, const PlanStep *step) {
        if (step->n_volumes == 0)
                return;
        json_open_array(w, "volumes");
        for (size_t i = 0; i < step->n_volumes; i++) {
                json_open_object(w, NULL);
                json_put_string(w, "source", step->volumes[i].source);
                json_put_string(w, "target", step->volumes[i].target);
                json_put_strv(w, "options", step->volumes[i].options);
                json_close(w);
        }
        json_close(w);
}

static void put_tmpfs(JsonWriter *w, const PlanStep *step) {
        if (step->n_tmpfs == 0)
                return;
        json_open_array(w, "tmpfs");
        for (size_t i = 0; i < step->n_tmpfs; i++) {
                json_open_object(w, NULL);
                json_put_string(w, "target", step->tmpfs[i].target);
                json_put_string(w, "options", step->tmpfs[i].options);
                json_close(w);
        }
        json_close(w);
}

static void put_devices(JsonWriter *w, const PlanStep *step) {
        if (step->n_devices == 0)
                return;
        json_open_array(w, "devices");
        for (size_t i = 0; i < step->n_devices; i++) {
                json_open_object(w, NULL);
                json_put_string(w, "source", step->devices[i].source);
                json_put_string(w, "target", step->devices[i].target);
                json_put_string(w, "access", step->devices[i].access);
                json_close(w);
        }
        json_close(w);
}

static void put_network(JsonWriter *w, const PlanStep *step) {
        json_put_string(w, "network_mode", step->network_mode);
        json_put_strv(w, "dns", step->dns);
        json_put_strv(w, "dns_search", step->dns_search);
        if (step->n_extra_hosts > 0) {
                json_open_object(w, "extra_hosts");
                for (size_t i = 0; i < step->n_extra_hosts; i++)
                        json_put_string(w, step->extra_hosts[i].name, step->extra_hosts[i].address);
                json_close(w);
        }
        if (step->n_ports > 0) {
                json_open_array(w, "ports");
                for (size_t i = 0; i < step->n_ports; i++) {
                        json_open_object(w, NULL);
                        json_put_uint(w, "number", step->ports[i].number);
                        json_put_string(w, "protocol", step->ports[i].protocol);
                        json_close(w);
                }
                json_close(w);
        }
}

static void put_ready(JsonWriter *w, const PlanReady *ready) {
        if (!ready->log && !ready->command && !ready->port && !ready->timeout_usec)
                return;
        json_open_object(w, "ready");
        json_put_string(w, "log", ready->log);
        json_put_strv(w, "command", ready->command);
        if (ready->port)
                json_put_uint(w, "port", ready->port);
        if (ready->timeout_usec)
                json_put_uint(w, "timeout_usec", ready->timeout_usec);
        json_close(w);
}

static void put_order(JsonWriter *w, const Plan *plan, const PlanStep *step, size_t level) {
        if (step->kind != STEP_SERVICE)
                json_put_uint(w, "level", level + 1);
        json_open_array(w, "needs");
        for (size_t i = 0; i < step->n_needs; i++)
                json_put_string(w, NULL, plan->steps[step->needs[i]]->name);
        json_close(w);
        json_open_object(w, "when");
        json_put_bool(w, "success", step->on_success);
        json_put_bool(w, "failure", step->on_failure);
        json_close(w);
        json_put_string(w, "failure", step_failure_to_string(step->failure));
        json_put_bool(w, "detach", step->detach);
}

static void put_step(JsonWriter *w, const Plan *plan, const PlanStep *step, size_t level) {
        _cleanup_free_ char *pull = pull_list_to_string(&step->pull, ",");

        json_open_object(w, NULL);
        if (!pull)
                w->error = -ENOMEM;
        json_put_string(w, "name", step->name);
        json_put_string(w, "type", step_kind_to_string(step->kind));
        json_put_uint(w, "line", step->mark.line);
        json_put_string(w, "alias", step->alias);
        json_put_strv(w, "host_names", step->host_names);
        json_put_string(w, "image", step->image);
        json_put_string(w, "reference", step->image_reference);
        json_put_string(w, "platform", step->platform);
        json_put_string(w, "pull", pull);
        json_put_strv(w, "commands", step->commands);
        json_put_strv(w, "after_commands", step->after_commands);
        if (step->commands && step->style != SCRIPT_PLAIN)
                json_put_string(w, "script_style", script_style_to_string(step->style));
        if (step->entrypoint)
                json_put_strv_always(w, "entrypoint", step->entrypoint);
        if (step->arguments)
                json_put_strv_always(w, "arguments", step->arguments);
        json_put_string(w, "directory", step->directory);
        json_put_string(w, "workspace_base", step->workspace_base);
        put_environment(w, step);
        plan_secrets_put(w, plan, step);
        put_missing(w, step);
        json_put_string(w, "user", step->user);
        put_volumes(w, step);
        put_tmpfs(w, step);
        put_devices(w, step);
        put_network(w, step);
        put_ready(w, &step->ready);
        json_put_bool(w, "privileged", step->privileged);
        put_order(w, plan, step, level);
        json_close(w);
}

static void put_left_out(JsonWriter *w, const Plan *plan) {
        json_put_string(w, "why_left_out", plan->why_left_out);
        if (plan->why_left_out_mark.line > 0)
                json_put_uint(w, "why_line", plan->why_left_out_mark.line);
        json_open_array(w, "left_out");
        for (size_t i = 0; i < plan->n_left_out; i++) {
                const PlanLeftOut *entry = &plan->left_out[i];

                json_open_object(w, NULL);
                json_put_string(w, "name", entry->name);
                json_put_bool(w, "service", entry->is_service);
                json_put_uint(w, "line", entry->mark.line);
                json_put_string(w, "why", entry->why);
                json_put_uint(w, "why_line", entry->why_mark.line);
                json_close(w);
        }
        json_close(w);
}

static void put_surroundings(JsonWriter *w, const Plan *plan) {
        if (plan->n_depends_on > 0) {
                json_open_array(w, "depends_on");
                for (size_t i = 0; i < plan->n_depends_on; i++) {
                        json_open_object(w, NULL);
                        json_put_string(w, "name", plan->depends_on[i].name);
                        json_put_bool(w, "optional", plan->depends_on[i].is_optional);
                        if (plan->depends_on[i].may_skip)
                                json_put_bool(w, "may_skip", true);
                        json_close(w);
                }
                json_close(w);
        }
        json_open_object(w, "when");
        json_put_bool(w, "success", plan->on_success);
        json_put_bool(w, "failure", plan->on_failure);
        if (plan->on_any_failure)
                json_put_bool(w, "any_failure", true);
        json_close(w);
        json_put_strmap(w, "labels", &plan->labels);
        if (plan->skip_clone)
                json_put_bool(w, "skip_clone", true);
}

int plan_to_json(const Plan *plan, bool pretty, char **ret) {
        _cleanup_free_ size_t *levels = plan_levels(plan);
        JsonWriter w = { 0 };

        if (!levels)
                return -ENOMEM;
        json_open_object(&w, NULL);
        json_put_string(&w, "name", plan->name);
        json_put_string(&w, "workflow", plan->workflow);
        json_put_string(&w, "noun", plan->noun);
        json_put_strmap(&w, "axes", &plan->axes);
        put_surroundings(&w, plan);
        json_put_string(&w, "file", plan->source_name);
        json_put_string(&w, "workspace", plan->workspace);
        json_open_array(&w, "services");
        for (size_t i = 0; i < plan->n_services; i++)
                put_step(&w, plan, plan->steps[i], levels[i]);
        json_close(&w);
        json_open_array(&w, "steps");
        for (size_t i = plan->n_services; i < plan->n_steps; i++)
                put_step(&w, plan, plan->steps[i], levels[i]);
        json_close(&w);
        put_left_out(&w, plan);
        json_close(&w);
        return json_finish(&w, pretty, ret);
}
