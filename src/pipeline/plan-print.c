/* The plan for people: what runs, in what, after what; what is as usual is left out. */

#include "pipeline/plan.h"

#include <string.h>

#include "base/strv.h"

#define COMMAND_BYTES_SHOWN 100

static void print_line(Str *out, const char *label, const char *text) {
        (void) str_appendf(out, "    %-12s %s\n", label, text);
}

static void print_list(Str *out, const char *label, char *const *list) {
        _cleanup_free_ char *text = strv_join(list, ", ");

        if (list && *list && text)
                print_line(out, label, text);
}

static void print_command(Str *out, const char *label, const char *command) {
        _cleanup_free_ char *shown = str_escape(command, strlen(command), COMMAND_BYTES_SHOWN);

        print_line(out, label, shown ? shown : "");
}

static void print_script(Str *out, const PlanStep *step) {
        const char *label = "commands";

        if (strv_length(step->entrypoint) == 1 && !*step->entrypoint[0])
                print_line(out, "entrypoint", "none");
        else
                STRV_FOREACH(argument, step->entrypoint)
                        print_command(out, argument == step->entrypoint ? "entrypoint" : "", *argument);
        STRV_FOREACH(argument, step->arguments)
                print_command(out, argument == step->arguments ? "arguments" : "", *argument);
        STRV_FOREACH(command, step->commands) {
                print_command(out, label, *command);
                label = "";
        }
        STRV_FOREACH(command, step->after_commands)
                print_command(out, command == step->after_commands ? "afterwards" : "", *command);
}

static void print_needs(Str *out, const Plan *plan, const PlanStep *step) {
        _cleanup_str_ Str names = STR_INIT(STR_MAX_DEFAULT);

        if (step->n_needs == 0)
                return;
        for (size_t i = 0; i < step->n_needs; i++)
                (void) str_appendf(&names, "%s%s", i > 0 ? ", " : "", plan->steps[step->needs[i]]->name);
        print_line(out, "after", str_get(&names));
}

static void print_conditions(Str *out, const PlanStep *step) {
        if (step->on_failure)
                print_line(out, "when", step->on_success ? "success or failure" : "failure");
        if (step->kind != STEP_SERVICE && step->failure != STEP_FAILURE_FAIL)
                print_line(out, "failure", step_failure_to_string(step->failure));
        if (step->kind != STEP_SERVICE && step->detach)
                print_line(out, "detach", "runs until the workflow ends");
}

static void print_host(Str *out, const PlanStep *step) {
        if (step->user)
                print_line(out, "user", step->user);
        if (step->privileged)
                print_line(out, "privileged", "yes");
        if (step->network_mode)
                print_line(out, "network", step->network_mode);
        for (size_t i = 0; i < step->n_volumes; i++)
                (void) str_appendf(out, "    %-12s %s at %s\n", "volume",
                                   step->volumes[i].source ? step->volumes[i].source : "a new one",
                                   step->volumes[i].target);
        for (size_t i = 0; i < step->n_tmpfs; i++)
                print_line(out, "tmpfs", step->tmpfs[i].target);
        for (size_t i = 0; i < step->n_devices; i++)
                print_line(out, "device", step->devices[i].source);
        for (size_t i = 0; i < step->n_extra_hosts; i++)
                (void) str_appendf(out, "    %-12s %s is %s\n", "host", step->extra_hosts[i].name,
                                   step->extra_hosts[i].address);
        print_list(out, "dns", step->dns);
        print_list(out, "dns search", step->dns_search);
}

