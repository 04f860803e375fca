/* The plan's life and the words of its enums. */

#include "pipeline/plan.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"

static const char *const step_kind_names[_STEP_KIND_MAX] = {
        [STEP_CLONE] = "clone",
        [STEP_SERVICE] = "service",
        [STEP_PLUGIN] = "plugin",
        [STEP_COMMANDS] = "commands",
};

static const char *const step_failure_names[_STEP_FAILURE_MAX] = {
        [STEP_FAILURE_FAIL] = "fail",
        [STEP_FAILURE_IGNORE] = "ignore",
        [STEP_FAILURE_CANCEL] = "cancel",
};

static const char *const pull_policy_names[_PULL_POLICY_MAX] = {
        [PULL_MISSING] = "missing",
        [PULL_ALWAYS] = "always",
        [PULL_NEWER] = "newer",
        [PULL_NEVER] = "never",
};

static const char *const script_style_names[_SCRIPT_STYLE_MAX] = {
        [SCRIPT_PLAIN] = "plain",
        [SCRIPT_STRICT] = "strict",
};

static int name_find(const char *const *names, int n_names, const char *name) {
        for (int i = 0; i < n_names; i++)
                if (strcmp(names[i], name) == 0)
                        return i;
        return -EINVAL;
}

const char *step_kind_to_string(StepKind kind) {
        return step_kind_names[kind];
}

const char *step_failure_to_string(StepFailure failure) {
        return step_failure_names[failure];
}

StepFailure step_failure_from_string(const char *name) {
        return (StepFailure) name_find(step_failure_names, _STEP_FAILURE_MAX, name);
}

const char *pull_policy_to_string(PullPolicy policy) {
        return pull_policy_names[policy];
}

PullPolicy pull_policy_from_string(const char *name) {
        if (str_equal(name, "if-not-present"))
                return PULL_MISSING;
        return (PullPolicy) name_find(pull_policy_names, _PULL_POLICY_MAX, name);
}

int pull_list_parse(const char *text, PullList *ret, Error **reterr) {
        _cleanup_strv_ char **words = NULL;
        PullList list = { 0 };

        if (strv_split(text, ',', &words) < 0)
                return error_oom(reterr);
        STRV_FOREACH(word, words) {
                PullPolicy pull = pull_policy_from_string(*word);
                _cleanup_free_ char *shown = NULL;

                if (list.n == PULL_LIST_MAX)
                        return error_set(reterr, EINVAL, "more than %d policies", PULL_LIST_MAX);
                if ((int) pull >= 0) {
                        list.list[list.n++] = pull;
                        continue;
                }
                shown = str_escape(*word, strlen(*word), 80);
                return error_set(reterr, EINVAL,
                                 "'%s' is no pull policy: it is always, missing (if-not-present), newer or never",
                                 shown ? shown : "");
        }
        *ret = list;
        return 0;
}

char *pull_list_to_string(const PullList *list, const char *separator) {
        _cleanup_str_ Str text = STR_INIT(1024);

        for (size_t i = 0; i < list->n; i++)
                (void) str_appendf(&text, "%s%s", i > 0 ? separator : "", pull_policy_to_string(list->list[i]));
        return list->n > 0 ? str_take(&text) : strdup(pull_policy_to_string(PULL_MISSING));
}

bool pull_list_has(const PullList *list, PullPolicy pull) {
        for (size_t i = 0; i < list->n; i++)
                if (list->list[i] == pull)
                        return true;
        return false;
}

bool pull_list_is_within(const PullList *list, const PullList *allowed) {
        for (size_t i = 0; i < list->n; i++)
                if (allowed->n > 0 && !pull_list_has(allowed, list->list[i]))
                        return false;
        return true;
}

const char *script_style_to_string(ScriptStyle style) {
        return script_style_names[style];
}

const char *plan_noun(const Plan *plan) {
        return plan->noun ? plan->noun : "workflow";
}

void plan_volume_done(PlanVolume *volume) {
        free(volume->source);
        free(volume->target);
        strv_free(volume->options);
}

void plan_tmpfs_done(PlanTmpfs *tmpfs) {
        free(tmpfs->target);
        free(tmpfs->options);
}

void plan_device_done(PlanDevice *device) {
        free(device->source);
        free(device->target);
        free(device->access);
}

