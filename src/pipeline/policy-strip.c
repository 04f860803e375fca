/* The way back: what of a plan that was printed is the operator's, and not of who wrote the file. */

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "pipeline/policy-internal.h"

static bool are_same(char *const *a, char *const *b) {
        size_t i = 0;

        while (a && b && a[i] && b[i] && str_equal(a[i], b[i]))
                i++;
        return strv_length(a) == strv_length(b) && i == strv_length(a);
}

#define TAKE_OUT(array, n, i) memmove((array) + (i), (array) + (i) + 1, (--(n) - (i)) * sizeof(*(array)))

static bool is_same_volume(const PlanVolume *a, const PlanVolume *b) {
        return str_equal(a->source, b->source) && str_equal(a->target, b->target) && are_same(a->options, b->options);
}

static bool is_same_tmpfs(const PlanTmpfs *a, const PlanTmpfs *b) {
        return str_equal(a->target, b->target) && str_equal(a->options, b->options);
}

static bool is_same_device(const PlanDevice *a, const PlanDevice *b) {
        return str_equal(a->source, b->source) && str_equal(a->target, b->target) && str_equal(a->access, b->access);
}

static bool is_same_host(const PlanHost *a, const PlanHost *b) {
        return str_equal(a->name, b->name) && str_equal(a->address, b->address);
}

/* Takes out of a list of the step all that is in that of the model. */
#define STRIP(model, step, list, is_same, done)                                                                        \
        for (size_t i = 0; i < (model)->n_##list; i++)                                                                 \
                for (size_t k = (step)->n_##list; k-- > 0;)                                                            \
                        if (is_same(&(step)->list[k], &(model)->list[i])) {                                            \
                                done(&(step)->list[k]);                                                                \
                                TAKE_OUT((step)->list, (step)->n_##list, k);                                           \
                        }

static void strip_texts(char *const *model, char ***texts) {
        if (*texts && are_same(model, *texts))
                *texts = strv_free(*texts);
}

static void strip_text(const char *model, char **text) {
        if (*text && str_equal(model, *text)) {
                free(*text);
                *text = NULL;
        }
}

static void strip_environment(const PlanStep *model, PlanStep *step) {
        MAP_FOREACH(entry, &model->environment)
                if (str_equal(strmap_get(&step->environment, entry->key), entry->value))
                        (void) map_remove(&step->environment, entry->key);
}

/* What a step with nothing but this one's image would get. */
static int make_model(const Policy *policy, const PolicyProject *project, const PlanStep *step, PlanStep **ret,
                      Error **reterr) {
        _cleanup_(plan_step_freep) PlanStep *model = calloc(1, sizeof(*model));
        DiagList diags = { 0 }; /* is told when it is applied */
        Plan nothing = { 0 };   /* takes the name of who owns the caches */
        int r;

        if (!model)
                return error_oom(reterr);
        model->environment = model->secret_environment = STRMAP_INIT;
        model->kind = step->kind;
        model->name = strdup(step->name);
        model->image = strdup(step->image);
        if (!model->name || !model->image)
                return error_oom(reterr);
        r = policy_apply_step(policy, project, &nothing, model, &diags, reterr);
        diag_list_done(&diags);
        free(nothing.cache_owner);
        if (r >= 0)
                *ret = TAKE_PTR(model);
        return r;
}

static int strip_step(const Policy *policy, const PolicyProject *project, PlanStep *step, Error **reterr) {
        _cleanup_(plan_step_freep) PlanStep *model = NULL;
        int r = make_model(policy, project, step, &model, reterr);

        if (r < 0)
                return r;
        step->privileged = step->privileged && !model->privileged;
        strip_text(model->user, &step->user);
        STRIP(model, step, volumes, is_same_volume, plan_volume_done);
        STRIP(model, step, tmpfs, is_same_tmpfs, plan_tmpfs_done);
        STRIP(model, step, devices, is_same_device, plan_device_done);
        STRIP(model, step, extra_hosts, is_same_host, plan_host_done);
        strip_texts(model->dns, &step->dns);
        strip_texts(model->dns_search, &step->dns_search);
        strip_text(model->network_mode, &step->network_mode);
        strip_environment(model, step);
        return 0;
}

/* Called when what is laid onto every service is off again: then it is what policy_add_services() made. */
static bool is_operators_service(const Policy *policy, const PlanStep *step) {
        for (size_t i = 0; i < policy->n_always; i++) {
                const PolicyService *service = &policy->always[i];
                bool is_it = str_equal(step->image, service->image) && are_same(step->arguments, service->command) &&
                             are_same(step->entrypoint, service->entrypoint) && str_equal(step->name, step->alias) &&
                             map_size(&step->environment) == map_size(&service->environment) &&
                             map_size(&step->secret_environment) == 0 && !step->user && !step->privileged &&
                             step->n_volumes + step->n_tmpfs + step->n_devices + step->n_ports == 0;

                MAP_FOREACH(entry, &service->environment)
                        is_it &= str_equal(strmap_get(&step->environment, entry->key), entry->value);
                if (is_it)
                        return true;
        }
        return false;
}

/* All that stands behind it moves; services are never needed. */
static void take_service(Plan *plan, size_t index) {
        plan_step_free(plan->steps[index]);
        TAKE_OUT(plan->steps, plan->n_steps, index);
        plan->n_services--;
        for (size_t i = 0; i < plan->n_steps; i++)
                for (size_t k = 0; k < plan->steps[i]->n_needs; k++)
                        plan->steps[i]->needs[k]--;
}

int policy_strip(const Policy *policy, const PolicyProject *project, Plan *plan, Error **reterr) {
        int r = 0;

        for (size_t i = 0; i < plan->n_steps && r >= 0; i++)
                if (!plan->steps[i]->is_default_clone)
                        r = strip_step(policy, project, plan->steps[i], reterr);
        for (size_t i = plan->n_services; i-- > 0 && r >= 0;)
                if (is_operators_service(policy, plan->steps[i]))
                        take_service(plan, i);
        return r;
}