/* Variables of the run itself (CI_*, DRONE_*, GITLAB_*) are the same everywhere and left to --json. */
static void print_environment(Str *out, const PlanStep *step) {
        _cleanup_strv_ char **names = NULL;

        MAP_FOREACH(entry, &step->environment)
                if (strncmp(entry->key, "CI", 2) != 0 && strncmp(entry->key, "GITLAB_", 7) != 0 &&
                    !strstr(entry->key, "DRONE_"))
                        (void) strv_append(&names, entry->key);
        print_list(out, "variables", names);
        names = strv_free(names);
        MAP_FOREACH(entry, &step->secret_environment)
                (void) strv_append(&names, entry->key);
        print_list(out, "secrets", names);
        names = strv_free(names);
        for (size_t i = 0; i < step->n_missing_secrets; i++)
                (void) strv_append(&names, step->missing_secrets[i].name);
        print_list(out, "not given", names);
}

static void print_pull(Str *out, const PlanStep *step) {
        _cleanup_free_ char *text = pull_list_to_string(&step->pull, ", then ");

        print_line(out, "pull", text ? text : "");
}

static void print_names(Str *out, const PlanStep *step) {
        _cleanup_free_ char *others = strv_join(step->host_names, ", ");

        if (step->alias)
                (void) str_appendf(out, "    %-12s %s%s%s\n", "reached as", step->alias, step->host_names ? ", " : "",
                                   others ? others : "");
}

static void print_step(Str *out, const Plan *plan, const PlanStep *step) {
        (void) str_appendf(out, "  %s (%s)\n", step->name, step_kind_to_string(step->kind));
        if (step->is_default_clone)
                print_line(out, "image", "none, git of this machine");
        else
                print_line(out, "image", step->image_reference ? step->image_reference : step->image);
        if (step->platform)
                print_line(out, "platform", step->platform);
        if (step->pull.n > 0)
                print_pull(out, step);
        if (step->kind == STEP_SERVICE)
                print_names(out, step);
        print_needs(out, plan, step);
        print_conditions(out, step);
        if (step->directory && strcmp(step->directory, plan->workspace) != 0)
                print_line(out, "directory", step->directory);
        print_host(out, step);
        print_environment(out, step);
        print_script(out, step);
}

static void print_left_out(Str *out, const Plan *plan) {
        if (plan->why_left_out)
                (void) str_appendf(out, "\nleft out as a whole: %s (line %u)\n", plan->why_left_out,
                                   plan->why_left_out_mark.line);
        if (plan->n_left_out > 0)
                (void) str_append(out, "\nleft out:\n");
        for (size_t i = 0; i < plan->n_left_out; i++)
                (void) str_appendf(out, "  %s: %s (line %u)\n", plan->left_out[i].name, plan->left_out[i].why,
                                   plan->left_out[i].why_mark.line);
}

static void print_need(Str *out, const Plan *plan, size_t i) {
        const PlanNeed *need = &plan->depends_on[i];

        if (i == 0)
                (void) str_appendf(out, "after %s ", plan_noun(plan));
        else
                (void) str_append(out, ", ");
        (void) str_append(out, need->name);
        if (need->is_optional && !need->may_skip)
                (void) str_append(out, " (if there is one)");
}

static void print_workflow(Str *out, const Plan *plan) {
        (void) str_appendf(out, "%s %s (%s), workspace %s\n", plan_noun(plan), plan->name, plan->source_name,
                           plan->workspace);
        for (size_t i = 0; i < plan->n_depends_on; i++)
                print_need(out, plan, i);
        if (plan->n_depends_on > 0 && plan->on_failure)
                (void) str_append(out, plan->on_success ? ", also if that fails" : ", if that fails");
        if (plan->n_depends_on > 0)
                (void) str_append_char(out, '\n');
}

void plan_print(const Plan *plan, Str *out) {
        print_workflow(out, plan);
        for (size_t i = 0; i < plan->n_steps; i++) {
                if (i == 0 && plan->n_services > 0)
                        (void) str_append(out, "\nservices:\n");
                if (i == plan->n_services)
                        (void) str_append(out, "\nsteps:\n");
                print_step(out, plan, plan->steps[i]);
        }
        plan_print_graph(plan, out);
        print_left_out(out, plan);
}