void plan_host_done(PlanHost *host) {
        free(host->name);
        free(host->address);
}

static void step_free_host_parts(PlanStep *step) {
        for (size_t i = 0; i < step->n_volumes; i++)
                plan_volume_done(&step->volumes[i]);
        for (size_t i = 0; i < step->n_tmpfs; i++)
                plan_tmpfs_done(&step->tmpfs[i]);
        for (size_t i = 0; i < step->n_devices; i++)
                plan_device_done(&step->devices[i]);
        for (size_t i = 0; i < step->n_extra_hosts; i++)
                plan_host_done(&step->extra_hosts[i]);
        for (size_t i = 0; i < step->n_ports; i++)
                free(step->ports[i].protocol);
        free(step->volumes);
        free(step->tmpfs);
        free(step->devices);
        free(step->extra_hosts);
        free(step->ports);
        strv_free(step->dns);
        strv_free(step->dns_search);
        free(step->network_mode);
        free(step->ready.log);
        strv_free(step->ready.command);
}

PlanMissing *plan_missing_free(PlanMissing *missing, size_t n) {
        for (size_t i = 0; i < n; i++)
                free(missing[i].name);
        free(missing);
        return NULL;
}

PlanStep *plan_step_free(PlanStep *step) {
        if (!step)
                return NULL;
        step_free_host_parts(step);
        free(step->name);
        free(step->alias);
        strv_free(step->host_names);
        free(step->image);
        free(step->image_reference);
        free(step->platform);
        strv_free(step->commands);
        strv_free(step->after_commands);
        strv_free(step->entrypoint);
        strv_free(step->arguments);
        free(step->directory);
        free(step->workspace_base);
        map_done(&step->environment);
        map_done(&step->secret_environment);
        plan_missing_free(step->missing_secrets, step->n_missing_secrets);
        free(step->user);
        free(step->needs);
        free(step);
        return NULL;
}

size_t plan_check_secrets(const Plan *plan, DiagList *diags) {
        size_t n = 0;

        for (size_t i = 0; i < plan->n_steps; i++)
                for (size_t k = 0; k < plan->steps[i]->n_missing_secrets; k++, n++) {
                        const PlanMissing *missing = &plan->steps[i]->missing_secrets[k];
                        Diag *diag = diag_add(diags, DIAG_ERROR, "secret", missing->mark, "secret '%s' is not given",
                                              missing->name);

                        diag_set_hint(diag, "'--secret %s' takes it from the environment, '--secrets-file' from a file",
                                      missing->name);
                }
        return n;
}

char *plan_volume_source(const PlanVolume *volume, unsigned slot) {
        return volume->is_cache ? str_printf("%.*s%u%s", (int) volume->slot_at, volume->source, slot,
                                             volume->source + volume->slot_at + 1)
                                : strdup(volume->source);
}

Plan *plan_free(Plan *plan) {
        if (!plan)
                return NULL;
        for (size_t i = 0; i < plan->n_steps; i++)
                plan_step_free(plan->steps[i]);
        free(plan->steps);
        for (size_t i = 0; i < plan->n_left_out; i++) {
                free(plan->left_out[i].name);
                free(plan->left_out[i].why);
        }
        free(plan->left_out);
        free(plan->why_left_out);
        for (size_t i = 0; i < plan->n_depends_on; i++)
                free(plan->depends_on[i].name);
        free(plan->depends_on);
        free(plan->workflow);
        free(plan->name);
        free(plan->source_name);
        free(plan->workspace);
        free(plan->cache_owner);
        map_done(&plan->axes);
        map_done(&plan->labels);
        map_done(&plan->secrets);
        free(plan);
        return NULL;
}

Plan **plans_free(Plan **plans, size_t n_plans) {
        for (size_t i = 0; i < n_plans; i++)
                plan_free(plans[i]);
        free(plans);
        return NULL;
}

static const PlanStep *find_between(const Plan *plan, size_t from, size_t to, const char *name) {
        for (size_t i = from; i < to; i++)
                if (strcmp(plan->steps[i]->name, name) == 0)
                        return plan->steps[i];
        return NULL;
}

const PlanStep *plan_find(const Plan *plan, const char *name) {
        const PlanStep *step = find_between(plan, plan->n_services, plan->n_steps, name);

        return step ? step : find_between(plan, 0, plan->n_services, name);
}
